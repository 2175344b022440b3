"""One command for each state, whoever races, dies, or takes the file away."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from cwarchive.edges.lockfile import StateLock
from cwarchive.edges.sqlite import SqliteStore, create_state
from cwarchive.errors import LockHeld, StateError
from tests.edges.sqlite.example import unprivileged


@pytest.fixture
def public() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state.sqlite"
    create_state(path)
    return path


def test_a_second_command_finds_the_lock_held_and_gets_it_afterwards(state: Path) -> None:
    with StateLock(state), pytest.raises(LockHeld, match="another command is at work"):
        StateLock(state).acquire()

    with StateLock(state):
        pass


def test_a_lock_that_is_given_back_can_be_taken_by_others_and_again(state: Path) -> None:
    with StateLock(state) as lock:
        lock.release()
        with StateLock(state), pytest.raises(LockHeld):
            lock.acquire()
        lock.acquire()

        with pytest.raises(LockHeld):
            StateLock(state).acquire()


def test_who_waits_gets_the_lock_when_it_is_given_back(state: Path) -> None:
    lock, waiting = StateLock(state), StateLock(state)
    lock.acquire()
    waiter = Thread(target=waiting.wait)
    waiter.start()
    waiter.join(timeout=0.05)
    waited = waiter.is_alive()

    lock.close()
    waiter.join(timeout=10)

    assert waited
    assert not waiter.is_alive()
    with pytest.raises(LockHeld):
        StateLock(state).acquire()
    waiting.close()


HOLDS = """
import sys
from pathlib import Path
from cwarchive.edges.lockfile import StateLock

lock = StateLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_killed_command_holds_nothing(state: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, state], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld):
            StateLock(state).acquire()
        holder.kill()
        holder.wait(timeout=10)

    with StateLock(state):
        pass


RACES = """
import os, sys
from pathlib import Path
from cwarchive.edges.lockfile import StateLock
from cwarchive.errors import LockHeld

state, inside, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
held = 0
for _ in range(rounds):
    try:
        with StateLock(state):
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            os.sched_yield()
            held += 1
            inside.unlink()
    except LockHeld:
        os.sched_yield()
print(held)
"""


def test_of_twelve_racing_commands_one_is_at_work_at_a_time(state: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACES, str(state), str(tmp_path / "inside"), "300"]
    racing = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(12)
    ]
    for process in racing:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    for process in racing:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=60) for process in racing]

    assert [process.returncode for process in racing] == [0] * 12, ended
    held = sum(int(out) for out, _ in ended)
    assert held >= 12
    assert not (tmp_path / "inside").exists()


def test_a_state_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="there is no state at"):
        StateLock(tmp_path / "state.sqlite").acquire()

    assert not list(tmp_path.iterdir())


def test_who_waited_for_a_state_that_was_replaced_gets_the_one_that_bears_its_name(state: Path, tmp_path: Path) -> None:
    restored = tmp_path / "restored"
    shutil.copyfile(state, restored)
    lock = StateLock(state)
    lock.acquire()
    lock.release()

    restored.replace(state)
    lock.acquire()

    with pytest.raises(LockHeld):
        StateLock(state).acquire()
    lock.close()


def test_a_state_that_was_deleted_while_somebody_waited_is_not_locked(state: Path) -> None:
    lock = StateLock(state)
    lock.acquire()
    lock.release()

    state.unlink()

    with pytest.raises(StateError, match="there is no state at"):
        lock.acquire()
    lock.close()


BYTES_OF_SQLITE = 0x4000_0002
"""Where SQLite keeps the locks of those who have a database open: 510 bytes (its documentation on locking)."""

TAKES_THE_BYTES = f"""
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, {BYTES_OF_SQLITE})
    except OSError:
        sys.exit("held")
"""


def _has_it_open(state: Path) -> bool:
    """Whether SQLite holds its own lock on the file, as seen by another process."""
    return (
        subprocess.run([sys.executable, "-c", TAKES_THE_BYTES, state], check=False, capture_output=True).returncode == 1
    )


def test_giving_the_lock_back_takes_no_lock_from_the_open_database(state: Path) -> None:
    with StateLock(state) as lock:
        with SqliteStore(state, clock=lambda: 0) as store:
            store.begin("run", 0)
            before = _has_it_open(state)
            lock.release()
            lock.acquire()
            lock.release()

            assert before
            assert _has_it_open(state)

        assert not _has_it_open(state)


def test_the_lock_is_given_back_even_while_a_child_process_has_its_descriptor(state: Path) -> None:
    lock = StateLock(state)
    lock.acquire()
    assert lock._descriptor is not None
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock._descriptor], text=True
    ) as child:
        lock.close()

        with StateLock(state):
            assert child.poll() is None
        child.communicate("done\n", timeout=10)


def test_a_state_that_may_not_be_opened_is_told_with_its_owner(public: Path) -> None:
    path = public / "state.sqlite"
    create_state(path)
    path.chmod(0o000)

    with unprivileged(), pytest.raises(StateError, match=rf"cannot be locked .*: it belongs to {path.owner()}"):
        StateLock(path).acquire()
