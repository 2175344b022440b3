"""Where the state of a config is, which cells its entries look at, and what is known of their metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cwarchive.catalog import published
from cwarchive.config.values import Config
from cwarchive.core.checkpoint import Tracked
from cwarchive.core.ports import Memory
from cwarchive.core.selection import cells
from cwarchive.core.spec import MetricSpec
from cwarchive.edges.lockfile import StateLock
from cwarchive.edges.sqlite import SqliteStore, read_holder, state_path
from cwarchive.errors import LockHeld


def located(config: Config, environ: Mapping[str, str]) -> Path:
    """Where the state of `config` is."""
    return config.state or state_path(environ)


def placed(specs: Sequence[MetricSpec]) -> tuple[MetricSpec, ...]:
    """The entries with what is known of their metrics, and with the ambient region where they name none.

    Raises AccessError where no region is to be had.
    """
    specs = tuple(replace(spec, published=published(spec)) for spec in specs)
    if all(spec.regions for spec in specs):
        return specs
    from cwarchive.edges.aws.cloudwatch import ambient_region  # boto3 is not paid for while nothing is due

    region = ambient_region()
    return tuple(spec if spec.regions else replace(spec, regions=(region,)) for spec in specs)


def known(config: Config, environ: Mapping[str, str]) -> list[Tracked]:
    """Every series of the cells that `config` names, as the state knows them."""
    with SqliteStore(located(config, environ), clock=time.time) as store:
        return known_to(store, config)


def known_to(store: Memory, config: Config) -> list[Tracked]:
    """Every series of the cells that `config` names, as `store` knows them."""
    return [tracked for cell in cells(placed(config.specs)) for tracked in store.known(cell)]


@contextmanager
def locked(path: Path, wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of the state at `path`; `wait` hears of another command at work, before it is waited for."""
    lock = StateLock(path)
    try:
        try:
            lock.acquire()
        except LockHeld as held:
            holder = read_holder(path)
            wait(str(held) if holder is None else f"{held}: {holder.at_work(int(time.time()))}")
            lock.wait()
        yield
    finally:
        lock.close()


@contextmanager
def opened(config: Config, environ: Mapping[str, str], wait: Callable[[str], None]) -> Iterator[SqliteStore]:
    """The state under its lock, for changing it; see `locked` for `wait`. Raises StateError."""
    path = located(config, environ)
    with locked(path, wait), SqliteStore(path, clock=time.time) as store:
        yield store
