"""The file of the state: begun once and whole, and never touched where it is not what it should be."""

from __future__ import annotations

import random
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from cwarchive.edges.sqlite import SqliteStore, create_state, read_summary
from cwarchive.edges.sqlite.failures import Damaged
from cwarchive.edges.sqlite.file import open_state, read
from cwarchive.edges.sqlite.schema import APPLICATION_ID, STEPS, first_tables
from cwarchive.errors import StateError
from tests.edges.sqlite.example import START, change, contents, example, listing, opened, unprivileged


def test_a_first_command_begins_a_state_that_only_its_user_may_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.sqlite"

    assert create_state(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [place.name for place in path.parent.iterdir()] == ["state.sqlite"]


def test_what_is_there_is_never_begun_anew(state: Path) -> None:
    before = state.read_bytes()

    assert not create_state(state)
    assert state.read_bytes() == before


def test_of_many_first_commands_one_begins_the_state(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"

    with ThreadPoolExecutor(8) as commands:
        begun = list(commands.map(lambda _: create_state(path), range(24)))

    assert begun.count(True) == 1
    assert list(listing(tmp_path)) == ["state.sqlite"]
    with opened(path) as store:
        assert store.newest_mark() is None


def test_the_log_of_a_lost_state_is_not_played_into_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    (tmp_path / "state.sqlite-wal").write_bytes(b"left behind")

    with pytest.raises(StateError, match=r"is gone, but its state\.sqlite-wal is still there"):
        create_state(path)

    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_told_with_its_owner(public: Path) -> None:
    public.chmod(0o555)

    with unprivileged(), pytest.raises(StateError, match="it belongs to .*, and this command runs as"):
        create_state(public / "deeper" / "state.sqlite")


def test_a_commit_is_on_disk_before_it_is_believed(state: Path) -> None:
    with closing(open_state(state)) as connection:
        found = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "cell_size_check", "busy_timeout")
        }

    full = 2
    assert found == {
        "journal_mode": "wal", "synchronous": full, "foreign_keys": 1, "cell_size_check": 1, "busy_timeout": 5_000
    }  # fmt: skip


def test_a_state_that_is_not_there_is_not_begun_by_opening_it(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="there is no state at"):
        opened(tmp_path / "state.sqlite")

    assert not list(tmp_path.iterdir())


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")


def _newer(path: Path) -> None:
    example(path)
    change(path, f"PRAGMA user_version = {len(STEPS) + 1}")


def _without_meta(path: Path) -> None:
    example(path)
    change(path, "DELETE FROM meta")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(lambda path: path.write_bytes(b""), "the file is empty", id="empty"),
        pytest.param(lambda path: path.write_bytes(b"metrics:\n"), "not made by cwarchive", id="text"),
        pytest.param(lambda path: path.write_bytes(bytes(8_192)), "not made by cwarchive", id="zeros"),
        pytest.param(_foreign, "a database of another program", id="foreign"),
        pytest.param(_without_meta, "its tables are not what they were made as", id="without meta"),
        pytest.param(_newer, r"by a newer cwarchive \(version 2, known here: 1\)", id="newer"),
    ],
)
def test_a_file_that_is_no_state_is_told_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], None], told: str
) -> None:
    path = tmp_path / "state.sqlite"
    make(path)
    before = listing(tmp_path)

    with pytest.raises(StateError, match=told):
        opened(path)
    with pytest.raises(StateError, match=told):
        read_summary(path, 0)

    assert not create_state(path)
    assert listing(tmp_path) == before


def test_a_truncated_state_is_never_taken_for_a_whole_one(state: Path) -> None:
    whole = state.read_bytes()

    for length in random.Random(7).sample(range(len(whole)), 60):
        state.write_bytes(whole[:length])

        with pytest.raises(StateError):
            opened(state)

        assert listing(state.parent) == {"state.sqlite": whole[:length]}, f"cut to {length} bytes"


def _outcome(path: Path) -> object:
    try:
        with opened(path) as store:
            return contents(store)
    except StateError as error:
        return error


def test_a_changed_bit_is_found_or_harmless(state: Path) -> None:
    whole, chosen = state.read_bytes(), random.Random(11)
    expected = _outcome(state)
    written = [offset for offset, byte in enumerate(whole) if byte]
    found = 0

    for _ in range(400):
        offset, bit = chosen.choice(written), chosen.randrange(8)
        state.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1 << bit]) + whole[offset + 1 :])

        outcome = _outcome(state)

        found += isinstance(outcome, StateError)
        assert isinstance(outcome, StateError) or outcome == expected, f"bit {bit} of byte {offset}"
    assert found > 100


@pytest.mark.parametrize("filling", [bytes(512), b"\xff" * 512, random.Random(3).randbytes(512)])
def test_a_spoilt_sector_is_found_or_harmless(state: Path, filling: bytes) -> None:
    whole, expected = state.read_bytes(), _outcome(state)

    for offset in range(0, len(whole), 512):
        state.write_bytes(whole[:offset] + filling + whole[offset + 512 :])

        outcome = _outcome(state)

        assert isinstance(outcome, StateError) or outcome == expected, f"sector at {offset}"


def test_a_state_of_another_user_is_told_with_the_name_of_its_owner(public: Path) -> None:
    path = example(public / "state.sqlite")
    path.chmod(0o000)

    with unprivileged(), pytest.raises(StateError, match=f"it belongs to {path.owner()}, and this command runs as"):
        opened(path)


def test_a_state_in_a_folder_that_may_not_be_entered_is_not_taken_for_a_missing_one(public: Path) -> None:
    path = example(public / "state.sqlite")
    public.chmod(0o000)

    with unprivileged(), pytest.raises(StateError, match="it belongs to .*, and this command runs as"):
        create_state(path)


def test_a_state_in_a_read_only_folder_is_refused_before_anything_is_asked(public: Path) -> None:
    path = example(public / "state.sqlite")
    path.chmod(0o444)
    public.chmod(0o555)

    with unprivileged(), pytest.raises(StateError, match="cannot be opened or written"):
        opened(path)


def add_colour(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE series ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")


def fail_halfway(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entry")
    connection.execute("UPDATE series SET shade = 'light'")


def test_an_older_state_is_brought_up_to_date_with_a_backup_beside_it(state: Path) -> None:
    expected = _outcome(state)

    with SqliteStore(state, clock=lambda: START, steps=(first_tables, add_colour)) as store:
        assert contents(store) == expected

    with closing(sqlite3.connect(state)) as connection:
        assert connection.execute("SELECT DISTINCT colour FROM series").fetchall() == [("red",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    backup = state.with_name("state.sqlite.version-1.backup")
    assert set(listing(state.parent)) == {state.name, backup.name}
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert _outcome(backup) == expected


def test_an_upgrade_that_fails_changes_nothing(state: Path) -> None:
    expected = _outcome(state)

    with pytest.raises(StateError, match="no such column: shade"):
        SqliteStore(state, clock=lambda: START, steps=(first_tables, add_colour, fail_halfway))

    assert _outcome(state) == expected


KILLED_IN_AN_UPGRADE = """
import os, signal, sys
from pathlib import Path
from cwarchive.edges.sqlite.failures import Damaged
from cwarchive.edges.sqlite.file import open_state, read
from cwarchive.edges.sqlite.schema import first_tables

def killed(connection):
    connection.execute("DELETE FROM entry")
    connection.execute("UPDATE checkpoint SET mark = mark + 1, committed = committed + 1")
    os.kill(os.getpid(), signal.SIGKILL)

open_state(Path(sys.argv[1]), steps=(first_tables, killed))
"""


def test_a_kill_in_the_middle_of_an_upgrade_changes_nothing(state: Path) -> None:
    expected = _outcome(state)

    killed = subprocess.run([sys.executable, "-c", KILLED_IN_AN_UPGRADE, state], check=False)

    assert killed.returncode == -9
    assert _outcome(state) == expected
    with SqliteStore(state, clock=lambda: START, steps=(first_tables, add_colour)) as store:
        assert contents(store) == expected


def test_a_state_may_be_reached_through_a_symbolic_link(state: Path, tmp_path: Path) -> None:
    expected = _outcome(state)
    link = tmp_path / "link" / "here.sqlite"
    link.parent.mkdir()
    link.symlink_to(state)

    assert _outcome(link) == expected
    assert [place.name for place in link.parent.iterdir()] == ["here.sqlite"]


@pytest.mark.parametrize(
    "met",
    [
        Damaged("half a page"),
        StateError("of another version"),
        sqlite3.DatabaseError("malformed"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
    ids=lambda met: type(met).__name__,
)
def test_what_goes_wrong_because_somebody_came_meanwhile_does_not_count(state: Path, met: Exception) -> None:
    asked = []

    def question(view: sqlite3.Connection) -> int:
        asked.append(view)
        if len(asked) == 1:
            with opened(state) as store:
                store.begin("run", START)
            raise met
        return int(view.execute("SELECT count(*) FROM run").fetchone()[0])

    assert read(state, question) == (2, False)
    assert len(asked) == 2


@pytest.mark.parametrize("met", [Damaged("half a page"), sqlite3.DatabaseError("malformed")])
def test_what_goes_wrong_while_nobody_came_counts(state: Path, met: Exception) -> None:
    asked = []

    def question(view: sqlite3.Connection) -> None:
        asked.append(view)
        raise met

    with pytest.raises(StateError):
        read(state, question)

    assert len(asked) == 1
