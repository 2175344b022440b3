"""How far a series is archived: marks that mean coverage, move forward only, and refuse to jump."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.series import Series
from cwarchive.core.window import Window, ceil
from cwarchive.errors import CoverageError

WIDEST_GRID = 7 * DAY
"""Seconds beyond which two periods are not waited for to meet on one grid."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a series stands, in epoch seconds.

    `since`      the archive of this series begins here, a whole hour
    `mark`       everything in [since, mark) was answered Complete and its delivery receipted
    `verified`   everything before it was found in Graphite; without read-back, sent by two passes (the re-sent mark)
    `committed`  windows up to here were announced, at the series' period, before their first byte was delivered
    """

    since: int
    mark: int
    verified: int
    committed: int

    def __post_init__(self) -> None:
        if not self.since <= self.verified <= self.mark <= self.committed:
            raise CoverageError(f"marks out of order: {self}")


def first_checkpoint(since: int) -> Checkpoint:
    """The checkpoint of a series that is met for the first time."""
    return Checkpoint(since=since, mark=since, verified=since, committed=since)


def advance(checkpoint: Checkpoint, covered: Window) -> Checkpoint:
    """The checkpoint once `covered` is delivered; raises CoverageError where that would skip time."""
    if covered.start > checkpoint.mark:
        raise CoverageError(f"window starts at {covered.start}, but nothing after {checkpoint.mark} is archived")
    mark = max(checkpoint.mark, covered.end)
    return replace(checkpoint, mark=mark, committed=max(checkpoint.committed, mark))


def announce(checkpoint: Checkpoint, planned: Window) -> Checkpoint:
    """The checkpoint once `planned` is about to be delivered, so that a crash cannot hide what may have arrived."""
    return replace(checkpoint, committed=max(checkpoint.committed, planned.end))


def resend_settled(checkpoint: Checkpoint, mark_before: int, lost: Iterable[Window] = ()) -> Checkpoint:
    """The checkpoint after a pass that moved the mark from `mark_before`: what lay before it has been sent again.

    Over the gaps `lost` in that pass, in order, it moves at once: there is nothing to send, and nothing to tell again.
    """
    if checkpoint.mark <= mark_before:
        return checkpoint
    verified = max(checkpoint.verified, mark_before)
    for gap in lost:
        verified = max(verified, gap.end) if gap.start <= verified else verified
    return replace(checkpoint, verified=min(verified, checkpoint.mark))


def sent_twice(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint once all that it covers was sent a second time."""
    return replace(checkpoint, verified=checkpoint.mark)


@dataclass(frozen=True, slots=True)
class Cut:
    """From `at` on a series is archived at `period`, until its next cut; both in seconds."""

    at: int
    period: int


@dataclass(frozen=True, slots=True)
class Tracked:
    """A series that the state knows: its row, where it stands, and the cuts at which its archived period changed.

    `failed`     it could not be archived when it was last asked, and waits for the next run
    `empty`      its last answer held no datapoint
    `parked`     it has caught up, is empty and no longer listed: not asked until it is listed again
    `forgotten`  the operator gave it up; matched again, it goes on at its old mark
    """

    id: int
    series: Series
    checkpoint: Checkpoint
    cuts: tuple[Cut, ...] = ()
    failed: bool = False
    empty: bool = False
    parked: bool = False
    forgotten: bool = False


def at_period(tracked: Tracked, period: int) -> Tracked:
    """The series once its entry asks another period: a cut beyond all that was announced, on both grids and an hour.

    Before the cut everything, lookback included, is asked at the old period, so that no slot is archived at two.
    """
    old = tracked.series.period
    grid = math.lcm(old, period, HOUR)
    at = ceil(tracked.checkpoint.committed, grid if grid <= WIDEST_GRID else HOUR)
    kept = [cut for cut in tracked.cuts or (Cut(0, old),) if cut.at < at]
    return replace(tracked, series=replace(tracked.series, period=period), cuts=(*kept, Cut(at, period)))


@dataclass(frozen=True, slots=True)
class Gap:
    """Time of one series that CloudWatch no longer answers and the archive does not hold as it was published.

    `kind` is "lost" (nothing is left), "resolution" (coarser datapoints were archived instead) or "unverified"
    (sent once, and never proven).
    """

    series_id: int
    window: Window
    kind: str
