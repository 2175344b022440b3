from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import whisper

from cwarchive.core.line import lines
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.series import Datapoints
from cwarchive.core.window import floor
from cwarchive.demo.graphite import Graphite, carbon_cache
from cwarchive.demo.receiver import Storage, parsed
from cwarchive.demo.schemas import ARCHIVES
from cwarchive.errors import DeliveryError

NOW = int(time.time())  # noqa: TID251  # carbon files points by the real clock

FOLDED = {
    "Sum": ("sum", 16.0),
    "SampleCount": ("sum", 16.0),
    "Minimum": ("min", 1.0),
    "Maximum": ("max", 6.0),
    "Average": ("average", 3.2),
    "p99_9": ("average", 3.2),
}
"""Statistic -> whisper's method, and what it makes of 1, 2, 3, 4 and 6."""

needs_carbon = pytest.mark.skipif(carbon_cache() is None, reason="carbon is not installed")
RECEIVERS = [pytest.param("carbon-cache", marks=needs_carbon), "stand-in"]


@pytest.fixture(scope="module", params=RECEIVERS)
def graphite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graphite]:
    with Graphite(tmp_path_factory.mktemp("graphite"), receiver=request.param) as running:
        yield running


def send(graphite: Graphite, text: bytes) -> None:
    """Return once the receiver has read everything."""
    with socket.create_connection((graphite.host, graphite.port), 5) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_what_is_sent_is_read_back_slot_by_slot(graphite: Graphite) -> None:
    newest = floor(NOW, 60) - 60
    minutes = Datapoints(list(range(newest - 240, newest + 60, 60)), [0.1 + 0.2, -5.0, 1e22, 0.0, 7.25])
    send(graphite, lines("cloudwatch.eu.AWS.EC2.Sum", minutes))

    graphite.wait_for("cloudwatch.eu.AWS.EC2.Sum", newest)

    assert graphite.read("cloudwatch.eu.AWS.EC2.Sum", newest - 240, newest + 60) == minutes
    assert graphite.read("cloudwatch.eu.AWS.EC2.Sum", newest - 180, newest) == (
        minutes.timestamps[1:-1],
        minutes.values[1:-1],
    )
    assert "cloudwatch.eu.AWS.EC2.Sum" in graphite.paths()


def test_the_last_node_decides_how_minutes_become_five(graphite: Graphite) -> None:
    bucket = floor(NOW, HOUR) - HOUR
    minutes = Datapoints(list(range(bucket, bucket + 300, 60)), [1.0, 2.0, 3.0, 4.0, 6.0])
    send(graphite, b"".join(lines(f"methods.{statistic}", minutes) for statistic in FOLDED))
    for statistic, (method, folded) in FOLDED.items():
        path = f"methods.{statistic}"
        graphite.wait_for(path, bucket + 240)

        header = whisper.info(str(graphite.file(path)))
        assert (header["aggregationMethod"], header["xFilesFactor"]) == (method, 0)
        steps = [(archive["secondsPerPoint"], archive["retention"]) for archive in header["archives"]]
        assert steps == [(60, 20 * DAY), (300, 70 * DAY), (HOUR, 3_650 * DAY)]
        assert graphite.read(path, bucket, bucket + 300, 300) == ([bucket], [folded])


def test_an_old_point_is_filed_by_its_age(graphite: Graphite) -> None:
    moments = {60: floor(NOW - DAY, 60), 300: floor(NOW - 40 * DAY, 300), HOUR: floor(NOW - 400 * DAY, HOUR)}
    send(graphite, b"".join(lines(f"age.of.{step}", Datapoints([at], [1.5])) for step, at in moments.items()))
    for step, moment in moments.items():
        graphite.wait_for(f"age.of.{step}", moment)

        assert graphite.read(f"age.of.{step}", moment, moment + 1, step) == ([moment], [1.5])
        finest = graphite.read(f"age.of.{step}", moment, moment + 1)
        assert bool(finest.timestamps) is (step == 60)


def test_a_line_without_newline_at_the_end_is_not_stored(graphite: Graphite) -> None:
    newest = floor(NOW, 60) - 60
    send(graphite, f"cut.short.Sum 1 {newest - 60}\ncut.short.Sum 2 {newest}".encode())

    graphite.wait_for("cut.short.Sum", newest - 60)

    assert graphite.read("cut.short.Sum", newest - 60, newest + 60).values == [1.0]


def test_what_was_never_sent_is_empty_and_not_waited_for_for_ever(graphite: Graphite) -> None:
    assert graphite.read("never.sent.Sum", 0, NOW).timestamps == []
    with pytest.raises(DeliveryError, match=r"did not store never\.sent\.Sum"):
        graphite.wait_for("never.sent.Sum", NOW, patience=0.05)


def test_an_archive_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    graphite = Graphite(tmp_path)
    Storage(graphite.whisper_folder, "60s:1d").write({"some.path.Sum": [(NOW - 60, 1.0)]}, NOW)

    with pytest.raises(ValueError, match="no archive of 300 s"):
        graphite.read("some.path.Sum", 0, NOW, 300)


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_restarted_receiver_keeps_port_and_data_and_leaves_no_process(tmp_path: Path, receiver: str) -> None:
    with Graphite(tmp_path, receiver=receiver) as graphite:
        first, port = graphite.pid, graphite.port
        assert first is not None
        send(graphite, lines("kept.Sum", Datapoints([floor(NOW, 60) - 60], [1.0])))
        graphite.wait_for("kept.Sum", NOW - 60)
        assert graphite.kill() == -signal.SIGKILL
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)

        graphite.start()
        send(graphite, lines("kept.Sum", Datapoints([floor(NOW, 60) - 120], [2.0])))
        graphite.wait_for("kept.Sum", NOW - 120)

        assert graphite.port == port
        assert graphite.read("kept.Sum", NOW - HOUR, NOW).values == [2.0, 1.0]
        assert graphite.stop() == (-signal.SIGTERM if receiver == "carbon-cache" else 0)
        assert graphite.pid is graphite.stop() is None


@needs_carbon
def test_further_settings_reach_carbon(tmp_path: Path) -> None:
    settings = {"MAX_CREATES_PER_MINUTE": "1"}
    newest = floor(NOW, 60) - 60
    with Graphite(tmp_path, settings=settings, archives="60s:1d") as graphite:
        assert graphite.receiver_name == "carbon-cache"
        send(graphite, b"".join(lines(f"limit.m{ordinal}", Datapoints([newest], [1.0])) for ordinal in range(20)))
        stored = next(path for path in _appearing(graphite) if path.startswith("limit."))

        graphite.wait_for(stored, newest)

    assert len(graphite.paths()) < 20
    assert [archive["retention"] for archive in whisper.info(str(graphite.file(stored)))["archives"]] == [DAY]


def _appearing(graphite: Graphite) -> Iterator[str]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        yield from graphite.paths()
    pytest.fail("nothing was stored")


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_a_receiver_that_cannot_start_says_where_to_look(tmp_path: Path, receiver: str) -> None:
    graphite = Graphite(tmp_path, receiver=receiver, archives="nonsense")

    with pytest.raises(DeliveryError, match=r"receiver\.log"):
        graphite.start()

    assert graphite.pid is None


def test_a_stand_in_that_dies_while_it_reads_gives_no_receipt(tmp_path: Path) -> None:
    with (
        Graphite(tmp_path, receiver="stand-in") as graphite,
        socket.create_connection((graphite.host, graphite.port), 5) as connection,
    ):
        connection.sendall(lines("half.Sum", Datapoints([NOW - 60], [1.0])))
        graphite.stop()

        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_the_stand_in_drops_what_carbon_would_drop_or_rename() -> None:
    good = b"a.b 1.5 1700000000\n"
    bad = [b"a..b 1 1700000000\n", b"../x 1 1700000000\n", b"a nan 1700000000\n", b"a 1 nan\n", b"a 1\n", b"\xff 1 2\n"]

    assert parsed([*bad, good]) == {"a.b": [(1_700_000_000, 1.5)]}


def test_the_stand_in_stores_as_whisper_does_at_that_time(tmp_path: Path) -> None:
    Storage(tmp_path, ARCHIVES).write({"a.Maximum": [(1_700_000_000, 2.0), (1_700_000_060, 9.0)]}, now=1_700_000_100)

    header = whisper.info(str(tmp_path / "a" / "Maximum.wsp"))
    assert (header["aggregationMethod"], header["xFilesFactor"]) == ("max", 0)
