"""What a series owes: by example at every seam, by property over any mark, and over the life of a series."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.checkpoint import Checkpoint, Cut, Gap, Tracked, advance, announce, first_checkpoint, resend_settled
from cwarchive.core.due import first_since
from cwarchive.core.plan import Ask, SeriesPlan, Timing, cuts_with, period_at, plan, settled, stretches
from cwarchive.core.retention import DAY, HOUR, coarser, kept_for
from cwarchive.core.window import Window, ceil, floor
from tests.builders import HOURLY, NOW, a_checkpoint, a_tracked

PERIODS = (1, 5, 10, 30, 60, 120, 300, 420, 900, 3_600, 5_400, 86_400)
TEN_MINUTES = 600
AGES = (0, HOUR, 3 * HOUR, 3 * DAY, 14 * DAY, 15 * DAY, 20 * DAY, 63 * DAY, 70 * DAY, 455 * DAY, 500 * DAY)


def asked(owed: SeriesPlan) -> list[tuple[int, int, int]]:
    """Every ask as (start, end, period), with times counted from NOW."""
    return [(ask.window.start - NOW, ask.window.end - NOW, ask.period) for ask in owed.asks]


def missing(owed: SeriesPlan) -> list[tuple[int, int, str]]:
    return [(gap.window.start - NOW, gap.window.end - NOW, gap.kind) for gap in owed.gaps]


def marked(age: int, period: int = 60, *, verified: int | None = None, committed: int | None = None) -> Tracked:
    """A series whose marks stand these seconds before NOW, with a month more behind it."""
    checkpoint = a_checkpoint(
        NOW - age,
        since=floor(NOW - (verified or age) - 30 * DAY, HOUR),
        verified=NOW - (age if verified is None else verified),
        committed=NOW - (age if committed is None else committed),
    )
    return a_tracked(checkpoint, period=period)


# --- an ordinary pass ---


def test_a_pass_reads_from_the_lookback_to_the_last_settled_period() -> None:
    tracked = marked(HOUR + 40)

    owed = plan(tracked, Timing(settle=600, lookback=2 * HOUR), NOW)

    assert asked(owed) == [(-3 * HOUR - 40, -640, 60)]
    assert owed.asks[0] == Ask(
        Window(NOW - 3 * HOUR - 40, NOW - 640), 60, covers=Window(NOW - 3 * HOUR - 40, NOW - 640),
        send_from=NOW - 3 * HOUR - 40,
    )  # fmt: skip
    assert owed.gaps == ()


def test_the_lookback_counts_from_the_verified_mark() -> None:
    tracked = marked(HOUR + 40, verified=5 * HOUR + 40)

    assert asked(plan(tracked, Timing(settle=600, lookback=HOUR), NOW)) == [(-6 * HOUR - 40, -640, 60)]


def test_nothing_before_since_is_asked() -> None:
    since = floor(NOW - 2 * HOUR, HOUR)

    owed = plan(a_tracked(first_checkpoint(since)), HOURLY, NOW)

    assert owed.asks[0].window == Window(since, floor(NOW - 600, 60))


def test_a_since_off_the_grid_begins_at_the_first_whole_period_after_it() -> None:
    period = 79 * 60
    since = floor(NOW - 3 * DAY, HOUR)

    (ask,) = plan(a_tracked(first_checkpoint(since), period=period), HOURLY, NOW).asks

    assert ask.covers.start == since
    assert ask.window.start == ceil(since, period)


def test_a_series_is_asked_only_once_one_of_its_periods_has_settled_since_its_mark() -> None:
    midnight = floor(NOW, DAY)
    daily = a_tracked(a_checkpoint(midnight, since=midnight - 9 * DAY), period=DAY)

    assert plan(daily, HOURLY, midnight + DAY + 599).asks == ()
    assert asked(plan(daily, Timing(600, DAY), midnight + DAY + 600)) == [
        (midnight - DAY - NOW, midnight + DAY - NOW, DAY)
    ]


def test_a_lookback_begins_at_the_start_of_the_period_it_reaches_into() -> None:
    midnight = floor(NOW, DAY)
    daily = a_tracked(a_checkpoint(midnight, since=midnight - 9 * DAY), period=DAY)

    (ask,) = plan(daily, Timing(settle=0, lookback=3 * HOUR), midnight + DAY).asks

    assert ask.window == Window(midnight - DAY, midnight + DAY)


def test_what_is_not_yet_settled_is_not_asked() -> None:
    assert settled(60, Timing(settle=600, lookback=0), 6_659) == 6_000
    assert settled(60, Timing(settle=600, lookback=0), 6_660) == 6_060


def test_danger_is_the_time_until_cloudwatch_forgets_what_follows_the_mark() -> None:
    assert plan(marked(DAY), HOURLY, NOW).danger == 14 * DAY
    assert plan(marked(20 * DAY), HOURLY, NOW).danger == -5 * DAY
    assert plan(marked(DAY, 300), HOURLY, NOW).danger == 62 * DAY
    assert plan(marked(0), HOURLY, NOW).danger == 15 * DAY
    assert plan(marked(DAY, verified=3 * DAY), HOURLY, NOW).danger == 14 * DAY


# --- after an outage: the seams between tiers ---

A60 = ceil(NOW - 15 * DAY + TEN_MINUTES, 300) - NOW
A300 = ceil(NOW - 63 * DAY + TEN_MINUTES, HOUR) - NOW
A3600 = ceil(NOW - 455 * DAY + TEN_MINUTES, HOUR) - NOW
END = floor(NOW - 600, 60) - NOW


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(3 * HOUR + 40, [(-6 * HOUR - 40, END, 60)], id="3 h"),
        pytest.param(3 * DAY + 40, [(-3 * DAY - 3 * HOUR - 40, END, 60)], id="3 d"),
        pytest.param(14 * DAY + 40, [(-14 * DAY - 3 * HOUR - 40, END, 60)], id="14 d"),
        pytest.param(20 * DAY + 100, [(-20 * DAY - 100, A60, 300), (A60, END, 60)], id="20 d"),
        pytest.param(20 * DAY + 160, [(-20 * DAY - 400, A60, 300), (A60, END, 60)], id="20 d, off the coarse grid"),
        pytest.param(
            70 * DAY + 400, [(-70 * DAY - 400, A300, 3_600), (A300, A60, 300), (A60, END, 60)], id="70 d, on the hour"
        ),
        pytest.param(
            70 * DAY + 340,
            [(-70 * DAY - 400, A300, 3_600), (A300, A60, 300), (A60, END, 60)],
            id="70 d, off the hour",
        ),
        pytest.param(500 * DAY + 40, [(A3600, A300, 3_600), (A300, A60, 300), (A60, END, 60)], id="500 d"),
    ],
)
def test_an_outage_is_split_ten_minutes_inside_each_horizon(age: int, expected: list[tuple[int, int, int]]) -> None:
    assert asked(plan(marked(age), HOURLY, NOW)) == expected


def test_a_lookback_that_has_aged_out_is_neither_asked_coarser_nor_a_gap() -> None:
    owed = plan(marked(15 * DAY - HOUR - 20, verified=15 * DAY - HOUR - 20), Timing(600, 3 * HOUR), NOW)

    assert asked(owed) == [(A60, END, 60)]
    assert owed.gaps == ()


def test_the_bucket_in_which_the_mark_stands_is_looked_at_and_not_sent() -> None:
    coarse = plan(marked(20 * DAY + 160), HOURLY, NOW).asks[0]

    assert coarse.window.start == NOW - 20 * DAY - 400
    assert coarse.send_from == NOW - 20 * DAY - 100
    assert coarse.covers == Window(NOW - 20 * DAY - 160, NOW + A60)
    assert coarse.loses


def test_a_mark_on_the_coarse_grid_loses_no_bucket() -> None:
    coarse = plan(marked(20 * DAY + 100), HOURLY, NOW).asks[0]

    assert coarse.send_from == coarse.window.start == coarse.covers.start == NOW - 20 * DAY - 100


def test_only_the_coarser_part_loses_resolution() -> None:
    assert [ask.loses for ask in plan(marked(70 * DAY), HOURLY, NOW).asks] == [True, True, False]


@pytest.mark.parametrize(
    ("period", "age", "periods"),
    [
        pytest.param(30, 5 * HOUR, [60, 30], id="sub-minute after 5 h"),
        pytest.param(1, 20 * DAY, [300, 60, 1], id="one second after 20 d"),
        pytest.param(420, 20 * DAY, [2_100, 420], id="420 s are kept 15 d only"),
        pytest.param(420, 70 * DAY, [25_200, 2_100, 420], id="420 s after 70 d"),
        pytest.param(5_400, 62 * DAY, [5_400], id="5400 s are kept 63 d"),
        pytest.param(5_400, 70 * DAY, [10_800, 5_400], id="5400 s after 70 d"),
        pytest.param(86_400, 400 * DAY, [86_400], id="a day is kept 455 d"),
    ],
)
def test_past_a_horizon_the_least_common_multiple_is_asked(period: int, age: int, periods: list[int]) -> None:
    tracked = a_tracked(a_checkpoint(floor(NOW - age, period)), period=period)

    assert [ask.period for ask in plan(tracked, Timing(0, period), NOW).asks] == periods


# --- what can no longer be had ---


def test_what_is_older_than_every_horizon_is_lost() -> None:
    assert missing(plan(marked(500 * DAY), HOURLY, NOW)) == [(-500 * DAY, A3600, "lost")]


def test_what_was_sent_once_and_has_aged_out_is_unverified() -> None:
    owed = plan(marked(14 * DAY, verified=16 * DAY), HOURLY, NOW)

    assert missing(owed) == [(-16 * DAY, A60, "unverified")]
    assert asked(owed) == [(A60, END, 60)]


def test_what_was_announced_is_in_doubt_and_never_asked_coarser() -> None:
    owed = plan(marked(20 * DAY + 100, committed=18 * DAY + 100), HOURLY, NOW)

    assert missing(owed) == [(-20 * DAY - 100, -18 * DAY - 100, "lost")]
    assert asked(owed) == [(-18 * DAY - 100, A60, 300), (A60, END, 60)]


def test_the_bucket_in_which_the_announced_span_ends_is_not_sent() -> None:
    coarse = plan(marked(20 * DAY + 100, committed=18 * DAY + 40), HOURLY, NOW).asks[0]

    assert coarse.window.start == NOW - 18 * DAY - 100
    assert coarse.send_from == NOW - 18 * DAY + 200


def test_what_was_announced_is_asked_again_at_its_period_while_cloudwatch_answers_that() -> None:
    owed = plan(marked(2 * DAY + 40, committed=DAY + 40), HOURLY, NOW)

    assert asked(owed) == [(-2 * DAY - 3 * HOUR - 40, END, 60)]
    assert owed.gaps == ()


# --- cuts ---


def test_before_a_change_of_period_the_old_one_is_asked_lookback_included() -> None:
    hour = floor(NOW, HOUR)
    tracked = a_tracked(a_checkpoint(hour, since=hour - 9 * DAY), period=60)
    changed = replace(tracked, cuts=(Cut(0, 300), Cut(hour - HOUR, 60)))

    owed = plan(changed, Timing(settle=0, lookback=3 * HOUR), NOW)

    assert [(ask.window.start - hour, ask.window.end - hour, ask.period) for ask in owed.asks] == [
        (-3 * HOUR, -HOUR, 300),
        (-HOUR, 360, 60),
    ]
    assert not any(ask.loses for ask in owed.asks)


def test_the_lookback_is_whole_at_the_period_that_was_archived() -> None:
    midnight = floor(NOW, DAY)
    checkpoint = a_checkpoint(midnight, since=midnight - 9 * DAY)
    changed = a_tracked(checkpoint, period=60, cuts=(Cut(0, DAY), Cut(midnight, 60)))

    first = plan(changed, Timing(settle=600, lookback=3 * HOUR), NOW).asks[0]

    assert (first.window, first.period) == (Window(midnight - DAY, midnight), DAY)


def test_a_period_before_a_cut_that_is_not_settled_is_waited_for() -> None:
    midnight = floor(NOW, DAY)
    checkpoint = a_checkpoint(midnight, since=midnight - 9 * DAY)
    changed = a_tracked(checkpoint, period=60, cuts=(Cut(0, DAY), Cut(midnight + DAY, 60)))

    assert plan(changed, Timing(settle=600, lookback=DAY), midnight + 15 * HOUR).asks == ()

    after = plan(changed, Timing(settle=600, lookback=DAY), midnight + DAY + HOUR)
    assert [ask.period for ask in after.asks] == [DAY, 60]


def test_what_follows_a_period_that_is_not_settled_waits_with_it() -> None:
    midnight = floor(NOW, DAY)
    checkpoint = a_checkpoint(midnight, since=midnight - 9 * DAY)
    changed = a_tracked(checkpoint, period=60, cuts=(Cut(0, DAY), Cut(midnight + HOUR, 60)))

    assert plan(changed, Timing(settle=0, lookback=DAY), midnight + 15 * HOUR).asks == ()


def test_a_part_in_which_no_period_begins_is_covered_without_being_sent() -> None:
    hour = floor(NOW, DAY) + HOUR
    checkpoint = a_checkpoint(hour, since=hour - 2 * DAY)
    changed = a_tracked(checkpoint, period=60, cuts=(Cut(0, 60), Cut(hour, 5_400), Cut(hour + 1_200, 60)))

    _, silent, following = plan(changed, Timing(settle=0, lookback=60), hour + 3 * HOUR).asks

    assert silent == Ask(
        Window(hour - HOUR, hour + 1_800), 5_400, covers=Window(hour, hour + 1_200), send_from=hour + 1_800
    )
    assert following.covers.start == hour + 1_200


def test_periods_follow_the_cuts() -> None:
    tracked = a_tracked(period=60, cuts=(Cut(1_000, 300), Cut(2_000, 60)))

    assert [period_at(tracked, instant) for instant in (999, 1_000, 1_999, 2_000)] == [60, 300, 300, 60]
    assert list(stretches(tracked, Window(500, 2_500))) == [
        (Window(500, 1_000), 60),
        (Window(1_000, 2_000), 300),
        (Window(2_000, 2_500), 60),
    ]


def test_two_cuts_at_one_instant_make_no_empty_stretch() -> None:
    tracked = a_tracked(period=60, cuts=(Cut(1_000, 300), Cut(1_000, 60)))

    assert list(stretches(tracked, Window(500, 1_500))) == [(Window(500, 1_000), 60), (Window(1_000, 1_500), 60)]


def test_an_announced_coarser_window_leaves_a_cut_where_it_begins_and_one_where_it_ends() -> None:
    tracked = marked(70 * DAY + 340)

    for ask in plan(tracked, HOURLY, NOW).asks:
        tracked = replace(tracked, cuts=cuts_with(tracked, ask))

    assert tracked.cuts == (Cut(NOW - 70 * DAY - 340, 3_600), Cut(NOW + A300, 300), Cut(NOW + A60, 60))


def test_a_window_at_its_own_period_leaves_no_cut() -> None:
    tracked = marked(DAY)

    assert cuts_with(tracked, plan(tracked, HOURLY, NOW).asks[0]) == ()


def test_a_mark_just_before_the_seam_leaves_no_bucket_to_send_and_no_contradiction() -> None:
    mark = NOW + A60 - 60
    tracked = a_tracked(a_checkpoint(mark, since=floor(mark - DAY, HOUR)))

    asks = plan(tracked, HOURLY, NOW).asks

    assert (asks[0].covers, asks[0].send_from) == (Window(mark, mark + 60), mark + 60)
    assert cuts_with(tracked, asks[0]) == (Cut(mark, 300), Cut(mark + 60, 60))


def test_a_gap_of_resolution_survives_a_pass_that_died_before_it_was_recorded() -> None:
    tracked = marked(20 * DAY + 160)
    coarse = plan(tracked, HOURLY, NOW).asks[0]
    died = replace(tracked, checkpoint=announce(tracked.checkpoint, coarse.covers), cuts=cuts_with(tracked, coarse))

    again = plan(died, HOURLY, NOW + HOUR)

    assert again.asks[0] == coarse


def test_what_an_outage_made_coarser_is_read_again_coarser_and_no_gap_twice() -> None:
    tracked = marked(20 * DAY + 160)
    life = Life(tracked, HOURLY)
    life.run(NOW)

    owed = plan(life.tracked, HOURLY, NOW + HOUR)

    assert asked(owed)[0] == (-20 * DAY - 100, A60, 300)
    assert [kind for _, _, kind in missing(owed)] == ["unverified"]
    assert missing(owed)[0][:2] == (A60, A60 + HOUR)
    assert not any(ask.loses for ask in owed.asks)


# --- properties of one plan ---


@dataclass(frozen=True)
class Case:
    """A series in some state, and the moment of a pass."""

    tracked: Tracked
    timing: Timing
    now: int


@st.composite
def cases(draw: st.DrawFn, *, cut: bool = False) -> Case:
    period = draw(st.sampled_from(PERIODS))
    now = NOW + draw(st.integers(0, 2 * DAY))
    timing = Timing(
        settle=draw(st.sampled_from((0, 45, 600, HOUR))),
        lookback=ceil(draw(st.sampled_from((0, 3 * HOUR, 3 * DAY))) + 1, period),
    )
    newest = settled(period, timing, now)
    mark = floor(newest - draw(st.sampled_from(AGES)) - draw(st.integers(-2_000, 2 * HOUR)), period)
    mark = min(mark, newest)
    verified = floor(mark - draw(st.sampled_from((0, HOUR, 2 * DAY, 30 * DAY))), period)
    since = floor(verified - draw(st.sampled_from((0, HOUR, 40 * DAY))), HOUR)
    committed = min(newest, mark + period * draw(st.sampled_from((0, 1, 7, 61, 5_000))))
    checkpoint = Checkpoint(since, mark, verified, max(mark, committed))
    return Case(a_tracked(checkpoint, period=period, cuts=draw(cuts_near(mark)) if cut else ()), timing, now)


@st.composite
def cuts_near(draw: st.DrawFn, mark: int) -> tuple[Cut, ...]:
    instants = draw(st.lists(st.integers(-30, 3), min_size=1, max_size=4, unique=True).map(sorted))
    return tuple(Cut(floor(mark, HOUR) + hours * HOUR, draw(st.sampled_from(PERIODS))) for hours in instants)


def parts(owed: SeriesPlan) -> list[Window]:
    """Whatever lies ahead of the mark, in the order of time: what asks cover, and gaps that are certain."""
    mark = owed.tracked.checkpoint.mark
    certain = [gap.window for gap in owed.gaps if gap.window.end > mark]
    return sorted([*(ask.covers for ask in owed.asks), *certain])


def after(owed: SeriesPlan) -> Tracked:
    """The series once all of `owed` is delivered; advance raises CoverageError if anything would be skipped."""
    checkpoint = owed.tracked.checkpoint
    for part in parts(owed):
        checkpoint = advance(checkpoint, part)
    return replace(owed.tracked, checkpoint=checkpoint)


@given(cases() | cases(cut=True))
def test_nothing_is_asked_before_it_is_settled_or_before_since(case: Case) -> None:
    for ask in plan(case.tracked, case.timing, case.now).asks:
        assert ask.window.end <= settled(ask.period, case.timing, case.now)
        assert ask.covers.start >= case.tracked.checkpoint.since
        assert ask.send_from >= case.tracked.checkpoint.since


@given(cases() | cases(cut=True))
def test_every_window_is_answered_at_its_period_with_ten_minutes_to_spare(case: Case) -> None:
    for ask in plan(case.tracked, case.timing, case.now).asks:
        assert ask.window.start >= case.now - kept_for(ask.period) + TEN_MINUTES
        assert ask.window.start % ask.period == ask.window.end % ask.period == ask.send_from % ask.period == 0


@given(cases() | cases(cut=True))
def test_windows_ascend_and_cover_nothing_twice(case: Case) -> None:
    owed = plan(case.tracked, case.timing, case.now)

    for before, following in pairwise(owed.asks):
        assert case.tracked.cuts or before.window.end <= following.window.start
    for former, latter in pairwise(parts(owed)):
        assert former.end <= latter.start


@given(cases() | cases(cut=True))
def test_asks_and_certain_gaps_reach_from_the_mark_to_the_settled_end_without_a_hole(case: Case) -> None:
    owed = plan(case.tracked, case.timing, case.now)

    reached = after(owed).checkpoint.mark

    if case.tracked.cuts:
        assert reached >= case.tracked.checkpoint.mark
    else:
        assert reached == max(case.tracked.checkpoint.mark, settled(case.tracked.series.period, case.timing, case.now))


@given(cases() | cases(cut=True))
def test_once_all_is_delivered_the_same_moment_owes_nothing(case: Case) -> None:
    reached = after(plan(case.tracked, case.timing, case.now))

    owed = plan(reached, case.timing, case.now)

    assert (owed.asks, owed.gaps) == ((), ())


@given(cases(), st.integers(0, 3 * DAY))
def test_a_later_moment_never_covers_less(case: Case, later: int) -> None:
    reached = after(plan(case.tracked, case.timing, case.now)).checkpoint.mark

    assert after(plan(case.tracked, case.timing, case.now + later)).checkpoint.mark >= reached


@given(cases())
def test_a_gap_is_certain_only_where_cloudwatch_no_longer_answers(case: Case) -> None:
    checkpoint = case.tracked.checkpoint
    for gap in plan(case.tracked, case.timing, case.now).gaps:
        kept = kept_for(case.tracked.series.period)
        forgotten = case.now - kept + TEN_MINUTES + (coarser(case.tracked.series.period) or case.tracked.series.period)
        assert checkpoint.verified <= gap.window.start < gap.window.end <= forgotten
        assert gap.kind == ("unverified" if gap.window.start < checkpoint.mark else "lost")


# --- the life of a series: outages, crashes, a change of period ---


@dataclass
class Life:
    """Passes over one series whose every period has a datapoint, as the loop makes them.

    `sent` holds spans with the period at which they were delivered, `told` every gap that was recorded.
    """

    tracked: Tracked
    timing: Timing
    sent: list[tuple[int, int, int]] = field(default_factory=list)
    told: list[Gap] = field(default_factory=list)

    def run(self, now: int, dies_at: int | None = None) -> None:
        """One pass; it dies between the delivery and the record of window number `dies_at`."""
        before, told = self.tracked.checkpoint.mark, len(self.told)
        owed = plan(self.tracked, self.timing, now)
        certain = list(owed.gaps)
        for number, ask in enumerate(owed.asks):
            announced = announce(self.tracked.checkpoint, ask.covers)
            self.tracked = replace(self.tracked, checkpoint=announced, cuts=cuts_with(self.tracked, ask))
            if ask.send_from < ask.covers.end:
                self.sent.append((ask.send_from, ceil(ask.covers.end, ask.period), ask.period))
            if number == dies_at:
                return
            met = [gap for gap in certain if gap.window.end <= ask.covers.start]
            certain = [gap for gap in certain if gap not in met]
            self._record(ask, met)
        lost = [gap.window for gap in self.told[told:] if gap.kind == "lost"]
        self.tracked = replace(self.tracked, checkpoint=resend_settled(self.tracked.checkpoint, before, lost))

    def _record(self, ask: Ask, met: list[Gap]) -> None:
        checkpoint = self.tracked.checkpoint
        for gap in met:
            if gap.window.end > checkpoint.mark:
                checkpoint = advance(checkpoint, gap.window)
        if ask.loses:
            met = [*met, Gap(self.tracked.id, ask.covers, "resolution")]
        self.told += met
        self.tracked = replace(self.tracked, checkpoint=advance(checkpoint, ask.covers))

    def doubled(self) -> list[tuple[tuple[int, int, int], tuple[int, int, int]]]:
        """Spans that were delivered at two periods: whatever sums them counts them twice."""
        spans = sorted(set(self.sent))
        return [
            (one, other)
            for number, one in enumerate(spans)
            for other in spans[number + 1 :]
            if one[2] != other[2] and other[0] < one[1]
        ]

    def silent(self) -> list[tuple[int, int]]:
        """Time before the mark that was neither delivered nor named as a gap."""
        mark, reached = self.tracked.checkpoint.mark, self.tracked.checkpoint.since
        gaps = [(gap.window.start, gap.window.end) for gap in self.told]
        holes = []
        for start, end in sorted([*((start, end) for start, end, _ in self.sent), *gaps, (mark, mark)]):
            if reached < min(start, mark):
                holes.append((reached, min(start, mark)))
            reached = max(reached, end)
        return holes

    def told_twice(self) -> list[tuple[Gap, Gap]]:
        """Gaps over one span of time, but for what was archived coarser and then never proven."""
        return [
            (one, other)
            for number, one in enumerate(self.told)
            for other in self.told[number + 1 :]
            if max(one.window.start, other.window.start) < min(one.window.end, other.window.end)
            and (one.kind, other.kind) != ("resolution", "unverified")
        ]


outages = st.lists(
    st.tuples(st.sampled_from((*AGES[1:], HOUR, HOUR)), st.integers(0, HOUR), st.sampled_from((None, None, 0, 1, 2))),
    min_size=1,
    max_size=7,
)


@given(st.sampled_from(PERIODS), st.sampled_from((0, HOUR)), outages)
def test_no_life_doubles_a_slot_or_loses_time_without_a_word(
    period: int, settle: int, passes: list[tuple[int, int, int | None]]
) -> None:
    life = Life(
        a_tracked(first_checkpoint(first_since(period, DAY, None, NOW)), period=period),
        Timing(settle, ceil(3 * HOUR, period)),
    )
    now = NOW

    for pause, jitter, dies_at in passes:
        now += pause + jitter
        life.run(now, dies_at)

        assert not life.doubled()
        assert not life.silent()


@given(st.sampled_from(PERIODS), outages)
def test_no_life_tells_one_loss_twice(period: int, passes: list[tuple[int, int, int | None]]) -> None:
    life = Life(
        a_tracked(first_checkpoint(first_since(period, DAY, None, NOW)), period=period),
        Timing(600, ceil(3 * HOUR, period)),
    )
    now = NOW

    for pause, jitter, _ in passes:
        now += pause + jitter
        life.run(now)

        assert not life.told_twice()


def test_what_an_outage_lost_for_good_is_told_once() -> None:
    life = Life(marked(500 * DAY), HOURLY)

    life.run(NOW)
    life.run(NOW + HOUR)
    life.run(NOW + 2 * HOUR)

    assert [gap.kind for gap in life.told] == ["lost", "resolution", "resolution"] + 3 * ["unverified"]
    assert [gap.window.seconds for gap in life.told[3:]] == [HOUR, HOUR, HOUR]  # what each seam passed meanwhile


@given(st.sampled_from(PERIODS), st.sampled_from(PERIODS), outages)
def test_a_change_of_period_on_both_grids_doubles_and_loses_nothing(
    old: int, new: int, passes: list[tuple[int, int, int | None]]
) -> None:
    timing = Timing(0, ceil(3 * HOUR, math.lcm(old, new)))
    life = Life(a_tracked(first_checkpoint(first_since(old, DAY, None, NOW)), period=old), timing)
    life.run(NOW)
    cut = Cut(ceil(life.tracked.checkpoint.committed, math.lcm(old, new, HOUR)), new)
    series = replace(life.tracked.series, period=new)
    life.tracked = replace(life.tracked, series=series, cuts=(Cut(0, old), *life.tracked.cuts, cut))
    now = NOW

    for pause, jitter, _ in passes:
        now += min(pause, 10 * DAY) + jitter
        life.run(now)

        assert not life.doubled()
        assert not life.silent()


def test_a_pass_that_died_sixteen_days_before_the_next_doubles_no_slot() -> None:
    life = Life(marked(16 * DAY + 160), HOURLY)

    life.run(NOW, dies_at=0)
    life.run(NOW + 16 * DAY + 77)
    life.run(NOW + 16 * DAY + 2 * HOUR)

    assert not life.doubled()
    assert not life.silent() or life.silent() == [(life.tracked.checkpoint.since, NOW - 16 * DAY - 160)]
