"""What sqlite3 and the file system say, as one sentence that tells the operator what to do."""

from __future__ import annotations

import os
import pwd
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cwarchive.errors import StateError

STATE = "the state"

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
    sqlite3.SQLITE_CANTOPEN: _CLOSED,
    sqlite3.SQLITE_READONLY: _CLOSED,
    sqlite3.SQLITE_PERM: _CLOSED,
    sqlite3.SQLITE_AUTH: _CLOSED,
    sqlite3.SQLITE_CONSTRAINT: _REFUSED,
}

_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Damaged(Exception):
    """The content of the file cannot be trusted; the text says why. Never leaves this package: see `translated`."""


FAILURES = (sqlite3.Error, OSError, UnicodeDecodeError, Damaged)
"""What is raised by whoever works with the file."""


@contextmanager
def translated(path: Path, what: str = STATE) -> Iterator[None]:
    """Raise StateError in place of the failures inside; `what` is the file at `path`."""
    try:
        yield
    except FAILURES as error:
        why = damage(error)
        sentence, text = (_sentence(error), _text(error)) if why is None else (_DAMAGED, why)
        told = sentence.format(error=text, owner=_owner(path), user=_name(os.geteuid()))
        raise StateError(f"{what} {path} {told}") from error


def damage(error: Exception) -> str | None:
    """Why the content of the file cannot be trusted, None where this failure is of another kind.

    Text that is not UTF-8 is found by sqlite3 itself, which raises OperationalError without a code, or, in the text
    of an error that quotes it, UnicodeDecodeError.
    """
    if isinstance(error, sqlite3.OperationalError) and not primary(error):
        return _text(error)
    found = isinstance(error, Damaged | UnicodeDecodeError)
    return _text(error) if found or (isinstance(error, sqlite3.Error) and primary(error) in _UNREADABLE) else None


def primary(error: sqlite3.Error) -> int:
    """SQLite's primary result code, 0 where sqlite3 itself raised the error."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def missing(path: Path) -> StateError:
    """The error for a state that is not there."""
    return StateError(f"there is no state at {path}: `cwarchive run` begins one; if there was one, put it back first")


def _sentence(error: Exception) -> str:
    if isinstance(error, sqlite3.Error):
        return _SENTENCES.get(primary(error), _OTHER)
    return _CLOSED if isinstance(error, PermissionError) else _DISK


def _text(error: Exception) -> str:
    """One line: what cannot be decoded is quoted with all of its lines."""
    return (getattr(error, "strerror", None) or str(error)).partition("\n")[0]


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
