"""The demo as a user sees it: it ends well, shows the comparison, and leaves nothing running."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cwarchive.demo.graphite import Graphite, carbon_cache
from tests.stage import Heard, finished, start, without

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="who is running is read from /proc"),
]

PROCESSES = Path("/proc")


@pytest.mark.skipif(carbon_cache() is None, reason="carbon does not install on this Python")
def test_the_demo_archives_into_carbon_and_shows_that_every_point_agrees(tmp_path: Path) -> None:
    folder = tmp_path / "demo"

    heard = finished(start("demo", "--folder", str(folder), folder=tmp_path))

    _assert_that_all_agrees(heard, folder, "carbon-cache")


def test_where_carbon_is_not_installed_the_demo_stores_with_its_stand_in_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "demo"

    heard = without("carbon", "-m", "cwarchive", "demo", "--folder", str(folder), folder=tmp_path)

    _assert_that_all_agrees(heard, folder, "stand-in")


def test_where_whisper_is_not_installed_the_demo_says_what_to_install(tmp_path: Path) -> None:
    heard = without("whisper", "-m", "cwarchive", "demo", folder=tmp_path)

    assert heard == Heard(2, "", "cwarchive: the demo needs whisper: pip install 'cwarchive[demo]'\n")


def test_the_demo_begins_only_in_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "letter").touch()

    code, out, told = finished(start("demo", "--folder", str(tmp_path), folder=tmp_path))

    assert (code, out) == (2, "")
    assert told.endswith(f"Error: {tmp_path} is not empty; the demo begins in an empty folder\n")
    assert [path.name for path in tmp_path.iterdir()] == ["letter"]


def test_a_receiver_that_was_left_running_would_be_noticed(tmp_path: Path) -> None:
    with Graphite(tmp_path / "demo", receiver="stand-in"):
        assert len(_processes_that_name(tmp_path / "demo")) == 1

    assert _processes_that_name(tmp_path / "demo") == []


def _assert_that_all_agrees(heard: Heard, folder: Path, receiver: str) -> None:
    assert (heard.code, heard.err) == (0, "")
    assert heard.out.count("\nrun at ") == 2
    compared = re.search(
        r"^([\d,]+) archived datapoints equal what CloudWatch answers; 0 missing, 0 different, 0 surplus$",
        heard.out,
        re.MULTILINE,
    )
    assert compared, heard.out
    assert int(compared[1].replace(",", "")) > 10_000
    assert f"stored by {receiver}" in heard.out
    assert f"files: {folder} (config, state, whisper files); nothing is left running" in heard.out
    assert list(folder.rglob("*.wsp"))
    assert _processes_that_name(folder) == []


def _processes_that_name(folder: Path) -> list[str]:
    """The command lines of running processes in which `folder` stands, as it does in a receiver's."""
    found = []
    for line in PROCESSES.glob("[0-9]*/cmdline"):
        try:
            command = line.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # ended meanwhile
            continue
        if str(folder) in command:
            found.append(command)
    return found
