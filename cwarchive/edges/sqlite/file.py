"""The file that holds the state: created whole or not at all, recognised before anything in it is touched.

Nothing here opens a state but through SQLite: when any descriptor of a file is closed, POSIX drops every lock that the
process holds on it, those of its SQLite connections too. A file that is read alone ("immutable") is no exception, so
that is done only where nobody has it open, or nobody could write to it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from cwarchive.edges.sqlite.failures import FAILURES, Damaged, missing, primary, translated
from cwarchive.edges.sqlite.schema import APPLICATION_ID, STEPS, Step
from cwarchive.edges.sqlite.upgrade import build, fingerprint, sync, upgrade, version
from cwarchive.errors import StateError

Answer = TypeVar("Answer")
Mode = Literal["ro", "rw", "ro&immutable=1"]

LEFTOVERS = ("-wal", "-shm", "-journal")
"""The endings of what SQLite keeps beside a file, and leaves there when its process dies."""

PATIENCE = 5.0
"""Seconds to wait for another program that is in the middle of a transaction."""

_NO_SHARED_MEMORY = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)


def create_state(path: Path, steps: Sequence[Step] = STEPS) -> bool:
    """Begin an empty state at `path` unless something is there, and tell whether this call began it.

    It is built beside its place and linked into it, so that of two first runs one wins. Raises StateError.
    """
    with translated(path):
        if is_there(path):
            return False
        _refuse_leftovers(path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with built_beside(path) as built:
            _fill(built, path, steps)
            sync(built)
            return _linked(built, path)


@contextmanager
def built_beside(path: Path) -> Iterator[Path]:
    """An empty file that only its user may read, to be filled and moved to `path`; else nothing is left of it."""
    built = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    os.close(os.open(built, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield built
    finally:
        for leftover in (built, *(beside(built, ending) for ending in LEFTOVERS)):
            leftover.unlink(missing_ok=True)
        sync(path.parent)


def open_state(path: Path, patience: float = PATIENCE, steps: Sequence[Step] = STEPS) -> sqlite3.Connection:
    """A connection that writes to the state at `path`, brought up to date; raises StateError, leaving it untouched."""
    read(path, lambda view: _look_through(view, path, len(steps)), patience)
    with translated(path):
        connection = _connect(path, "rw", patience)
        try:
            _settings(connection, path)
            upgrade(connection, path, steps)
        except BaseException:
            connection.close()
            raise
        return connection


def read(
    path: Path, question: Callable[[sqlite3.Connection], Answer], patience: float = PATIENCE
) -> tuple[Answer, bool]:
    """What `question` finds in one consistent view, and whether the newest commits were out of reach; StateError.

    Nothing is written. A state that nobody has open is read alone, without the shared memory that SQLite would put
    beside it; if it turns out that somebody came meanwhile, that answer does not count. It is also read alone where
    the shared memory cannot be set up: in a read-only folder, on a full disk.
    """
    with translated(path):
        if at_rest := _at_rest(path):
            try:
                answer = _ask(path, "ro&immutable=1", question, patience)
            except (*FAILURES, StateError):
                if _at_rest(path) == at_rest:
                    raise
            else:
                if _at_rest(path) == at_rest:
                    return answer, False
        try:
            return _ask(path, "ro", question, patience), False
        except sqlite3.Error as error:
            if primary(error) not in _NO_SHARED_MEMORY:
                raise
        return _ask(path, "ro&immutable=1", question, patience), bool(size_of(beside(path, "-wal")))


def recognise(connection: sqlite3.Connection, path: Path, newest: int = len(STEPS)) -> int:
    """The version of a state of cwarchive; raises Damaged where it is none, StateError where newer."""
    if connection.execute("PRAGMA page_count").fetchone()[0] == 0:  # SQLite takes an empty file for a new database
        raise Damaged("the file is empty")
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise Damaged("it is a database of another program")
    found = version(connection)
    if found > newest:
        raise StateError(
            f"the state {path} was written by a newer cwarchive (version {found}, known here: {newest}); "
            "it was left as it is: install that version again"
        )
    if found < 1 or dict(connection.execute("SELECT key, value FROM meta")) != {
        "application": "cwarchive",
        "schema": fingerprint(connection),
    }:
        raise Damaged("its tables are not what they were made as")
    return found


def _look_through(view: sqlite3.Connection, path: Path, newest: int) -> None:
    """Read the whole structure: a page that lost rows would look like series that were never met."""
    recognise(view, path, newest)
    answer = str(view.execute("PRAGMA quick_check(1)").fetchone()[0])
    if answer != "ok":
        raise Damaged(answer.splitlines()[-1])


def _ask(path: Path, mode: Mode, question: Callable[[sqlite3.Connection], Answer], patience: float) -> Answer:
    with closing(_connect(path, mode, patience)) as view:
        view.execute("BEGIN")
        return question(view)


def _at_rest(path: Path) -> tuple[int, ...] | None:
    """What changes whenever the file does, or None while somebody has it open or did not close it."""
    if size_of(beside(path, "-shm")) is not None or size_of(beside(path, "-wal")) is not None or not is_there(path):
        return None
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _connect(path: Path, mode: Mode, patience: float) -> sqlite3.Connection:
    """A connection that never creates."""
    if size_of(path) is None:
        raise missing(path)
    return connect(path, mode, patience)


def connect(path: Path, mode: Mode, patience: float = PATIENCE) -> sqlite3.Connection:
    """A connection without any of the settings of a state; raises sqlite3.Error."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=patience)


def _settings(connection: sqlite3.Connection, path: Path) -> None:
    answer = connection.execute("PRAGMA journal_mode = wal").fetchone()[0]
    if answer != "wal":
        raise StateError(f"the state {path} lies where SQLite cannot keep a write-ahead log: put it on a local disk")
    connection.execute("PRAGMA synchronous = full")
    connection.execute("PRAGMA foreign_keys = on")
    connection.execute("PRAGMA cell_size_check = on")


def _fill(built: Path, path: Path, steps: Sequence[Step]) -> None:
    with closing(connect(built, "rw")) as connection:
        _settings(connection, path)
        build(connection, steps)


def _linked(built: Path, path: Path) -> bool:
    try:
        os.link(built, path)
    except FileExistsError:
        return False
    return True


def _refuse_leftovers(path: Path) -> None:
    """The log of a lost state would be played into a new one."""
    for ending in ("-wal", "-journal"):
        if size_of(leftover := beside(path, ending)):
            raise StateError(
                f"the state {path} is gone, but its {leftover.name} is still there: put the state back, "
                "or remove that file too and begin a new one"
            )


def beside(path: Path, ending: str) -> Path:
    """What SQLite keeps beside the file; for a symbolic link, beside what it points to."""
    target = path.resolve()
    return target.with_name(target.name + ending)


def state_exists(path: Path) -> bool:
    """Whether something is where the state should be; raises StateError where that may not be seen."""
    with translated(path):
        return is_there(path)


def is_there(path: Path) -> bool:
    """Whether anything has this name; a folder that may not be searched raises PermissionError and is no "no"."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def size_of(path: Path) -> int | None:
    """How many bytes the file has, None where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
