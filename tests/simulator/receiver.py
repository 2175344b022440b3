"""A Graphite receiver over simulated months: the last value of each path and time, and what it may forget."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from cwarchive.errors import DeliveryError
from tests.simulator.trouble import Died, Weather


@dataclass(frozen=True, slots=True)
class Written:
    """One write: when it was made, which elements of which path it replaced, and what they held."""

    time: float
    path: str
    where: slice | list[int]
    before: array[int]


class Held:
    """What is held of one path: element `n` is the value at `origin + n * grain` seconds, 0 for none."""

    def __init__(self, origin: int, end: int, grain: int) -> None:
        self.origin, self.end, self.grain = origin, end, grain
        self.values = array("q", bytes(8 * ((end - origin) // grain)))

    def index(self, instant: int) -> int:
        """The element of a time; raises AssertionError off the grid or out of the simulated months."""
        index, off = divmod(instant - self.origin, self.grain)
        assert not off, f"a datapoint at {instant} is off the grid of {self.grain} s"
        assert 0 <= index < len(self.values), f"a datapoint at {instant} is outside of all that was simulated"
        return index

    def indexes(self, instants: list[int]) -> list[int]:
        """The elements of many times."""
        indexes = [(instant - self.origin) // self.grain for instant in instants]
        if [self.origin + index * self.grain for index in indexes] != instants or max(indexes) >= len(self.values):
            indexes = list(map(self.index, instants))
        return indexes


class Receiver:
    """Behind the port `Sink`; a receiver that restarts loses what it took within some seconds before.

    `points` and `duplicates` count lines taken, `forgotten` those lost. It never loses data of one path in two passes
    in a row that carried that path: that is the stated limit of an archive without read-back.
    """

    def __init__(self, held: Mapping[str, Held], weather: Weather) -> None:
        self.held = held
        self.points = self.duplicates = self.forgotten = self.spared = 0
        self._weather = weather
        self._log: list[Written] = []
        self._forgetful: set[str] = set()
        self._refuses = False
        self._deliveries = 0
        self._settled = 0

    def begin(self) -> None:
        """A pass begins: what earlier ones delivered is safe."""
        self._log.clear()
        self._refuses = False
        self._deliveries = self._settled = 0

    def pause(self, seconds: float) -> None:
        """Some seconds in which nothing comes: what was taken before them is written."""
        self._weather.passes_time(seconds)
        self._settled = len(self._log)

    def probe(self) -> None:
        self._weather.reach("probe")
        if self._weather.trouble.down or self._refuses:
            self._weather.hit()
            raise DeliveryError("connection refused")

    def deliver(self, lines: Iterable[bytes]) -> None:
        weather, before = self._weather, len(self._log)
        weather.passes_time(0)
        for block in lines:
            try:
                weather.reach("block")
            except (DeliveryError, Died):
                self._take(block[: len(block) * (weather.trouble.nth + 1) // 9])
                raise
            self._take(block)
        weather.reach("receipt")
        if weather.trouble.shuts_down and self._deliveries == weather.trouble.nth:
            self._refuses = True
            self._undo(before)
        self._deliveries += 1

    def end(self, forgets: int) -> set[str]:
        """A pass ends, and what was taken in the last `forgets` seconds is lost; return the paths that lost some."""
        carried = {written.path for written in self._log}
        lost: set[str] = set()
        if forgets:
            spared = carried & self._forgetful
            self.spared += len(spared)
            first = self._weather.time - forgets
            recent = self._log[self._settled :]
            undone = [written for written in recent if written.time >= first and written.path not in spared]
            self._revert(undone)
            lost = {written.path for written in undone}
        self._forgetful = (self._forgetful - carried) | lost
        return lost

    def _undo(self, before: int) -> None:
        self._revert(self._log[before:])
        del self._log[before:]

    def _revert(self, writes: list[Written]) -> None:
        for written in reversed(writes):
            values = self.held[written.path].values
            if isinstance(written.where, slice):
                values[written.where] = written.before
            else:
                for index, value in zip(written.where, written.before, strict=True):
                    values[index] = value
            self.forgotten += len(written.before)

    def _take(self, stream: bytes) -> None:
        flat = stream[: stream.rfind(b"\n") + 1].split()
        for path, first, beyond in _runs(flat[0::3]):
            times = list(map(int, flat[3 * first + 2 : 3 * beyond : 3]))
            values = array("q", map(int, flat[3 * first + 1 : 3 * beyond : 3]))
            self._write(path, times, values)

    def _write(self, path: str, times: list[int], values: array[int]) -> None:
        held = self.held[path]
        count = len(times)
        stride = (times[1] - times[0]) // held.grain if count > 1 else 1
        where: slice | list[int]
        if stride > 0 and times == list(range(times[0], times[0] + count * stride * held.grain, stride * held.grain)):
            start = held.index(times[0])
            held.index(times[-1])
            where = slice(start, start + (count - 1) * stride + 1, stride)
            before = held.values[where]
            held.values[where] = values
        else:
            where = held.indexes(times)
            before = array("q", [held.values[index] for index in where])
            for index, value in zip(where, values, strict=True):
                held.values[index] = value
        self._log.append(Written(self._weather.time, path, where, before))
        self.duplicates += count - before.count(0)
        self.points += count


def _runs(names: list[bytes]) -> Iterator[tuple[str, int, int]]:
    """Each path with the first line of its run and the line after its last."""
    start = 0
    while start < len(names):
        length = names.count(names[start])
        if names[start : start + length] != names[start : start + 1] * length:  # the path comes again further on
            length = sum(1 for _ in next(groupby(names[start:]))[1])
        yield names[start].decode(), start, start + length
        start += length
