"""How an older state becomes a current one: a backup beside it, then every step in one transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from cwarchive.edges.sqlite.rows import checksum
from cwarchive.edges.sqlite.schema import APPLICATION_ID, Step
from cwarchive.errors import StateError


def version(connection: sqlite3.Connection) -> int:
    """How many steps have made this file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def fingerprint(connection: sqlite3.Connection) -> str:
    """The checksum of all that defines the tables: one letter changed there can hide every row of a table."""
    definitions = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
    return str(checksum(*definitions))


def upgrade(connection: sqlite3.Connection, path: Path, steps: Sequence[Step]) -> None:
    """Bring the state at `path` up to the last of `steps`; all of it or nothing happens. Raises sqlite3.Error."""
    found = version(connection)
    if found == len(steps):
        return
    backup = path.with_name(f"{path.name}.version-{found}.backup")
    _back_up(connection, backup)
    if build(connection, steps) != found:
        raise StateError(f"the state {path} was changed by another command during its upgrade: run again")


def build(connection: sqlite3.Connection, steps: Sequence[Step]) -> int:
    """Take every step that the file has not taken, in one transaction; return the version it had.

    Where a step fails, closing the connection undoes them all.
    """
    connection.execute("BEGIN IMMEDIATE")
    found = version(connection)
    if found < len(steps):
        for step in steps[found:]:
            step(connection)
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", (fingerprint(connection),))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
    connection.execute("COMMIT")
    return found


def _back_up(connection: sqlite3.Connection, backup: Path) -> None:
    """A whole copy under its own name only once it is on disk, so that half a copy is never taken for one."""
    partial = backup.with_name(f".{backup.name}.{os.urandom(4).hex()}")
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        connection.execute("VACUUM INTO ?", (str(partial),))
        sync(partial)
        partial.replace(backup)
    finally:
        partial.unlink(missing_ok=True)
    sync(backup.parent)


def sync(path: Path) -> None:
    """Return once the file or folder at `path` is on disk. Never for a file that SQLite has open: see lockfile."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
