"""What `state` looks through, copies, puts back and corrects, and that it asks before it changes anything."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cwarchive import app
from cwarchive.config import load
from cwarchive.core.words import price
from cwarchive.edges.lockfile import StateLock
from cwarchive.errors import CwarchiveError
from tests.cli.conftest import Say
from tests.stage import DAY, HOUR, NOW, SERIES, Heard, Stage, files

MARK = NOW - 600


def marks(stage: Stage) -> set[int]:
    return {tracked.checkpoint.mark for tracked in stage.known.values()}


# --- what needs a state ---


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("backup", "copy"),
        ("rewind", "--to", "3d", "--yes"),
        ("forget", "*", "--yes"),
    ],
    ids=lambda words: words[0],
)
def test_without_a_state_it_is_code_74_and_none_is_begun(stage: Stage, say: Say, words: tuple[str, ...]) -> None:
    before = files(stage.folder)

    code, out, told = say("state", *words)

    assert (code, out) == (74, "")
    assert f"there is no state at {stage.state}" in told
    assert files(stage.folder) == before


@pytest.mark.parametrize(
    "words", [("restore", "copy"), ("rewind", "--to", "1h"), ("forget", "*")], ids=lambda words: words[0]
)
def test_off_a_terminal_nothing_changes_without_yes(stage: Stage, say: Say, words: tuple[str, ...]) -> None:
    say("run")
    say("state", "backup", str(stage.folder / "copy"))
    before = files(stage.folder)

    code, out, told = say("state", *(str(stage.folder / word) if word == "copy" else word for word in words))

    assert (code, out) == (2, "")
    assert "Nothing was changed; off a terminal say --yes" in told
    assert files(stage.folder) == before


# --- check ---


def test_a_sound_state_is_said_to_be_so_and_left_as_it_is(stage: Stage, say: Say) -> None:
    say("run")
    before = files(stage.folder)

    assert say("state", "check") == Heard(0, f"{stage.state}: sound\n", "")
    assert files(stage.folder) == before


def test_a_damaged_state_is_code_74_with_what_is_wrong(stage: Stage, say: Say) -> None:
    say("run")
    damaged = bytearray(stage.state.read_bytes())
    at = damaged.rindex(b"Shop/Queues")
    damaged[at : at + 4] = b"Shup"
    stage.state.write_bytes(damaged)

    code, out, told = say("state", "check")

    assert code == 74
    assert "sound" not in out + told
    assert len((out + told).splitlines()) >= 1


# --- backup and restore ---


def test_a_backup_is_a_state_that_stands_where_the_archive_stood(stage: Stage, say: Say) -> None:
    say("run")
    copy = stage.folder / "copy"

    assert say("state", "backup", str(copy)) == Heard(0, "", "")
    stage.configure(stage.config.read_text().replace("state.sqlite", "copy"))

    assert say("state", "check") == Heard(0, f"{copy}: sound\n", "")
    assert marks(stage) == {MARK}


def test_a_backup_never_overwrites(stage: Stage, say: Say) -> None:
    say("run")
    copy = stage.folder / "copy"
    copy.write_text("mine")

    code, _, told = say("state", "backup", str(copy))

    assert code == 74
    assert str(copy) in told
    assert copy.read_text() == "mine"


def test_what_came_after_a_backup_that_is_restored_is_sent_again(stage: Stage, say: Say) -> None:
    say("run")
    copy = stage.folder / "copy"
    say("state", "backup", str(copy))
    stage.now += HOUR
    say("run")

    code, out, told = say("state", "restore", str(copy), "--yes")

    assert (code, told) == (0, "")
    kept = Path(out.removeprefix("restored; the state before is kept as ").strip())
    assert kept.is_file()
    assert marks(stage) == {MARK}
    assert say("run", "--all").code == 0
    assert marks(stage) == {MARK + HOUR}
    assert stage.receiver.archive == stage.truth


def test_a_restore_where_there_was_no_state_says_so(stage: Stage, say: Say) -> None:
    say("run")
    copy = stage.folder / "copy"
    say("state", "backup", str(copy))
    stage.state.unlink()

    assert say("state", "restore", str(copy), "--yes") == Heard(0, "restored; there was no state before\n", "")
    assert marks(stage) == {MARK}


def test_what_is_no_state_is_not_put_in_the_place_of_one(stage: Stage, say: Say) -> None:
    say("run")
    (stage.folder / "copy").write_text("mine")
    before = files(stage.folder)

    code, _, _ = say("state", "restore", str(stage.folder / "copy"), "--yes")

    assert code == 74
    assert files(stage.folder) == before


# --- rewind ---


def test_a_rewind_is_priced_and_the_next_run_sends_the_span_again(stage: Stage, say: Say) -> None:
    say("run")
    stage.now += HOUR
    say("run")
    sent = len(stage.receiver.points)

    code, out, told = say("state", "rewind", "--to", "2026-09-21T12:00Z", "--yes")

    assert (code, told) == (0, "")
    assert out == "6 series will be sent again from 2026-09-21T12:00:00Z on by the next run\n"
    assert marks(stage) == {NOW - NOW % HOUR - 2 * HOUR}
    assert say("run").code == 0
    assert marks(stage) == {MARK + HOUR}
    assert len(stage.receiver.points) >= sent + SERIES * 184
    assert stage.receiver.archive == stage.truth


def test_the_question_has_the_number_of_series_and_the_price(stage: Stage, say: Say) -> None:
    say("run")

    _, _, told = say("state", "rewind", "--to", "3h", "--only", "*.Load.*")

    assert f"send 4 series again from 2026-09-21T11:14:00Z on, for about {price(0.00002)}?" in told


def test_a_rewind_of_some_leaves_the_others(stage: Stage, say: Say) -> None:
    say("run")

    say("state", "rewind", "--to", "3h", "--only", "*.m-1.*", "--yes")

    moved = {path for path, tracked in stage.known.items() if tracked.checkpoint.mark < MARK}
    assert len(moved) == 2
    assert all(".m-1." in path for path in moved)


def test_a_rewind_to_what_is_not_archived_yet_moves_nothing(stage: Stage, say: Say) -> None:
    say("run")

    out = say("state", "rewind", "--to", "1m", "--yes").out

    assert out.startswith("0 series will be sent again")
    assert marks(stage) == {MARK}


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01", "3 d"])
def test_what_is_no_time_is_usage(stage: Stage, say: Say, moment: str) -> None:
    code, _, told = say("state", "rewind", "--to", moment, "--yes")

    assert code == 2
    assert f'"{moment}" is not a time' in told


# --- forget ---


def test_what_was_forgotten_and_is_not_selected_any_more_is_left_alone(stage: Stage, say: Say) -> None:
    say("run")

    assert say("state", "forget", "*.Shop.Queues.*", "--yes") == Heard(0, "2 series forgotten\n", "")
    stage.configure(stage.config.read_text().replace("Shop/Queues", "Shop/Machines"))
    stage.now += 3 * DAY

    assert say("run").code == 0
    stage.now += HOUR
    assert say("status").code == 0
    assert {tracked.checkpoint.mark for path, tracked in stage.known.items() if "Queues" in path} == {MARK}


def test_what_was_forgotten_resumes_at_its_mark_when_it_is_matched_again(stage: Stage, say: Say) -> None:
    say("run")
    say("state", "forget", "*", "--yes")
    assert all(tracked.forgotten for tracked in stage.known.values())
    stage.now += 2 * DAY

    assert say("run").code == 0

    assert not any(tracked.forgotten for tracked in stage.known.values())
    assert stage.receiver.archive == stage.truth


def test_a_glob_that_matches_nothing_forgets_nothing(stage: Stage, say: Say) -> None:
    say("run")

    assert say("state", "forget", "nothing.*", "--yes").out == "0 series forgotten\n"
    assert not any(tracked.forgotten for tracked in stage.known.values())


# --- while another command is at work ---


@pytest.mark.parametrize("what", ["restore", "rewind", "forget", "acknowledge"])
def test_what_changes_a_state_waits_for_the_command_that_is_at_work(stage: Stage, say: Say, what: str) -> None:
    say("run")
    copy = stage.folder / "copy"
    say("state", "backup", str(copy))
    config = load(stage.config, {})
    heard: list[str] = []
    changes: dict[str, Callable[[], object]] = {
        "restore": lambda: app.restore(config, os.environ, copy, stage.now, heard.append),
        "rewind": lambda: app.rewind(config, os.environ, "*", NOW - HOUR, heard.append),
        "forget": lambda: app.forget(config, os.environ, "*", stage.now, heard.append),
        "acknowledge": lambda: app.acknowledge(config, os.environ, [], stage.now, heard.append),
    }
    done: list[object] = []
    errors: list[CwarchiveError] = []

    def change() -> None:
        try:
            done.append(changes[what]())
        except CwarchiveError as error:
            errors.append(error)

    with StateLock(stage.state):
        thread = threading.Thread(target=change)
        thread.start()
        thread.join(0.1)
        assert (done, errors) == ([], [])
    thread.join(20)
    assert len(heard) == 1
    assert "another command is at work" in heard[0]

    assert errors == []
    assert len(done) == 1


@pytest.mark.parametrize("words", [("rewind", "--to", "1h", "--yes"), ("forget", "*", "--yes")])
def test_told_not_to_wait_a_change_ends_75_and_changes_nothing(stage: Stage, say: Say, words: tuple[str, ...]) -> None:
    say("run")
    before = stage.known
    with StateLock(stage.state):
        heard = say("state", *words, "--no-wait")

    assert heard.code == 75
    assert "another command is at work" in heard.err
    assert stage.known == before


@pytest.mark.parametrize("words", [("rewind", "--to", "1h", "-n"), ("forget", "*", "-n")])
def test_a_rehearsal_says_what_would_be_asked_and_changes_nothing(
    stage: Stage, say: Say, words: tuple[str, ...]
) -> None:
    say("run")
    before = stage.known

    assert say("state", *words).out.startswith("would ask: ")
    assert stage.known == before


def test_a_check_for_scripts_is_a_document(stage: Stage, say: Say) -> None:
    say("run")

    assert json.loads(say("state", "check", "--json").out)["sound"] is True
