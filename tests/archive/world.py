"""A whole archive in a test: a simulated account, a receiver, a state, and passes over them at any time one likes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from cwarchive.archive.passes import Limits, Outcome, Work, idle, run_pass
from cwarchive.archive.transfer import Conduct
from cwarchive.core.checkpoint import Checkpoint, Gap, Tracked
from cwarchive.core.ports import Figures, Newcomer
from cwarchive.core.retention import HOUR
from cwarchive.core.selection import cells
from cwarchive.core.series import Cell, Datapoints
from cwarchive.core.spec import MetricSpec
from cwarchive.core.window import Window, floor
from cwarchive.demo.account import Account
from cwarchive.demo.simulated import AT_ONCE, Lateness, Shape, Simulated
from cwarchive.errors import AccessError
from tests.builders import CELL, NOW, a_spec
from tests.fake_cloudwatch import FakeCloudWatch
from tests.fakes import FakeGraphite
from tests.memory_store import MemoryStore

SINCE = floor(NOW, HOUR) - 24 * HOUR
"""Where a series begins that is met at NOW."""

SETTLED = floor(NOW - 600, 60)
"""The end of what is final at NOW."""


class Died(Exception):
    """The process was killed here."""


class DyingStore(MemoryStore):
    """A state whose process may die: `dies_before` and `dies_after` name the write at which it does.

    The write did not happen, or it did. `journal` holds the names of the writes that were tried.
    """

    def __init__(self, journal: list[str] | None = None) -> None:
        super().__init__()
        self.journal = [] if journal is None else journal
        self.dies_before = self.dies_after = ""

    def begin(self, command: str, now: int) -> int:
        with self._write("begin"):
            return super().begin(command, now)

    def adopt(
        self,
        newcomers: Sequence[Newcomer],
        discovered: Mapping[str, Cell],
        now: int,
        changed: Sequence[Tracked] = (),
    ) -> list[Tracked]:
        with self._write("adopt"):
            return super().adopt(newcomers, discovered, now, changed)

    def announce(self, tracked: Sequence[Tracked]) -> None:
        with self._write("announce"):
            super().announce(tracked)

    def record(self, run: int, tracked: Sequence[Tracked], gaps: Sequence[Gap], figures: Figures) -> None:
        with self._write("record"):
            super().record(run, tracked, gaps, figures)

    def end(
        self,
        run: int,
        passed: Mapping[str, int],
        tracked: Sequence[Tracked],
        exit_code: int,
        now: int,
        billed: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        with self._write("end"):
            super().end(run, passed, tracked, exit_code, now, billed)

    @contextmanager
    def _write(self, name: str) -> Iterator[None]:
        self.journal.append(name)
        if self.dies_before == name:
            raise Died(f"before {name}")
        yield
        if self.dies_after == name:
            raise Died(f"after {name}")


class JournalingGraphite(FakeGraphite):
    """A receiver that writes into a journal what was asked of it."""

    def __init__(self, journal: list[str]) -> None:
        super().__init__()
        self.journal = journal

    def probe(self) -> None:
        self.journal.append("probe")
        super().probe()

    def deliver(self, lines: Iterable[bytes]) -> None:
        self.journal.append("deliver")
        super().deliver(lines)


class World:
    """Some metrics in every cell that the entries name, and an archive of them; what is not told is as at NOW.

    `journal` holds what was asked of state and receiver, in order. Whoever runs a pass is told of its gaps, as the
    commands tell them.
    """

    def __init__(self, *metrics: Simulated, specs: Sequence[MetricSpec] = (), threads: int = 1) -> None:
        self.account = Account(metrics or (cpu(),))
        self.specs = tuple(specs) or (a_spec(),)
        self.now = NOW
        self.threads = threads
        self.journal: list[str] = []
        self.store = DyingStore(self.journal)
        self.graphite = JournalingGraphite(self.journal)
        self.clouds: dict[Cell, FakeCloudWatch] = {}
        self.without_access: set[Cell] = set()
        self.watched: list[tuple[int, int]] = []
        self.pauses: list[float] = []
        self.limits = Limits()
        self.stop: Callable[[], bool] = lambda: False
        self.signal: int | None = None
        for cell in cells(self.specs):
            self._cloud(cell)

    @property
    def cloud(self) -> FakeCloudWatch:
        """CloudWatch in the first cell."""
        return self.clouds[cells(self.specs)[0]]

    @property
    def work(self) -> Work:
        return Work(self.specs, cells(self.specs), self._source, limits=self.limits)

    def run(self, after: int = 0) -> Outcome:
        """One pass, so many seconds after the time that it is."""
        self.now += after
        outcome = run_pass(self.store, self.graphite, self.work, self.conduct, self.now)
        self.store.tell(outcome.gaps, self.now)
        return outcome

    def dies(self, after: int = 0) -> None:
        """One pass whose process dies on the way, as `store` was told; the next one may live."""
        try:
            self.run(after)
        except Died:
            self.store.dies_before = self.store.dies_after = ""
            return
        raise AssertionError("the process did not come to where it should have died")

    @property
    def idle(self) -> bool:
        return idle(self.store, self.specs, self.now, every_entry=False)

    @property
    def conduct(self) -> Conduct:
        return Conduct(
            threads=self.threads,
            batch_lines=500,
            clock=lambda: self.now,
            stop=lambda: self.stop(),  # noqa: PLW0108  a test may set another one while the pass runs
            signal=lambda: self.signal,
            watch=lambda done, asked: self.watched.append((done, asked)),
            pause=self.pauses.append,
        )

    def tracked(self, text: str = "") -> Tracked:
        """The one series whose path contains `text`."""
        (found,) = [tracked for tracked in self.store.series.values() if text in tracked.series.path]
        return found

    def checkpoint(self, text: str = "") -> Checkpoint:
        return self.tracked(text).checkpoint

    def marks(self) -> set[int]:
        return {tracked.checkpoint.mark for tracked in self.store.series.values()}

    def shown(self, path: str) -> dict[int, float]:
        """What Graphite shows on a path."""
        return {timestamp: value for (own, timestamp), value in self.graphite.newest().items() if own == path}

    def truth(self, text: str, window: Window, period: int | None = None) -> dict[int, float]:
        """What CloudWatch finally holds of the one series whose path contains `text`."""
        series = self.tracked(text).series
        held = self.account.truth(series.metric, series.statistic, period or series.period, window)
        return _by_time(held)

    def gaps(self, kind: str) -> list[tuple[int, int]]:
        return [(gap.window.start, gap.window.end) for gap in self.store.gaps if gap.kind == kind]

    def _source(self, cell: Cell) -> FakeCloudWatch:
        if cell in self.without_access:
            raise AccessError(f"no AWS credentials for {cell}")
        return self._cloud(cell)

    def _cloud(self, cell: Cell) -> FakeCloudWatch:
        return self.clouds.setdefault(cell, FakeCloudWatch(self.account, lambda: self.now, cell))


def _by_time(datapoints: Datapoints) -> dict[int, float]:
    return dict(zip(*datapoints, strict=True))


def cpu(
    instance: str = "i-1",
    *,
    period: int = 60,
    born: int | None = None,
    ended: int | None = None,
    lateness: Lateness = AT_ONCE,
    density: float = 1.0,
) -> Simulated:
    """A metric with one sample each period, prompt unless told."""
    shape = Shape(base=1, bits=8, samples=1, repeats=1)
    dimensions = (("InstanceId", instance),)
    return Simulated(
        "AWS/EC2", "CPUUtilization", dimensions, period, density, born, ended, shape=shape, lateness=lateness
    )


def cpus(count: int) -> list[Simulated]:
    return [cpu(f"i-{number:03}") for number in range(count)]


def path(instance: str = "i-1", statistic: str = "Average", region: str = CELL.region) -> str:
    return f"cloudwatch.{region}.AWS.EC2.InstanceId.{instance}.CPUUtilization.{statistic}"


def of_many_periods(count: int) -> list[MetricSpec]:
    """Entries whose series can never share a request: one metric at as many periods."""
    template = "{dimensions}.{metric}.{statistic}.{period}"
    return [a_spec(label=f"metrics[{n}]", period=60 * (n + 1), template=template) for n in range(count)]
