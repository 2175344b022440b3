"""What sqlite3 and the file system say, as one sentence that tells the operator what to do."""

from __future__ import annotations

import os
import pwd
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cwarchive.errors import StateError

_SPACE = "has no room left on its disk ({error}): free some; what was committed before is safe"
_DISK = "cannot be read or written ({error}): look at its disk, space and limits; what was committed before is safe"
_BUSY = "is locked by another program ({error}): end that, then run again"
_DAMAGED = (
    "is damaged, or was not made by cwarchive ({error}); it was left as it is: "
    "run `cwarchive state check`, or put a backup in its place"
)
_CLOSED = "cannot be opened or written ({error}): it belongs to {owner}, and this command runs as {user}"
_REFUSED = "was asked to hold what contradicts it ({error}); nothing of that was stored: please report this"
_OTHER = "failed ({error}): run `cwarchive state check`"

_SENTENCES = {
    sqlite3.SQLITE_FULL: _SPACE,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_READONLY: _CLOSED,
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_AUTH: _CLOSED,
    sqlite3.SQLITE_CONSTRAINT: _REFUSED,
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise StateError in place of what sqlite3 and the file system raise inside."""
    try:
        yield
    except sqlite3.Error as error:
        sentence = _SENTENCES.get(primary(error), _OTHER)
        raise StateError(_told(path, sentence, str(error))) from error
    except UnicodeDecodeError as error:  # sqlite3 fails so to raise an error that quotes a damaged schema
        raise damaged(path, str(error)) from error
    except OSError as error:
        sentence = _CLOSED if isinstance(error, PermissionError) else _DISK
        raise StateError(_told(path, sentence, error.strerror or str(error))) from error


def primary(error: sqlite3.Error) -> int:
    """SQLite's primary result code, 0 where sqlite3 itself raised the error."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def damaged(path: Path, what: str) -> StateError:
    """The error for a file whose content cannot be trusted."""
    return StateError(_told(path, _DAMAGED, what))


def missing(path: Path) -> StateError:
    """The error for a state that is not there."""
    return StateError(f"there is no state at {path}: put it back, or begin a new one without --expect-state")


def _told(path: Path, sentence: str, error: str) -> str:
    return f"the state {path} " + sentence.format(error=error, owner=_owner(path), user=_name(os.geteuid()))


def _owner(path: Path) -> str:
    """Who owns the file, or, where it is not there or cannot be seen, the nearest folder above that can."""
    for place in (path, *path.absolute().parents):
        try:
            return _name(place.stat().st_uid)
        except OSError:
            continue
    return "an unknown user"


def _name(uid: int) -> str:
    """The name of a user; a container's user need not have one."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
