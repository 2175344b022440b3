"""kill -9 at any moment: nothing that a mark covers is missing from the receiver, and the next run makes good.

`KILL_ROUNDS=200 KILL_SEED=7 pytest -s tests/end_to_end/test_kill.py` makes more of it; seed and figures are printed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cwarchive.core.checkpoint import Tracked
from cwarchive.demo.account import Account
from cwarchive.demo.simulated import Shape, Simulated
from tests.fakes import parse
from tests.receivers import PATIENCE, Connection
from tests.stage import HOUR, Heard, Stage, finished, truth

pytestmark = pytest.mark.end_to_end

ROUNDS = int(os.environ.get("KILL_ROUNDS", "20"))
SEED = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(1_000_000))

CONFIG = """\
graphite: {host: 127.0.0.1, port: PORT, batch_lines: 100}
state: state.sqlite
regions: [us-east-1, eu-west-1]
metrics:
  - {namespace: Shop/Machines, statistics: [Average, Maximum, p99]}
  - {namespace: Shop/Machines, statistics: [Sum], period: 300, prefix: coarse}
"""
SERIES = 2 * 3 * (3 + 1)
PLAIN = """\
graphite: {host: 127.0.0.1, port: PORT, batch_lines: 1000000}
state: state.sqlite
regions: [us-east-1, eu-west-1]
metrics: [{namespace: Shop/Machines, statistics: [Average, Maximum]}]
"""
"""A run with this opens five connections: a probe, then for each region a delivery and a probe."""

ACCOUNT = Account(
    Simulated("Shop/Machines", "Load", (("Machine", f"m-{number}"),), shape=Shape(swing=900)) for number in range(3)
)
"""Final within `settle`, so that what a mark covers changes no more."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path, ACCOUNT, PLAIN) as stage:
        yield stage


@pytest.mark.timeout(120 + 6 * ROUNDS)
def test_runs_killed_at_random_moments_lose_nothing_and_double_little(stage: Stage) -> None:
    draw = random.Random(SEED)
    span = _time_of_a_whole_run(stage)
    ledger = Ledger(stage)
    stage.configure(CONFIG)
    killed = 0
    for _ in range(ROUNDS):
        killed += _killed_sometime(stage, draw, span)
        ledger.take_down()
        ledger.assert_that_marks_are_not_ahead()
        stage.now += HOUR

    for _ in range(2):
        assert finished(stage.start("-q", "run")) == Heard(0, "", "")
        ledger.take_down()
        stage.now += HOUR
    stage.now -= HOUR
    figures = ledger.assert_that_all_is_there()
    sys.stdout.write(f"\nseed {SEED}: {killed} of {ROUNDS} runs killed; {figures}\n")
    assert killed >= ROUNDS // 4, "most moments came too late"


def test_a_run_killed_once_graphite_has_read_everything_is_sent_again(stage: Stage) -> None:
    """Between delivery and record: the receiver has read to the end, but has not closed yet."""
    _kill_at_connection(stage, 2)
    ledger = Ledger(stage, met=0)
    ledger.take_down()

    assert ledger.archive
    assert all(one.checkpoint.mark == one.checkpoint.since for one in stage.known.values())
    assert all(one.checkpoint.committed > one.checkpoint.mark for one in _of(stage, ledger.archive))
    _assert_that_the_next_run_makes_good(stage, ledger, twice=set(ledger.counts))


def test_a_run_killed_between_the_receipt_and_the_last_probe_is_sent_again(stage: Stage) -> None:
    _kill_at_connection(stage, 3)
    ledger = Ledger(stage, met=0)
    ledger.take_down()

    assert ledger.archive
    assert all(one.checkpoint.mark == one.checkpoint.since for one in stage.known.values())
    _assert_that_the_next_run_makes_good(stage, ledger, twice=set(ledger.counts))


def test_a_run_killed_in_its_second_region_keeps_what_it_recorded_of_the_first(stage: Stage) -> None:
    _kill_at_connection(stage, 4)
    ledger = Ledger(stage, met=0)
    ledger.take_down()

    ledger.assert_that_marks_are_not_ahead()
    moved = {path for path, one in stage.known.items() if one.checkpoint.mark > one.checkpoint.since}
    assert {path.split(".")[1] for path in moved} == {"us-east-1"}
    lost = {point for point in ledger.counts if point[0] not in moved}
    _assert_that_the_next_run_makes_good(stage, ledger, twice=lost)


def test_the_status_names_a_run_that_was_killed(stage: Stage) -> None:
    _kill_at_connection(stage, 1)
    finished(stage.start("run"))

    newest, before = finished(stage.start("status")).out.splitlines()[-2:]

    assert ": exit 0, " in newest
    assert before.endswith(" run: killed, 0 datapoints")


class Ledger:
    """Everything that the receiver has read after its first `met` connections, in the order of the runs."""

    def __init__(self, stage: Stage, met: int | None = None) -> None:
        self._stage = stage
        self._met = len(stage.receiver.connections) if met is None else met
        self._runs = 0
        self.counts: Counter[tuple[str, int]] = Counter()
        self.archive: dict[str, dict[int, float]] = {}

    def take_down(self) -> None:
        """Take down what the last run sent; no run sends a point twice."""
        self._stage.receiver.catch_up()
        connections = self._stage.receiver.connections[self._met :]
        self._met += len(connections)
        assert all(connection.over.wait(PATIENCE) for connection in connections)
        points = [point for connection in connections for point in parse(bytes(connection.stream))]
        sent = Counter((point.path, point.timestamp) for point in points)
        assert max(sent.values(), default=1) == 1
        self.counts += sent
        self._runs += 1
        for path, timestamp, value in points:
            self.archive.setdefault(path, {})[timestamp] = value

    def assert_that_marks_are_not_ahead(self) -> None:
        for path, tracked in (self._stage.known if self._stage.state.exists() else {}).items():
            covered = truth(ACCOUNT, tracked, self._stage.now)
            assert covered.items() <= self.archive.get(path, {}).items(), path

    def assert_that_all_is_there(self) -> str:
        """Every series up to what has settled, exactly as CloudWatch answers it; returns how much was sent again."""
        assert {self._stage.now - one.checkpoint.mark for one in self._stage.known.values()} <= {600, 840}
        assert self.archive == self._stage.truth
        surplus = sum(self.counts.values()) - len(self.counts)
        most = max(self.counts.values())
        assert most <= self._runs
        return f"{len(self.counts):,} datapoints, {surplus:,} more sent again, none more than {most} times"


def _time_of_a_whole_run(stage: Stage) -> float:
    """Seconds from start to end of a first run, on a state of its own."""
    stage.configure(CONFIG.replace("state.sqlite", "measured.sqlite"))
    begun = time.monotonic()
    assert finished(stage.start("run")).code == 0
    assert len(stage.known) == SERIES
    return time.monotonic() - begun


def _killed_sometime(stage: Stage, draw: random.Random, span: float) -> bool:
    """Whether a run was killed: after a random time, or a moment after a random connection to the receiver."""
    if draw.random() < 0.5:
        return _killed(stage, lambda process: _ended_within(process, draw.uniform(0.3, 1.0) * span))
    number = len(stage.receiver.connections) + int(2 ** draw.uniform(0, 8))
    pause = draw.uniform(0, 0.01)
    return _killed(stage, lambda process: _met(stage, process, number) or _ended_within(process, pause))


def _killed(stage: Stage, ended: Callable[[subprocess.Popen[str]], bool]) -> bool:
    """Whether a run was still at work, and so was killed, when `ended` returned."""
    process = stage.start("-q", "run")
    if not ended(process):
        process.kill()
    code, _, told = finished(process)
    assert (code, told) in {(0, ""), (-signal.SIGKILL, "")}
    return code != 0


def _ended_within(process: subprocess.Popen[str], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _met(stage: Stage, process: subprocess.Popen[str], number: int) -> bool:
    """Wait until the receiver has met its connection `number`; whether the run ended before."""
    while len(stage.receiver.connections) < number:
        if _ended_within(process, 0.001):
            return True
    return False


def _kill_at_connection(stage: Stage, number: int) -> None:
    """Kill a run when the receiver has read its connection `number` to the end, before that is closed."""
    processes: list[subprocess.Popen[str]] = []

    def manners(connection: Connection) -> None:
        connection.read_all()
        if len(stage.receiver.connections) == number:
            processes[0].kill()
            processes[0].wait()

    stage.receiver.manners = manners
    processes.append(stage.start("-q", "run"))
    code, _, told = finished(processes[0])
    stage.receiver.manners = Connection.read_all
    assert (code, told) == (-signal.SIGKILL, "")


def _of(stage: Stage, paths: dict[str, dict[int, float]]) -> list[Tracked]:
    return [tracked for path, tracked in stage.known.items() if path in paths]


def _assert_that_the_next_run_makes_good(stage: Stage, ledger: Ledger, twice: set[tuple[str, int]]) -> None:
    assert finished(stage.start("-q", "run")) == Heard(0, "", "")
    ledger.take_down()
    ledger.assert_that_all_is_there()
    assert {point for point, count in ledger.counts.items() if count > 1} == twice
