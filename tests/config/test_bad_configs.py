"""Every config in `bad/` is refused with exactly the messages in the `.txt` file beside it.

A new case is a new `.yaml` file; `UPDATE_GOLDEN=1 pytest tests/config/test_bad_configs.py` writes the `.txt` to review.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from cwarchive.config import load
from cwarchive.errors import ConfigError

BAD = Path(__file__).parent / "bad"
LIBRARY_WORDING = re.compile(
    r"pydantic|Input should|Field required|Extra inputs|permitted|valid (?:dictionary|string|integer|list|tuple)"
    r"|while (?:scanning|parsing)|did not find|<block|flow (?:mapping|sequence)|Traceback|Error\b|None\b"
)


@pytest.mark.parametrize("case", sorted(BAD.glob("*.yaml")), ids=lambda case: str(case.stem))
def test_a_bad_config_is_refused_with_these_words(case: Path) -> None:
    begun = time.process_time()
    with pytest.raises(ConfigError) as refused:
        load(case, {}, display="cwarchive.yaml")
    assert time.process_time() - begun < 2
    told = str(refused.value) + "\n"
    golden = case.with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")


def test_no_message_has_the_wording_of_a_library() -> None:
    for golden in BAD.glob("*.txt"):
        assert not LIBRARY_WORDING.search(golden.read_text(encoding="utf-8")), golden


def test_every_mistake_of_a_file_has_a_place_and_fits_one_line() -> None:
    for golden in BAD.glob("*.txt"):
        *mistakes, count = golden.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        assert all(re.match(r"cwarchive\.yaml:[1-9]\d*:[1-9]\d*: \S", line) for line in mistakes), golden
        assert count.startswith(f"{len(mistakes)} mistake")
        assert all(line.isprintable() for line in mistakes), golden


def test_every_golden_file_belongs_to_a_config() -> None:
    configs = {case.stem for case in BAD.glob("*.yaml")}
    assert configs == {golden.stem for golden in BAD.glob("*.txt")}
    assert len(configs) >= 60
