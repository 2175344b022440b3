"""Months of an archive in seconds: the real loop on a virtual clock, in every trouble, watched after each pass."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import cast

from cwarchive.archive.passes import Limits, Outcome, Work, idle, run_pass
from cwarchive.archive.transfer import Conduct
from cwarchive.core.checkpoint import Gap, Tracked
from cwarchive.core.plan import MARGIN
from cwarchive.core.ports import Source, Store
from cwarchive.core.retention import DAY, HOUR, kept_for
from cwarchive.core.selection import cells
from cwarchive.core.series import Cell
from cwarchive.core.spec import MetricSpec
from cwarchive.core.window import Window, floor, window
from cwarchive.core.words import instant
from cwarchive.errors import AccessError, CwarchiveError
from tests.simulator.cloud import SIGNED_WITHIN, STATISTICS, Measured, SimulatedCloudWatch
from tests.simulator.fate import AFTER, BEFORE, BEGIN, HERE, THERE, Fate, Turn
from tests.simulator.homes import Home, InMemory
from tests.simulator.ledger import Account, Fault, faults, uncovered
from tests.simulator.receiver import Held, Receiver
from tests.simulator.report import Report
from tests.simulator.trouble import Died, Fragile, Weather


class Simulation:
    """One archive, its surroundings and its watcher."""

    def __init__(self, seed: int, days: int, home: Home | None = None) -> None:
        self.fate = Fate(seed, days)
        self.report = Report(seed, days)
        self.home = home or InMemory()
        self.weather = Weather()
        self.receiver = Receiver(_shelves(self.fate), self.weather)
        self.sources = {cell: SimulatedCloudWatch(cell, self.fate.measured, self.weather) for cell in (HERE, THERE)}
        self.by_name = {one.metric.name: one for one in self.fate.measured}
        self.specs: tuple[MetricSpec, ...] = self.fate.edits[0].specs
        self.begun: dict[tuple[str, Cell], int] = {}
        self.printed: dict[Gap, int] = {}
        self.seen: dict[str, Tracked] = {}
        self.rewound: dict[str, list[Window]] = {}
        self.heard: dict[str, list[int]] = {}
        self.went_well = False
        self._reprinting = False
        self._backups: list[tuple[int, Callable[[], None]]] = []
        self._edits, self._to_back_up = list(self.fate.edits[1:]), list(self.fate.backups)

    def run(self) -> Report:
        """All of it, then the ledger."""
        began = time.perf_counter()
        for start, end in self.fate.outages:
            self.report.tell(start, f"nothing runs until {instant(end)}")
        for turn in self.fate.turns():
            self._edit(turn.at)
            self._restore(turn.at)
            self._rewind(turn)
            self._pass(turn)
        self._close()
        report, receiver = self.report, self.receiver
        report.points, report.duplicates = receiver.points, receiver.duplicates
        report.forgotten = receiver.forgotten
        report.seconds = time.perf_counter() - began
        return report

    def _edit(self, at: int) -> None:
        if self._edits and at >= self._edits[0].at and self.went_well:
            self.specs = self._edits.pop(0).specs
            self.report.tell(at, f"the list is {', '.join(spec.label for spec in self.specs)}")

    def _restore(self, at: int) -> None:
        for backed_up, restored in [pair for pair in self._to_back_up if pair[0] <= at]:
            self._to_back_up.remove((backed_up, restored))
            self._backups.append((restored, self.home.back_up()))
            self.report.tell(at, "backup")
        for restored, put_in_place in [backup for backup in self._backups if backup[0] <= at]:
            self._backups.remove((restored, put_in_place))
            put_in_place()
            self._remember_less(at)

    def _rewind(self, turn: Turn) -> None:
        """The operator has a span sent again."""
        if turn.rewinds:
            self.report.tell(turn.at, f"rewound by {turn.rewinds} s")
            self.report.troubles["rewound"] += 1
            store = self.home.open()
            store.rewind([tracked.id for tracked in self._known(store)], turn.at - turn.rewinds)
            self.seen = {tracked.series.path: tracked for tracked in self._known(store)}
            self.home.close()

    def _remember_less(self, at: int) -> None:
        """What the state forgot by becoming an older one: marks, gaps, entries, series."""
        self.report.tell(at, "the state is the backup's")
        self.report.troubles["restored"] += 1
        store = self.home.open()
        before, self.seen = self.seen, {tracked.series.path: tracked for tracked in self._known(store)}
        for path, tracked in before.items():
            mark = self.seen[path].checkpoint.mark if path in self.seen else tracked.checkpoint.since
            if again := window(mark - 2 * DAY, tracked.checkpoint.committed):
                self.rewound.setdefault(path, []).append(again)
        self.begun = {
            (key, cell): began for (key, cell), began in self.begun.items() if cell in store.entry(key).discovered
        }
        self.home.close()
        self.printed = dict.fromkeys(self.printed, 0)

    def _pass(self, turn: Turn) -> None:
        weather, trouble = self.weather, turn.trouble
        weather.begin(turn.at, trouble)
        self.receiver.begin()
        code, outcome = self._command()
        lost: set[str] = self.receiver.end(trouble.forgets)
        if lost:
            weather.hit()
        if weather.met:
            self.report.troubles[trouble.kind] += 1
        if trouble.kind:
            where = f" at {trouble.moment} {trouble.nth}" if trouble.moment else ""
            self.report.tell(turn.at, f"{trouble.kind}{where}{'' if weather.met else ', not met'}: exit {code}")
        self._judge_code(turn, code, outcome)
        self.went_well = code in {0, 4} and not weather.met
        self._watch(turn.at, lost)

    def _command(self) -> tuple[int | None, Outcome | None]:
        """What cron started: one pass, its gaps printed, then told; None for a process that died."""
        now = int(self.weather.local_time())
        if self.weather.trouble.clock_off < 0:
            self.weather.hit()
        store = cast("Store", Fragile(self.home.open(), self.weather))
        try:
            if idle(store, self.specs, now, every_entry=False):
                return 0, None
            outcome = run_pass(store, self.receiver, self._work(), self._conduct(), now)
            self._print(outcome)
            store.tell(outcome.gaps, now)
            self._reprinting = False
        except Died:
            return None, None
        except CwarchiveError as error:
            if error.exit_code == 1:
                raise
            return error.exit_code, None
        finally:
            self.home.close()
        return outcome.exit_code, outcome

    def _print(self, outcome: Outcome) -> None:
        self.report.passes += 1
        for gap in outcome.gaps:
            if self.printed.get(gap) and not self._reprinting:
                self.report.accuse("told twice", self.weather.aws_time, f"{gap}")
            self.printed[gap] = self.printed.get(gap, 0) + 1
        self._reprinting = True

    def _work(self) -> Work:
        limits = Limits(usd_per_run=self.weather.trouble.usd)
        if limits.usd_per_run is not None:
            self.weather.hit()
        return Work(self.specs, cells(self.specs), self._source, limits=limits)

    def _source(self, cell: Cell) -> Source:
        if cell.region == self.weather.trouble.barred:
            self.weather.hit()
            raise AccessError("no credentials")
        return self.sources[cell]

    def _conduct(self) -> Conduct:
        return Conduct(
            threads=1,
            batch_lines=500,
            clock=self.weather.local_time,
            stop=self.weather.stop,
            signal=self.weather.signal,
            watch=lambda _done, _asked: None,
            pause=self.receiver.pause,
        )

    def _judge_code(self, turn: Turn, code: int | None, outcome: Outcome | None) -> None:
        if code is None:
            plausible = self.weather.struck
        else:
            plausible = code in self.weather.codes and (code != 4 or bool(outcome and outcome.gaps))
        if not plausible:
            self.report.accuse("code", turn.at, f"exit {code} in {turn.trouble.kind or 'calm'} weather")

    def _watch(self, at: int, lost: set[str]) -> None:
        """After every pass: marks only grow, and nothing before a mark is missing unless it is named."""
        store = self.home.open()
        gaps, known = self._gaps(store), self._known(store)
        self._note_begun(store, at)
        self.home.close()
        for tracked in known:
            path, checkpoint = tracked.series.path, tracked.checkpoint
            before = self.seen.get(path)
            self.seen[path] = tracked
            if before is None:
                self._judge_since(tracked, at)
                old = checkpoint.since
            else:
                old = before.checkpoint.mark
                if old > checkpoint.mark or before.checkpoint.verified > checkpoint.verified:
                    self.report.accuse("back", at, f"{path}: {before.checkpoint} became {checkpoint}")
            if checkpoint.mark > at:
                self.report.accuse("ahead", at, f"{path}: the mark {instant(checkpoint.mark)} lies in the future")
            if checkpoint.mark > old and path not in lost:
                self.heard.setdefault(path, []).append(at)
                account = self._account(tracked, gaps, at)
                if missing := uncovered(account, Window(old, checkpoint.mark)):
                    self.report.accuse(
                        "ahead", at, f"{path}: the mark passed {len(missing)} slots from {instant(missing[0])}"
                    )

    def _judge_since(self, tracked: Tracked, at: int) -> None:
        """A new entry looks back its initial lookback; under an entry at work a birth loses nothing."""
        measured = self.by_name[tracked.series.metric.name]
        series = tracked.series
        selecting = [
            spec
            for spec in self.specs
            if spec.namespace == series.metric.namespace
            and series.statistic in spec.statistics
            and (not spec.metrics or any(pattern.matches(series.metric.name) for pattern in spec.metrics))
        ]
        begun = [self.begun.get((spec.key, series.metric.cell), at) - spec.initial_lookback for spec in selecting]
        first = measured.slots[0] if measured.slots else 0
        owed = max(floor(first, HOUR), min(begun, default=at))
        if tracked.checkpoint.since > owed + SIGNED_WITHIN:
            self.report.accuse(
                "since", at, f"{series.path} begins at {instant(tracked.checkpoint.since)}, not {instant(owed)}"
            )

    def _note_begun(self, store: Store, at: int) -> None:
        for spec in self.specs:
            for cell in store.entry(spec.key).discovered:
                self.begun.setdefault((spec.key, cell), at)

    def _close(self) -> None:
        """The ledger at the end, over all that was ever archived."""
        report, store = self.report, self.home.open()
        gaps, known, untold = self._gaps(store), self._known(store), store.untold()
        self.home.close()
        for gap in untold:
            self.report.accuse("silent", self.fate.end, f"never told: {gap}")
        report.told = len(self.printed)
        for tracked in known:
            account = self._account(tracked, gaps, self.weather.aws_time)
            if tracked.checkpoint.mark < self.fate.end - 2 * DAY and self._is_asked(tracked):
                self.report.accuse(
                    "late", self.fate.end, f"{tracked.series.path} ends at {instant(tracked.checkpoint.mark)}"
                )
            found = [fault for fault in faults(account) if not self._in_vain(account, fault)]
            for fault in found[:3]:
                self.report.accuse(fault.kind, fault.slot, f"{fault.path} at {instant(fault.slot)}: {fault.told}")
            for fault in found[3:]:
                report.kinds[fault.kind] += 1

    def _in_vain(self, account: Account, fault: Fault) -> bool:
        """Whether no pass that heard of the series came between the last word on a slot and CloudWatch forgetting it.

        That is the stated limit of a lookback: what is late for the mark, and then not asked within the retention.
        """
        measured, heard = account.measured, self.heard[fault.path]
        first = bisect_left(heard, measured.published(fault.slot) + measured.restated)
        forgotten = fault.slot + kept_for(measured.step) - MARGIN - max(measured.step, 300)
        vain = fault.kind in {"lost", "wrong"} and (first == len(heard) or heard[first] > forgotten)
        self.report.in_vain += vain
        return vain

    def _is_asked(self, tracked: Tracked) -> bool:
        return any(spec.namespace == tracked.series.metric.namespace for spec in self.specs)

    def _account(self, tracked: Tracked, gaps: Sequence[Gap], answered: int) -> Account:
        path = tracked.series.path
        own = [gap for gap in gaps if gap.series_id == tracked.id]
        measured = self.by_name[tracked.series.metric.name]
        return Account(
            tracked,
            measured,
            self.receiver.held[path],
            own,
            answered,
            self.rewound.get(path, ()),
            self._periods(tracked),
        )

    def _periods(self, tracked: Tracked) -> tuple[int, ...]:
        entries = [spec for edit in self.fate.edits for spec in edit.specs]
        return tuple({spec.period for spec in entries if spec.namespace == tracked.series.metric.namespace})

    def _known(self, store: Store) -> list[Tracked]:
        return [tracked for cell in (HERE, THERE) for tracked in store.known(cell)]

    def _gaps(self, store: Store) -> list[Gap]:
        return list(dict.fromkeys([*self.printed, *store.untold()]))


def _shelves(fate: Fate) -> dict[str, Held]:
    """A place for every path there can be."""
    return {
        _path(one, statistic): Held(BEGIN - BEFORE, fate.end + AFTER, one.step)
        for one in fate.measured
        for statistic in STATISTICS
    }


def _path(measured: Measured, statistic: str) -> str:
    metric = measured.metric
    return f"cloudwatch.{metric.cell.region}.{metric.namespace.replace('/', '.')}.{metric.name}.{statistic}"
