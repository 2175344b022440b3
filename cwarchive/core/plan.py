"""Which windows of time a series still owes the archive, at which period, and what can no longer be had.

The span runs from `verified - lookback` to the last settled period. Its parts are asked at the period they were first
archived at; what has aged past CloudWatch's horizon for that period is asked coarser where it was never delivered, and
is a gap where it may have been. A request never crosses a tier.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from cwarchive.core.checkpoint import Cut, Gap, Tracked
from cwarchive.core.retention import coarser, kept_for
from cwarchive.core.window import Window, ceil, floor, window

MARGIN = 600
"""Seconds kept from a horizon, where CloudWatch is rolling up while it answers."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a datapoint counts as final, and how far behind the verified mark a pass reads again; seconds."""

    settle: int
    lookback: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One window of one series at one period.

    The mark may move over `covers` once it is delivered. Datapoints before `send_from` are looked at, not sent.
    `loses` says that finer datapoints are gone here: a resolution gap, where the answer is not empty.
    """

    window: Window
    period: int
    covers: Window
    send_from: int
    loses: bool = False


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """What one series owes at one moment: windows oldest first, gaps already certain, seconds left before loss."""

    tracked: Tracked
    asks: tuple[Ask, ...]
    gaps: tuple[Gap, ...]
    danger: int


def plan(tracked: Tracked, timing: Timing, now: int) -> SeriesPlan:
    """What `tracked` owes at `now` (epoch seconds); nothing unless one of its periods has settled since its mark."""
    period, checkpoint = tracked.series.period, tracked.checkpoint
    danger = checkpoint.mark + kept_for(period) - now
    start = max(checkpoint.since, _reread_from(tracked, timing))
    owed = list(_settled_stretches(tracked, start, timing, now))
    if not owed or owed[-1][0].end <= checkpoint.mark:
        return SeriesPlan(tracked, (), (), danger)
    parts = [part for stretch, archived_at in owed for part in _parts(tracked, stretch, archived_at, now)]
    asks = tuple(part for part in parts if isinstance(part, Ask))
    gaps = tuple(part for part in parts if isinstance(part, Gap))
    return SeriesPlan(tracked, asks, gaps, danger)


def repetition(tracked: Tracked, timing: Timing, now: int) -> SeriesPlan:
    """What to send once more of what `tracked` has: from its lookback to its mark, as it was archived.

    What has aged out since it was sent is a gap: it stays unproven.
    """
    start = max(tracked.checkpoint.since, _reread_from(tracked, timing))
    span = window(start, tracked.checkpoint.mark)
    parts = (
        part
        for stretch, archived_at in (stretches(tracked, span) if span else ())
        for part in _parts(tracked, stretch, archived_at, now)
    )
    found = list(parts)
    asks = tuple(part for part in found if isinstance(part, Ask))
    gaps = tuple(part for part in found if isinstance(part, Gap))
    return SeriesPlan(tracked, asks, gaps, tracked.checkpoint.mark + kept_for(tracked.series.period) - now)


def settled(period: int, timing: Timing, now: int) -> int:
    """The end of the last period that counts as final at `now`."""
    return floor(now - timing.settle, period)


def period_at(tracked: Tracked, instant: int) -> int:
    """The period at which what happens at `instant` is archived."""
    return next((cut.period for cut in reversed(tracked.cuts) if cut.at <= instant), tracked.series.period)


def stretches(tracked: Tracked, span: Window) -> Iterator[tuple[Window, int]]:
    """The parts of `span` in order, each with the period at which it is archived."""
    inside = sorted({cut.at for cut in tracked.cuts if span.start < cut.at < span.end})
    for start, end in pairwise([span.start, *inside, span.end]):
        yield Window(start, end), period_at(tracked, start)


def cuts_with(tracked: Tracked, ask: Ask) -> tuple[Cut, ...]:
    """The cuts of a series once `ask` is announced: coarser where finer datapoints are gone, as before after that.

    The cut stands where the mark stood, not at the first coarse boundary after it: nothing between them was ever sent
    at the finer period, so that nothing there can be unverified.
    """
    if not ask.loses:
        return tracked.cuts
    coarse, after = Cut(ask.covers.start, ask.period), Cut(ask.covers.end, period_at(tracked, ask.covers.end))
    others = (cut for cut in tracked.cuts if not coarse.at <= cut.at <= after.at)
    return tuple(sorted([*others, coarse, after], key=lambda cut: cut.at))


def _reread_from(tracked: Tracked, timing: Timing) -> int:
    """Where the lookback begins, in whole periods as they were archived there."""
    begin = tracked.checkpoint.verified - timing.lookback
    return floor(begin, period_at(tracked, begin))


def _settled_stretches(tracked: Tracked, start: int, timing: Timing, now: int) -> Iterator[tuple[Window, int]]:
    """The stretches from `start` on, up to the first period that is not final: what follows it would leave a hole."""
    span = window(start, settled(tracked.series.period, timing, now))
    for stretch, archived_at in stretches(tracked, span) if span else ():
        final = settled(archived_at, timing, now)
        if part := window(stretch.start, min(stretch.end, final)):
            yield part, archived_at
        if final < stretch.end:
            return


def _parts(tracked: Tracked, span: Window, period: int, now: int) -> Iterator[Ask | Gap]:
    coarse = coarser(period)
    answered_from = ceil(now - kept_for(period) + MARGIN, coarse or period)
    if old := window(span.start, min(span.end, answered_from)):
        yield from _past_the_horizon(tracked, old, coarse, now)
    if fresh := window(max(span.start, answered_from), span.end):
        yield from _answered(tracked, fresh, period, now)


def _answered(tracked: Tracked, span: Window, period: int, now: int) -> Iterator[Ask]:
    """Read again up to the mark; what a pass that died had announced coarser beyond it still loses resolution."""
    own, mark = tracked.series.period, tracked.checkpoint.mark
    coarsened = period > own and period % own == 0
    horizon = now - kept_for(own) + MARGIN
    if coarsened and (ahead := window(max(span.start, mark), span.end)) and ahead.start < horizon:
        if again := window(span.start, ahead.start):
            yield from _whole(again, period, mark)
        yield _coarse_ask(ahead, period)
    else:
        yield from _whole(span, period, mark)


def _whole(span: Window, period: int, mark: int) -> Iterator[Ask]:
    """Ask for the periods that begin in the span; one that began before it belongs to what lies before it."""
    begin, end = ceil(span.start, period), ceil(span.end, period)
    if begin < end:
        yield Ask(Window(begin, end), period, covers=span, send_from=begin)
    elif span.end > mark:
        yield Ask(Window(floor(span.start, period), end), period, covers=span, send_from=end)


def _past_the_horizon(tracked: Tracked, span: Window, coarse: int | None, now: int) -> Iterator[Ask | Gap]:
    """Sent once is unproven; announced is in doubt; the rest is asked coarser, while CloudWatch keeps that."""
    mark = tracked.checkpoint.mark
    if unproven := window(max(span.start, tracked.checkpoint.verified), min(span.end, mark)):
        yield Gap(tracked.id, unproven, "unverified")
    if doubtful := window(max(span.start, mark), min(span.end, tracked.checkpoint.committed)):
        yield Gap(tracked.id, doubtful, "lost")
    if owed := window(max(span.start, mark, tracked.checkpoint.committed), span.end):
        yield from _coarsely(tracked, owed, coarse, now)


def _coarsely(tracked: Tracked, owed: Window, coarse: int | None, now: int) -> Iterator[Ask | Gap]:
    if coarse is None:
        yield Gap(tracked.id, owed, "lost")
        return
    further = coarser(coarse)
    answered_from = ceil(now - kept_for(coarse) + MARGIN, further or coarse)
    if older := window(owed.start, min(owed.end, answered_from)):
        yield from _coarsely(tracked, older, further, now)
    if younger := window(max(owed.start, answered_from), owed.end):
        yield _coarse_ask(younger, coarse)


def _coarse_ask(span: Window, period: int) -> Ask:
    """The bucket in which finer datapoints already stand is looked at, not sent."""
    asked = Window(floor(span.start, period), ceil(span.end, period))
    return Ask(asked, period, covers=span, send_from=ceil(span.start, period), loses=True)
