"""Outside systems that fit into a test: real behaviour, small, and under the same contract suites as the real ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cwarchive.errors import DeliveryError

LONGEST_LINE = 16_384


class Point(NamedTuple):
    """One line as carbon understands it; the time is in epoch seconds."""

    path: str
    timestamp: int
    value: float


def parse(stream: bytes) -> Iterator[Point]:
    """What carbon takes from the bytes of one connection.

    A last line without newline is discarded, a line that is not `path value timestamp` is dropped alone; text that is
    not UTF-8, a line that is too long and a time that is not finite end the connection and cost every line after them.
    """
    for line in stream.split(b"\n")[:-1]:
        if len(line) > LONGEST_LINE:
            return
        try:
            path, *numbers = line.decode("utf-8").split()
            value, timestamp = map(float, numbers)
        except UnicodeDecodeError:
            return
        except ValueError:
            continue
        if not math.isfinite(timestamp):
            return
        if not math.isnan(value):
            yield Point(path, int(timestamp), value)


class FakeGraphite:
    """A receiver in memory behind the port `Sink`, with carbon's way of reading lines.

    `received` is the ledger: every value that ever arrived, by path and time. Set `down` and it takes nothing; set
    `probe_fails` and only new connections are refused, as while it is being stopped; set `breaks_after` to a number of
    blocks and it reads half of the next one, then breaks off without a receipt.
    """

    def __init__(self, *, down: bool = False, probe_fails: bool = False, breaks_after: int | None = None) -> None:
        self.down = down
        self.probe_fails = probe_fails
        self.breaks_after = breaks_after
        self.received: dict[tuple[str, int], list[float]] = {}
        self.blocks = 0
        self.probes = 0

    def probe(self) -> None:
        self.probes += 1
        if self.down or self.probe_fails:
            raise DeliveryError("Graphite at fake:2003 took no data: connection refused")

    def deliver(self, lines: Iterable[bytes]) -> None:
        for block in lines:
            if not block.endswith(b"\n"):
                raise ValueError(f"a block of lines must end with a newline: {block!r}")
            if self.down:
                raise DeliveryError("Graphite at fake:2003 took no data: connection refused")
            if self.blocks == self.breaks_after:
                self._take(block[: len(block) // 2])
                raise DeliveryError("Graphite at fake:2003 took no data: connection reset by peer")
            self._take(block)
            self.blocks += 1

    def newest(self) -> dict[tuple[str, int], float]:
        """What Graphite shows: the last value that arrived for each path and time."""
        return {point: values[-1] for point, values in self.received.items()}

    def _take(self, stream: bytes) -> None:
        for path, timestamp, value in parse(stream):
            self.received.setdefault((path, timestamp), []).append(value)
