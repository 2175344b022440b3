"""Backups of a state in use, and a backup in the place of a state: all of it or nothing, and never a mixture."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cwarchive.core.ports import Figures
from cwarchive.edges.lockfile import StateLock
from cwarchive.edges.sqlite import SqliteStore, backup_state, check_state, create_state, restore_state
from cwarchive.edges.sqlite.schema import first_tables
from cwarchive.errors import StateError
from tests.edges.sqlite.example import (
    HERE,
    HOUR,
    NOBODY,
    START,
    change,
    contents,
    example,
    files_of_at_most,
    listing,
    moved,
    newcomer,
    opened,
    unprivileged,
)

REPLACED = "state.sqlite.replaced-20231114T220000Z"


def found(path: Path) -> object:
    with opened(path) as store:
        return contents(store)


@pytest.fixture
def backup(state: Path, tmp_path: Path) -> Path:
    """A backup of the state as it was before its newest pass."""
    target = tmp_path / "backups" / "monday"
    target.parent.mkdir()
    backup_state(state, target)
    with opened(state) as store:
        series = [moved(tracked) for tracked in store.known(HERE)]
        store.record(store.begin("run", START + HOUR), series, [], Figures())
    return target


def test_a_backup_is_the_state_as_it_was_in_one_file_that_only_its_user_may_read(state: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    before = listing_of_files(tmp_path)

    backup_state(state, folder / "monday")

    assert list(listing(folder)) == ["monday"]
    assert listing_of_files(tmp_path) == before
    assert stat.S_IMODE((folder / "monday").stat().st_mode) == 0o600
    assert found(folder / "monday") == found(state)


def test_a_backup_of_a_state_at_work_holds_what_was_committed_and_nothing_else(state: Path, tmp_path: Path) -> None:
    with opened(state) as store:
        run = store.begin("run", START)
        (first, *_) = store.known(HERE)
        store.record(run, [moved(first)], [], Figures())
        expected = contents(store)
        with closing(sqlite3.connect(state, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("DELETE FROM gap")
            backup_state(state, tmp_path / "copy")
            other.execute("ROLLBACK")
        store.record(run, [moved(first, 2)], [], Figures())

        assert contents(store) != expected

    assert found(tmp_path / "copy") == expected
    assert check_state(tmp_path / "copy").runs == 2


def test_a_backup_after_a_kill_holds_the_newest_commits(state: Path, tmp_path: Path) -> None:
    killed(state)

    backup_state(state, tmp_path / "copy")

    assert found(tmp_path / "copy") == found(state)


def test_a_backup_overwrites_nothing(state: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.write_bytes(b"precious")

    with pytest.raises(StateError, match=rf"{target} is already there, and a backup overwrites nothing"):
        backup_state(state, target)

    assert target.read_bytes() == b"precious"
    assert set(listing(tmp_path)) == {"copy", "state.sqlite"}


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE checkpoint SET flags = 8 WHERE series_id = 2", "checkpoints with a checksum that contradicts them"),
        ("UPDATE checkpoint SET flags = 8; UPDATE gap SET told = 5", "contradicts them .*, and 1 more"),
        ("DROP TABLE run", "its tables are not what they were made as"),
    ],
)
def test_a_damaged_state_is_not_backed_up(state: Path, tmp_path: Path, statement: str, told: str) -> None:
    for one in statement.split(";"):
        change(state, one)

    with pytest.raises(StateError, match=rf"the state {state} is damaged, .*{told}.*: no backup was made"):
        backup_state(state, tmp_path / "copy")

    assert list(listing(tmp_path)) == ["state.sqlite"]


def test_a_state_that_is_not_there_is_told_and_not_backed_up(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="there is no state at"):
        backup_state(tmp_path / "state.sqlite", tmp_path / "copy")

    assert not list(tmp_path.iterdir())


def test_a_backup_without_room_is_told_as_such_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    create_state(path)
    with opened(path) as store:
        store.adopt([newcomer(number) for number in range(2_000)], {}, START)

    with (
        files_of_at_most(65_536),
        pytest.raises(StateError, match=rf"the backup {tmp_path}/copy (has no room|cannot be)"),
    ):
        backup_state(path, tmp_path / "copy")

    assert list(listing(tmp_path)) == ["state.sqlite"]


def test_a_folder_that_takes_no_backup_is_told_with_its_owner(public: Path, state: Path, tmp_path: Path) -> None:
    shutil.copyfile(state, public / "state.sqlite")
    (public / "state.sqlite").chmod(0o444)
    public.chmod(0o555)

    with unprivileged(), pytest.raises(StateError, match="the backup .* it belongs to .*, and this command runs as"):
        backup_state(public / "state.sqlite", public / "copy")


def test_a_state_whose_newest_commits_are_out_of_reach_is_not_backed_up(public: Path, tmp_path: Path) -> None:
    path = example(tmp_path / "state.sqlite")
    with opened(path) as store:
        store.begin("run", START + HOUR)
        for name in ("state.sqlite", "state.sqlite-wal"):
            shutil.copyfile(tmp_path / name, public / name)
    (public / "backups").mkdir(mode=0o777)
    (public / "backups").chmod(0o777)
    public.chmod(0o555)

    with unprivileged(), pytest.raises(StateError, match="the newest commits of the state .* are out of reach"):
        backup_state(public / "state.sqlite", public / "backups" / "copy")

    assert not list((public / "backups").iterdir())


def killed(path: Path) -> None:
    """Record marks in a process that does not live to close the state."""
    ran = subprocess.run([sys.executable, "-c", RECORDS_AND_IS_KILLED, path], check=False)
    assert ran.returncode == -9
    assert path.with_name(f"{path.name}-wal").stat().st_size > 0


RECORDS_AND_IS_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.edges.sqlite.example import HERE, START, Figures, moved, opened

store = opened(Path(sys.argv[1]))
run = store.begin("run", START)
store.record(run, [moved(tracked, 5) for tracked in store.known(HERE)], [], Figures())
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_backup_takes_the_place_of_the_state_which_is_kept_beside_it(state: Path, backup: Path) -> None:
    before, expected = found(state), found(backup)
    state.chmod(0o640)

    kept = restore_state(backup, state, START)

    assert kept == state.with_name(REPLACED)
    assert {place.name for place in state.parent.iterdir()} == {"state.sqlite", REPLACED, "backups"}
    assert stat.S_IMODE(state.stat().st_mode) == 0o640
    assert before != expected
    assert (found(state), found(kept)) == (expected, before)
    assert list(listing(backup.parent)) == ["monday"]


def test_a_restored_state_goes_on_from_where_the_backup_was_made(state: Path, backup: Path) -> None:
    restore_state(backup, state, START)

    with opened(state) as store:
        first, *_ = store.known(HERE)
        store.record(store.begin("run", START), [moved(first)], [], Figures())
        assert next(store.known(HERE)) == moved(first)

    with opened(backup) as store:
        assert next(store.known(HERE)) == first


def test_a_state_is_replaced_under_its_lock_and_the_lock_is_then_that_of_the_new_one(state: Path, backup: Path) -> None:
    with StateLock(state):
        restore_state(backup, state, START)

    with StateLock(state), opened(state) as store:
        assert contents(store) == found(backup)


def test_the_log_of_a_killed_command_goes_into_what_is_kept_and_not_into_the_backup(state: Path, backup: Path) -> None:
    killed(state)
    aside = state.with_name("aside")
    for name in ("state.sqlite", "state.sqlite-wal"):
        shutil.copyfile(state.with_name(name), aside.with_name(name.replace("state.sqlite", "aside")))
    before, expected = found(aside), found(backup)

    kept = restore_state(backup, state, START)

    assert {place.name for place in state.parent.iterdir()} == {"state.sqlite", REPLACED, "backups", "aside"}
    assert kept is not None
    assert (found(state), found(kept)) == (expected, before)


def test_a_log_that_belongs_to_a_damaged_state_goes_aside_with_it(state: Path, backup: Path) -> None:
    killed(state)
    log = state.with_name("state.sqlite-wal").read_bytes()
    state.write_bytes(b"metrics:\n" + state.read_bytes()[9:])
    damaged, expected = state.read_bytes(), found(backup)

    kept = restore_state(backup, state, START)

    assert kept is not None
    assert kept.read_bytes() == damaged
    assert kept.with_name(f"{REPLACED}-wal").read_bytes() == log
    assert not {"state.sqlite-wal", "state.sqlite-shm"} & {place.name for place in state.parent.iterdir()}
    assert found(state) == expected


@pytest.mark.parametrize("content", [b"", b"metrics:\n", bytes(8_192)])
def test_whatever_is_at_its_place_a_backup_takes_it(state: Path, backup: Path, content: bytes) -> None:
    state.write_bytes(content)
    expected = found(backup)

    kept = restore_state(backup, state, START)

    assert kept is not None
    assert kept.read_bytes() == content
    assert found(state) == expected


def test_a_lost_state_is_restored_without_the_log_that_it_left(state: Path, backup: Path) -> None:
    killed(state)
    state.unlink()
    log = state.with_name("state.sqlite-wal").read_bytes()
    expected = found(backup)

    assert restore_state(backup, state, START) is None

    assert found(state) == expected
    assert state.with_name(f"{REPLACED}-wal").read_bytes() == log


def test_a_state_is_restored_where_there_was_none_not_even_a_folder(backup: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.sqlite"

    assert restore_state(backup, path, START) is None

    assert list(listing(path.parent)) == ["state.sqlite"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert found(path) == found(backup)


def test_a_state_that_is_reached_through_a_link_is_replaced_where_it_lies(state: Path, backup: Path) -> None:
    expected = found(backup)
    link = state.parent / "linked" / "here.sqlite"
    link.parent.mkdir()
    link.symlink_to(state)

    assert restore_state(backup, link, START) == state.with_name(REPLACED)

    assert link.is_symlink()
    assert list(listing(link.parent)) == ["here.sqlite"]
    assert found(state) == expected


def _row(path: Path) -> None:
    change(path, "UPDATE checkpoint SET flags = 8 WHERE series_id = 2")


def _newer(path: Path) -> None:
    change(path, "PRAGMA user_version = 2")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4_096])


DAMAGED = "the backup .*monday is damaged, or was not made by cwarchive"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(lambda path: path.unlink(), "there is no backup at .*monday", id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), rf"{DAMAGED} \(the file is empty\)", id="empty"),
        pytest.param(lambda path: path.write_bytes(b"x" * 999), rf"{DAMAGED} \(file is not a database\)", id="text"),
        pytest.param(_cut, DAMAGED, id="cut"),
        pytest.param(_row, rf"{DAMAGED} \(checkpoints with a checksum that contradicts", id="a row"),
        pytest.param(_newer, "by a newer cwarchive", id="newer"),
    ],
)
def test_a_backup_that_is_not_sound_is_told_and_touches_nothing(
    state: Path, backup: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(backup)
    before = state.read_bytes()

    with pytest.raises(StateError, match=told):
        restore_state(backup, state, START)

    assert state.read_bytes() == before
    assert {place.name for place in state.parent.iterdir()} == {"state.sqlite", "backups"}


def test_the_state_is_no_backup_of_itself(state: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(state)

    with pytest.raises(StateError, match="is the state itself"):
        restore_state(tmp_path / "link", state, START)

    assert set(listing(tmp_path)) == {"state.sqlite", "link"}


def test_a_state_that_somebody_has_open_is_not_replaced(state: Path, backup: Path) -> None:
    with opened(state) as store:
        expected = contents(store)

        with pytest.raises(StateError, match=rf"the state {state} is locked by another program"):
            restore_state(backup, state, START, patience=0)

        assert contents(store) == expected
        store.begin("run", START)
    assert {place.name for place in state.parent.iterdir()} == {"state.sqlite", "backups"}
    assert found(state) == expected


def test_a_state_that_was_replaced_in_this_second_is_not_overwritten(state: Path, backup: Path) -> None:
    restore_state(backup, state, START)
    before = listing_of_files(state.parent)

    with pytest.raises(StateError, match=rf"{REPLACED} is already there"):
        restore_state(backup, state, START)

    assert listing_of_files(state.parent) == before
    assert restore_state(backup, state, START + 1) == state.with_name("state.sqlite.replaced-20231114T220001Z")


def listing_of_files(folder: Path) -> dict[str, bytes]:
    return {place.name: place.read_bytes() for place in folder.iterdir() if place.is_file()}


def add_colour(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE series ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")


def test_a_backup_of_an_older_version_is_brought_up_to_date_on_its_way(state: Path, backup: Path) -> None:
    before, expected = backup.read_bytes(), found(backup)
    steps = (first_tables, add_colour)

    restore_state(backup, state, START, steps=steps)

    with SqliteStore(state, clock=lambda: START, steps=steps) as store:
        assert contents(store) == expected
    with closing(sqlite3.connect(state)) as connection:
        assert connection.execute("SELECT DISTINCT colour FROM series").fetchall() == [("red",)]
    assert {place.name for place in state.parent.iterdir()} == {"state.sqlite", REPLACED, "backups"}
    assert backup.read_bytes() == before


def test_a_backup_of_the_newest_version_is_restored_whatever_that_is(state: Path, tmp_path: Path) -> None:
    steps = (first_tables, add_colour)
    with SqliteStore(state, clock=lambda: START, steps=steps) as store:
        expected = contents(store)
    shutil.copyfile(state, tmp_path / "copy")

    restore_state(tmp_path / "copy", state, START, steps=steps)

    with SqliteStore(state, clock=lambda: START, steps=steps) as store:
        assert contents(store) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root restores for others")
def test_what_root_restores_belongs_to_the_user_whose_state_it_is(state: Path, backup: Path, tmp_path: Path) -> None:
    os.chown(state, NOBODY, NOBODY)
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)

    restore_state(backup, state, START)
    restore_state(backup, folder / "state.sqlite", START)

    assert [(path.stat().st_uid, path.stat().st_gid) for path in (state, folder / "state.sqlite")] == [
        (NOBODY, NOBODY)
    ] * 2


RESTORES = """
import sys
from pathlib import Path
from cwarchive.edges.sqlite import restore_state

restore_state(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
"""


@pytest.mark.fault
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("calls", ["link,linkat", "rename,renameat,renameat2", "unlink"])
def test_wherever_a_restore_is_killed_a_whole_state_is_in_its_place(tmp_path: Path, calls: str) -> None:
    copy = example(tmp_path / "copy")
    states = []
    for moment in range(1, 20):
        state = example(tmp_path / str(moment) / "state.sqlite")
        killed(state)
        aside = tmp_path / str(moment) / "aside"
        shutil.copyfile(state, aside)
        shutil.copyfile(f"{state}-wal", f"{aside}-wal")

        trace = tmp_path / "trace"
        strace = ["strace", "-f", "-qq", "-o", str(trace), "-e", f"inject={calls}:signal=KILL:when={moment}"]
        ran = subprocess.run(
            [*strace, sys.executable, "-c", RESTORES, copy, state, str(START)],
            check=False,
            capture_output=True,
            text=True,
        )
        if "ptrace" in ran.stderr.lower():
            pytest.skip("this machine lets nobody trace a process")

        assert ran.returncode in {0, -9}, ran.stderr
        states.append(found(state))
        assert states[-1] in (found(aside), found(copy))
        if ran.returncode == 0:
            break

    assert ran.returncode == 0
    assert states[-1] == found(copy)
    assert len(states) > 1
