"""What one pass did: counts, failures with their reasons, gaps, and the exit code that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from cwarchive.core.ports import Figures
from cwarchive.core.series import Cell
from cwarchive.errors import AccessError, ClockError, CwarchiveError, DeliveryError, SourceError, Unreachable

DONE, SOME_FAILED, GAPS = 0, 3, 4


@dataclass(slots=True)
class Tally:
    """The running account of a pass over one cell, added to as batches end.

    `asked` is how many series owed something; `unlisted` why discovery failed; `ended` why the rest was not asked;
    `renamed` are the paths to which series moved that the state knows on another; `crowded` counts, by entry, new
    series that a limit keeps from being begun, `late` the series that a pass which was cut short left further behind
    than their entries allow.
    """

    cell: Cell
    asked: int = 0
    answered: int = 0
    datapoints: int = 0
    requests: int = 0
    billed: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    crowded: Counter[str] = field(default_factory=Counter)
    renamed: list[str] = field(default_factory=list)
    late: int = 0
    unlisted: SourceError | AccessError | None = None
    ended: AccessError | Unreachable | None = None

    def add(self, figures: Figures) -> None:
        """Count one commit."""
        self.answered += figures.series
        self.datapoints += figures.datapoints
        self.requests += figures.requests
        self.billed += figures.billed

    @property
    def barred(self) -> CwarchiveError | None:
        """Why this cell gave nothing at all, if it gave nothing."""
        return None if self.answered else self.ended or self.unlisted


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What one cell would be asked: series that owe something, requests, estimated datapoints, billed metrics."""

    cell: Cell
    series: int
    new: int
    requests: int
    datapoints: int
    billed: int


def exit_code(
    tallies: Sequence[Tally],
    ended: DeliveryError | ClockError | None = None,
    signal: int | None = None,
    *,
    gaps: bool = False,
) -> int:
    """The code of a pass: 77 where every cell refused, a signal's, 75 where nothing came or went, 4 for gaps, 3.

    `ended` is what ended the pass early, `signal` the exit code of a signal that did, `gaps` whether one is told.
    """
    barred = [tally.barred for tally in tallies]
    if tallies and all(isinstance(error, AccessError) for error in barred):
        return AccessError.exit_code
    if signal is not None:
        return signal
    if isinstance(ended, ClockError) or (ended is not None and not any(tally.answered for tally in tallies)):
        return ended.exit_code
    if tallies and all(isinstance(error, (AccessError, Unreachable)) for error in barred):
        return Unreachable.exit_code
    if gaps:
        return GAPS
    waiting = any(t.failures or t.unlisted or t.ended or t.crowded or t.late for t in tallies)
    return SOME_FAILED if waiting or ended is not None else DONE
