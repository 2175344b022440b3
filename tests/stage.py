"""The command on a stage: fake keys, a simulated CloudWatch, a receiver that reads everything, a clock of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import time_machine

from cwarchive import app
from cwarchive.config import load
from cwarchive.core.checkpoint import Tracked
from cwarchive.core.window import Window, ceil
from cwarchive.demo.account import Account
from cwarchive.demo.server import Simulation
from cwarchive.demo.simulated import Shape, Simulated
from tests.fakes import Point, parse
from tests.receivers import LOOPBACK, Connection, LineServer, Manners

ROOT = Path(__file__).resolve().parents[1]
CLOCK = Path(__file__).parent / "clock"
NOW = 1_790_000_040
"""2026-09-21 14:14:00 UTC: a whole minute, no whole hour."""

HOUR, DAY = 3_600, 86_400
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYNEVERTOLD"

CONFIG = """\
graphite: {host: 127.0.0.1, port: PORT}
state: state.sqlite
regions: [us-east-1]
metrics:
  - namespace: Shop/Machines
    metrics: [Load]
    statistics: [Average, Maximum]
  - {namespace: Shop/Queues, statistics: [Sum]}
"""
SERIES = 6
"""Two machines with two statistics, and two metrics of one queue with one."""

ACCOUNT = Account(
    (
        Simulated("Shop/Machines", "Load", (("Machine", "m-1"),), shape=Shape(swing=900)),
        Simulated("Shop/Machines", "Load", (("Machine", "m-2"),), shape=Shape(swing=900)),
        Simulated("Shop/Queues", "Depth", (("Queue", "jobs"),), shape=Shape(bits=7)),
        Simulated("Shop/Queues", "Sent", (("Queue", "jobs"),), shape=Shape(bits=4)),
    )
)
"""Metrics of one's own, of which nothing is known but what the config says; final within the default settle."""


class Heard(NamedTuple):
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


def keys(url: str) -> dict[str, str]:
    """The environment of somebody whose AWS is at `url`."""
    return {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}


def start(
    *words: str, folder: Path, more: Mapping[str, str] | None = None, now: float | None = None
) -> subprocess.Popen[str]:
    """`python -m cwarchive WORDS` in `folder` as a process of its own; `now` is where its wall clock begins."""
    return python("-m", "cwarchive", *words, folder=folder, more=more, now=now)


def python(
    *words: str, folder: Path, more: Mapping[str, str] | None = None, now: float | None = None
) -> subprocess.Popen[str]:
    paths = [str(ROOT)] if now is None else [str(CLOCK), str(ROOT)]
    clock = {} if now is None else {"CLOCK_BEGINS_AT": str(now)}
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **clock, **(more or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def without(package: str, *words: str, folder: Path) -> Heard:
    """What a Python says that has every package of this one but `package`."""
    packages = folder / f"all but {package}"
    packages.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith((package, "__editable__")) and path.suffix != ".pth":
            (packages / path.name).symlink_to(path)
    places = os.pathsep.join([str(ROOT), str(packages)])
    return finished(python("-S", *words, folder=folder, more={"PYTHONPATH": places}))


def finished(process: subprocess.Popen[str], patience: float = 60) -> Heard:
    """What a process said until it ended; one that does not end is killed, and that fails."""
    with process:
        try:
            out, err = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert SECRET not in out + err
    return Heard(process.returncode, out, err)


class Receiver:
    """A receiver of lines that keeps every stream; `manners` may be set anew for the connections that follow."""

    def __init__(self) -> None:
        self.manners: Manners = Connection.read_all
        self._server = LineServer(self._treat)

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def connections(self) -> list[Connection]:
        return self._server.connections

    @property
    def points(self) -> list[Point]:
        """Every point that arrived, in order; only of connections that are over."""
        return [point for stream in self._server.streams for point in parse(stream)]

    @property
    def archive(self) -> dict[str, dict[int, float]]:
        """What a Graphite would hold of them: the last value for each path and time."""
        held: dict[str, dict[int, float]] = {}
        for path, timestamp, value in self.points:
            held.setdefault(path, {})[timestamp] = value
        return held

    def _treat(self, connection: Connection) -> None:
        self.manners(connection)

    def catch_up(self) -> None:
        """Return once every connection that was begun has been taken, also of a process that is dead by now."""
        with socket.create_connection((LOOPBACK, self.port)) as last:
            last.shutdown(socket.SHUT_WR)
            last.recv(1)

    def refuse(self) -> None:
        """Take no more connections."""
        self._server.refuse()

    def stop(self) -> None:
        self._server.stop()


class Stage:
    """A folder with a config, a simulated account and a receiver; the wall clock of this process stands still.

    `now` moves it, and AWS's with it.
    """

    def __init__(self, folder: Path, account: Account = ACCOUNT, config: str = CONFIG) -> None:
        self.folder = folder
        self.account = account
        self.simulation = Simulation(self.account, NOW)
        self.receiver = Receiver()
        self.config = folder / "cwarchive.yaml"
        self.state = folder / "state.sqlite"
        self.configure(config)
        self._clock = time_machine.travel(NOW, tick=False)
        self._now = NOW
        self._open = ExitStack()
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        self._open.callback(self.receiver.stop)
        self._open.enter_context(self.simulation)
        self._traveller = self._open.enter_context(self._clock)
        self._open.callback(self._end_processes)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    @property
    def now(self) -> int:
        return self._now

    @now.setter
    def now(self, now: int) -> None:
        self._now = self.simulation.now = now
        self._traveller.move_to(now)

    def configure(self, text: str) -> None:
        """Write another config; PORT in it is the receiver's."""
        self.config.write_text(text.replace("PORT", str(self.receiver.port)))

    @property
    def environment(self) -> dict[str, str]:
        return keys(self.simulation.url)

    @property
    def known(self) -> dict[str, Tracked]:
        """Every series of the state, by its path."""
        return known(self.config)

    @property
    def fetches(self) -> int:
        """How often GetMetricData was called."""
        return self.simulation.calls["GetMetricData"]

    @property
    def received(self) -> int:
        """Bytes that the receiver was sent."""
        return sum(len(connection.stream) for connection in self.receiver.connections)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command as a process of its own, its clock beginning at `now`."""
        options = ("-c", str(self.config))
        self._processes.append(start(*options, *words, folder=self.folder, more=self.environment, now=self.now))
        return self._processes[-1]

    def _end_processes(self) -> None:
        """End what a failed test has left."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
                process.communicate()

    @property
    def truth(self) -> dict[str, dict[int, float]]:
        """What CloudWatch answers now of every series, from where its archive begins to its mark."""
        return {path: truth(self.account, tracked, self.now) for path, tracked in self.known.items()}


def known(config: Path) -> dict[str, Tracked]:
    """Every series of the state of `config`, by its path."""
    return {tracked.series.path: tracked for tracked in app.known(load(config, {}), {})}


def truth(account: Account, tracked: Tracked, now: int) -> dict[int, float]:
    """What CloudWatch answers at `now` of a series, from where its archive begins to its mark."""
    period = tracked.series.period
    start, end = ceil(tracked.checkpoint.since, period), tracked.checkpoint.mark
    if start >= end:
        return {}
    columns = account.truth(tracked.series.metric, tracked.series.statistic, period, Window(start, end), now)
    return dict(zip(*columns, strict=True))


def files(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` with its bytes."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}
