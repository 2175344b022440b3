"""A state as a command leaves it, and the means to spoil it."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from cwarchive.core.checkpoint import Cut, Gap, Tracked, advance
from cwarchive.core.conditions import Remembered
from cwarchive.core.ports import Figures, Newcomer, Validated
from cwarchive.core.series import Cell, Metric, Series
from cwarchive.core.window import Window
from cwarchive.edges.sqlite import SqliteStore, create_state

HOUR = 3_600
START = 1_699_999_200
HERE, THERE = Cell("", "us-east-1"), Cell("prod", "eu-central-1")
NOBODY = 65_534


def opened(path: Path, *, now: int = START, patience: float = 5.0) -> SqliteStore:
    return SqliteStore(path, clock=lambda: now, patience=patience)


def newcomer(number: int, cell: Cell = HERE, period: int = 60) -> Newcomer:
    metric = Metric(cell, "AWS/EC2", "CPUUtilization", (("InstanceId", f"i-{number:04}"),))
    return Newcomer(Series(metric, "Average", period, f"cloudwatch.{cell.region}.i-{number:04}.{period}"), START)


def moved(tracked: Tracked, hours: int = 1) -> Tracked:
    mark = tracked.checkpoint.mark
    return replace(tracked, checkpoint=advance(tracked.checkpoint, Window(mark, mark + hours * HOUR)))


def example(path: Path) -> Path:
    """A state of six series in two cells, after one run."""
    create_state(path)
    with opened(path) as store:
        run = store.begin("run", START)
        newcomers = [
            newcomer(number, cell, period) for cell in (HERE, THERE) for number, period in enumerate((60, 60, 300))
        ]
        series = [moved(tracked) for tracked in store.adopt(newcomers, {"cpu": HERE, "disk": THERE}, START)]
        series[2] = replace(moved(series[2], 3), cuts=(Cut(START, 3_600), Cut(START + HOUR, 300)))
        series[4] = replace(series[4], failed=True)
        series[5] = replace(series[5], empty=True, parked=True)
        gaps = [Gap(series[2].id, Window(START, START + HOUR), "resolution")]
        store.announce(series[2:3])
        store.record(run, series, gaps, Figures(series=5, datapoints=300, requests=2, billed=6, failed=1))
        store.end(run, {"cpu": START}, series, 3, START + 60, billed={"cpu": 6})
        store.remember([Remembered("failed", "1 series waits", START, START + 60)])
        store.remember_validated(Validated("abc", (("cpu", HOUR),)))
    return path


def contents(store: SqliteStore) -> list[object]:
    """All that steers the archive."""
    gaps = [replace(record, noticed=0) for record in store.all_gaps()]
    return [
        *(list(store.known(cell)) for cell in (HERE, THERE)),
        *(store.entry(key) for key in ("cpu", "disk")),
        *(gaps, store.untold(), store.newest_mark(), store.conditions(), store.validated()),
    ]


def change(path: Path, statement: str) -> None:
    """Do what only another program would do to a state."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def listing(folder: Path) -> dict[str, bytes]:
    return {place.name: place.read_bytes() for place in folder.iterdir()}


@contextmanager
def unprivileged() -> Iterator[None]:
    """As a user who owns nothing here, where the tests run as root, to whom no file is closed."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes, as if its disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
