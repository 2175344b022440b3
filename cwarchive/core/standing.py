"""Where a whole archive stands: what a reader of the state is told without seeing a single series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cwarchive.core.ports import Figures
from cwarchive.core.series import Cell


@dataclass(frozen=True, slots=True)
class Standing:
    """The series of one namespace and period (seconds) in one cell: how many, how many failed last, oldest marks."""

    cell: Cell
    namespace: str
    period: int
    series: int
    failed: int
    oldest_mark: int
    oldest_verified: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What several standings come to."""

    series: int
    failed: int
    oldest_mark: int
    oldest_verified: int


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

    `billed` counts the metrics billed since the asked instant. `stale` says that the newest commits could not be
    read: the folder is read-only and the last command did not end cleanly.
    """

    standings: tuple[Standing, ...]
    gaps: tuple[GapCount, ...]
    runs: tuple[RunRecord, ...]
    billed: int
    stale: bool = False


def by_period(standings: Iterable[Standing]) -> Mapping[int, Totals]:
    """The totals of every period, finest first."""
    found: dict[int, Totals] = {}
    for standing in standings:
        found[standing.period] = _joined(found.get(standing.period), standing)
    return dict(sorted(found.items()))


def by_cell(standings: Iterable[Standing]) -> Mapping[Cell, Totals]:
    """The totals of every cell."""
    found: dict[Cell, Totals] = {}
    for standing in standings:
        found[standing.cell] = _joined(found.get(standing.cell), standing)
    return found


def _joined(sofar: Totals | None, standing: Standing) -> Totals:
    met = Totals(standing.series, standing.failed, standing.oldest_mark, standing.oldest_verified)
    if sofar is None:
        return met
    return replace(
        met,
        series=sofar.series + met.series,
        failed=sofar.failed + met.failed,
        oldest_mark=min(sofar.oldest_mark, met.oldest_mark),
        oldest_verified=min(sofar.oldest_verified, met.oldest_verified),
    )
