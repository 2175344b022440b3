"""Gaps as people handle them: those of one cause and one interval are one, with a short name and its series within."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cwarchive.core.checkpoint import Gap
from cwarchive.core.series import Series
from cwarchive.core.window import Window

KINDS = ("lost", "resolution", "unverified")
"""The causes of permanent gaps; see `Gap`."""


@dataclass(frozen=True, slots=True)
class GapRecord:
    """A gap as the state keeps it, with its series; times in epoch seconds.

    `noticed` is when the run began that met it, `told` when somebody was last told, `acknowledged` when somebody
    said that they know; None while nobody was or did.
    """

    gap: Gap
    series: Series
    noticed: int
    told: int | None
    acknowledged: int | None


@dataclass(frozen=True, slots=True)
class GapGroup:
    """All gaps of one kind over one window, by path."""

    kind: str
    window: Window
    records: tuple[GapRecord, ...]

    @property
    def id(self) -> str:
        """The name under which it is acknowledged."""
        return gap_id(self.kind, self.window)

    @property
    def unacknowledged(self) -> int:
        """How many of its gaps nobody has acknowledged."""
        return sum(record.acknowledged is None for record in self.records)


def gap_id(kind: str, window: Window) -> str:
    """Seven hex digits that name a cause and an interval: the same in every state, for whichever series."""
    return hashlib.sha256(f"{kind} {window.start} {window.end}".encode()).hexdigest()[:7]


def grouped(records: Iterable[GapRecord]) -> tuple[GapGroup, ...]:
    """The groups in the order of time, then kind; within each the order of paths."""
    found: dict[tuple[Window, str], list[GapRecord]] = {}
    for record in records:
        found.setdefault((record.gap.window, record.gap.kind), []).append(record)
    return tuple(GapGroup(kind, window, tuple(sorted(met, key=_path))) for (window, kind), met in sorted(found.items()))


def _path(record: GapRecord) -> str:
    return record.series.path
