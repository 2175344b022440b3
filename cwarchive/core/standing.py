"""Where a whole archive stands: what a reader of the state is told without seeing a single series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cwarchive.core.due import is_due
from cwarchive.core.ports import Figures, Validated
from cwarchive.core.retention import DAY
from cwarchive.core.series import Cell


@dataclass(frozen=True, slots=True)
class Standing:
    """The series of one namespace and period (seconds) in one cell; those that were forgotten do not count.

    `series` counts them all, `failed` those that wait for the next run, `parked` those that nothing lists any more,
    `waiting` those that were met and not begun. The oldest marks are those of series that are not parked, None where
    all are.
    """

    cell: Cell
    namespace: str
    period: int
    series: int
    failed: int
    oldest_mark: int | None
    oldest_verified: int | None
    parked: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class GapCount:
    """How many permanent gaps of one kind are recorded, and how many of them nobody has acknowledged."""

    kind: str
    permanent: int
    unacknowledged: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One command that wrote the state; times in epoch seconds.

    `ended` is None while it is at work. One that was killed has an end (its last progress) and no exit code.
    """

    id: int
    command: str
    pid: int
    host: str
    started: int
    progress: int
    ended: int | None
    exit_code: int | None
    figures: Figures

    def at_work(self, now: int) -> str:
        """Who this is, since when, and how long ago it last got anything done."""
        return (
            f"cwarchive {self.command}, pid {self.pid} on {self.host}, at work for {max(0, now - self.started)} s, "
            f"last progress {max(0, now - self.progress)} s ago"
        )


@dataclass(frozen=True, slots=True)
class StateSummary:
    """The state at one moment; `runs` newest first.

    `billed` counts the metrics billed since the asked instant, `billed_by_entry` those of each entry's usual pass.
    `stale` says that the newest commits could not be read: the folder is read-only and the last command did not end
    cleanly.
    """

    standings: tuple[Standing, ...]
    gaps: tuple[GapCount, ...]
    runs: tuple[RunRecord, ...]
    billed: int
    stale: bool = False
    billed_by_entry: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Glance:
    """The little that tells whether a pass would find anything to do: see `nothing_due`.

    `last_passes` says when each entry (by its key) began its last pass, `waiting` counts the series that failed.
    """

    validated: Validated | None
    last_passes: Mapping[str, int]
    waiting: int

    def nothing_due(self, fingerprint: str, now: int) -> bool:
        """Whether a pass at `now` would do nothing, beyond doubt: the config is the one that was validated last."""
        if self.validated is None or self.validated.fingerprint != fingerprint or self.waiting:
            return False
        if any(last > now + DAY for last in self.last_passes.values()):  # the clock was set back
            return False
        return not any(is_due(every, self.last_passes.get(key), now) for key, every in self.validated.entries)
