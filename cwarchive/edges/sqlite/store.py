"""The port `Store` on a SQLite file: every method that writes is one transaction, on disk when it returns."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cwarchive.core.checkpoint import Gap, Tracked, first_checkpoint
from cwarchive.core.conditions import Remembered
from cwarchive.core.ports import Figures, Newcomer, Validated
from cwarchive.core.rewind import rewound
from cwarchive.core.series import Cell
from cwarchive.edges.sqlite.failures import Damaged
from cwarchive.edges.sqlite.file import PATIENCE
from cwarchive.edges.sqlite.memory import TRACKED, SqliteMemory
from cwarchive.edges.sqlite.rows import (
    Row,
    as_tracked,
    checkpoint_columns,
    checksum,
    gap_columns,
    series_columns,
    validated_columns,
)
from cwarchive.edges.sqlite.schema import STEPS, Step

_ADD_SERIES = """
    INSERT INTO series (id, account, region, namespace, metric, dimensions, statistic, period, path, crc, first_seen)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_ADD_CHECKPOINT = "INSERT INTO checkpoint VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_CHECKPOINT = "REPLACE INTO checkpoint VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

# Marks only grow and `since` only falls, so a caller with an older value of a series cannot undo anything. A row that
# has been damaged since it was read is not matched: its checksum must not be made right again.
_SAVE = """
    UPDATE checkpoint SET
        since = min(since, :since), mark = max(mark, :mark), verified = max(verified, :verified),
        committed = max(committed, :committed), cuts = {cuts}, flags = :flags,
        crc = checksum(series_id, min(since, :since), max(mark, :mark), max(verified, :verified),
                       max(committed, :committed), {cuts}, :flags)
    WHERE series_id = :id AND crc = checksum(series_id, since, mark, verified, committed, cuts, flags)
"""
_SAVE_MARKS, _SAVE_MARKS_AND_CUTS = _SAVE.format(cuts="cuts"), _SAVE.format(cuts=":cuts")

# Matched only where all but the period is what the caller takes the series for.
_SAVE_PERIOD = """
    UPDATE series SET period = :period,
        crc = checksum(id, :account, :region, :namespace, :metric, :dimensions, :statistic, :period, :path)
    WHERE id = :id
        AND crc = checksum(id, :account, :region, :namespace, :metric, :dimensions, :statistic, period, :path)
"""

_SAVE_GAP = """
    INSERT INTO gap (series_id, start, "end", kind, crc, noticed)
    VALUES (:id, :start, :end, :kind, checksum(:id, :start, :end, :kind, NULL, NULL),
            (SELECT started FROM run WHERE id = :run))
    ON CONFLICT (series_id, kind, start, "end") DO NOTHING
"""

_TELL = """
    UPDATE gap SET told = :now, crc = checksum(series_id, start, "end", kind, :now, acknowledged)
    WHERE series_id = :id AND start = :start AND "end" = :end AND kind = :kind
        AND crc = checksum(series_id, start, "end", kind, told, acknowledged)
"""

_ACKNOWLEDGE = """
    UPDATE gap SET acknowledged = :now, crc = checksum(series_id, start, "end", kind, told, :now)
    WHERE series_id = :id AND start = :start AND "end" = :end AND kind = :kind AND acknowledged IS NULL
        AND crc = checksum(series_id, start, "end", kind, told, acknowledged)
"""

_ADD_FIGURES = """
    UPDATE run SET progress = max(progress, ?), series = series + ?, datapoints = datapoints + ?,
        requests = requests + ?, billed = billed + ?, failed = failed + ?
    WHERE id = ?
"""

_SAVE_ENTRY = """
    INSERT INTO entry (key, last_pass, billed, crc) VALUES (?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET last_pass = excluded.last_pass, billed = excluded.billed, crc = excluded.crc
"""

_SAVE_DISCOVERY = """
    INSERT INTO discovery (key, account, region, at, crc) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key, account, region) DO UPDATE SET at = excluded.at, crc = excluded.crc
"""

_ADD_CONDITION = "INSERT INTO condition (key, sentence, began, told, crc) VALUES (?, ?, ?, ?, ?)"

_SAVE_VALIDATED = "REPLACE INTO validated (id, fingerprint, entries, crc) VALUES (1, ?, ?, ?)"


class SqliteStore(SqliteMemory):
    """The state at `path`, which must be there (see `create_state`); open it under its lock, close it before that.

    `clock` gives epoch seconds and serves only to show when a run last got anything done. Raises StateError, also
    from every method; after a write that failed nothing more is written. For one thread.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], float], patience: float = PATIENCE, steps: Sequence[Step] = STEPS
    ) -> None:
        super().__init__(path, patience, steps)
        self._clock = clock

    def begin(self, command: str, now: int) -> int:
        """Write the start of a run before AWS is asked, so that a full disk costs nothing; return its id.

        Runs of other processes that have no end yet were killed, since this one holds the lock.
        """
        me = (os.getpid(), socket.gethostname())
        with self._transaction() as write:
            write.execute("UPDATE run SET ended = progress WHERE ended IS NULL AND NOT (pid = ? AND host = ?)", me)
            started = write.execute(
                "INSERT INTO run (command, pid, host, started, progress) VALUES (?, ?, ?, ?, ?)",
                (command, *me, now, now),
            )
            return int(started.lastrowid or 0)

    def adopt(
        self,
        newcomers: Sequence[Newcomer],
        discovered: Mapping[str, Cell],
        now: int,
        changed: Sequence[Tracked] = (),
    ) -> list[Tracked]:
        """Store the `since` of every newcomer with the time of the discoveries (entry key -> cell) that met them.

        With them go the periods, cuts, checkpoints and flags of series that the discoveries `changed`.
        """
        with self._transaction() as write:
            last = write.execute("SELECT coalesce(max(id), 0) FROM series").fetchone()[0]
            adopted = [
                Tracked(number, newcomer.series, first_checkpoint(newcomer.since))
                for number, newcomer in enumerate(newcomers, last + 1)
            ]
            rows = _signed(series_columns(tracked.id, tracked.series) for tracked in adopted)
            write.executemany(_ADD_SERIES, ((*row, now) for row in rows))
            write.executemany(_ADD_CHECKPOINT, _checkpoints(adopted))
            write.executemany(_SAVE_DISCOVERY, _signed((key, *cell, now) for key, cell in discovered.items()))
            _save_periods(write, changed)
            _save(write, changed, _SAVE_MARKS_AND_CUTS)
        return adopted

    def announce(self, tracked: Sequence[Tracked]) -> None:
        """Store `committed`, the cuts and the flags of these series before their first byte is delivered."""
        with self._transaction() as write:
            _save(write, tracked, _SAVE_MARKS_AND_CUTS)

    def record(self, run: int, tracked: Sequence[Tracked], gaps: Sequence[Gap], figures: Figures) -> None:
        """Store marks, flags, gaps and figures after the receipt; marks never move backwards."""
        added = (figures.series, figures.datapoints, figures.requests, figures.billed, figures.failed)
        with self._transaction() as write:
            _save(write, tracked, _SAVE_MARKS)
            write.executemany(_SAVE_GAP, ({**gap_columns(gap), "run": run} for gap in gaps))
            if write.execute(_ADD_FIGURES, (int(self._clock()), *added, run)).rowcount != 1:
                raise Damaged(f"run {run} is not in it")

    def end(
        self,
        run: int,
        passed: Mapping[str, int],
        tracked: Sequence[Tracked],
        exit_code: int,
        now: int,
        billed: Mapping[str, int] = {},
    ) -> None:
        """Store re-sent marks, which entries made their pass (key -> when it began), and how the run ended.

        `billed` says for how many metrics (key -> count); of entries that did not make their pass it does not count.
        """
        passes = ((key, begun, billed.get(key)) for key, begun in passed.items())
        with self._transaction() as write:
            _save(write, tracked, _SAVE_MARKS)
            write.executemany(_SAVE_ENTRY, _signed(passes))
            write.execute("UPDATE run SET ended = ?, exit_code = ? WHERE id = ?", (now, exit_code, run))

    def tell(self, gaps: Sequence[Gap], now: int) -> None:
        """Store that these gaps have been told, once they have been."""
        with self._transaction() as write:
            write.executemany(_TELL, ({**gap_columns(gap), "now": now} for gap in gaps))

    def acknowledge(self, gaps: Sequence[Gap], now: int) -> int:
        """Store that somebody knows of these gaps; return of how many nobody did before."""
        with self._transaction() as write:
            return write.executemany(_ACKNOWLEDGE, ({**gap_columns(gap), "now": now} for gap in gaps)).rowcount

    def remember(self, conditions: Sequence[Remembered]) -> None:
        """Store these conditions in place of all that were there."""
        rows = ((one.key, one.sentence, one.began, one.told) for one in conditions)
        with self._transaction() as write:
            write.execute("DELETE FROM condition")
            write.executemany(_ADD_CONDITION, _signed(rows))

    def remember_validated(self, validated: Validated) -> None:
        """Store which config was found sound, in place of the one before."""
        with self._transaction() as write:
            write.executemany(_SAVE_VALIDATED, _signed([validated_columns(validated)]))

    def rewind(self, ids: Collection[int], to: int) -> int:
        """Take the marks of these series back to `to` (epoch seconds), see `core.rewind`; return how many moved."""
        with self._transaction() as write:
            found = ((tracked, rewound(tracked, to)) for tracked in _tracked(write, ids))
            moved = [after for before, after in found if after != before]
            write.executemany(_PUT_CHECKPOINT, _checkpoints(moved))
            return len(moved)

    def forget(self, ids: Collection[int], now: int) -> int:
        """Give these series up and keep where they stand; return how many were not forgotten before."""
        with self._transaction() as write:
            given_up = [tracked for tracked in _tracked(write, ids) if not tracked.forgotten]
            after = (replace(tracked, forgotten=True, failed=False) for tracked in given_up)
            write.executemany(_PUT_CHECKPOINT, _checkpoints(after))
            write.executemany("UPDATE series SET forgotten = ? WHERE id = ?", ((now, one.id) for one in given_up))
            return len(given_up)


def _save(write: sqlite3.Connection, tracked: Sequence[Tracked], statement: str) -> None:
    saved = write.executemany(statement, map(checkpoint_columns, tracked))
    if tracked and saved.rowcount != len(tracked):
        raise Damaged("a checkpoint is missing, or its checksum contradicts it")


def _save_periods(write: sqlite3.Connection, changed: Sequence[Tracked]) -> None:
    """Store the periods of these series where they are others, and refuse to turn one series into another."""
    names = ("id", "account", "region", "namespace", "metric", "dimensions", "statistic", "period", "path")
    for tracked in changed:
        columns = series_columns(tracked.id, tracked.series)
        found = write.execute("SELECT crc FROM series WHERE id = ?", (tracked.id,)).fetchone()
        if found != (checksum(*columns),):
            saved = write.execute(_SAVE_PERIOD, dict(zip(names, columns, strict=True)))
            if saved.rowcount != 1:
                raise Damaged(f"series {tracked.id} is another one, or its checksum contradicts it")


def _tracked(write: sqlite3.Connection, ids: Collection[int]) -> Iterator[Tracked]:
    for number in dict.fromkeys(ids):
        row = write.execute(f"{TRACKED} WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise Damaged(f"series {number} is not in it")
        yield as_tracked(Cell(row[1], row[2]), row)


def _checkpoints(tracked: Iterable[Tracked]) -> Iterator[Row]:
    return _signed(tuple(checkpoint_columns(one).values()) for one in tracked)


def _signed(rows: Iterable[Row]) -> Iterator[Row]:
    """Each row with its checksum."""
    return ((*row, checksum(*row)) for row in rows)
