"""What `status` says of an archive, to people and to scripts, and the code it ends with."""

from __future__ import annotations

import json
import re
from typing import Any

from cwarchive import app
from cwarchive.config import load
from cwarchive.demo.faults import VALIDATION_ERROR, Fault, When
from tests.cli.conftest import Say
from tests.stage import DAY, HOUR, NOW, SERIES, Stage, files

MARK = NOW - 600
"""What has settled at NOW ends here."""


def test_without_a_state_it_is_code_74_and_none_is_begun(stage: Stage, say: Say) -> None:
    before = files(stage.folder)

    code, out, told = say("status")

    assert (code, out) == (74, "")
    assert told.startswith(f"cwarchive: there is no state at {stage.state}")
    assert files(stage.folder) == before


def test_an_archive_on_time_is_unproven_without_read_back(stage: Stage, say: Say) -> None:
    say("run")

    code, out, told = say("status")

    assert (code, told) == (0, "")
    verdict, total, loss, machines, queues, run = out.splitlines()
    assert verdict == "unproven: on time; delivery is receipted, but nothing was read back from Graphite"
    assert re.fullmatch(r"6 series, USD \S+ this month, about USD \S+ in 30 days, limit USD 50.00", total)
    assert loss == "time to loss of 60 s datapoints: 14 d 23 h"
    assert machines == "  us-east-1 Shop/Machines 60s: 4 series, mark 2026-09-21T14:04:00Z, lag 10 min"
    assert queues == "  us-east-1 Shop/Queues 60s: 2 series, mark 2026-09-21T14:04:00Z, lag 10 min"
    assert run == f"  2026-09-21T14:14:00Z run: exit 0, {len(stage.receiver.points):,} datapoints"


def test_a_series_behind_by_more_than_its_entry_allows_is_late(stage: Stage, say: Say) -> None:
    say("run")
    allowed = 600 + 2 * HOUR + 60  # settle, twice `every`, a period

    stage.now = MARK + allowed
    assert say("status").code == 0

    stage.now += 1
    code, out, _ = say("status")
    assert code == 3
    assert out.startswith("late: some series are further behind than their entries allow\n")
    assert out.count(", LATE\n") == 2


def test_series_that_wait_after_a_failure_are_counted(stage: Stage, say: Say) -> None:
    say("run")
    stage.now += HOUR
    stage.simulation.faults = (Fault(VALIDATION_ERROR, When(operation="GetMetricData", metric="m-2")),)
    say("run")

    machines = next(line for line in say("status").out.splitlines() if "Shop/Machines" in line)
    assert machines == (
        "  us-east-1 Shop/Machines 60s: 4 series, mark 2026-09-21T14:04:00Z, lag 1 h 10 min, 2 waiting for the next run"
    )
    assert _document(say)["series"] == {"total": SERIES, "parked": 0, "waiting": 0, "failed": 2}


def test_permanent_gaps_that_nobody_has_acknowledged_are_code_4(stage: Stage, say: Say) -> None:
    say("run")
    stage.now += 16 * DAY
    app.run(load(stage.config, {}), {}, app.Options(clock=lambda: stage.now), lambda _: None)

    code, out, _ = say("status")

    assert code == 4
    assert out.startswith("gaps: some data is lost; nobody has acknowledged that yet\n")
    assert f"permanent gaps (resolution): {SERIES}, {SERIES} unacknowledged\n" in out
    assert f"permanent gaps (unverified): {SERIES}, {SERIES} unacknowledged\n" in out
    assert _document(say)["gaps"] == {"open": 0, "permanent": 2 * SERIES, "unacknowledged": 2 * SERIES}

    say("gaps", "--ack", "all")

    assert say("status").code == 0
    assert _document(say)["gaps"] == {"open": 0, "permanent": 2 * SERIES, "unacknowledged": 0}


def test_what_cloudwatch_forgets_already_is_said_to_be_lost(stage: Stage, say: Say) -> None:
    say("run")
    stage.now = MARK + 15 * DAY

    assert "losing 60 s datapoints\n" in say("status").out
    assert _document(say)["time_to_loss_seconds"]["60"] == 0


def test_the_document_begins_with_its_schema_and_has_every_field(stage: Stage, say: Say) -> None:
    say("run")
    stage.now += HOUR
    say("run")

    out = say("status", "--json").out

    assert out.startswith('{"schema": 1,')
    document = json.loads(out)
    first, second = (document["last_runs"][at].pop("datapoints") for at in (1, 0))
    assert first + second == len(stage.receiver.points)
    assert document.pop("month")["usd"] == stage.simulation.billed * 0.01 / 1_000
    run = {
        "command": "run", "exit_code": 0, "series": SERIES, "requests": 1, "billed_metrics": 4, "failed": 0,
    }  # fmt: skip
    marks = {"account": "", "region": "us-east-1", "period": 60, "failed": 0, "oldest_mark": MARK + HOUR}
    assert document == {
        "schema": 1,
        "now": NOW + HOUR,
        "verdict": "unproven",
        "effective_every_seconds": HOUR,
        "series": {"total": SERIES, "parked": 0, "waiting": 0, "failed": 0},
        "lag_seconds": 600,
        "verified_lag_seconds": 600 + HOUR,
        "time_to_loss_seconds": {"60": 15 * DAY - 600, "300": None, "3600": None},
        "gaps": {"open": 0, "permanent": 0, "unacknowledged": 0},
        "last_runs": [
            {**run, "started": NOW + HOUR, "ended": NOW + HOUR},
            {**run, "started": NOW, "ended": NOW},
        ],
        "marks": [
            {**marks, "namespace": "Shop/Machines", "series": 4, "oldest_verified_mark": MARK},
            {**marks, "namespace": "Shop/Queues", "series": 2, "oldest_verified_mark": MARK},
        ],
    }


def test_the_document_has_the_code_of_the_text(stage: Stage, say: Say) -> None:
    say("run")
    stage.now += 4 * HOUR

    assert say("status", "--json").code == say("status").code == 3
    assert _document(say)["verdict"] == "late"


def test_a_look_at_the_status_changes_no_byte(stage: Stage, say: Say) -> None:
    say("run")
    before = files(stage.folder)

    say("status")
    say("status", "--json")

    assert files(stage.folder) == before


def test_a_run_that_failed_is_told_with_its_code(stage: Stage, say: Say) -> None:
    stage.receiver.refuse()
    say("run")

    assert say("status").out.splitlines()[-1] == "  2026-09-21T14:14:00Z run: exit 75, 0 datapoints"


def _document(say: Say) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(say("status", "--json").out)
    return document
