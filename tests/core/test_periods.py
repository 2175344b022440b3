"""A period that changes: where the cut is made; and what is sent once more, at the period at which it is archived."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.checkpoint import Cut, at_period, sent_twice
from cwarchive.core.plan import MARGIN, period_at, plan, repetition
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import ceil, floor
from tests.builders import HOURLY, NOW, a_checkpoint, a_tracked

PERIODS = (60, 120, 300, 420, 900, 3_600, 5_400, 86_400)
MARK = floor(NOW, 60)
NEXT_HOUR = ceil(NOW, HOUR)


def test_a_new_period_counts_from_the_next_whole_hour() -> None:
    changed = at_period(a_tracked(a_checkpoint(MARK)), 300)

    assert changed.series.period == 300
    assert changed.cuts == (Cut(0, 60), Cut(NEXT_HOUR, 300))
    assert [period_at(changed, at) for at in (MARK, NEXT_HOUR - 1, NEXT_HOUR)] == [60, 60, 300]


def test_a_mark_on_the_hour_is_where_a_new_period_begins() -> None:
    assert at_period(a_tracked(a_checkpoint(NEXT_HOUR)), 300).cuts == (Cut(0, 60), Cut(NEXT_HOUR, 300))


def test_what_was_announced_lies_before_the_cut() -> None:
    changed = at_period(a_tracked(a_checkpoint(MARK, committed=MARK + 2 * HOUR)), 300)

    assert changed.cuts[-1] == Cut(NEXT_HOUR + 2 * HOUR, 300)


def test_a_day_begins_at_midnight() -> None:
    assert at_period(a_tracked(a_checkpoint(MARK)), 86_400).cuts[-1] == Cut(ceil(MARK, DAY), 86_400)


def test_periods_that_hardly_ever_meet_are_cut_at_an_hour() -> None:
    changed = at_period(a_tracked(a_checkpoint(floor(NOW, 79 * 60)), period=79 * 60), 83 * 60)

    assert changed.cuts[-1].at == ceil(floor(NOW, 79 * 60), HOUR)


def test_a_change_that_is_taken_back_before_it_counts_leaves_no_trace_of_it() -> None:
    tracked = a_tracked(a_checkpoint(MARK))

    back = at_period(at_period(tracked, 300), 60)

    assert {period_at(back, at) for at in (0, MARK, NEXT_HOUR, NEXT_HOUR + DAY)} == {60}


def test_all_earlier_cuts_stay() -> None:
    tracked = a_tracked(a_checkpoint(MARK), cuts=(Cut(MARK - DAY, 300), Cut(MARK - HOUR, 60)))

    assert at_period(tracked, 300).cuts == (*tracked.cuts, Cut(NEXT_HOUR, 300))


@given(st.sampled_from(PERIODS), st.lists(st.sampled_from(PERIODS), min_size=1, max_size=4), st.integers(0, 3 * DAY))
def test_whatever_the_changes_nothing_announced_changes_its_period_and_the_last_one_counts(
    first: int, periods: list[int], ahead: int
) -> None:
    before = a_tracked(a_checkpoint(floor(NOW, first), committed=floor(NOW, first) + ahead), period=first)
    announced = before.checkpoint.committed

    tracked = before
    for period in periods:
        tracked = at_period(tracked, period)

    instants = [cut.at for cut in tracked.cuts]
    assert instants == sorted(set(instants))
    assert period_at(tracked, announced - 1) == first
    assert tracked.series.period == period_at(tracked, announced + 8 * DAY) == periods[-1]
    assert all(at % HOUR == 0 for at in instants)
    assert tracked.checkpoint == before.checkpoint


# --- once more ---


def test_all_that_was_sent_twice_counts_as_proven() -> None:
    assert sent_twice(a_checkpoint(MARK, verified=MARK - DAY)) == a_checkpoint(MARK, since=MARK - DAY)


def test_once_more_goes_from_the_lookback_to_the_mark() -> None:
    tracked = a_tracked(a_checkpoint(MARK, verified=MARK - DAY, since=MARK - 9 * DAY))

    (ask,) = repetition(tracked, HOURLY, NOW + DAY).asks

    assert (ask.window.start, ask.window.end, ask.period) == (MARK - DAY - 3 * HOUR, MARK, 60)


def test_once_more_begins_where_the_archive_does() -> None:
    tracked = a_tracked(a_checkpoint(MARK, verified=MARK - HOUR, since=MARK - 2 * HOUR))

    assert repetition(tracked, HOURLY, NOW).asks[0].window.start == MARK - 2 * HOUR


def test_of_a_series_that_has_just_begun_there_is_nothing_to_send_once_more() -> None:
    assert repetition(a_tracked(a_checkpoint(NEXT_HOUR, since=NEXT_HOUR)), HOURLY, NOW).asks == ()


def test_once_more_is_each_part_at_the_period_at_which_it_is_archived_and_loses_nothing_anew() -> None:
    seam = ceil(NOW - 15 * DAY + MARGIN, 300)
    begin = floor(NOW - 20 * DAY, 60) + 60
    tracked = a_tracked(
        a_checkpoint(MARK, verified=begin, since=begin - 9 * DAY), cuts=(Cut(begin, 300), Cut(seam, 60))
    )

    asks = repetition(tracked, HOURLY, NOW).asks

    assert [(ask.period, ask.send_from, ask.covers.end) for ask in asks] == [
        (300, ceil(begin, 300), seam),
        (60, seam, MARK),
    ]
    assert not any(ask.loses for ask in asks)


@given(st.integers(0, 100 * DAY), st.integers(0, 30 * DAY), st.sampled_from(PERIODS))
def test_once_more_asks_nothing_beyond_the_mark_and_names_what_has_aged_out(
    age: int, unproven: int, period: int
) -> None:
    mark = floor(NOW - age, period)
    verified = floor(mark - unproven, period)
    tracked = a_tracked(a_checkpoint(mark, verified=verified, since=floor(verified, DAY) - DAY), period=period)

    again = repetition(tracked, HOURLY, NOW)

    assert all(ask.covers.end <= mark for ask in again.asks)
    covered = sum(ask.covers.seconds for ask in again.asks if ask.covers.start >= verified)
    reread = sum(ask.covers.end - verified for ask in again.asks if ask.covers.start < verified < ask.covers.end)
    assert covered + reread + sum(gap.window.seconds for gap in again.gaps) == mark - verified
    fresh = plan(replace(tracked, checkpoint=sent_twice(tracked.checkpoint)), HOURLY, NOW)
    assert not [gap for gap in fresh.gaps if gap.kind == "unverified"]
