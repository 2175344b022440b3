"""What a look through the whole state finds, and that it changes nothing."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cwarchive.edges.sqlite import Report, check_state, create_state
from cwarchive.edges.sqlite.rows import checksum
from cwarchive.errors import StateError
from tests.edges.sqlite.example import HERE, START, change, example, listing, opened, unprivileged


def test_a_state_as_a_command_leaves_it_is_sound(state: Path) -> None:
    before = listing(state.parent)

    report = check_state(state)

    assert report == Report((), series=6, gaps=1, runs=1)
    assert report.sound
    assert listing(state.parent) == before


def test_an_empty_state_is_sound(tmp_path: Path) -> None:
    create_state(tmp_path / "state.sqlite")

    assert check_state(tmp_path / "state.sqlite") == Report(())


def test_a_state_is_looked_through_while_a_command_is_at_work(state: Path) -> None:
    with opened(state) as store:
        store.begin("run", START)

        assert check_state(state) == Report((), series=6, gaps=1, runs=2)


def test_a_series_that_was_taken_back_is_as_sound_as_before(state: Path) -> None:
    with opened(state) as store:
        store.rewind([3], START)
        store.forget([1], START)
        store.acknowledge(store.untold(), START)

    assert check_state(state).sound


CONTRADICTED = "with a checksum that contradicts them (1 row)"


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE series SET path = 'other' WHERE id = 2", f"series {CONTRADICTED}: 2"),
        ("UPDATE series SET region = 'us-east-2' WHERE id = 2", f"series {CONTRADICTED}: 2"),
        ("UPDATE checkpoint SET committed = committed + 1 WHERE series_id = 2", f"checkpoints {CONTRADICTED}: 2"),
        ("UPDATE checkpoint SET flags = 8 WHERE series_id = 2", f"checkpoints {CONTRADICTED}: 2"),
        ("UPDATE checkpoint SET crc = crc + 1 WHERE series_id = 2", f"checkpoints {CONTRADICTED}: 2"),
        ("UPDATE gap SET told = 5", f"gaps {CONTRADICTED}: 1"),
        ("UPDATE entry SET last_pass = 5", f"entries {CONTRADICTED}: cpu"),
        ("UPDATE entry SET billed = 5", f"entries {CONTRADICTED}: cpu"),
        ("UPDATE discovery SET at = 5 WHERE key = 'disk'", f"discoveries {CONTRADICTED}: disk"),
        ("UPDATE condition SET told = 5", f"conditions {CONTRADICTED}: failed"),
        ("UPDATE validated SET entries = '[]'", f"remembered configs {CONTRADICTED}: abc"),
    ],
)  # fmt: skip
def test_each_row_that_contradicts_its_checksum_is_found(state: Path, statement: str, finding: str) -> None:
    change(state, statement)

    report = check_state(state)

    assert report.findings == (finding,)
    assert (report.sound, report.series) == (False, 6)


def change_soundly(path: Path, *statements: str) -> None:
    """Do what only a cwarchive with a mistake in it would do: the checksums are right."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("checksum", -1, checksum)
        for statement in statements:
            connection.execute(statement)
        connection.execute(
            "UPDATE checkpoint SET crc = checksum(series_id, since, mark, verified, committed, cuts, flags)"
        )
        connection.execute('UPDATE gap SET crc = checksum(series_id, start, "end", kind, told, acknowledged)')


CUTS = "checkpoints with cuts out of order (1 row): 2"


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM checkpoint WHERE series_id = 2", "series without a checkpoint (1 row): 2"),
        ("DELETE FROM series WHERE id = 2", "checkpoints without a series (1 row): 2"),
        ("DELETE FROM series WHERE id = 3", "gaps without a series (1 row): 1"),
        ("UPDATE checkpoint SET cuts = '[[60,300],[60,60]]' WHERE series_id = 2", CUTS),
        ("UPDATE checkpoint SET cuts = '[[0,0]]' WHERE series_id = 2", CUTS),
        ("UPDATE checkpoint SET cuts = '[0]' WHERE series_id = 2", CUTS),
        ("UPDATE checkpoint SET cuts = '[[0,' WHERE series_id = 2", CUTS),
        ('UPDATE gap SET start = "end"', "gaps that end before they begin (1 row): 1"),
        ("UPDATE gap SET kind = 'mislaid'", "gaps of an unknown kind (1 row): 1"),
        (f'UPDATE gap SET "end" = {START} + 5 * 3600', "gaps beyond what was ever asked (1 row): 1"),
    ],
)  # fmt: skip
def test_rows_that_contradict_each_other_are_found(state: Path, statement: str, finding: str) -> None:
    change_soundly(state, statement)

    assert finding in check_state(state).findings


def test_cuts_in_order_and_a_gap_up_to_what_was_announced_are_sound(state: Path) -> None:
    change_soundly(
        state,
        "UPDATE checkpoint SET cuts = '[[60,300],[61,60]]' WHERE series_id = 2",
        f'UPDATE gap SET "end" = {START} + 4 * 3600',
    )

    assert check_state(state).sound


def test_marks_out_of_order_are_found(state: Path) -> None:
    change_soundly(
        state, "PRAGMA ignore_check_constraints = 1", "UPDATE checkpoint SET verified = mark + 1 WHERE series_id = 2"
    )

    assert "checkpoints with marks out of order (1 row): 2" in check_state(state).findings


def without_unique_index(path: Path, table: str, statement: str) -> None:
    """Get two rows past the index that keeps them apart, which then is as damaged as an index can be."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = 1")
        where = f"type = 'index' AND tbl_name = '{table}' AND sql IS NULL"
        index = connection.execute(f"SELECT * FROM sqlite_master WHERE {where}").fetchone()
        definition = connection.execute(f"SELECT sql FROM sqlite_master WHERE name = '{table}'").fetchone()[0]
        connection.execute(f"DELETE FROM sqlite_master WHERE {where}")
        plain = definition.replace("path TEXT NOT NULL UNIQUE", "path TEXT NOT NULL").replace(
            'noticed INTEGER NOT NULL,\n        UNIQUE (series_id, kind, start, "end")', "noticed INTEGER NOT NULL"
        )
        assert plain != definition
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (plain, table))
        connection.commit()
    change_soundly(path, statement)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = 1")
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (definition, table))
        connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", index)
        connection.execute("UPDATE sqlite_master SET rowid = rowid + 100 WHERE type <> 'table' OR name <> ?", (table,))
        connection.commit()


def test_a_path_with_two_owners_is_found_though_its_index_hides_it(state: Path) -> None:
    path = "(SELECT path FROM series WHERE id = 1)"
    without_unique_index(state, "series", f"UPDATE series SET path = {path} WHERE id = 2")

    findings = check_state(state).findings

    assert any(
        finding.startswith("paths of more than one series (1 row): cloudwatch.us-east-1.") for finding in findings
    )


def test_a_gap_that_is_there_twice_is_found_though_its_index_hides_it(state: Path) -> None:
    columns = 'series_id, start, "end", kind, told, acknowledged, crc, noticed'
    without_unique_index(state, "gap", f"INSERT INTO gap ({columns}) SELECT {columns} FROM gap")

    assert "gaps that are there twice (1 row): 1" in check_state(state).findings


def test_an_index_that_misses_a_row_is_found(state: Path) -> None:
    with closing(sqlite3.connect(state)) as connection:
        where = "SELECT rootpage - 1 FROM sqlite_master WHERE name = 'series_by_cell'"
        page = connection.execute(where).fetchone()[0] * 4_096
    whole = state.read_bytes()
    first = whole.rindex(b"us-east-1", page, page + 4_096)
    state.write_bytes(whole[:first] + b"us-east-0" + whole[first + 9 :])

    assert any("missing from index series_by_cell" in finding for finding in check_state(state).findings)


def test_of_many_rows_a_finding_names_the_first_and_counts_all(state: Path) -> None:
    change(state, "UPDATE checkpoint SET flags = 3")

    assert check_state(state).findings == (
        "checkpoints with a checksum that contradicts them (6 rows): 1, 2, 3, 4, 5, ...",
    )


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"", "the file is empty"),
        (b"metrics:\n" * 99, "file is not a database"),
        (bytes(8_192), "file is not a database"),
    ],
)
def test_a_file_that_is_no_state_is_one_finding(tmp_path: Path, content: bytes, finding: str) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(content)

    assert check_state(path) == Report((finding,))
    assert listing(tmp_path) == {"state.sqlite": content}


def test_a_state_whose_tables_were_changed_is_one_finding(state: Path) -> None:
    change(state, "DROP INDEX series_by_cell")

    assert check_state(state) == Report(("its tables are not what they were made as",))


def test_a_truncated_state_is_never_found_sound(state: Path) -> None:
    whole = state.read_bytes()

    for length in random.Random(9).sample(range(len(whole)), 60):
        state.write_bytes(whole[:length])

        assert not check_state(state).sound, f"cut to {length} bytes"


def refused(path: Path) -> str:
    """Why a command takes nothing from this state, "" where it takes all."""
    try:
        with opened(path) as store:
            assert list(store.known(HERE))
            store.all_gaps()
    except StateError as error:
        return str(error)
    return ""


def test_what_a_command_would_refuse_is_a_finding(state: Path) -> None:
    """The converse need not hold: a command may never look where the damage is."""
    whole, chosen = state.read_bytes(), random.Random(13)
    written = [offset for offset, byte in enumerate(whole) if byte]
    found = 0

    for _ in range(200):
        offset, bit = chosen.choice(written), chosen.randrange(8)
        spoilt = whole[:offset] + bytes([whole[offset] ^ 1 << bit]) + whole[offset + 1 :]
        state.write_bytes(spoilt)
        why = refused(state)
        state.write_bytes(spoilt)

        if why and "newer cwarchive" not in why:
            found += 1
            assert not check_state(state).sound, f"bit {bit} of byte {offset}: {why}"
    assert found > 50


def test_a_state_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="there is no state at"):
        check_state(tmp_path / "state.sqlite")


def test_a_state_of_another_version_is_told_and_not_called_damaged(state: Path) -> None:
    change(state, "PRAGMA user_version = 2")

    with pytest.raises(StateError, match="by a newer cwarchive"):
        check_state(state)


def test_commits_that_are_out_of_reach_are_a_finding(public: Path, tmp_path: Path) -> None:
    path = example(tmp_path / "state.sqlite")
    with opened(path) as store:
        store.begin("run", START)
        for name in ("state.sqlite", "state.sqlite-wal"):
            shutil.copyfile(tmp_path / name, public / name)
    public.chmod(0o555)

    with unprivileged():
        (finding,) = check_state(public / "state.sqlite").findings

    assert finding.startswith("its newest commits are out of reach here")
