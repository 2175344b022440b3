"""What the state says of itself as a whole, read without writing: also on a full disk, also in a read-only folder."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from cwarchive.core.gaps import GapRecord
from cwarchive.core.series import Cell
from cwarchive.core.standing import GapCount, Glance, RunRecord, Standing, StateSummary
from cwarchive.edges.sqlite.file import PATIENCE, read, recognise
from cwarchive.edges.sqlite.memory import GAP_RECORDS, VALIDATED, WAITING
from cwarchive.edges.sqlite.rows import Row, as_gap_record, as_run, as_validated, checked
from cwarchive.edges.sqlite.schema import STEPS
from cwarchive.errors import StateError

_RUNS = """
    SELECT id, command, pid, host, started, progress, ended, exit_code, series, datapoints, requests, billed, failed
    FROM run
"""

_STANDINGS = """
    SELECT account, region, namespace, period, count(*), sum(flags & 1),
           min(mark) FILTER (WHERE (flags & 4) = 0), min(verified) FILTER (WHERE (flags & 4) = 0),
           sum((flags & 4) > 0), sum(mark = since AND (flags & 4) = 0)
    FROM series JOIN checkpoint ON series_id = id WHERE (flags & 8) = 0
    GROUP BY account, region, namespace, period ORDER BY account, region, namespace, period
"""

_GAPS = "SELECT kind, count(*), sum(acknowledged IS NULL) FROM gap GROUP BY kind ORDER BY kind"


def read_summary(path: Path, billed_since: int, runs: int = 10, patience: float = PATIENCE) -> StateSummary:
    """The whole state in one consistent view: its newest `runs`, and what was billed by runs begun since an instant.

    Raises StateError.
    """

    def summary(view: sqlite3.Connection) -> StateSummary:
        expect_current(view, path)
        return StateSummary(
            standings=_standings(view),
            gaps=tuple(GapCount(*row) for row in view.execute(_GAPS)),
            runs=tuple(map(as_run, view.execute(f"{_RUNS} ORDER BY id DESC LIMIT ?", (runs,)))),
            billed=_billed(view, billed_since),
            billed_by_entry=dict(view.execute("SELECT key, billed FROM entry WHERE billed IS NOT NULL")),
        )

    found, stale = read(path, summary, patience)
    return replace(found, stale=stale)


def read_holder(path: Path, patience: float = PATIENCE) -> RunRecord | None:
    """The newest run without an end: while the lock is held, most likely who holds it. Raises StateError."""

    def holder(view: sqlite3.Connection) -> RunRecord | None:
        expect_current(view, path)
        row = view.execute(f"{_RUNS} WHERE ended IS NULL ORDER BY id DESC LIMIT 1").fetchone()
        return None if row is None else as_run(row)

    return read(path, holder, patience)[0]


def read_gaps(path: Path, patience: float = PATIENCE) -> list[GapRecord]:
    """Every gap that was ever noticed, with its series, in the order in which they were; raises StateError."""

    def gaps(view: sqlite3.Connection) -> list[GapRecord]:
        expect_current(view, path)
        return [as_gap_record(row) for row in view.execute(GAP_RECORDS)]

    return read(path, gaps, patience)[0]


def read_due(path: Path, patience: float = PATIENCE) -> Glance | None:
    """What tells whether a pass has anything to do, or None where the state does not tell it beyond doubt.

    Only the few rows that answer this are looked at, so a file that is damaged elsewhere passes; but what they say is
    bound to a time, and the command that finds an entry due looks through the whole. One that is given None opens the
    state, and there is told what is wrong with it.
    """

    def glance(view: sqlite3.Connection) -> Glance:
        expect_current(view, path)
        validated = view.execute(VALIDATED).fetchone()
        return Glance(
            validated=None if validated is None else as_validated(validated),
            last_passes=dict(map(_last_pass, view.execute("SELECT key, last_pass, billed, crc FROM entry"))),
            waiting=int(view.execute(WAITING).fetchone()[0]),
        )

    try:
        found, stale = read(path, glance, patience)
    except StateError:
        return None
    return None if stale else found


def expect_current(view: sqlite3.Connection, path: Path, newest: int = len(STEPS)) -> None:
    """Raise StateError unless this is a state of the newest version."""
    if recognise(view, path, newest) < newest:
        raise StateError(f"the state {path} was written by an older cwarchive: the next run brings it up to date")


def _last_pass(row: Row) -> tuple[str, int]:
    key, last_pass, _ = checked("entry", row[:3], row[3])
    return key, last_pass


def _standings(view: sqlite3.Connection) -> tuple[Standing, ...]:
    return tuple(Standing(Cell(account, region), *counts) for account, region, *counts in view.execute(_STANDINGS))


def _billed(view: sqlite3.Connection, since: int) -> int:
    return int(view.execute("SELECT coalesce(sum(billed), 0) FROM run WHERE started >= ?", (since,)).fetchone()[0])
