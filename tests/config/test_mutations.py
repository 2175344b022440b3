"""Whatever is in the file, it is a config or it is told where it is not; nothing else comes out, and soon."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cwarchive.config import effective, load
from cwarchive.config.values import Config
from cwarchive.errors import ConfigError
from tests.config.test_bad_configs import LIBRARY_WORDING
from tests.config.test_good_configs import ALL_DEFAULTS, EXAMPLE

GOOD = [EXAMPLE.read_text(encoding="utf-8"), ALL_DEFAULTS]
WORDS = [
    *(
        "",
        " ",
        "\n",
        "\n  ",
        "\t",
        ":",
        ": ",
        "- ",
        ",",
        "[",
        "]",
        "{",
        "}",
        "&a",
        "*a",
        "<<: ",
        "!",
        "!!str ",
        "|",
        ">",
    ),
    *("'", '"', "#", "%", "@", "`", "?", "? ", "---\n", "...\n", "~", "null", "yes", "0", "-1", "1e400", ".nan", "007"),
    *(
        "{region}",
        "/(/",
        "/a/",
        "*",
        "\u2028",
        "\x85",
        "\ufeff",
        "é",
        "\U0001f600",
        "\\",
        '"\\x00"',
        "x" * 300,
        "9" * 30,
    ),
]


@st.composite
def _mutations(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        removed = draw(st.sampled_from([0, 0, 1, 2, 10, 100]))
        text = text[:start] + draw(st.sampled_from(WORDS)) + text[start + removed :]
    return text


def _outcome(path: Path, data: bytes) -> Config | ConfigError:
    path.write_bytes(data)
    begun = time.process_time()
    try:
        return load(path, {}, display="x")
    except ConfigError as error:
        return error
    finally:
        assert time.process_time() - begun < 2


@given(text=_mutations())
@example(ALL_DEFAULTS)
@example("metrics: &a [*a]\n")
@example("metrics: [{namespace: '\ud7ff'}]")
def test_a_changed_config_loads_or_says_where_it_is_wrong(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    outcome = _outcome(tmp_path_factory.getbasetemp() / "mutated.yaml", text.encode())

    _assert_told(outcome, len(text.splitlines()) + 1)


@given(data=st.binary(max_size=200))
def test_any_bytes_load_or_are_told(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    outcome = _outcome(tmp_path_factory.getbasetemp() / "bytes.yaml", data)

    assert isinstance(outcome, ConfigError)
    _assert_told(outcome, data.count(b"\n") + data.count(b"\r") + data.count(b"\xe2") + data.count(b"\xc2") + 2)


def _assert_told(outcome: Config | ConfigError, lines: int) -> None:
    if isinstance(outcome, Config):
        assert outcome.specs
        assert effective(outcome)
        return
    assert outcome.mistakes
    for mistake in outcome.mistakes:
        assert 1 <= mistake.line <= lines
        assert mistake.column >= 1
        assert mistake.sentence.isprintable()
        assert not LIBRARY_WORDING.search(mistake.sentence)
