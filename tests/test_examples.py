"""That the examples and the documents are true: what they name exists, what they show runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

import cwarchive
from cwarchive import __version__, errors
from cwarchive.cli import main
from cwarchive.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
POLICY = ROOT / "config" / "iam-policy.example.json"

by_name = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def test_the_crontab_holds_one_job_every_ten_minutes() -> None:
    (line,) = _jobs()

    assert line.split()[:5] == ["*/10", "*", "*", "*", "*"]
    assert "%" not in line, "cron would end the command there"
    assert "flock" not in line


def test_the_crontab_names_whom_to_mail_and_where_to_look_for_the_command() -> None:
    settings = dict(line.split("=", 1) for line in _crontab() if re.match(r"[A-Z]+=", line))

    assert "@" in settings["MAILTO"]
    assert "/usr/bin" in settings["PATH"].split(":")


def test_the_crontab_job_makes_a_pass_up_to_graphite_being_down(tmp_path: Path) -> None:
    (line,) = _jobs()
    words = shlex.split(line.split(maxsplit=5)[5])
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        config = tmp_path / "cwarchive.yaml"
        config.write_text(
            f"graphite: {{host: 127.0.0.1, port: {nobody_listens.getsockname()[1]}}}\n"
            f"state: {tmp_path / 'state.sqlite'}\n"
            "regions: [us-east-1]\n"
            "metrics: [{namespace: AWS/EC2}]\n"
        )
        words = [str(config) if word == "/etc/cwarchive/cwarchive.yaml" else word for word in words]

        done = _cwarchive(*words[1:])

    assert words[:3] == ["cwarchive", "-c", str(config)]
    assert done.returncode == errors.DeliveryError.exit_code, done.stderr
    assert "127.0.0.1" in done.stderr


def test_the_example_config_passes_the_check() -> None:
    done = _cwarchive("-c", str(ROOT / "config" / "cwarchive.example.yaml"), "check")

    assert done.returncode == 0, done.stderr


def test_the_configs_in_the_readme_pass_the_check(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    configs = [block for block in blocks if re.search(r"^metrics:", block, re.MULTILINE)]

    assert configs
    for config in configs:
        (tmp_path / "cwarchive.yaml").write_text(config)
        done = _cwarchive("-c", str(tmp_path / "cwarchive.yaml"), "check")

        assert done.returncode == 0, done.stderr


def test_the_policy_is_one_that_iam_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    with mock_aws():
        made = boto3.client("iam").create_policy(PolicyName="cwarchive", PolicyDocument=POLICY.read_text())

    assert made["Policy"]["PolicyName"] == "cwarchive"


def test_the_policy_allows_reading_metrics_and_nothing_else() -> None:
    reading, decrypting = _statements()

    assert {statement["Effect"] for statement in (reading, decrypting)} == {"Allow"}
    assert reading["Action"] == ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"]
    assert decrypting["Action"] == "kms:Decrypt"


def test_the_policy_allows_decrypting_only_through_cloudwatch() -> None:
    _, decrypting = _statements()

    assert decrypting["Condition"]["StringLike"]["kms:ViaService"] == "cloudwatch.*.amazonaws.com"
    assert decrypting["Resource"] != "*"


def test_every_statement_and_action_of_the_policy_is_explained() -> None:
    explained = (ROOT / "docs" / "iam.md").read_text()

    for statement in _statements():
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]

        assert f"## `{statement['Sid']}`" in explained
        assert all(f"`{action}`" in explained for action in actions)


@by_name
def test_a_document_names_make_targets_that_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = {match[1] for code in _code(document) for match in re.finditer(r"\bmake ([a-z-]+)", code)}

    assert named <= targets


@by_name
def test_a_document_names_commands_and_options_that_exist(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in _commands(document):
        words = shlex.split(line, comments=True)[1:]

        code = main([*words, "--help"])

        assert code == 0, f"{line}: {capsys.readouterr().err}"
        assert not words or any(word in COMMANDS or word == "--version" for word in words), line


@by_name
def test_a_document_links_to_files_that_exist(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@by_name
def test_a_document_names_modules_that_exist(document: Path) -> None:
    rooms = "|".join(path.name for path in (ROOT / "cwarchive").iterdir() if path.is_dir())
    named = [code for code in _code(document) if re.fullmatch(rf"({rooms})/[\w/]*(\.py)?", code)]

    assert [code for code in named if not (ROOT / "cwarchive" / code).exists()] == []


def test_the_story_in_the_package_and_in_the_readme_is_one_and_each_word_a_module() -> None:
    words = re.findall(r"^    (\w+)  ", cwarchive.__doc__ or "", re.MULTILINE)
    modules = {path.stem for path in (ROOT / "cwarchive").rglob("*") if path.suffix == ".py" or path.is_dir()}

    assert set(words) <= modules
    assert f"`{' -> '.join(words)}`" in (ROOT / "README.md").read_text()


def test_the_readme_tells_every_exit_code() -> None:
    section = re.split(r"^#+ .*exit codes.*$", (ROOT / "README.md").read_text(), flags=re.IGNORECASE | re.MULTILINE)[1]
    table = re.findall(r"^\| *([\d /·,]+?) *\|", section.split("\n#")[0], re.MULTILINE)
    told = {int(number) for cell in table for number in re.findall(r"\d+", cell)}

    # 2 is click's usage error, 4 a gap told in the run's summary, 130 and 143 the signals.
    assert told == {0, 1, 2, 4, 130, 143} | {kind.exit_code for kind in _kinds(errors.CwarchiveError)}


def test_the_drawing_of_the_errors_tells_their_exit_codes() -> None:
    drawn = dict(re.findall(r"^ +(\w+) {2,}\S.* (\d+)$", errors.__doc__ or "", re.MULTILINE))
    kinds = [kind for kind in _kinds(errors.CwarchiveError) if kind.__module__ == errors.__name__]

    assert drawn == {kind.__name__: str(kind.exit_code) for kind in kinds if kind is not errors.CwarchiveError}


def test_the_changelog_tells_this_version() -> None:
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def _crontab() -> list[str]:
    lines = (ROOT / "crontab.example").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _jobs() -> list[str]:
    return [line for line in _crontab() if not re.match(r"[A-Z]+=", line)]


def _statements() -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(POLICY.read_text())["Statement"]
    return statements


def _code(document: Path) -> Iterator[str]:
    """Each line of the fenced blocks of a document, and each of its code spans."""
    text = document.read_text()
    for block in re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def _commands(document: Path) -> Iterator[str]:
    """The command lines of cwarchive that a document shows."""
    for code in _code(document):
        if match := re.match(r"\s*(?:\$ )?(cwarchive(?: [^|;&>]*)?)", code):
            yield match[1]


def _kinds(kind: type[errors.CwarchiveError]) -> Iterator[type[errors.CwarchiveError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _cwarchive(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cwarchive", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
