"""A series that goes back: what is sent again, and what stands whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.checkpoint import Checkpoint, Cut, Gap, Tracked
from cwarchive.core.plan import Timing, plan
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.rewind import rewound
from cwarchive.core.series import Cell, Metric, Series
from cwarchive.core.window import Window

SINCE = 1_699_999_200 // DAY * DAY
NOW = SINCE + 10 * DAY
TIMING = Timing(settle=600, lookback=3 * HOUR)


def a_series(
    mark: int = NOW - HOUR, verified: int = NOW - 2 * HOUR, cuts: tuple[Cut, ...] = (), *, parked: bool = False
) -> Tracked:
    series = Series(Metric(Cell("", "us-east-1"), "AWS/EC2", "CPUUtilization", ()), "Average", 60, "path")
    return Tracked(1, series, Checkpoint(SINCE, mark, verified, committed=NOW), cuts, empty=parked, parked=parked)


def test_marks_go_back_and_what_was_committed_stays() -> None:
    to = SINCE + 5 * DAY

    assert rewound(a_series(), to).checkpoint == Checkpoint(SINCE, to, to, committed=NOW)


def test_a_verified_mark_that_is_further_back_stays() -> None:
    verified, to = SINCE + DAY, SINCE + 5 * DAY

    assert rewound(a_series(verified=verified), to).checkpoint == Checkpoint(SINCE, to, verified, committed=NOW)


def test_no_series_goes_back_beyond_its_beginning() -> None:
    assert rewound(a_series(), SINCE - DAY).checkpoint == Checkpoint(SINCE, SINCE, SINCE, committed=NOW)


@pytest.mark.parametrize("later", [0, 1, DAY])
def test_a_series_that_is_not_beyond_the_instant_stays_as_it_is(later: int) -> None:
    tracked = a_series(mark=SINCE + HOUR, verified=SINCE, parked=True)

    assert rewound(tracked, SINCE + HOUR + later) == tracked


def test_a_period_that_holds_the_instant_is_sent_whole() -> None:
    cuts = (Cut(SINCE, 300), Cut(SINCE + DAY, 60))

    assert rewound(a_series(cuts=cuts), SINCE + HOUR + 299).checkpoint.mark == SINCE + HOUR
    assert rewound(a_series(cuts=cuts), SINCE + 2 * DAY + 119).checkpoint.mark == SINCE + 2 * DAY + 60


def test_a_series_that_goes_back_wakes_and_waits_for_the_next_run() -> None:
    back = rewound(a_series(parked=True), SINCE)

    assert (back.failed, back.empty, back.parked) == (True, False, False)


def test_a_series_that_was_forgotten_goes_back_and_stays_forgotten() -> None:
    tracked = a_series()
    forgotten = Tracked(tracked.id, tracked.series, tracked.checkpoint, forgotten=True)

    back = rewound(forgotten, SINCE)

    assert (back.checkpoint.mark, back.forgotten, back.failed) == (SINCE, True, False)


def test_the_next_plan_sends_the_span_again() -> None:
    to = SINCE + 5 * DAY

    planned = plan(rewound(a_series(), to), TIMING, NOW)

    assert [(ask.covers, ask.period, ask.send_from) for ask in planned.asks] == [
        (Window(to - 3 * HOUR, NOW - 600), 60, to - 3 * HOUR)
    ]
    assert planned.gaps == ()


def test_what_was_archived_coarser_is_sent_again_at_that_period() -> None:
    coarse, fine = SINCE + 2 * DAY, SINCE + 3 * DAY
    tracked = a_series(cuts=(Cut(coarse, 300), Cut(fine, 60)))

    planned = plan(rewound(tracked, coarse - DAY), TIMING, NOW)

    assert [(ask.covers, ask.period) for ask in planned.asks] == [
        (Window(coarse - DAY - 3 * HOUR, coarse), 60), (Window(coarse, fine), 300), (Window(fine, NOW - 600), 60)
    ]  # fmt: skip


def test_what_cloudwatch_no_longer_answers_at_its_period_is_a_gap_and_not_sent_coarser() -> None:
    later = SINCE + 20 * DAY
    horizon = later - 15 * DAY + 600
    horizon += -horizon % 300

    planned = plan(rewound(a_series(), SINCE), TIMING, later)

    assert planned.gaps == (Gap(1, Window(SINCE, horizon), "lost"),)
    assert all(ask.period == 60 or ask.covers.start >= NOW for ask in planned.asks)


@given(
    marks=st.lists(st.integers(0, 100), min_size=3, max_size=3).map(sorted),
    to=st.integers(-20, 120),
    again=st.integers(-20, 120),
)
def test_going_back_never_goes_forward_and_going_back_again_changes_nothing(
    marks: list[int], to: int, again: int
) -> None:
    verified, mark, committed = (SINCE + 60 * number for number in marks)
    tracked = a_series()
    tracked = Tracked(1, tracked.series, Checkpoint(SINCE, mark, verified, committed))

    back = rewound(tracked, SINCE + 60 * to)

    assert back.checkpoint.mark == max(SINCE, min(mark, SINCE + 60 * to))
    assert back.checkpoint.verified == min(verified, back.checkpoint.mark)
    assert (back.checkpoint.since, back.checkpoint.committed, back.cuts) == (SINCE, committed, tracked.cuts)
    assert rewound(back, SINCE + 60 * max(to, again)) == back
