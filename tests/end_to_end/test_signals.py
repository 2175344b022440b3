"""SIGTERM and SIGINT in the middle of a pass, and two runs at once."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cwarchive.demo.faults import Call, Effect, Fault, Hang, When
from tests.receivers import PATIENCE, Connection
from tests.stage import Heard, Stage, finished

pytestmark = pytest.mark.end_to_end

CONFIG = """\
graphite: {host: 127.0.0.1, port: PORT}
state: state.sqlite
regions: [us-east-1, eu-west-1]
metrics: [{namespace: Shop/Machines}]
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path, config=CONFIG) as stage:
        yield stage


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_lets_the_batch_at_hand_finish_and_begins_no_other(
    stage: Stage, number: signal.Signals, code: int
) -> None:
    """The signal comes while CloudWatch answers the first region."""
    heard = _signalled(stage, Effect(), lambda process: process.send_signal(number))

    assert (heard.code, heard.out) == (code, "")
    assert heard.err.startswith("cwarchive: first run: ")
    assert stage.fetches == 1
    assert {path.split(".")[1] for path in stage.receiver.archive} == {"us-east-1"}
    assert stage.receiver.archive == {path: points for path, points in stage.truth.items() if points}
    _assert_that_the_next_run_does_the_rest(stage)


def test_a_signal_ends_within_ten_seconds_a_run_whose_answer_does_not_come(stage: Stage) -> None:
    begun: list[float] = []

    def terminate(process: subprocess.Popen[str]) -> None:
        begun.append(time.monotonic())
        process.terminate()

    heard = _signalled(stage, Hang(), terminate)

    assert heard == Heard(143, "", "")
    assert time.monotonic() - begun[0] < 10
    assert stage.received == 0
    _assert_that_the_next_run_does_the_rest(stage)


def test_a_second_signal_ends_a_run_at_once(stage: Stage) -> None:
    begun: list[float] = []

    def interrupt_twice(process: subprocess.Popen[str]) -> None:
        begun.append(time.monotonic())
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)

    heard = _signalled(stage, Hang(), interrupt_twice)

    assert heard == Heard(130, "", "")
    assert time.monotonic() - begun[0] < 4, "less than the grace of the first signal"
    _assert_that_the_next_run_does_the_rest(stage)


def test_a_second_run_ends_silently_while_the_first_is_at_work(stage: Stage) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def manners(connection: Connection) -> None:
        arrived.set()
        go_on.wait(PATIENCE)
        connection.read_all()

    stage.receiver.manners = manners
    first = stage.start("run")
    assert arrived.wait(PATIENCE)

    second = finished(stage.start("run"))
    looked = finished(stage.start("status"))
    go_on.set()

    assert second == Heard(0, "", "")
    assert looked.code == 0
    assert " run: at work, 0 datapoints\n" in looked.out
    assert finished(first).code == 0
    assert stage.fetches == 2, "one in each region, by the first run alone"
    assert stage.receiver.archive == stage.truth


def _signalled(stage: Stage, effect: Effect, send: Callable[[subprocess.Popen[str]], None]) -> Heard:
    """What a run says that is sent a signal when its first GetMetricData arrives, which `effect` then answers."""
    processes: list[subprocess.Popen[str]] = []

    def meets(_call: Call) -> bool:
        send(processes[0])
        return True

    stage.simulation.faults = (Fault(effect, When(operation="GetMetricData", calls={1}, meets=meets)),)
    processes.append(stage.start("run"))
    heard = finished(processes[0])
    assert "Traceback" not in heard.err
    return heard


def _assert_that_the_next_run_does_the_rest(stage: Stage) -> None:
    assert finished(stage.start("-q", "run")) == Heard(0, "", "")
    assert {path.split(".")[1] for path in stage.known} == {"us-east-1", "eu-west-1"}
    assert stage.receiver.archive == stage.truth
