"""The store on its disk: what a crash, a full or failing disk, another program and a changed row do to it."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from cwarchive.core.checkpoint import Gap
from cwarchive.core.ports import Figures
from cwarchive.core.window import Window
from cwarchive.edges.sqlite import SqliteStore, create_state, read_summary
from cwarchive.edges.sqlite.failures import translated
from cwarchive.edges.sqlite.memory import CHUNK, WAITING
from cwarchive.errors import StateError
from tests.edges.sqlite.example import (
    HERE,
    HOUR,
    START,
    THERE,
    change,
    contents,
    example,
    files_of_at_most,
    listing,
    moved,
    newcomer,
    opened,
)


def found(path: Path) -> object:
    with opened(path) as store:
        return contents(store)


def test_more_series_than_are_read_at_a_time_are_all_known_once(tmp_path: Path) -> None:
    create_state(tmp_path / "state.sqlite")
    newcomers = [newcomer(number, (HERE, THERE)[number % 3 == 0]) for number in range(2 * CHUNK)]

    with opened(tmp_path / "state.sqlite") as store:
        adopted = store.adopt(newcomers, {}, START)
        known = list(store.known(HERE))

    assert known == [tracked for tracked in adopted if tracked.series.metric.cell == HERE]
    assert len(known) > CHUNK


def test_a_clean_end_leaves_one_file(state: Path) -> None:
    with opened(state) as store:
        store.begin("run", START)
        beside = set(listing(state.parent))

    assert beside == {"state.sqlite", "state.sqlite-wal", "state.sqlite-shm"}
    assert set(listing(state.parent)) == {"state.sqlite"}


def test_a_clean_end_empties_the_log_even_while_somebody_reads(state: Path) -> None:
    with closing(sqlite3.connect(state)) as other:
        with opened(state) as store:
            store.begin("run", START)
            other.execute("SELECT count(*) FROM run").fetchall()
            log = state.with_name("state.sqlite-wal").stat().st_size

        assert log > 0
        assert state.with_name("state.sqlite-wal").stat().st_size == 0


def test_a_store_may_be_closed_twice_and_then_says_that_it_is_closed(state: Path) -> None:
    store = opened(state)
    store.close()
    store.close()

    with pytest.raises(StateError, match="closed"):
        store.newest_mark()
    with pytest.raises(StateError):
        store.begin("run", START)


RECORDS_AND_IS_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.edges.sqlite.example import HERE, START, Figures, moved, opened

store = opened(Path(sys.argv[1]))
run = store.begin("run", START)
for tracked in store.known(HERE):
    store.record(run, [moved(tracked)], [], Figures())
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_recorded_before_a_kill_is_there_after_it(state: Path) -> None:
    with opened(state) as store:
        before = list(store.known(HERE))

    killed = subprocess.run([sys.executable, "-c", RECORDS_AND_IS_KILLED, state], check=False)

    assert killed.returncode == -9
    with opened(state) as store:
        assert list(store.known(HERE)) == [moved(tracked) for tracked in before]


def test_a_lost_log_costs_the_newest_commits_and_nothing_else(state: Path) -> None:
    before = found(state)
    subprocess.run([sys.executable, "-c", RECORDS_AND_IS_KILLED, state], check=False)

    for beside in ("state.sqlite-wal", "state.sqlite-shm"):
        (state.parent / beside).unlink()

    assert found(state) == before


def test_a_disk_without_room_stops_the_command_and_keeps_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    create_state(path)
    with opened(path) as store:
        kept = store.adopt([newcomer(1)], {"cpu": HERE}, START)

        with files_of_at_most(path.stat().st_size + 65_536), pytest.raises(StateError, match="look at its disk, space"):
            store.adopt([newcomer(number) for number in range(2, 9_000)], {"cpu": THERE}, START)

        with pytest.raises(StateError, match="takes no more from this command"):
            store.begin("run", START)

    with opened(path) as store:
        assert list(store.known(HERE)) == kept
        assert store.entry("cpu").discovered == {HERE: START}


def test_a_full_disk_is_told_as_one(state: Path) -> None:
    with closing(sqlite3.connect(state)) as connection:
        connection.execute("PRAGMA max_page_count = 1")

        with (
            pytest.raises(StateError, match=rf"the state {state} has no room left on its disk .*: free some"),
            translated(state),
        ):
            connection.execute("CREATE TABLE more AS SELECT randomblob(9000)")


def test_another_program_that_holds_the_file_is_named_as_the_cause(state: Path) -> None:
    with closing(sqlite3.connect(state, isolation_level=None)) as other, opened(state, patience=0) as store:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StateError, match="is locked by another program"):
            store.begin("run", START)

        other.execute("ROLLBACK")


def test_a_state_that_is_replaced_while_in_use_takes_nothing_more(state: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    shutil.copyfile(state, backup)
    with opened(state) as store:
        backup.replace(state)

        with pytest.raises(StateError, match="was replaced or removed while in use"):
            store.begin("run", START)


def test_a_state_that_is_removed_while_in_use_takes_nothing_more(state: Path) -> None:
    with opened(state) as store:
        state.unlink()

        with pytest.raises(StateError, match="was replaced or removed while in use"):
            store.begin("run", START)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE checkpoint SET mark = mark + 60, committed = committed + 60 WHERE series_id = 2",
        "UPDATE checkpoint SET since = since - 3600 WHERE series_id = 2",
        "UPDATE checkpoint SET flags = 1 WHERE series_id = 2",
        "UPDATE checkpoint SET flags = flags + 8 WHERE series_id = 6",
        "UPDATE checkpoint SET cuts = '' WHERE series_id = 3",
        "UPDATE checkpoint SET mark = mark + 0.5, committed = mark + 1 WHERE series_id = 2",
        "DELETE FROM checkpoint WHERE series_id = 2",
        "UPDATE series SET path = 'cloudwatch.other' WHERE id = 2",
        "UPDATE series SET period = 300 WHERE id = 2",
        "UPDATE series SET dimensions = '[]' WHERE id = 2",
        "UPDATE series SET id = 9 WHERE id = 2",
        "UPDATE entry SET last_pass = last_pass + 1",
        "UPDATE entry SET key = 'other'",
        "UPDATE entry SET billed = billed - 1",
        "UPDATE entry SET billed = NULL",
        "UPDATE discovery SET at = at + 1 WHERE key = 'disk'",
        "UPDATE discovery SET region = 'us-east-2' WHERE key = 'disk'",
        'UPDATE gap SET "end" = "end" - 60',
        "UPDATE gap SET acknowledged = 1",
        "UPDATE gap SET told = 1",
        "UPDATE condition SET key = 'other'",
        "UPDATE condition SET told = told + 1",
        "UPDATE validated SET fingerprint = 'abd'",
        "UPDATE validated SET entries = '[]'",
    ],
)
def test_a_row_that_cwarchive_did_not_write_is_not_believed(state: Path, statement: str) -> None:
    change(state, statement)

    with pytest.raises(StateError, match="run `cwarchive state check`"):
        found(state)


def test_a_definition_that_one_letter_turns_into_another_is_found(state: Path) -> None:
    whole = state.read_bytes()
    state.write_bytes(whole.replace(b"id INTEGER PRIMARY KEY, account", b"id INTEGER PRILARY KEY, account"))

    with pytest.raises(StateError, match="its tables are not what they were made as"):
        opened(state)


def test_an_index_that_misses_a_series_is_found_before_series_are_read(state: Path) -> None:
    with closing(sqlite3.connect(state)) as connection:
        where = "SELECT rootpage - 1 FROM sqlite_master WHERE name = 'series_by_cell'"
        page = connection.execute(where).fetchone()[0] * 4_096
    whole = state.read_bytes()
    first = whole.rindex(b"us-east-1", page, page + 4_096)
    state.write_bytes(whole[:first] + b"us-east-0" + whole[first + 9 :])

    with opened(state) as store, pytest.raises(StateError, match="missing from index series_by_cell"):
        list(store.known(HERE))


def test_a_damaged_checkpoint_is_not_made_to_look_sound_by_the_next_record(state: Path) -> None:
    with opened(state) as store:
        run = store.begin("run", START)
        tracked = next(store.known(HERE))
        change(state, "UPDATE checkpoint SET mark = mark + 60, committed = committed + 60 WHERE series_id = 1")

        with pytest.raises(StateError, match="its checksum contradicts it"):
            store.record(run, [tracked], [], Figures())


@pytest.mark.parametrize("change_it", [lambda store: store.rewind([1], START), lambda store: store.forget([1], START)])
def test_a_damaged_checkpoint_is_neither_taken_back_nor_forgotten(
    state: Path, change_it: Callable[[SqliteStore], int]
) -> None:
    with opened(state) as store:
        change(state, "UPDATE checkpoint SET mark = mark + 60, committed = committed + 60 WHERE series_id = 1")

        with pytest.raises(StateError, match="the checksum of checkpoint 1 contradicts it"):
            change_it(store)


@pytest.mark.parametrize("column", ["path = 'cloudwatch.other'", "period = 3600", "dimensions = '[]'"])
def test_a_damaged_series_is_not_made_to_look_sound_by_a_new_period(state: Path, column: str) -> None:
    with opened(state) as store:
        tracked = next(store.known(HERE))
        change(state, f"UPDATE series SET {column} WHERE id = 1")
        coarser = replace(tracked, series=replace(tracked.series, period=300))

        with pytest.raises(StateError, match="checksum"):
            store.adopt([], {}, START, changed=[coarser])
            list(store.known(HERE))


@pytest.mark.parametrize("say", [SqliteStore.tell, SqliteStore.acknowledge])
def test_a_damaged_gap_is_not_made_to_look_sound_by_what_is_said_of_it(
    state: Path, say: Callable[[SqliteStore, list[Gap], int], object]
) -> None:
    with opened(state) as store:
        gaps = store.untold()
        change(state, "UPDATE gap SET told = 7")

        say(store, gaps, START)

        with pytest.raises(StateError, match="the checksum of gap of series 3 contradicts it"):
            store.unacknowledged()


def test_it_is_kept_when_a_series_was_forgotten(state: Path) -> None:
    with opened(state) as store:
        store.forget([2], START + 9)

    with closing(sqlite3.connect(state)) as connection:
        assert connection.execute("SELECT id, forgotten FROM series WHERE forgotten IS NOT NULL").fetchall() == [
            (2, START + 9)
        ]


def test_the_index_of_what_waits_is_used(state: Path) -> None:
    with closing(sqlite3.connect(state)) as connection:
        (plan,) = connection.execute(f"EXPLAIN QUERY PLAN {WAITING}")

    assert "USING INDEX checkpoint_waiting" in plan[-1]


def test_a_gap_is_noticed_by_the_run_that_met_it_and_told_once(state: Path) -> None:
    gap = Gap(1, Window(START, START + HOUR), "lost")
    with opened(state) as store:
        store.record(store.begin("run", START + 7), [], [gap], Figures())
        store.tell(store.untold(), START + 9)
        untold = store.untold()

    with closing(sqlite3.connect(state)) as connection:
        rows = connection.execute("SELECT kind, noticed, told, acknowledged FROM gap ORDER BY id").fetchall()
    assert untold == []
    assert rows == [("resolution", START, START + 9, None), ("lost", START + 7, START + 9, None)]


def test_a_run_adds_up_its_figures_and_shows_its_progress(state: Path) -> None:
    with opened(state, now=START + 50) as store:
        run = store.begin("backfill", START + 10)
        store.record(run, [], [], Figures(series=2, datapoints=30, requests=4, billed=5, failed=1))
        store.record(run, [], [], Figures(series=1, datapoints=10, requests=1, billed=1))
        at_work = read_summary(state, 0, runs=1).runs[0]
        store.end(run, {}, [], 4, START + 70)

    ended = read_summary(state, 0, runs=1).runs[0]
    assert (at_work.command, at_work.pid, at_work.host) == ("backfill", os.getpid(), socket.gethostname())
    assert (at_work.started, at_work.progress, at_work.ended) == (START + 10, START + 50, None)
    assert (ended.ended, ended.exit_code) == (START + 70, 4)
    assert ended.figures == Figures(series=3, datapoints=40, requests=5, billed=6, failed=1)


def test_a_killed_run_gets_an_end_when_the_next_one_begins_but_no_exit_code(state: Path) -> None:
    subprocess.run([sys.executable, "-c", RECORDS_AND_IS_KILLED, state], check=False)

    with opened(state) as store:
        outer = store.begin("backfill", START + HOUR)
        store.begin("run", START + HOUR)

    second, first, killed, _ = read_summary(state, 0).runs
    assert (killed.ended, killed.exit_code) == (killed.progress, None)
    assert (first.id, first.ended, second.ended) == (outer, None, None)


BELIEVES = """
import sys
from pathlib import Path
from cwarchive.errors import StateError
from tests.edges.sqlite.example import HERE, START, Figures, moved, opened

try:
    with opened(Path(sys.argv[1])) as store:
        run = store.begin("run", START)
        for tracked in store.known(HERE):
            store.record(run, [moved(tracked)], [], Figures())
            print("believed", flush=True)
except StateError as error:
    sys.exit(error.exit_code)
"""


def with_a_fault(state: Path, fault: str) -> tuple[subprocess.CompletedProcess[str], bool]:
    """Records three marks, each believed aloud, under a fault injected by strace; and whether it was reached."""
    trace = state.with_suffix(".trace")
    calls = fault.partition(":")[0]
    strace = ["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={calls}", "-e", f"inject={fault}"]
    ran = subprocess.run(
        [*strace, sys.executable, "-c", BELIEVES, str(state)], capture_output=True, text=True, check=False, timeout=60
    )
    if "ptrace" in ran.stderr.lower():
        pytest.skip("this machine lets nobody trace a process")
    return ran, "INJECTED" in trace.read_text() or ran.returncode == -9


@pytest.mark.fault
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("fault", ["fdatasync:error=EIO", "pwrite64:error=ENOSPC", "fdatasync:signal=KILL"])
def test_whichever_write_fails_no_mark_that_was_believed_is_lost(tmp_path: Path, fault: str) -> None:
    believed = []
    for moment in range(1, 60):
        state = example(tmp_path / f"{moment}.sqlite")
        with opened(state) as store:
            before = list(store.known(HERE))

        ran, reached = with_a_fault(state, f"{fault}:when={moment}")

        believed.append(ran.stdout.count("believed"))
        assert ran.returncode in {0, 74, -9}, ran.stderr
        with opened(state) as store:
            after = list(store.known(HERE))
        assert after[: believed[-1]] == [moved(tracked) for tracked in before[: believed[-1]]]
        assert all(new in (old, moved(old)) for old, new in zip(before, after, strict=True))
        if not reached:
            break

    assert believed[0] == 0
    assert believed[-1] == 3
    assert len(believed) > 6
