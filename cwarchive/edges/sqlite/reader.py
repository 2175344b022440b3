"""What the state says of itself as a whole, read without writing: also on a full disk, also in a read-only folder."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from cwarchive.core.series import Cell
from cwarchive.core.standing import GapCount, RunRecord, Standing, StateSummary
from cwarchive.edges.sqlite.file import PATIENCE, read, recognise
from cwarchive.edges.sqlite.rows import as_run
from cwarchive.edges.sqlite.schema import STEPS
from cwarchive.errors import StateError

_RUNS = """
    SELECT id, command, pid, host, started, progress, ended, exit_code, series, datapoints, requests, billed, failed
    FROM run
"""

_STANDINGS = """
    SELECT account, region, namespace, period, count(*), sum(failed), min(mark), min(verified)
    FROM series JOIN checkpoint ON series_id = id
    GROUP BY account, region, namespace, period ORDER BY account, region, namespace, period
"""

_GAPS = "SELECT kind, count(*), sum(acknowledged IS NULL) FROM gap GROUP BY kind ORDER BY kind"


def read_summary(path: Path, billed_since: int, runs: int = 10, patience: float = PATIENCE) -> StateSummary:
    """The whole state in one consistent view: its newest `runs`, and what was billed by runs begun since an instant.

    Raises StateError.
    """

    def summary(view: sqlite3.Connection) -> StateSummary:
        _expect_current(view, path)
        return StateSummary(
            standings=_standings(view),
            gaps=tuple(GapCount(*row) for row in view.execute(_GAPS)),
            runs=tuple(map(as_run, view.execute(f"{_RUNS} ORDER BY id DESC LIMIT ?", (runs,)))),
            billed=_billed(view, billed_since),
        )

    found, stale = read(path, summary, patience)
    return replace(found, stale=stale)


def read_holder(path: Path, patience: float = PATIENCE) -> RunRecord | None:
    """The newest run without an end: while the lock is held, most likely who holds it. Raises StateError."""

    def holder(view: sqlite3.Connection) -> RunRecord | None:
        _expect_current(view, path)
        row = view.execute(f"{_RUNS} WHERE ended IS NULL ORDER BY id DESC LIMIT 1").fetchone()
        return None if row is None else as_run(row)

    return read(path, holder, patience)[0]


def _expect_current(view: sqlite3.Connection, path: Path) -> None:
    if recognise(view, path) < len(STEPS):
        raise StateError(f"the state {path} was written by an older cwarchive: the next run brings it up to date")


def _standings(view: sqlite3.Connection) -> tuple[Standing, ...]:
    return tuple(Standing(Cell(account, region), *counts) for account, region, *counts in view.execute(_STANDINGS))


def _billed(view: sqlite3.Connection, since: int) -> int:
    return int(view.execute("SELECT coalesce(sum(billed), 0) FROM run WHERE started >= ?", (since,)).fetchone()[0])
