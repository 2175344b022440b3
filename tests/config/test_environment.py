"""What the environment changes, and what is said of names that change nothing."""

from __future__ import annotations

from pathlib import Path

from cwarchive.config.environment import overridden
from tests.config.writing import ONE_ENTRY, loaded, refused


def test_a_variable_overrides_any_scalar(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "graphite: {host: a, port: 1}\n" + ONE_ENTRY,
        CWARCHIVE_GRAPHITE__HOST="graphite",
        CWARCHIVE_DEFAULTS__EVERY="15m",
        CWARCHIVE_LIMITS__MAX_SERIES="7",
        CWARCHIVE_STATE="/srv/state.sqlite",
    )

    assert (config.graphite.host, config.graphite.port) == ("graphite", 1)
    assert config.specs[0].every == 900
    assert config.limits.max_series == 7
    assert config.state == Path("/srv/state.sqlite")


def test_a_variable_mends_a_mistake_of_the_file(tmp_path: Path) -> None:
    text = "graphite: {port: none of them}\n" + ONE_ENTRY

    assert loaded(tmp_path, text, CWARCHIVE_GRAPHITE__PORT="2103").graphite.port == 2_103


def test_a_bad_value_is_told_with_the_variables_name(tmp_path: Path) -> None:
    naming, port = refused(tmp_path, ONE_ENTRY, CWARCHIVE_GRAPHITE__PORT="0", CWARCHIVE_GRAPHITE__NAMING="tags")

    assert port == "cwarchive.yaml: CWARCHIVE_GRAPHITE__PORT: 0 is not allowed here; use a whole number from 1 to 65535"
    assert naming.startswith('cwarchive.yaml: CWARCHIVE_GRAPHITE__NAMING: "naming" is not built yet')


def test_a_lookback_from_a_variable_is_checked_against_the_period(tmp_path: Path) -> None:
    assert refused(tmp_path, ONE_ENTRY, CWARCHIVE_DEFAULTS__LOOKBACK="90s") == [
        "cwarchive.yaml: CWARCHIVE_DEFAULTS__LOOKBACK: a lookback of 90s is not whole periods of 1m; write 2m"
    ]


def test_an_unknown_variable_with_two_underscores_is_a_mistake(tmp_path: Path) -> None:
    assert refused(tmp_path, ONE_ENTRY, CWARCHIVE_STATES__="a", CWARCHIVE_X__Y="b") == [
        "cwarchive.yaml: unknown environment variable CWARCHIVE_STATES__; did you mean CWARCHIVE_STATE?",
        "cwarchive.yaml: unknown environment variable CWARCHIVE_X__Y; no key of the config has this name; unset it",
    ]


def test_a_variable_cannot_stand_for_a_list(tmp_path: Path) -> None:
    assert refused(tmp_path, ONE_ENTRY, CWARCHIVE_REGIONS="us-east-1", CWARCHIVE_DEFAULTS__STATISTICS="Sum") == [
        "cwarchive.yaml: CWARCHIVE_DEFAULTS__STATISTICS names a list; a variable sets one value, so use the file",
        "cwarchive.yaml: CWARCHIVE_REGIONS names a list; a variable sets one value, so use the file",
    ]


def test_one_underscore_too_few_is_a_warning(tmp_path: Path) -> None:
    config = loaded(tmp_path, ONE_ENTRY, CWARCHIVE_GRAPHITE_HOST="graphite")

    assert config.graphite.host == "127.0.0.1"
    assert config.warnings == (
        "the environment variable CWARCHIVE_GRAPHITE_HOST is ignored; did you mean CWARCHIVE_GRAPHITE__HOST?",
    )


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        ONE_ENTRY,
        CWARCHIVE_CONFIG="/elsewhere",
        CWARCHIVE_PORT="tcp://10.0.0.1:9877",
        CWARCHIVE_SERVICE_HOST="10.0.0.1",
        GRAPHITE__HOST="x",
        cwarchive_graphite__host="y",
    )

    assert config == loaded(tmp_path, ONE_ENTRY)


def test_a_variable_does_not_hide_that_its_section_is_no_mapping(tmp_path: Path) -> None:
    (told,) = refused(tmp_path, "graphite: localhost\n" + ONE_ENTRY, CWARCHIVE_GRAPHITE__HOST="a")

    assert told.startswith("cwarchive.yaml:1:11: expected a mapping")


def test_the_data_that_is_overridden_stays_as_it_was() -> None:
    data = {"graphite": {"host": "a"}}

    changed = overridden(data, {"CWARCHIVE_GRAPHITE__HOST": "b"})

    assert changed.data == {"graphite": {"host": "b"}}
    assert data == {"graphite": {"host": "a"}}
