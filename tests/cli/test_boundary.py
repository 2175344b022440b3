"""How commands end whatever happens: usage, bugs, signals, readers that go away; and what they do not import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cwarchive import __version__
from cwarchive.cli import main
from cwarchive.cli.boundary import guarded
from cwarchive.cli.stopping import Stopped
from cwarchive.cli.voice import Setting, Voice
from cwarchive.errors import CoverageError, DeliveryError
from tests.cli.conftest import Say
from tests.stage import CLOCK, HOUR, ROOT, Stage, files, finished, python

HEAVY = ("apscheduler", "boto3", "botocore", "jinja2", "prometheus_client", "rich")


# Usage.


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["rnu"], "No such command 'rnu'. Did you mean 'run'?", id="a misspelt command"),
        pytest.param(["stats"], "No such command 'stats'. Did you mean 'status'?", id="another"),
        pytest.param(["zzzzz"], "No such command 'zzzzz'.", id="a command like no other"),
        pytest.param(["status", "--jsn"], "No such option '--jsn'. Did you mean '--json'?", id="a misspelt option"),
        pytest.param(["run", "--expect-sate"], "Did you mean '--expect-state'?", id="another option"),
        pytest.param(["run", "now"], "Got unexpected extra argument (now)", id="an argument too many"),
        pytest.param(["run", "--ok", "5"], '"5": --ok takes 3, 4 and 75, separated by commas', id="a code"),
        pytest.param(["run", "--ok", "3;4"], '"3;4": --ok takes 3, 4 and 75, separated by commas', id="codes"),
        pytest.param(
            ["run", "--max-runtime", "5x"],
            '"5x" is not a duration; write 90s, 10m, 3h, 15d, or whole seconds',
            id="a duration",
        ),
        pytest.param(["--log-format", "xml", "run"], "'xml' is not one of 'text', 'json'", id="a form of messages"),
    ],
)
def test_usage_is_told_with_code_2(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(words)

    out, error = capsys.readouterr()
    assert (code, out) == (2, "")
    assert told in error.splitlines()[-1]


def test_the_version_and_the_help_are_results(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"cwarchive {__version__}\n", "")
    for words in (["--help"], ["run", "-h"], ["status", "--help"]):
        assert main(words) == 0
        out, told = capsys.readouterr()
        assert (out[:7], told) == ("Usage: ", "")


# Exceptions.


def _raises(error: BaseException) -> Callable[[], object]:
    def command() -> object:
        raise error

    return command


def test_a_bug_is_told_as_one_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    code = guarded(lambda: int("many"), Setting())

    first, *_, last = capsys.readouterr().err.splitlines()
    assert code == 1
    assert first == "Traceback (most recent call last):"
    assert last.startswith(
        f"cwarchive: this is a bug in cwarchive {__version__}: ValueError: invalid literal for int()"
    )
    assert last.endswith("; please report it with the lines above")


def test_a_mark_that_would_pass_what_nobody_delivered_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    code = guarded(_raises(CoverageError("marks out of order")), Setting())

    assert code == 1
    assert "this is a bug in cwarchive" in capsys.readouterr().err


def test_an_error_of_ours_is_one_sentence_and_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(_raises(DeliveryError("Graphite took no data")), Setting()) == 75
    assert capsys.readouterr() == ("", "cwarchive: Graphite took no data\n")


def test_an_error_is_told_even_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(_raises(DeliveryError("Graphite took no data")), Setting(voice=Voice(-1))) == 75
    assert capsys.readouterr().err == "cwarchive: Graphite took no data\n"


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (Stopped(15), 143), (Stopped(2), 130)])
def test_a_signal_ends_a_command_without_a_word(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(_raises(error), Setting()) == code
    assert capsys.readouterr() == ("", "")


# Readers that go away.

UNREAD = [
    pytest.param("--help", "out", 0, id="help"),
    pytest.param("check --show", "out", 0, id="the effective config"),
    pytest.param("-c nowhere.yaml check", "err", 78, id="a missing config"),
    pytest.param("rnu", "err", 2, id="usage"),
    pytest.param("run", "err", 141, id="a run that has something to tell"),
]


@pytest.mark.parametrize(("words", "closed", "code"), UNREAD)
def test_a_reader_that_went_away_is_no_bug(tmp_path: Path, words: str, closed: str, code: int) -> None:
    (tmp_path / "cwarchive.yaml").write_text(
        "graphite: {port: 1}\nstate: s.sqlite\nregions: [us-east-1]\nmetrics: [{namespace: AWS/EC2}]\n"
    )

    ended, told = _with_a_pipe_that_nobody_reads(tmp_path, words.split(), closed)

    assert (ended, told) == (code, "")


@pytest.mark.parametrize("closed", [1, 2])
def test_a_stream_that_was_closed_beforehand_is_no_bug(tmp_path: Path, closed: int) -> None:
    (tmp_path / "cwarchive.yaml").write_text("metrics: [{namespace: AWS/EC2}]\n")
    shell = f'exec "$0" -m cwarchive -c cwarchive.yaml check {closed}>&-'

    done = subprocess.run(
        ["/bin/sh", "-c", shell, sys.executable],
        cwd=tmp_path,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def _with_a_pipe_that_nobody_reads(folder: Path, words: list[str], closed: str) -> tuple[int, str]:
    """The exit code of the command, and what it wrote to the stream that is still read."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cwarchive", *words],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=writing if closed == "out" else subprocess.PIPE,
            stderr=writing if closed == "err" else subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    return done.returncode, (done.stderr if closed == "out" else done.stdout) or ""


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


# What is not paid for.

COMMANDS = """
import json, sys
from cwarchive.cli import main

for words in json.loads(sys.argv[1]):
    code = main(words)
    print(json.dumps([words[-1], code, sorted(set(json.loads(sys.argv[2])) & set(sys.modules))]), file=sys.stderr)
"""


def test_what_does_not_reach_for_aws_does_not_import_what_reaches_for_it(stage: Stage, say: Say) -> None:
    say("run")
    config = ["-c", str(stage.config)]
    words = [["--version"], [*config, "check"], [*config, "status"], [*config, "run"]]

    heard = finished(
        python("-c", COMMANDS, json.dumps(words), json.dumps(HEAVY), folder=stage.folder, now=stage.now + 60)
    )

    told = [json.loads(line) for line in heard.err.splitlines()]
    assert told == [["--version", 0, []], ["check", 0, []], ["status", 0, []], ["run", 0, []]]


def test_the_clock_of_a_process_is_the_stage_s(stage: Stage) -> None:
    assert CLOCK.is_dir()

    heard = finished(python("-c", "import time; print(int(time.time()))", folder=stage.folder, now=stage.now + HOUR))

    assert int(heard.out) - stage.now - HOUR in range(30)


def test_a_run_leaves_nothing_beside_its_state(stage: Stage, say: Say) -> None:
    say("run")

    assert set(files(stage.folder)) == {"cwarchive.yaml", "state.sqlite"}
