"""Bad input: one line for each mistake at its position, code 78, nothing sent; and what `check` says of the good."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cwarchive.cli import main
from tests.cli.conftest import Say
from tests.stage import Heard, Stage, files

BAD = {
    "a tab": (
        b"metrics:\n\t- namespace: AWS/EC2\n",
        ["2:1: a tab is used for indentation; YAML allows only spaces there"],
    ),
    "an unknown key": (
        b"metrics:\n  - namespace: AWS/EC2\n    perod: 60s\n",
        ['3:5: unknown key "perod"; did you mean "period"?'],
    ),
    "a misspelt statistic": (
        b"metrics:\n  - namespace: AWS/EC2\n    statistics: [Maximum, Avg]\n",
        ['3:27: unknown statistic "Avg"; did you mean "Average"?'],
    ),
    "a period of 90": (
        b"metrics:\n  - {namespace: AWS/EC2, period: 90}\n",
        [
            "2:34: 90 is not a CloudWatch period; use 1, 5, 10, 20 or 30 seconds, or a multiple of 60 up to 86400",
        ],
    ),
    "an account id that looks octal": (
        b"accounts: [012345670123]\nmetrics:\n  - namespace: AWS/EC2\n",
        ['1:12: expected a mapping of keys and values, found 012345670123; write "key: value" lines'],
    ),
    "a key given twice": (
        b"metrics:\n  - namespace: AWS/EC2\n    namespace: AWS/SQS\n",
        ['3:5: "namespace" is given twice'],
    ),
    "an empty list": (
        b"metrics: []\n",
        ["1:10: the list is empty; write at least one value, such as [{namespace: AWS/EC2}]"],
    ),
    "an empty file": (b"", ['1:1: the file is empty; it needs at least the list "metrics"']),
    "a binary file": (
        b"\x7fELF\x02\x01\x01\0\0\0",
        ["1:1: the file is binary, not text; a config is YAML in UTF-8"],
    ),
    "text that is not UTF-8": (
        b"metrics:\n  - namespace: Caf\xe9\n",
        ["2:19: byte 0xe9 is not UTF-8; save the file as UTF-8"],
    ),
    "several mistakes": (
        b"graphite: {port: 70000}\nmetrics:\n  - namespace: AWS/EC2\n    statistics: [Avg]\n    period: 90\n",
        [
            "1:18: 70000 is not allowed here; use a whole number from 1 to 65535",
            '4:18: unknown statistic "Avg"; did you mean "Average"?',
            "5:13: 90 is not a CloudWatch period; use 1, 5, 10, 20 or 30 seconds, or a multiple of 60 up to 86400",
        ],
    ),
}
WORDS = [("check",), ("check", "--show"), ("run",), ("run", "-n"), ("status", "--json")]


@pytest.mark.parametrize(("content", "mistakes"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_bad_input_is_told_at_its_position_and_nothing_is_sent(
    stage: Stage, say: Say, content: bytes, mistakes: list[str], words: tuple[str, ...]
) -> None:
    stage.config.write_bytes(content)

    heard = say(*words)

    count = f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)} in {stage.config}; nothing was run"
    lines = [*(f"{stage.config}:{mistake}" for mistake in mistakes), count]
    assert heard == Heard(78, "", "".join(f"{line}\n" for line in lines))
    assert (stage.simulation.requests, stage.receiver.connections) == ([], [])
    assert files(stage.folder) == {"cwarchive.yaml": content}


MISSING = {
    "nothing": ("nowhere.yaml", "there is no such file; look at the path given with -c or CWARCHIVE_CONFIG"),
    "a folder": (".", "this is a folder; name the file in it, such as cwarchive.yaml"),
}


@pytest.mark.parametrize(("name", "sentence"), MISSING.values(), ids=MISSING)
@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_config_that_is_no_file_is_told_by_its_name(
    stage: Stage, say: Say, name: str, sentence: str, words: tuple[str, ...]
) -> None:
    path = str(stage.folder / name)

    assert say(*words, config=path) == Heard(78, "", f"{path}: {sentence}\n1 mistake in {path}; nothing was run\n")
    assert (stage.simulation.requests, stage.receiver.connections) == ([], [])


def test_a_variable_that_names_no_key_is_a_mistake(stage: Stage, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWARCHIVE_GRAPHITE__PROT", "2003")

    assert say("check") == Heard(
        78,
        "",
        f"{stage.config}: unknown environment variable CWARCHIVE_GRAPHITE__PROT; did you mean"
        f" CWARCHIVE_GRAPHITE__PORT?\n1 mistake in {stage.config}; nothing was run\n",
    )


# Good input.


def test_a_valid_config_is_said_to_have_been_checked_offline(stage: Stage, say: Say) -> None:
    assert say("check") == Heard(
        0, f"{stage.config}: valid, 2 entries; checked offline: AWS and Graphite were not asked\n", ""
    )
    assert (stage.simulation.requests, stage.receiver.connections) == ([], [])
    assert set(files(stage.folder)) == {"cwarchive.yaml"}


def test_show_prints_every_setting_with_its_origin(stage: Stage, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CWARCHIVE_GRAPHITE__HOST", "localhost")

    code, out, told = say("check", "--show")

    assert (code, told) == (0, "")
    lines = out.splitlines()
    assert all(re.fullmatch(r"[\w.\[\]]+: .+  # .+", line) for line in lines)
    assert "graphite.host: localhost  # CWARCHIVE_GRAPHITE__HOST" in lines
    assert f"graphite.port: {stage.receiver.port}  # {stage.config}:1" in lines
    assert "metrics[0].every: 1h  # default" in lines
    assert f"metrics[0].statistics: [Average, Maximum]  # {stage.config}:7" in lines


def test_a_variable_that_nearly_names_a_key_is_a_warning_but_not_when_quiet(
    stage: Stage, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CWARCHIVE_GRAPHITE_HOST", "localhost")

    code, _, told = say("check")

    assert code == 0
    assert told == (
        "cwarchive: the environment variable CWARCHIVE_GRAPHITE_HOST is ignored; "
        "did you mean CWARCHIVE_GRAPHITE__HOST?\n"
    )
    assert say("-q", "check").err == ""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a folder of its own, of which only its owner may write."""
    folder = tmp_path / "work"
    folder.mkdir(mode=0o700)
    monkeypatch.chdir(folder)
    return folder


def test_without_c_the_config_of_the_working_directory_counts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "cwarchive.yaml").write_text("metrics: [{namespace: AWS/EC2}]\n")

    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith("cwarchive.yaml: valid, 1 entry; checked offline")


def test_a_config_in_a_folder_that_others_may_write_is_skipped_with_a_warning(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here.chmod(0o777)
    (here / "cwarchive.yaml").write_text("metrics: [{namespace: AWS/EC2}]\n")
    own = here / "config" / "cwarchive" / "cwarchive.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("metrics: [{namespace: AWS/SQS}, {namespace: AWS/EC2}]\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(here / "config"))

    assert main(["check"]) == 0
    out, told = capsys.readouterr()
    assert out.startswith(f"{own}: valid, 2 entries")
    assert told.startswith("cwarchive: cwarchive.yaml is skipped: others may write in its folder")


@pytest.mark.usefixtures("here")
def test_where_there_is_no_config_it_is_said_where_one_was_looked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert main(["run"]) == 78
    out, told = capsys.readouterr()
    assert (out, told.splitlines()[1:]) == ("", ["1 mistake in cwarchive.yaml; nothing was run"])
    places = f"cwarchive.yaml, {tmp_path}/cwarchive/cwarchive.yaml, /etc/cwarchive/cwarchive.yaml"
    assert told.splitlines()[0] == (
        f"cwarchive.yaml: no config file; looked for {places}; name one with -c FILE or CWARCHIVE_CONFIG"
    )


def test_the_command_as_a_process_tells_bad_input_as_it_does_here(tmp_path: Path) -> None:
    (tmp_path / "cwarchive.yaml").write_text("metrics: []\n")
    command = [sys.executable, "-m", "cwarchive", "-c", "cwarchive.yaml", "run"]

    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.splitlines() == [
        "cwarchive.yaml:1:10: the list is empty; write at least one value, such as [{namespace: AWS/EC2}]",
        "1 mistake in cwarchive.yaml; nothing was run",
    ]
