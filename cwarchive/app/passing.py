"""One incremental pass over real systems, what it says of itself, and what it would ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Set
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cwarchive.app.places import located, placed
from cwarchive.archive.passes import Limits, Outcome, Work, due_entries, idle, run_pass, stretched
from cwarchive.archive.rehearse import Nothing, rehearse
from cwarchive.archive.transfer import Conduct
from cwarchive.config.values import Config
from cwarchive.core.conditions import Condition, Telling, telling
from cwarchive.core.ports import Source, Store, Validated
from cwarchive.core.selection import cells
from cwarchive.core.series import Cell
from cwarchive.core.summary import Rehearsal
from cwarchive.core.telling import conditions
from cwarchive.edges.carbon import Carbon
from cwarchive.edges.lockfile import StateLock
from cwarchive.edges.sqlite import SqliteStore, create_state, local_file_system, read_holder, state_exists
from cwarchive.errors import AccessError, StateError

PATIENCE_WITH_HOLDER = 900
"""Seconds without progress after which a run that skips says who it is waiting for."""

THREADS = 4
"""Requests in flight in one cell: threads only hide AWS's latency, more only hold memory."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller decides of one pass.

    `clock` gives epoch seconds; `stop`, `signal` and `watch` are those of `archive.transfer.Conduct`.
    `expect_state` refuses to begin a new state. `tell_everything` is for a person who watches: conditions that last are
    told each time.
    """

    every_entry: bool = False
    expect_state: bool = False
    tell_everything: bool = False
    clock: Callable[[], float] = time.time
    stop: Callable[[], bool] = lambda: False
    signal: Callable[[], int | None] = lambda: None
    watch: Callable[[int, int], None] = lambda _done, _asked: None
    pause: Callable[[float], None] = lambda _seconds: None


@dataclass(frozen=True, slots=True)
class Ran:
    """A pass that ran: where its state is, whether it held no series before, how it ended (None: nothing was due).

    `sentences` are what the operator must be told now: (kind of condition, sentence).
    """

    state: Path
    first: bool = False
    outcome: Outcome | None = None
    sentences: tuple[tuple[str, str], ...] = ()


def run(config: Config, environ: Mapping[str, str], options: Options, report: Callable[[Ran], None]) -> Ran:
    """One incremental pass; raises LockHeld where another command is at work, and StateError.

    `report` tells the operator what happened; a gap or a condition counts as told only once it has returned.
    """
    path = located(config, environ)
    _ensure(path, options)
    with StateLock(path), SqliteStore(path, clock=options.clock) as store:
        now = int(options.clock())
        limits = config.limits
        if idle(store, config.specs, now, every_entry=options.every_entry, usd_per_month=limits.usd_per_month):
            return Ran(path)
        first = store.newest_mark() is None
        outcome = _passed(store, config, options, now)
        said = _said(store, config, outcome, options)
        ran = Ran(path, first, outcome, said.sentences)
        report(ran)
        store.tell(outcome.gaps, int(options.clock()))
        store.remember(said.remembered)
        store.remember_validated(_validated(store, config))
        return ran


def _validated(store: Store, config: Config) -> Validated:
    """The config as one that needs no validation while it stays as it is, with how often each entry is due."""
    every = stretched(store, config.specs, config.limits.usd_per_month)
    entries = zip((spec.key for spec in config.specs), every, strict=True)
    return Validated(config.fingerprint, tuple(entries))


def _passed(store: Store, config: Config, options: Options, now: int) -> Outcome:
    try:
        work = _work(config, options)
    except AccessError as error:
        return Outcome(error.exit_code, ended=error)
    return run_pass(store, _sink(config), work, _conduct(config, options), now)


def _said(store: Store, config: Config, outcome: Outcome, options: Options) -> Telling:
    """What to tell of a pass, given what was told before."""
    warned = (Condition(f"config:{warning}", warning) for warning in config.warnings)
    found = conditions(outcome.tallies, store.unacknowledged(), outcome.unmatched, outcome.ended, outcome.gaps)
    return telling(
        store.conditions(),
        [*warned, *found],
        int(options.clock()),
        judged=outcome.judged,
        unseen=partial(_unseen, {spec.key for spec in config.specs}, outcome.passed),
        always=options.tell_everything,
    )


def _unseen(entries: Set[str], passed: Set[str], key: str) -> bool:
    """Whether a pass in which only some entries were due cannot know that a condition is over."""
    kind, _, rest = key.partition(":")
    if kind == "unmatched":
        return rest in entries - passed
    return kind in {"crowded", "late"} and not entries <= passed


def stuck_holder(config: Config, environ: Mapping[str, str], options: Options) -> str | None:
    """Who holds the lock without having got anything done for a quarter of an hour, if that is so."""
    path, now = located(config, environ), int(options.clock())
    holder = read_holder(path)
    if holder is None or now - holder.progress < PATIENCE_WITH_HOLDER:
        return None
    return f"skipped, since {path} is held by {holder.at_work(now)}"


def rehearsal(config: Config, environ: Mapping[str, str], options: Options) -> list[Rehearsal]:
    """What a pass over the entries that are due would ask in each cell; writes nothing, asks only ListMetrics."""
    path = located(config, environ)
    now = int(options.clock())
    with SqliteStore(path, clock=options.clock) if state_exists(path) else nullcontext(Nothing()) as memory:
        limit = config.limits.usd_per_month
        due = due_entries(memory, config.specs, now, every_entry=options.every_entry, usd_per_month=limit)
        return rehearse(memory, _work(replace(config, specs=due), options), now)


def _work(config: Config, options: Options) -> Work:
    specs = placed(config.specs)
    given = config.limits
    limits = Limits(given.usd_per_run, given.usd_per_month, given.max_series)
    return Work(specs, cells(specs), lambda cell: _source(config, cell, options), options.every_entry, limits)


def _ensure(path: Path, options: Options) -> None:
    """Begin a state where there is none; on a network file system there may be none."""
    local_file_system(path)
    if options.expect_state and not state_exists(path):
        raise StateError(
            f"there is no state at {path}, though one was expected; nothing was done; "
            "put it back, or begin a new one without --expect-state"
        )
    create_state(path)


def _source(config: Config, cell: Cell, options: Options) -> Source:
    from cwarchive.edges.aws.cloudwatch import CloudWatch  # boto3 is not paid for while nothing is due

    limits = config.limits
    return CloudWatch(
        cell,
        requests_per_second=limits.requests_per_second,
        datapoints_per_second=limits.datapoints_per_second,
        threads=THREADS,
        now=options.clock,
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
        pause=options.pause,
    )
