"""Where the state of a config is, which cells its entries look at, and what is known of their metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
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
from cwarchive.edges.sqlite import SqliteStore, state_path


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
def opened(config: Config, environ: Mapping[str, str]) -> Iterator[SqliteStore]:
    """The state under its lock; waits for a command that is at work. Raises StateError."""
    path = located(config, environ)
    lock = StateLock(path)
    try:
        lock.wait()
        with SqliteStore(path, clock=time.time) as store:
            yield store
    finally:
        lock.close()
