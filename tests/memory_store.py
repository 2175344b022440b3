"""The state in memory: the port `Store` with its promises, and nothing that survives."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace

from cwarchive.core.checkpoint import Checkpoint, Gap, Tracked, first_checkpoint
from cwarchive.core.conditions import Remembered
from cwarchive.core.gaps import GapRecord
from cwarchive.core.ports import EntryPass, Figures, Newcomer, Validated
from cwarchive.core.rewind import rewound
from cwarchive.core.series import Cell
from cwarchive.errors import StateError


@dataclass
class MemoryRun:
    """A run as it was begun, added up and ended."""

    command: str
    started: int
    figures: Figures = field(default_factory=Figures)
    ended: int | None = None
    exit_code: int | None = None


class MemoryStore:
    """What a test looks at: `series`, `gaps`, `runs` (by id), when gaps were `noticed`, `told` and `acknowledged`.

    Set `full` and every write fails.
    """

    def __init__(self) -> None:
        self.series: dict[int, Tracked] = {}
        self.gaps: list[Gap] = []
        self.noticed: dict[Gap, int] = {}
        self.told: dict[Gap, int] = {}
        self.acknowledged: dict[Gap, int] = {}
        self.runs: dict[int, MemoryRun] = {}
        self.full = False
        self._passes: dict[str, tuple[int, int | None]] = {}
        self._discovered: dict[str, dict[Cell, int]] = {}
        self._conditions: dict[str, Remembered] = {}
        self._validated: Validated | None = None

    def entry(self, key: str) -> EntryPass:
        last, billed = self._passes.get(key, (None, None))
        return EntryPass(last, dict(self._discovered.get(key, {})), billed)

    def known(self, cell: Cell) -> Iterator[Tracked]:
        yield from [tracked for tracked in self.series.values() if tracked.series.metric.cell == cell]

    def newest_mark(self) -> int | None:
        return max((tracked.checkpoint.mark for tracked in self.series.values()), default=None)

    def waiting(self) -> int:
        return sum(tracked.failed and not tracked.forgotten for tracked in self.series.values())

    def total(self) -> int:
        return sum(not tracked.forgotten for tracked in self.series.values())

    def begun(self) -> int:
        marks = (tracked.checkpoint for tracked in self.series.values() if not tracked.forgotten)
        return sum(at.mark > at.since for at in marks)

    def untold(self) -> list[Gap]:
        return [gap for gap in self.unacknowledged() if gap not in self.told]

    def unacknowledged(self, told_before: int | None = None) -> list[Gap]:
        return [
            gap
            for gap in self.gaps
            if gap not in self.acknowledged
            and (told_before is None or gap not in self.told or self.told[gap] < told_before)
        ]

    def all_gaps(self) -> list[GapRecord]:
        return [
            GapRecord(
                gap,
                self.series[gap.series_id].series,
                self.noticed[gap],
                self.told.get(gap),
                self.acknowledged.get(gap),
            )
            for gap in self.gaps
        ]

    def conditions(self) -> Mapping[str, Remembered]:
        return dict(self._conditions)

    def validated(self) -> Validated | None:
        return self._validated

    def begin(self, command: str, now: int) -> int:
        self._check_room()
        run = len(self.runs) + 1
        self.runs[run] = MemoryRun(command, now)
        return run

    def adopt(
        self,
        newcomers: Sequence[Newcomer],
        discovered: Mapping[str, Cell],
        now: int,
        changed: Sequence[Tracked] = (),
    ) -> list[Tracked]:
        self._check_room()
        paths = [tracked.series.path for tracked in self.series.values()] + [new.series.path for new in newcomers]
        if len(paths) != len(set(paths)):
            raise StateError("the state was asked to hold two series on one path")
        self._check_known([one.id for one in changed])
        for one in changed:
            if replace(one.series, period=0) != replace(self.series[one.id].series, period=0):
                raise StateError(f"series {one.id} is another one")
        adopted = [
            Tracked(number, newcomer.series, first_checkpoint(newcomer.since))
            for number, newcomer in enumerate(newcomers, len(self.series) + 1)
        ]
        self.series.update((tracked.id, tracked) for tracked in adopted)
        for key, cell in discovered.items():
            self._discovered.setdefault(key, {})[cell] = now
        self._save(changed)
        for one in changed:
            self.series[one.id] = replace(self.series[one.id], series=one.series, cuts=one.cuts)
        return adopted

    def announce(self, tracked: Sequence[Tracked]) -> None:
        self._check_room()
        self._save(tracked)
        for one in tracked:
            self.series[one.id] = replace(self.series[one.id], cuts=one.cuts)

    def record(self, run: int, tracked: Sequence[Tracked], gaps: Sequence[Gap], figures: Figures) -> None:
        self._check_room()
        if run not in self.runs:
            raise StateError(f"the state has no run {run}")
        self._save(tracked)
        self.gaps += [gap for gap in dict.fromkeys(gaps) if gap not in self.gaps]
        for gap in gaps:
            self.noticed.setdefault(gap, self.runs[run].started)
        done = self.runs[run].figures
        self.runs[run].figures = Figures(*map(sum, zip(astuple(done), astuple(figures), strict=True)))

    def end(
        self,
        run: int,
        passed: Mapping[str, int],
        tracked: Sequence[Tracked],
        exit_code: int,
        now: int,
        billed: Mapping[str, int] = {},
    ) -> None:
        self._check_room()
        self._save(tracked)
        self._passes.update((key, (begun, billed.get(key))) for key, begun in passed.items())
        self.runs[run].ended, self.runs[run].exit_code = now, exit_code

    def tell(self, gaps: Sequence[Gap], now: int) -> None:
        self._check_room()
        self.told.update(dict.fromkeys(gaps, now))

    def acknowledge(self, gaps: Sequence[Gap], now: int) -> int:
        self._check_room()
        met = {gap for gap in gaps if gap in self.gaps and gap not in self.acknowledged}
        self.acknowledged.update(dict.fromkeys(met, now))
        return len(met)

    def remember(self, conditions: Sequence[Remembered]) -> None:
        self._check_room()
        by_key = {condition.key: condition for condition in conditions}
        if len(by_key) != len(conditions):
            raise StateError("the state was asked to remember two conditions under one key")
        self._conditions = by_key

    def remember_validated(self, validated: Validated) -> None:
        self._check_room()
        self._validated = validated

    def rewind(self, ids: Collection[int], to: int) -> int:
        self._check_room()
        self._check_known(ids)
        after = {number: rewound(self.series[number], to) for number in ids}
        moved = {number: tracked for number, tracked in after.items() if tracked != self.series[number]}
        self.series.update(moved)
        return len(moved)

    def forget(self, ids: Collection[int], now: int) -> int:
        self._check_room()
        self._check_known(ids)
        given_up = {number for number in ids if not self.series[number].forgotten}
        self.series.update((n, replace(self.series[n], forgotten=True, failed=False)) for n in given_up)
        return len(given_up)

    def _check_room(self) -> None:
        if self.full:
            raise StateError("the state has no room left")

    def _check_known(self, ids: Collection[int]) -> None:
        if unknown := [number for number in ids if number not in self.series]:
            raise StateError(f"the state has no series {unknown}")

    def _save(self, tracked: Sequence[Tracked]) -> None:
        self._check_known([one.id for one in tracked])
        for one in tracked:
            self.series[one.id] = _joined(self.series[one.id], one)


def _joined(stored: Tracked, saved: Tracked) -> Tracked:
    """Marks grow and `since` falls; period and cuts are changed by a discovery or an announcement only."""
    old, new = stored.checkpoint, saved.checkpoint
    checkpoint = Checkpoint(
        since=min(old.since, new.since),
        mark=max(old.mark, new.mark),
        verified=max(old.verified, new.verified),
        committed=max(old.committed, new.committed),
    )
    return replace(
        stored,
        checkpoint=checkpoint,
        failed=saved.failed,
        empty=saved.empty,
        parked=saved.parked,
        forgotten=saved.forgotten,
    )
