"""How YAML is read: raw text, anchors and merges, the operator's own keys, and both parsers' complaints."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cwarchive.config.nodes import Place, read_tree
from cwarchive.config.syntax import complaint
from cwarchive.core.spec import Pattern
from tests.config.test_bad_configs import BAD, LIBRARY_WORDING
from tests.config.writing import ONE_ENTRY, loaded, refused


def test_scalars_stay_the_text_that_was_written() -> None:
    tree = read_tree("{a: 012345670123, b: no, c: on, d: 1:30, e: 2001-01-01, f: 'null', g: 0x1f, h: =}", "x")

    assert tree.data == {
        "a": "012345670123",
        "b": "no",
        "c": "on",
        "d": "1:30",
        "e": "2001-01-01",
        "f": "null",
        "g": "0x1f",
        "h": "=",
    }


def test_only_an_empty_value_a_tilde_and_null_are_nothing() -> None:
    assert read_tree("{a: , b: ~, c: null, d: NULL, e: '', f: nothing}", "x").data == {
        **dict.fromkeys("abcd"),
        "e": "",
        "f": "nothing",
    }


def test_keys_and_values_know_their_places() -> None:
    tree = read_tree("graphite:\n  host:   a\nmetrics:\n  - ü: b\n    x: [c, d]\n", "x")

    assert tree.keys[("graphite", "host")] == Place(2, 3)
    assert tree.values[("graphite", "host")] == Place(2, 11)
    assert tree.keys[("metrics", 0, "x")] == Place(5, 5)
    assert tree.values[("metrics", 0, "x", 1)] == Place(5, 12)


def test_a_merge_brings_what_is_not_there_and_the_first_source_wins() -> None:
    tree = read_tree("x: &x {a: 1, b: 1}\ny: &y {<<: *x, b: 2, c: 2}\nz: {c: 3, <<: [*x, *y]}\n", "x")

    assert tree.data == {
        "x": {"a": "1", "b": "1"},
        "y": {"b": "2", "c": "2", "a": "1"},
        "z": {"c": "3", "a": "1", "b": "1"},
    }
    assert tree.mistakes == []
    assert tree.values[("z", "a")] == Place(1, 11)


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert read_tree("{'<<': a}", "x").data == {"<<": "a"}


def test_anchors_serve_entries_and_keys_of_the_operators_own_are_left_alone(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """
x-anything: {a: [1, 2], note: "two\\nlines"}
x-common: &common {period: 5m, statistics: &both [Average, Sum]}
metrics:
  - {namespace: A, <<: *common}
  - {namespace: B, statistics: *both}
""",
    )

    assert [(spec.period, spec.statistics) for spec in config.specs] == [
        (300, ("Average", "Sum")),
        (60, ("Average", "Sum")),
    ]


def test_only_the_top_level_has_keys_of_the_operators_own(tmp_path: Path) -> None:
    assert refused(tmp_path, "metrics: [{namespace: A, x-note: b}]\n")[0].startswith(
        'cwarchive.yaml:1:26: unknown key "x-note"'
    )


def test_a_mistake_in_a_shared_anchor_is_told_once(tmp_path: Path) -> None:
    text = "x-a: &a {period: 90}\nmetrics:\n  - {namespace: A, <<: *a}\n  - {namespace: B, <<: *a}\n"

    assert len(refused(tmp_path, text)) == 1


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "cwarchive.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + ONE_ENTRY.replace("\n", "\r\n").encode())

    assert loaded(tmp_path, path.read_text(encoding="utf-8-sig")).specs == loaded(tmp_path, ONE_ENTRY).specs


def test_a_dimension_may_have_a_name_and_a_value_that_yaml_once_took_for_a_boolean(tmp_path: Path) -> None:
    (spec,) = loaded(tmp_path, "metrics: [{namespace: A, dimensions: {on: no, y: 012}}]\n").specs

    assert spec.dimensions == (("on", (Pattern("no"),)), ("y", (Pattern("012"),)))


def test_a_file_over_ten_megabytes_is_refused_unread(tmp_path: Path) -> None:
    (told,) = refused(tmp_path, ONE_ENTRY + "#" * 10_000_000)

    assert told == "cwarchive.yaml:1:1: the file is larger than 10 MB; that is not a config file"


def test_a_large_file_of_small_values_is_given_up_early(tmp_path: Path) -> None:
    (told,) = refused(tmp_path, "x-a: [" + "a," * 4_900_000 + "]\n")

    assert told.startswith("cwarchive.yaml:1:400001: the file has more than 200,000 values")


@pytest.mark.parametrize("case", sorted(BAD.glob("*.yaml")), ids=lambda case: str(case.stem))
def test_the_slower_parser_is_translated_as_well(case: Path) -> None:
    data = case.read_bytes()
    try:
        text = data.decode("utf-8-sig")
        list(yaml.parse(text, Loader=yaml.SafeLoader))
    except UnicodeDecodeError:
        return
    except yaml.YAMLError as error:
        mistake = complaint(error, text)

        assert mistake.line >= 1
        assert not LIBRARY_WORDING.search(mistake.sentence)
        if isinstance(error, yaml.MarkedYAMLError):
            assert mistake.sentence in case.with_suffix(".txt").read_text(encoding="utf-8")
