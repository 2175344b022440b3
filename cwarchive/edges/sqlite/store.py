"""The port `Store` on a SQLite file: every method that writes is one transaction, on disk when it returns."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from cwarchive.core.checkpoint import Gap, Tracked, first_checkpoint
from cwarchive.core.ports import EntryPass, Figures, Newcomer
from cwarchive.core.series import Cell
from cwarchive.edges.sqlite.failures import damaged, translated
from cwarchive.edges.sqlite.file import PATIENCE, open_state
from cwarchive.edges.sqlite.rows import (
    Damaged,
    Row,
    as_gap,
    as_tracked,
    checked,
    checkpoint_columns,
    checksum,
    gap_columns,
    series_columns,
)
from cwarchive.edges.sqlite.schema import STEPS, Step
from cwarchive.errors import StateError

CHUNK = 5_000
"""Series read at a time: no statement stays open between them, so that the caller may write while it reads."""

_KNOWN = """
    SELECT id, account, region, namespace, metric, dimensions, statistic, period, path, series.crc,
           since, mark, verified, committed, cuts, failed, checkpoint.crc
    FROM series LEFT JOIN checkpoint ON series_id = id
    WHERE account = ? AND region = ? AND id > ? ORDER BY id LIMIT ?
"""

_CHECKPOINTS = "SELECT series_id, since, mark, verified, committed, cuts, failed, crc FROM checkpoint"

# Marks only grow and `since` only falls, so a caller with an older value of a series cannot undo anything. A row that
# has been damaged since it was read is not matched: its checksum must not be made right again.
_SAVE = """
    UPDATE checkpoint SET
        since = min(since, :since), mark = max(mark, :mark), verified = max(verified, :verified),
        committed = max(committed, :committed), cuts = {cuts}, failed = :failed,
        crc = checksum(series_id, min(since, :since), max(mark, :mark), max(verified, :verified),
                       max(committed, :committed), {cuts}, :failed)
    WHERE series_id = :id AND crc = checksum(series_id, since, mark, verified, committed, cuts, failed)
"""
_SAVE_MARKS, _SAVE_MARKS_AND_CUTS = _SAVE.format(cuts="cuts"), _SAVE.format(cuts=":cuts")

_SAVE_GAP = """
    INSERT INTO gap (series_id, start, "end", kind, crc, noticed)
    VALUES (:id, :start, :end, :kind, checksum(:id, :start, :end, :kind, NULL, NULL),
            (SELECT started FROM run WHERE id = :run))
    ON CONFLICT (series_id, kind, start, "end") DO NOTHING
"""

_TELL = """
    UPDATE gap SET told = :now, crc = checksum(series_id, start, "end", kind, :now, acknowledged)
    WHERE series_id = :id AND start = :start AND "end" = :end AND kind = :kind
"""

_ADD_FIGURES = """
    UPDATE run SET progress = max(progress, ?), series = series + ?, datapoints = datapoints + ?,
        requests = requests + ?, billed = billed + ?, failed = failed + ?
    WHERE id = ?
"""

# A key that was changed would not be found, as if it had never been there: so every row is looked at, once.
_DOUBTFUL = """
    SELECT 'entry ' || key FROM entry WHERE crc IS NOT checksum(key, last_pass) UNION ALL
    SELECT 'discovery of entry ' || key FROM discovery WHERE crc IS NOT checksum(key, account, region, at)
"""

_SAVE_ENTRY = """
    INSERT INTO entry (key, last_pass, crc) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET last_pass = excluded.last_pass, crc = excluded.crc
"""

_SAVE_DISCOVERY = """
    INSERT INTO discovery (key, account, region, at, crc) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key, account, region) DO UPDATE SET at = excluded.at, crc = excluded.crc
"""


class SqliteStore:
    """The state at `path`, which must be there (see `create_state`); open it under its lock, close it before that.

    `clock` gives epoch seconds and serves only to show when a run last got anything done. Raises StateError, also
    from every method; after a write that failed nothing more is written. For one thread.
    """

    def __init__(
        self, path: Path, *, clock: Callable[[], float], patience: float = PATIENCE, steps: Sequence[Step] = STEPS
    ) -> None:
        self._path, self._clock = path, clock
        self._failed = self._indexes_trusted = False
        self._connection = open_state(path, patience, steps)
        try:
            with translated(path):
                self._file = _identity(path)
                self._connection.create_function("checksum", -1, checksum, deterministic=True)
            for (row,) in self._rows(_DOUBTFUL):
                raise damaged(path, f"the checksum of {row} contradicts it")
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        """This store; leaving the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Fold the log into the file, unless a write failed, and close it; nothing happens the second time."""
        with translated(self._path):
            try:
                if not self._failed:
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self._connection.close()
                self._failed = True

    def entry(self, key: str) -> EntryPass:
        """What is remembered of the entry with this key; an empty EntryPass if nothing."""
        passes = self._rows("SELECT last_pass FROM entry WHERE key = ?", key)
        discovered = self._rows("SELECT account, region, at FROM discovery WHERE key = ?", key)
        last = passes[0][0] if passes else None
        return EntryPass(last, {Cell(account, region): at for account, region, at in discovered})

    def known(self, cell: Cell) -> Iterator[Tracked]:
        """Every series of `cell`, in the order in which they were met."""
        self._trust_indexes()
        last = 0
        while rows := self._rows(_KNOWN, *cell, last, CHUNK):
            last = rows[-1][0]
            with self._believed():
                chunk = [as_tracked(cell, row) for row in rows]
            yield from chunk

    def newest_mark(self) -> int | None:
        """The newest mark of all series, in epoch seconds."""
        rows = self._rows(f"{_CHECKPOINTS} ORDER BY mark DESC LIMIT 1")
        with self._believed():
            return next((int(checked("checkpoint", row[:7], row[7])[2]) for row in rows), None)

    def waiting(self) -> int:
        """How many series failed when they were last asked, and wait for the next run."""
        return int(self._rows("SELECT count(*) FROM checkpoint WHERE failed")[0][0])

    def untold(self) -> list[Gap]:
        """The gaps that nobody has been told of yet, those of runs that were killed included."""
        rows = self._rows(
            'SELECT series_id, start, "end", kind, told, acknowledged, crc FROM gap WHERE told IS NULL ORDER BY id'
        )
        with self._believed():
            return [as_gap(row) for row in rows]

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

    def adopt(self, newcomers: Sequence[Newcomer], discovered: Mapping[str, Cell], now: int) -> list[Tracked]:
        """Store the `since` of every newcomer with the time of the discoveries (entry key -> cell) that met them."""
        with self._transaction() as write:
            last = write.execute("SELECT coalesce(max(id), 0) FROM series").fetchone()[0]
            adopted = [
                Tracked(number, newcomer.series, first_checkpoint(newcomer.since))
                for number, newcomer in enumerate(newcomers, last + 1)
            ]
            _insert(write, "series", ((*row, now) for row in _signed(series_columns(t.id, t.series) for t in adopted)))
            _insert(write, "checkpoint", _signed(map(checkpoint_columns, adopted)))
            write.executemany(_SAVE_DISCOVERY, _signed((key, *cell, now) for key, cell in discovered.items()))
        return adopted

    def announce(self, tracked: Sequence[Tracked]) -> None:
        """Store `committed` and the cuts of these series before their first byte is delivered."""
        with self._transaction() as write:
            self._save(write, tracked, _SAVE_MARKS_AND_CUTS)

    def record(self, run: int, tracked: Sequence[Tracked], gaps: Sequence[Gap], figures: Figures) -> None:
        """Store marks, gaps and figures after the receipt; marks never move backwards."""
        added = (figures.series, figures.datapoints, figures.requests, figures.billed, figures.failed)
        with self._transaction() as write:
            self._save(write, tracked, _SAVE_MARKS)
            write.executemany(_SAVE_GAP, ({**gap_columns(gap), "run": run} for gap in gaps))
            if write.execute(_ADD_FIGURES, (int(self._clock()), *added, run)).rowcount != 1:
                raise damaged(self._path, f"run {run} is not in it")

    def end(self, run: int, passed: Mapping[str, int], tracked: Sequence[Tracked], exit_code: int, now: int) -> None:
        """Store re-sent marks, which entries made their pass (key -> when it began), and how the run ended."""
        with self._transaction() as write:
            self._save(write, tracked, _SAVE_MARKS)
            write.executemany(_SAVE_ENTRY, _signed(passed.items()))
            write.execute("UPDATE run SET ended = ?, exit_code = ? WHERE id = ?", (now, exit_code, run))

    def tell(self, gaps: Sequence[Gap], now: int) -> None:
        """Store that these gaps have been told, once they have been."""
        with self._transaction() as write:
            write.executemany(_TELL, ({**gap_columns(gap), "now": now} for gap in gaps))

    def _save(self, write: sqlite3.Connection, tracked: Sequence[Tracked], statement: str) -> None:
        names = ("id", "since", "mark", "verified", "committed", "cuts", "failed")
        rows = map(checkpoint_columns, tracked)
        saved = write.executemany(statement, (dict(zip(names, row, strict=True)) for row in rows))
        if tracked and saved.rowcount != len(tracked):
            raise damaged(self._path, "a checkpoint is missing, or its checksum contradicts it")

    def _trust_indexes(self) -> None:
        """Check once, before series are read, that no index misses one: it would silently be archived no more."""
        if not self._indexes_trusted:
            answer = str(self._rows("PRAGMA integrity_check(1)")[0][0])
            if answer != "ok":
                raise damaged(self._path, answer.splitlines()[-1])
            self._indexes_trusted = True

    def _rows(self, query: str, *values: object) -> list[Row]:
        with translated(self._path):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _believed(self) -> Iterator[None]:
        """Raise StateError for a row that contradicts its checksum."""
        try:
            yield
        except Damaged as error:
            raise damaged(self._path, f"the checksum of {error} contradicts it") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk at its end or undone; refused for ever after a failure.

        Once a sync has failed, the system may have dropped what it could not write, and a later success proves nothing.
        """
        if self._failed:
            raise StateError(f"the state {self._path} takes no more from this command: an earlier write failed")
        with translated(self._path):
            try:
                if _identity(self._path) != self._file:
                    raise StateError(
                        f"the state {self._path} was replaced while in use: nothing more was stored; run again"
                    )
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._failed = True
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _signed(rows: Iterable[Row]) -> Iterator[Row]:
    """Each row with its checksum."""
    return ((*row, checksum(*row)) for row in rows)


def _insert(write: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    width = {"series": 11, "checkpoint": 8}[table]
    write.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)  # noqa: S608 - two names of ours


def _identity(path: Path) -> tuple[int, int]:
    """What tells this file from another of the same name; raises FileNotFoundError."""
    found = path.stat()
    return found.st_dev, found.st_ino
