"""A connection to the state for the length of a command: what is read of it is believed, what is written is on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from cwarchive.edges.sqlite.failures import Damaged, translated
from cwarchive.edges.sqlite.file import open_state
from cwarchive.edges.sqlite.rows import Row, checksum
from cwarchive.edges.sqlite.schema import Step
from cwarchive.errors import StateError

# A key that was changed would not be found, as if it had never been there: so every row is looked at, once.
_DOUBTFUL = """
    SELECT 'entry ' || key FROM entry WHERE crc IS NOT checksum(key, last_pass, billed) UNION ALL
    SELECT 'discovery of entry ' || key FROM discovery WHERE crc IS NOT checksum(key, account, region, at)
"""


class Session:
    """The state at `path`, open. Raises StateError, also from every method; after a write that failed nothing more
    is written. For one thread.
    """

    def __init__(self, path: Path, patience: float, steps: Sequence[Step]) -> None:
        self._path = path
        self._failed = False
        self._connection = open_state(path, patience, steps)
        try:
            with translated(path):
                self._file = _identity(path)
                self._connection.create_function("checksum", -1, checksum, deterministic=True)
                for (row,) in self._rows(_DOUBTFUL):
                    raise Damaged(f"the checksum of {row} contradicts it")
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        """This session; leaving the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, with everything that was committed folded into it; a second call does nothing."""
        with translated(self._path):
            try:
                if not self._failed:
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self._connection.close()
                self._failed = True

    def _rows(self, query: str, *values: object) -> list[Row]:
        with translated(self._path):
            return self._connection.execute(query, values).fetchall()

    def _count(self, query: str) -> int:
        return int(self._rows(query)[0][0])

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
                        f"the state {self._path} was replaced or removed while in use: "
                        "what was committed before went with it; put the right one in its place, then run again"
                    )
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._failed = True
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells this file from another of the same name, None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
