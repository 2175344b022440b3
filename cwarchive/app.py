"""The one place that knows every concrete class: from a config to a pass that ran, or to what a reader wants to see."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from cwarchive.archive.passes import Outcome, Work, due_entries, idle, run_pass
from cwarchive.archive.rehearse import Nothing, rehearse
from cwarchive.archive.transfer import Conduct
from cwarchive.config.values import Config
from cwarchive.core.checkpoint import Tracked
from cwarchive.core.ports import Source
from cwarchive.core.selection import cells
from cwarchive.core.series import Cell
from cwarchive.core.spec import MetricSpec
from cwarchive.core.status import Status, month_start, status
from cwarchive.core.summary import Rehearsal
from cwarchive.edges.carbon import Carbon
from cwarchive.edges.lockfile import StateLock
from cwarchive.edges.sqlite import SqliteStore, create_state, local_file_system, read_summary, state_path
from cwarchive.errors import StateError

THREADS = 4
"""Requests in flight in one cell: threads only hide AWS's latency, more only hold memory."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller decides of one pass.

    `clock` gives epoch seconds; `stop`, `signal` and `watch` are those of `archive.transfer.Conduct`.
    `expect_state` refuses to begin a new state.
    """

    every_entry: bool = False
    expect_state: bool = False
    clock: Callable[[], float] = time.time
    stop: Callable[[], bool] = lambda: False
    signal: Callable[[], int | None] = lambda: None
    watch: Callable[[int, int], None] = lambda _done, _asked: None


@dataclass(frozen=True, slots=True)
class Ran:
    """A pass that ran: where its state is, whether it held no series before, how the pass ended (None: none was due)."""

    state: Path
    first: bool
    outcome: Outcome | None


def run(config: Config, environ: Mapping[str, str], options: Options, report: Callable[[Ran], None]) -> Ran:
    """One incremental pass; raises LockHeld where another command is at work, AccessError and StateError.

    `report` tells the operator what happened; a gap counts as told only once it has returned.
    """
    path = located(config, environ)
    _ensure(path, options)
    now = int(options.clock())
    with StateLock(path), SqliteStore(path, clock=options.clock) as store:
        first = store.newest_mark() is None
        if idle(store, config.specs, now, every_entry=options.every_entry):
            return Ran(path, first, None)
        outcome = run_pass(store, _sink(config), _work(config, options), _conduct(config, options), now)
        ran = Ran(path, first, outcome)
        report(ran)
        store.tell(outcome.gaps, int(options.clock()))
        return ran


def rehearsal(config: Config, environ: Mapping[str, str], options: Options) -> list[Rehearsal]:
    """What a pass over the entries that are due would ask in each cell; writes nothing, asks only ListMetrics."""
    path = located(config, environ)
    now = int(options.clock())
    with SqliteStore(path, clock=options.clock) if path.exists() else nullcontext(Nothing()) as memory:
        due = due_entries(memory, config.specs, now, every_entry=options.every_entry)
        return rehearse(memory, _work(replace(config, specs=due), options), now)


def standing(config: Config, environ: Mapping[str, str], now: int) -> Status:
    """How the archive of `config` stands at `now` (epoch seconds); reads the state without writing to it."""
    path = located(config, environ)
    return status(read_summary(path, month_start(now)), config.specs, now)


def known(config: Config, environ: Mapping[str, str]) -> list[Tracked]:
    """Every series of the cells that `config` names, as the state knows them."""
    with SqliteStore(located(config, environ), clock=time.time) as store:
        return [tracked for cell in cells(placed(config.specs)) for tracked in store.known(cell)]


def located(config: Config, environ: Mapping[str, str]) -> Path:
    """Where the state of `config` is."""
    return config.state or state_path(environ)


def placed(specs: Sequence[MetricSpec]) -> tuple[MetricSpec, ...]:
    """The entries with the ambient region where they name none; raises AccessError where there is none."""
    if all(spec.regions for spec in specs):
        return tuple(specs)
    from cwarchive.edges.aws.cloudwatch import ambient_region  # boto3 is not paid for while nothing is due

    region = ambient_region()
    return tuple(spec if spec.regions else replace(spec, regions=(region,)) for spec in specs)


def _ensure(path: Path, options: Options) -> None:
    """Begin a state where there is none; on a network file system there may be none."""
    local_file_system(path)
    if not path.exists() and options.expect_state:
        raise StateError(f"there is no state at {path}, though one was expected; nothing was done; restore a backup")
    create_state(path)


def _work(config: Config, options: Options) -> Work:
    specs = placed(config.specs)
    return Work(specs, cells(specs), lambda cell: _source(config, cell), options.every_entry)


def _source(config: Config, cell: Cell) -> Source:
    from cwarchive.edges.aws.cloudwatch import CloudWatch  # boto3 is not paid for while nothing is due

    limits = config.limits
    return CloudWatch(
        cell,
        requests_per_second=limits.requests_per_second,
        datapoints_per_second=limits.datapoints_per_second,
        threads=THREADS,
        now=time.time,
    )


def _sink(config: Config) -> Carbon:
    graphite = config.graphite
    return Carbon(graphite.host, graphite.port, timeout=graphite.timeout, acknowledge=graphite.acknowledge)


def _conduct(config: Config, options: Options) -> Conduct:
    return Conduct(
        threads=THREADS,
        batch_lines=config.graphite.batch_lines,
        clock=options.clock,
        stop=options.stop,
        signal=options.signal,
        watch=options.watch,
    )
