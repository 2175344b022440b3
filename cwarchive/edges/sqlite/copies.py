"""A state that is copied away whole while it is in use, and a copy that takes its place again."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cwarchive.edges.sqlite.checking import check_state
from cwarchive.edges.sqlite.failures import FAILURES, STATE, Damaged, damage, translated
from cwarchive.edges.sqlite.file import (
    LEFTOVERS,
    PATIENCE,
    beside,
    built_beside,
    connect,
    is_there,
    read,
    recognise,
    size_of,
)
from cwarchive.edges.sqlite.schema import STEPS, Step
from cwarchive.edges.sqlite.upgrade import build, sync
from cwarchive.errors import StateError

BACKUP = "the backup"


def backup_state(path: Path, target: Path, patience: float = PATIENCE) -> None:
    """Copy the state at `path`, as it is at one moment, to `target`, which must not be there yet.

    The copy bears its name only once it is whole, found sound and on disk. Neither readers nor the writer of the state
    are kept waiting. Raises StateError, leaving nothing behind.
    """
    copying = _Copying(path, STATE, "no backup was made", patience, STEPS)
    with translated(target, BACKUP):
        if is_there(target):
            raise StateError(f"{target} is already there, and a backup overwrites nothing: name another file")
        with built_beside(target) as built:
            with copying.sound():
                copying.into(built, target, BACKUP)
                _look_through(built, STEPS)
            sync(built)
            built.rename(target)


def restore_state(
    source: Path, path: Path, now: int, patience: float = PATIENCE, steps: Sequence[Step] = STEPS
) -> Path | None:
    """Put a copy of the backup `source` in the place of the state at `path`; return where the state before is kept.

    The copy is brought up to date and looked through wholly before anything is touched, and takes its place in one
    step. The caller holds the lock of the state that is there, if one is. That one is kept beside its place under its
    name, `.replaced-` and the time `now` (epoch seconds), with whatever SQLite had left beside it. Raises StateError,
    also while another program has the state open; the state is then the one that was there.
    """
    place = path.resolve()
    copying = _Copying(source, BACKUP, f"the state {path} was left as it is", patience, steps)
    with translated(path):
        _expect_backup(source, place)
        kept = _free_name(place, now)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with built_beside(place) as built:
            with copying.sound():
                copying.into(built, path, STATE)
                _bring_up_to_date(built, steps)
                _look_through(built, steps)
            _give_to_owner(built, place)
            sync(built)
            return _replace(built, place, kept, patience)


@dataclass(frozen=True, slots=True)
class _Copying:
    """What is copied, what it is called, and what follows for the operator where it turns out to be damaged."""

    source: Path
    name: str
    outcome: str
    patience: float
    steps: Sequence[Step]

    @contextmanager
    def sound(self) -> Iterator[None]:
        """Raise StateError where what is looked at inside is damaged, as its source then is."""
        try:
            yield
        except FAILURES as error:
            if (why := damage(error)) is None:
                raise
            raise StateError(
                f"{self.name} {self.source} is damaged, or was not made by cwarchive ({why}): {self.outcome}"
            ) from error

    def into(self, built: Path, target: Path, name: str) -> None:
        """Copy page by page in one view, so that whatever is damaged in the source is damaged in the copy."""

        def copied(view: sqlite3.Connection) -> None:
            with self.sound():
                recognise(view, self.source, len(self.steps))
            with translated(target, name), closing(connect(built, "rw")) as copy:
                view.backup(copy)

        _, stale = read(self.source, copied, self.patience)
        if stale:
            raise StateError(
                f"the newest commits of {self.name} {self.source} are out of reach: its folder cannot be written, "
                "and the last command there did not end cleanly; run this as its owner"
            )


def _look_through(built: Path, steps: Sequence[Step]) -> None:
    findings = check_state(built, steps=steps).findings
    if findings:
        more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
        raise Damaged(f"{findings[0]}{more}")


def _bring_up_to_date(built: Path, steps: Sequence[Step]) -> None:
    """A backup may be of an older version; itself it stays as it is."""
    with closing(connect(built, "rw")) as copy:
        build(copy, steps)


def _expect_backup(source: Path, place: Path) -> None:
    if not is_there(source):
        raise StateError(f"there is no backup at {source}: name a file that `cwarchive state backup` wrote")
    if place.exists() and source.samefile(place):
        raise StateError(f"{source} is the state itself: name a backup of it")


def _free_name(place: Path, now: int) -> Path:
    kept = place.with_name(f"{place.name}.replaced-{datetime.fromtimestamp(now, tz=UTC):%Y%m%dT%H%M%SZ}")
    if is_there(kept):
        raise StateError(
            f"{kept} is already there, and nothing that was replaced is overwritten: try again in a moment"
        )
    return kept


def _give_to_owner(built: Path, place: Path) -> None:
    """What root restores must not be closed to the user whose state it is."""
    if is_there(place):
        built.chmod(stat.S_IMODE(place.stat().st_mode))
    if os.geteuid() == 0:
        owner = (place if is_there(place) else place.parent).stat()
        os.chown(built, owner.st_uid, owner.st_gid)


def _replace(built: Path, place: Path, kept: Path, patience: float) -> Path | None:
    """A state is at its place at every moment, and never with the log of another beside it."""
    if not is_there(place):
        _set_leftovers_aside(place, kept)
        os.link(built, place)
        return None
    _fold(place, patience)
    os.link(place, kept)
    _set_leftovers_aside(place, kept)
    built.replace(place)
    return kept


def _fold(place: Path, patience: float) -> None:
    """Take SQLite's log into the file, which also proves that nobody has it open.

    A program that had would at its end remove the log that bears this name, which by then is another's. A damaged
    file is kept as it is, with its log.
    """
    if read(place, _holds_together, patience)[0]:
        with closing(connect(place, "rw", patience)) as alone:
            alone.execute("PRAGMA journal_mode = delete").fetchone()


def _holds_together(view: sqlite3.Connection) -> bool:
    try:
        return bool(view.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except FAILURES as error:
        if damage(error) is None:
            raise
        return False


def _set_leftovers_aside(place: Path, kept: Path) -> None:
    for ending in LEFTOVERS:
        if size_of(leftover := beside(place, ending)) is not None:
            leftover.rename(beside(kept, ending))
