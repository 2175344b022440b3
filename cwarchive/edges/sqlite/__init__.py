"""The state of an archive in one SQLite file: who is archived how far, and what happened on the way.

location   which file that is
mounts     on which file system it lies, and whether that can be trusted
file       created whole or not at all, recognised before it is touched
schema     its tables, one named step for each version
upgrade    older versions are brought up to date, with a backup beside them
rows       every row that steers the archive carries a checksum
store      the port `Store`
reader     what `status` shows, without writing
"""

from __future__ import annotations

from cwarchive.edges.sqlite.file import create_state
from cwarchive.edges.sqlite.location import state_path
from cwarchive.edges.sqlite.mounts import NetworkFileSystem, file_system, local_file_system
from cwarchive.edges.sqlite.reader import read_holder, read_summary
from cwarchive.edges.sqlite.store import SqliteStore

__all__ = [
    "NetworkFileSystem",
    "SqliteStore",
    "create_state",
    "file_system",
    "local_file_system",
    "read_holder",
    "read_summary",
    "state_path",
]
