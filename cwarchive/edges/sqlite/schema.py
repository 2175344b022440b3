"""The tables of the state, as one named step from each version to the next.

    meta         what this file is
    series       who is archived, and on which path; ids are dense, so that a million checkpoints stay small
    checkpoint   how far each series is archived; `cuts` is JSON, [[at, period], ...], since it is read only with that;
                 `flags` adds up 1 for failed, 2 empty, 4 parked, 8 forgotten; what is failed and not forgotten waits
    gap          what can no longer be had, until somebody has been told and has acknowledged it
    entry        when an entry of the config last made its pass
    discovery    when an entry last saw everything that is listed in a cell
    condition    what was not as it should be when last looked, and when somebody was told
    validated    the config that was last found sound, in its one row; `entries` is JSON, [[key, every], ...]
    run          which command did how much, and how it ended

`crc` is the checksum of the columns before it (of the gap's, without its id), so a changed number is not believed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

APPLICATION_ID = 0x63776172
"""The letters "cwar", where SQLite keeps whose file it is."""

Step = Callable[[sqlite3.Connection], None]

_FIRST_TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('application', 'cwarchive')",
    """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, namespace TEXT NOT NULL,
        metric TEXT NOT NULL, dimensions TEXT NOT NULL, statistic TEXT NOT NULL, period INTEGER NOT NULL,
        path TEXT NOT NULL UNIQUE, crc INTEGER NOT NULL, first_seen INTEGER NOT NULL, forgotten INTEGER
    )
    """,
    "CREATE INDEX series_by_cell ON series (account, region)",
    """
    CREATE TABLE checkpoint (
        series_id INTEGER PRIMARY KEY REFERENCES series, since INTEGER NOT NULL, mark INTEGER NOT NULL,
        verified INTEGER NOT NULL, committed INTEGER NOT NULL, cuts TEXT NOT NULL, flags INTEGER NOT NULL,
        crc INTEGER NOT NULL,
        CHECK (since <= verified AND verified <= mark AND mark <= committed)
    )
    """,
    "CREATE INDEX checkpoint_waiting ON checkpoint (series_id) WHERE (flags & 9) = 1",
    """
    CREATE TABLE gap (
        id INTEGER PRIMARY KEY, series_id INTEGER NOT NULL REFERENCES series, start INTEGER NOT NULL,
        "end" INTEGER NOT NULL, kind TEXT NOT NULL, told INTEGER, acknowledged INTEGER, crc INTEGER NOT NULL,
        noticed INTEGER NOT NULL,
        UNIQUE (series_id, kind, start, "end")
    )
    """,
    """
    CREATE TABLE entry (
        key TEXT PRIMARY KEY, last_pass INTEGER NOT NULL, billed INTEGER, crc INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE discovery (
        key TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, at INTEGER NOT NULL, crc INTEGER NOT NULL,
        PRIMARY KEY (key, account, region)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE condition (
        key TEXT NOT NULL UNIQUE, sentence TEXT NOT NULL, began INTEGER NOT NULL, told INTEGER NOT NULL,
        crc INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE validated (
        id INTEGER PRIMARY KEY CHECK (id = 1), fingerprint TEXT NOT NULL, entries TEXT NOT NULL, crc INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE run (
        id INTEGER PRIMARY KEY, command TEXT NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL,
        started INTEGER NOT NULL, progress INTEGER NOT NULL, ended INTEGER, exit_code INTEGER,
        series INTEGER NOT NULL DEFAULT 0, datapoints INTEGER NOT NULL DEFAULT 0, requests INTEGER NOT NULL DEFAULT 0,
        billed INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0
    )
    """,
)


def first_tables(connection: sqlite3.Connection) -> None:
    """An empty file becomes version 1."""
    for statement in _FIRST_TABLES:
        connection.execute(statement)


STEPS: tuple[Step, ...] = (first_tables,)
"""The step at place N takes version N to version N + 1; a published one is never changed."""
