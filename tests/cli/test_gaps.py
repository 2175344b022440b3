"""What `gaps` lists, and what acknowledging one changes."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest

from cwarchive import app
from cwarchive.cli.gaps import SHOWN, _lines
from cwarchive.config import load
from cwarchive.core.checkpoint import Gap
from cwarchive.core.gaps import GapRecord, grouped
from cwarchive.core.window import Window
from tests.builders import a_series
from tests.cli.conftest import Say
from tests.stage import DAY, HOUR, NOW, SERIES, Heard, Stage, files

LOAD = "cloudwatch.us-east-1.Shop.Machines.Machine.m-1.Load.Average"


@pytest.fixture
def lossy(stage: Stage, say: Say) -> Say:
    """An archive that was down for sixteen days."""
    say("run")
    down(stage)
    return say


def down(stage: Stage) -> None:
    """Sixteen days later, a run; the pause between its two sendings is left out."""
    stage.now += 16 * DAY
    ran = app.run(load(stage.config, {}), os.environ, app.Options(clock=lambda: stage.now), lambda _: None)
    assert ran.outcome is not None
    assert ran.outcome.exit_code == 4


def document(say: Say) -> list[dict[str, Any]]:
    out = say("gaps", "--json").out
    found: dict[str, Any] = json.loads(out)
    assert re.sub(r"\s", "", out).startswith('{"schema":1,')
    gaps: list[dict[str, Any]] = found["gaps"]
    return gaps


def test_without_a_state_it_is_code_74_and_none_is_begun(stage: Stage, say: Say) -> None:
    code, out, told = say("gaps")

    assert (code, out) == (74, "")
    assert told.startswith(f"cwarchive: there is no state at {stage.state}")
    assert not stage.state.exists()


def test_an_archive_without_gaps_says_so(stage: Stage, say: Say) -> None:
    say("run")

    assert say("gaps") == Heard(0, "no permanent gap\n", "")
    assert document(say) == []


def test_every_gap_is_listed_with_its_cause_interval_and_series(lossy: Say) -> None:
    code, out, told = lossy("gaps")

    unverified, *series = out.splitlines()[: SERIES + 1]
    assert (code, told) == (0, "")
    assert re.fullmatch(
        r"[0-9a-f]{7}  unverified  2026-09-20T14:00:00Z to 2026-09-21T14:04:00Z  6 series, 6 unacknowledged", unverified
    )
    assert [line.split()[0] for line in series] == sorted(line.split()[0] for line in series)
    assert series[0].split()[0] == LOAD
    assert out.splitlines()[SERIES + 1].split()[1] == "resolution"


def test_the_document_names_every_series_of_every_gap(lossy: Say) -> None:
    unverified, resolution = document(lossy)

    assert (unverified["kind"], resolution["kind"]) == ("unverified", "resolution")
    assert unverified["end"] == resolution["start"] == NOW - 600
    assert [len(gap["series"]) for gap in (unverified, resolution)] == [SERIES, SERIES]
    assert unverified["series"][0]["path"] == LOAD
    assert unverified["unacknowledged"] == SERIES


def test_one_gap_is_acknowledged_by_its_id(lossy: Say) -> None:
    unverified, _ = document(lossy)

    assert lossy("gaps", "--ack", unverified["id"]) == Heard(0, f"{SERIES} gaps acknowledged\n", "")
    assert [gap["unacknowledged"] for gap in document(lossy)] == [0, SERIES]
    assert lossy("status").code == 4
    assert ", acknowledged\n" in lossy("gaps").out


def test_once_all_are_acknowledged_they_stay_listed_and_status_is_well(lossy: Say) -> None:
    ids = [word for gap in document(lossy) for word in ("--ack", gap["id"])]
    assert lossy("gaps", *ids).out == f"{2 * SERIES} gaps acknowledged\n"

    assert [gap["unacknowledged"] for gap in document(lossy)] == [0, 0]
    assert lossy("status").code == 0
    assert lossy("gaps", "--ack", "all").out == "0 gaps acknowledged\n"


def test_an_id_that_no_gap_has_is_usage_and_acknowledges_nothing(lossy: Say) -> None:
    first, _ = document(lossy)

    code, out, told = lossy("gaps", "--ack", first["id"], "--ack", "0000000")

    assert (code, out) == (2, "")
    assert "no gap has the ID 0000000" in told
    assert [gap["unacknowledged"] for gap in document(lossy)] == [SERIES, SERIES]


def test_an_acknowledged_gap_makes_no_run_exit_4_again(stage: Stage, lossy: Say) -> None:
    lossy("gaps", "--ack", "all")
    stage.now += HOUR

    assert lossy("run").code == 0


def test_a_gap_that_nobody_acknowledges_is_told_again_after_a_week_and_not_before(stage: Stage, lossy: Say) -> None:
    told = []
    for _ in range(8):
        stage.now += DAY
        code, _, said = lossy("run")
        told.append((code, said.count("permanent gap")))

    assert told == [(0, 0)] * 6 + [(0, 2), (0, 0)]


def test_looking_at_gaps_changes_no_byte(stage: Stage, lossy: Say) -> None:
    before = files(stage.folder)

    lossy("gaps")
    lossy("gaps", "--json")

    assert files(stage.folder) == before


def test_more_series_than_anyone_reads_are_counted() -> None:
    window = Window(NOW - HOUR, NOW)
    records = [
        GapRecord(Gap(n, window, "lost"), a_series(path=f"path.{n:02}"), noticed=NOW, told=None, acknowledged=None)
        for n in range(SHOWN + 4)
    ]

    heading, *series, more = _lines(grouped(records))

    assert heading.endswith("24 series, 24 unacknowledged")
    assert [line.split()[0] for line in series] == [f"path.{n:02}" for n in range(SHOWN)]
    assert more == "         and 4 more; --json names them"
