"""That the table of deliberate defects does not rot: every edit still applies, and every test it names is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.defects.table import DEFECTS, Defect

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("defect", [pytest.param(defect, id=defect.name) for defect in DEFECTS])
def test_a_defect_can_still_be_made(defect: Defect) -> None:
    source = (ROOT / defect.file).read_text()

    assert source.count(defect.old) == 1, f"{defect.file} has changed: write the defect anew"
    compile(source.replace(defect.old, defect.new), defect.file, "exec")
    assert all((ROOT / test).exists() for test in defect.tests if test.startswith("tests"))


def test_no_two_defects_share_a_name() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)
