"""The account of a pass, and which exit code wins where several apply."""

from __future__ import annotations

from collections import Counter

import pytest

from cwarchive.core.ports import Figures
from cwarchive.core.summary import Tally, exit_code
from cwarchive.errors import AccessError, ClockError, DeliveryError, SourceError, Unreachable
from tests.builders import CELL

DENIED, UNREACHED, UNSOUND = AccessError("denied"), Unreachable("timed out"), SourceError("broken page")
GRAPHITE, CLOCK = DeliveryError("connection refused"), ClockError("an hour ahead")
TERMINATED = 143


def a_tally(
    answered: int = 0,
    *,
    failed: int = 0,
    unlisted: SourceError | AccessError | None = None,
    ended: AccessError | Unreachable | None = None,
) -> Tally:
    return Tally(
        CELL,
        asked=answered + failed,
        answered=answered,
        failures=Counter({"InternalError": failed} if failed else {}),
        unlisted=unlisted,
        ended=ended,
    )


def test_a_commit_is_added_to_the_account() -> None:
    tally = a_tally(3)

    tally.add(Figures(series=2, datapoints=120, requests=4, billed=1, failed=9))
    tally.add(Figures(series=1, datapoints=60, requests=1, billed=1))

    assert (tally.answered, tally.datapoints, tally.requests, tally.billed) == (6, 180, 5, 2)


def test_a_cell_is_barred_only_where_it_gave_nothing_at_all() -> None:
    assert a_tally(ended=DENIED).barred is DENIED
    assert a_tally(unlisted=UNREACHED).barred is UNREACHED
    assert a_tally(unlisted=UNREACHED, ended=DENIED).barred is DENIED
    assert a_tally(1, unlisted=UNREACHED, ended=DENIED).barred is None
    assert a_tally().barred is None


@pytest.mark.parametrize(
    ("tallies", "code"),
    [
        pytest.param([], 0, id="no cell"),
        pytest.param([a_tally()], 0, id="nothing owed"),
        pytest.param([a_tally(5), a_tally(2)], 0, id="all answered"),
        pytest.param([a_tally(5, failed=1)], 3, id="one series failed"),
        pytest.param([a_tally(failed=1)], 3, id="every series failed, AWS answering"),
        pytest.param([a_tally(5, unlisted=UNSOUND)], 3, id="the discovery failed"),
        pytest.param([a_tally(unlisted=UNSOUND)], 3, id="the discovery failed and nothing was known"),
        pytest.param([a_tally(5, ended=UNREACHED)], 3, id="AWS went away in the middle"),
        pytest.param([a_tally(5, ended=DENIED)], 3, id="credentials expired in the middle"),
        pytest.param([a_tally(5), a_tally(ended=DENIED)], 3, id="one cell of two refused"),
        pytest.param([a_tally(), a_tally(ended=DENIED)], 3, id="one refused, the other owed nothing"),
        pytest.param([a_tally(5), a_tally(ended=UNREACHED)], 3, id="one cell of two unreached"),
        pytest.param([a_tally(ended=DENIED)], 77, id="the only cell refused"),
        pytest.param([a_tally(unlisted=DENIED), a_tally(ended=DENIED)], 77, id="every cell refused"),
        pytest.param([a_tally(ended=UNREACHED)], 75, id="the only cell unreached"),
        pytest.param([a_tally(ended=DENIED), a_tally(unlisted=UNREACHED)], 75, id="refused here, unreached there"),
        pytest.param([a_tally(ended=UNREACHED, failed=3)], 75, id="unreached goes before its failures"),
    ],
)
def test_a_pass_that_went_to_its_end(tallies: list[Tally], code: int) -> None:
    assert exit_code(tallies) == code


@pytest.mark.parametrize(
    ("tallies", "ended", "code"),
    [
        pytest.param([], GRAPHITE, 75, id="Graphite took nothing, before AWS was asked"),
        pytest.param([a_tally()], GRAPHITE, 75, id="Graphite took nothing"),
        pytest.param([a_tally(5)], GRAPHITE, 3, id="Graphite failed after a part"),
        pytest.param([a_tally(5), a_tally()], GRAPHITE, 3, id="Graphite failed in the second cell"),
        pytest.param([], CLOCK, 75, id="clocks disagree before anything was asked"),
        pytest.param([a_tally(5)], CLOCK, 75, id="clocks disagree after a part"),
        pytest.param([a_tally(ended=DENIED)], GRAPHITE, 77, id="refused goes before Graphite"),
        pytest.param([a_tally(ended=DENIED)], CLOCK, 77, id="refused goes before clocks"),
        pytest.param([a_tally(ended=DENIED), a_tally()], GRAPHITE, 75, id="not every cell refused"),
    ],
)
def test_a_pass_that_was_ended(tallies: list[Tally], ended: DeliveryError | ClockError, code: int) -> None:
    assert exit_code(tallies, ended) == code


@pytest.mark.parametrize(
    ("tallies", "ended", "code"),
    [
        pytest.param([], None, 4, id="nothing was due"),
        pytest.param([a_tally(5)], None, 4, id="all answered"),
        pytest.param([a_tally(5, failed=1)], None, 4, id="before 3"),
        pytest.param([a_tally(5), a_tally(ended=DENIED)], None, 4, id="before a refused cell of two"),
        pytest.param([a_tally(5)], GRAPHITE, 4, id="before Graphite after a part"),
        pytest.param([a_tally()], GRAPHITE, 75, id="after Graphite that took nothing"),
        pytest.param([a_tally(5)], CLOCK, 75, id="after clocks"),
        pytest.param([a_tally(ended=UNREACHED)], None, 75, id="after unreached"),
        pytest.param([a_tally(ended=DENIED)], None, 77, id="after refused"),
    ],
)
def test_a_pass_that_tells_a_gap(tallies: list[Tally], ended: DeliveryError | ClockError | None, code: int) -> None:
    assert exit_code(tallies, ended, gaps=True) == code


@pytest.mark.parametrize(
    ("tallies", "ended", "code"),
    [
        pytest.param([a_tally(5)], None, TERMINATED, id="all well until then"),
        pytest.param([a_tally(5, failed=1)], None, TERMINATED, id="before 4 and 3"),
        pytest.param([a_tally(ended=UNREACHED)], None, TERMINATED, id="before unreached"),
        pytest.param([a_tally(5)], CLOCK, TERMINATED, id="before clocks"),
        pytest.param([], GRAPHITE, TERMINATED, id="before Graphite"),
        pytest.param([a_tally(ended=DENIED)], None, 77, id="after 77"),
    ],
)
def test_a_pass_that_a_signal_stopped(
    tallies: list[Tally], ended: DeliveryError | ClockError | None, code: int
) -> None:
    assert exit_code(tallies, ended, TERMINATED, gaps=True) == code
