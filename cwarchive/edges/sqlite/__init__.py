"""The state of an archive in one SQLite file: who is archived how far, and what happened on the way.

location   which file that is
mounts     on which file system it lies, and whether that can be trusted
file       created whole or not at all, recognised before it is touched
schema     its tables, one named step for each version
upgrade    older versions are brought up to date, with a backup beside them
rows       every row that steers the archive carries a checksum
session    a connection for the length of a command, and its transactions
memory     the port `Memory`
store      the port `Store`
reader     what is told without writing, and whether anything is due at all
checking   whether it is sound through and through
copies     backups, and how one takes the place of the state
failures   what SQLite and the file system say, in sentences
"""

from __future__ import annotations

from cwarchive.edges.sqlite.checking import Report, check_state
from cwarchive.edges.sqlite.copies import backup_state, restore_state
from cwarchive.edges.sqlite.file import create_state, state_exists
from cwarchive.edges.sqlite.location import state_path
from cwarchive.edges.sqlite.mounts import file_system, local_file_system
from cwarchive.edges.sqlite.reader import read_due, read_gaps, read_holder, read_summary
from cwarchive.edges.sqlite.store import SqliteStore

__all__ = [
    "Report",
    "SqliteStore",
    "backup_state",
    "check_state",
    "create_state",
    "file_system",
    "local_file_system",
    "read_due",
    "read_gaps",
    "read_holder",
    "read_summary",
    "restore_state",
    "state_exists",
    "state_path",
]
