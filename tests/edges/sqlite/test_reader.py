"""What `status` reads of a state: everything in one view, and nothing written, wherever the state lies."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cwarchive.core.checkpoint import Gap
from cwarchive.core.ports import Figures, Validated
from cwarchive.core.standing import GapCount, Glance, Standing
from cwarchive.core.window import Window
from cwarchive.edges.sqlite import create_state, read_due, read_gaps, read_holder, read_summary
from cwarchive.errors import StateError
from tests.edges.sqlite.example import (
    HERE,
    HOUR,
    START,
    THERE,
    change,
    example,
    listing,
    moved,
    newcomer,
    opened,
    unprivileged,
)

EC2 = "AWS/EC2"


def test_a_summary_counts_series_failures_and_oldest_marks_by_cell_namespace_and_period(state: Path) -> None:
    assert read_summary(state, 0).standings == (
        Standing(HERE, EC2, 60, series=2, failed=0, oldest_mark=START + HOUR, oldest_verified=START),
        Standing(HERE, EC2, 300, series=1, failed=0, oldest_mark=START + 4 * HOUR, oldest_verified=START),
        Standing(THERE, EC2, 60, series=2, failed=1, oldest_mark=START + HOUR, oldest_verified=START),
        Standing(THERE, EC2, 300, series=1, failed=0, oldest_mark=None, oldest_verified=None, parked=1),
    )


def test_the_oldest_marks_are_those_of_series_that_are_asked(state: Path) -> None:
    with opened(state) as store:
        oldest, second, third = store.adopt([newcomer(number) for number in (7, 8, 9)], {}, START)
        known = moved(store.adopt([newcomer(10)], {}, START)[0], 2)
        store.record(store.begin("run", START), [moved(second), known, replace(third, parked=True)], [], Figures())
        store.forget([1, 2, oldest.id], START)

    assert read_summary(state, 0).standings[0] == Standing(
        HERE, EC2, 60, series=3, failed=0, oldest_mark=START + HOUR, oldest_verified=START, parked=1, waiting=0
    )


def test_series_that_were_met_and_not_begun_wait(state: Path) -> None:
    with opened(state) as store:
        waiting, parked, failed, gone = store.adopt([newcomer(number) for number in range(20, 24)], {}, START)
        changed = [replace(parked, parked=True), replace(failed, failed=True), replace(gone, failed=True)]
        store.record(store.begin("run", START), changed, [], Figures())
        store.forget([gone.id], START)

    standing = read_summary(state, 0).standings[0]
    assert (standing.series, standing.waiting, standing.parked, standing.failed) == (5, 2, 1, 1)
    assert standing.oldest_mark == waiting.checkpoint.since


def test_series_that_were_all_forgotten_stand_nowhere(state: Path) -> None:
    with opened(state) as store:
        store.forget([1, 2], START)

    assert [(standing.cell, standing.period) for standing in read_summary(state, 0).standings] == [
        (HERE, 300), (THERE, 60), (THERE, 300)
    ]  # fmt: skip


def test_a_summary_counts_gaps_by_kind_and_whether_anybody_acknowledged_them(state: Path) -> None:
    with opened(state) as store:
        gaps = [Gap(1, Window(START + n, START + n + 60), "lost") for n in (0, 60)]
        store.record(store.begin("run", START), [], gaps, Figures())
        store.acknowledge(gaps[:1], START)

    assert read_summary(state, 0).gaps == (GapCount("lost", 2, 1), GapCount("resolution", 1, 1))


def test_a_summary_has_the_newest_runs_first_and_no_more_than_were_asked_for(state: Path) -> None:
    with opened(state) as store:
        begun = [store.begin(f"run {number}", START + number) for number in range(5)]

    runs = read_summary(state, 0, runs=3).runs

    assert [run.id for run in runs] == begun[:1:-1]


def test_a_bill_counts_the_runs_begun_since_an_instant(state: Path) -> None:
    with opened(state) as store:
        store.record(store.begin("run", START + HOUR), [], [], Figures(billed=7))

    assert [read_summary(state, since).billed for since in (START, START + 1, START + HOUR + 1)] == [13, 7, 0]


def test_an_empty_state_has_an_empty_summary(tmp_path: Path) -> None:
    create_state(tmp_path / "state.sqlite")

    summary = read_summary(tmp_path / "state.sqlite", 0)

    assert (summary.standings, summary.gaps, summary.runs, summary.billed) == ((), (), (), 0)
    assert read_holder(tmp_path / "state.sqlite") is None


def test_reading_leaves_nothing_behind(state: Path) -> None:
    before = listing(state.parent)

    read_summary(state, 0)
    read_holder(state)

    assert listing(state.parent) == before


def test_what_a_command_at_work_has_committed_is_seen_at_once(state: Path) -> None:
    with opened(state) as store:
        series = [moved(tracked) for tracked in store.known(HERE)]
        store.record(store.begin("run", START), series, [], Figures())

        assert read_summary(state, 0).standings[0].oldest_mark == START + 2 * HOUR


def test_the_holder_is_the_newest_run_without_an_end(state: Path) -> None:
    with opened(state, now=START + 80) as store:
        outer = store.begin("backfill", START)
        inner = store.begin("run", START + 60)
        store.end(inner, {}, [], 0, START + 70)
        store.record(outer, [], [], Figures())

        holder = read_holder(state)

    assert holder is not None
    assert holder.at_work(START + 100) == (
        f"cwarchive backfill, pid {holder.pid} on {holder.host}, at work for 100 s, last progress 20 s ago"
    )


def test_a_state_in_a_read_only_folder_is_read(public: Path) -> None:
    path = example(public / "state.sqlite")
    expected = read_summary(path, 0)
    path.chmod(0o444)
    public.chmod(0o555)

    with unprivileged():
        assert read_summary(path, 0) == expected


def test_a_state_in_a_read_only_folder_after_a_crash_is_read_and_called_stale(public: Path, tmp_path: Path) -> None:
    path = example(tmp_path / "state.sqlite")
    expected = read_summary(path, 0)
    with opened(path) as store:
        store.begin("run", START + HOUR)
        for name in ("state.sqlite", "state.sqlite-wal"):
            shutil.copyfile(tmp_path / name, public / name)
    public.chmod(0o555)

    with unprivileged():
        summary = read_summary(public / "state.sqlite", 0)

    assert (expected.stale, summary.stale) == (False, True)
    assert summary.runs == expected.runs


def test_a_state_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="there is no state at"):
        read_summary(tmp_path / "state.sqlite", 0)


def test_gaps_are_read_as_the_store_keeps_them(state: Path) -> None:
    with opened(state) as store:
        gap = Gap(4, Window(START, START + 60), "lost")
        store.record(store.begin("run", START + 9), [], [gap], Figures())
        store.tell([gap], START + 10)
        store.acknowledge([gap], START + 11)
        expected = store.all_gaps()

    before = listing(state.parent)
    assert read_gaps(state) == expected
    assert [(record.series.path, record.noticed) for record in expected] == [
        (newcomer(2, HERE, 300).series.path, START),
        (newcomer(0, THERE).series.path, START + 9),
    ]
    assert listing(state.parent) == before


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ('UPDATE gap SET "end" = "end" + 60', "the checksum of gap of series 3 contradicts it"),
        ("UPDATE series SET path = 'other' WHERE id = 3", "the checksum of series 3 contradicts it"),
        ("DELETE FROM series WHERE id = 3", "the checksum of series None contradicts it"),
    ],
)
def test_a_gap_that_is_not_as_it_was_stored_is_not_shown(state: Path, statement: str, told: str) -> None:
    change(state, statement)

    with pytest.raises(StateError, match=told):
        read_gaps(state)


def test_a_glance_tells_what_decides_whether_anything_is_due(state: Path) -> None:
    before = listing(state.parent)

    assert read_due(state) == Glance(Validated("abc", (("cpu", HOUR),)), {"cpu": START}, waiting=1)
    assert listing(state.parent) == before


def test_a_glance_sees_what_a_command_at_work_has_committed(state: Path) -> None:
    with opened(state) as store:
        store.remember_validated(Validated("def", ()))
        store.end(store.begin("run", START), {"disk": START + 5}, [], 0, START)
        store.forget([5], START)

        assert read_due(state) == Glance(Validated("def", ()), {"cpu": START, "disk": START + 5}, waiting=0)


def test_a_glance_at_an_empty_state_finds_no_config(tmp_path: Path) -> None:
    create_state(tmp_path / "state.sqlite")

    assert read_due(tmp_path / "state.sqlite") == Glance(None, {}, 0)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET last_pass = last_pass + 36000",
        "UPDATE entry SET key = 'other'",
        "UPDATE validated SET entries = '[]'",
        "UPDATE validated SET fingerprint = 'abd'",
        "DROP TABLE discovery",
        "DELETE FROM meta",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 7",
    ],
)
def test_a_glance_takes_nothing_for_true_that_was_changed(state: Path, statement: str) -> None:
    change(state, statement)

    assert read_due(state) is None


def test_a_glance_at_what_cannot_be_read_decides_nothing(state: Path) -> None:
    whole = state.read_bytes()
    assert read_due(state.with_name("missing.sqlite")) is None
    for content in (b"", b"metrics:\n", bytes(8_192), whole[: len(whole) // 2]):
        state.write_bytes(content)
        assert read_due(state) is None


def test_a_glance_that_misses_the_newest_commits_decides_nothing(public: Path, tmp_path: Path) -> None:
    path = example(tmp_path / "state.sqlite")
    with opened(path) as store:
        store.begin("run", START + HOUR)
        for name in ("state.sqlite", "state.sqlite-wal"):
            shutil.copyfile(tmp_path / name, public / name)
    public.chmod(0o555)

    with unprivileged():
        assert read_due(public / "state.sqlite") is None


def test_no_changed_bit_turns_a_due_entry_into_one_that_is_not(state: Path) -> None:
    whole, chosen = state.read_bytes(), random.Random(5)
    written = [offset for offset, byte in enumerate(whole) if byte]
    expected = read_due(state)
    decided = 0

    for _ in range(400):
        offset, bit = chosen.choice(written), chosen.randrange(8)
        state.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1 << bit]) + whole[offset + 1 :])

        found = read_due(state)

        decided += found is not None
        assert found is None or found.last_passes.get("cpu", START) == START, f"bit {bit} of byte {offset}"
        assert found is None or expected is None or found.validated in (expected.validated, None)
    assert 100 < decided < 400
