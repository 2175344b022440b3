"""What every `Sink` promises, over the fake, over Carbon with a plain server, and over Carbon with carbon itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from cwarchive.core.ports import Sink
from cwarchive.demo.graphite import Graphite, carbon_cache
from cwarchive.edges.carbon import Carbon
from cwarchive.errors import DeliveryError
from tests.fakes import FakeGraphite, parse
from tests.receivers import LineServer

DAY = 86_400
MIDNIGHT = 19_676 * DAY
"""A time on carbon's grid in these tests, whose files keep one value a day for fifty years."""


class Receiver(Protocol):
    """A sink together with what stands behind it."""

    @property
    def sink(self) -> Sink: ...

    def stop(self) -> None:
        """Take no data until `start`."""

    def start(self) -> None: ...

    def settle(self) -> None:
        """Return when all that was delivered can be read by `value`."""

    def value(self, path: str, timestamp: int) -> float | None: ...


class Fake:
    def __init__(self) -> None:
        self.graphite = FakeGraphite()
        self.sink: Sink = self.graphite

    def stop(self) -> None:
        self.graphite.down = True

    def start(self) -> None:
        self.graphite.down = False

    def settle(self) -> None:
        pass

    def value(self, path: str, timestamp: int) -> float | None:
        return self.graphite.newest().get((path, timestamp))


class Server:
    def __init__(self) -> None:
        self._servers = [LineServer()]
        self.sink: Sink = Carbon("127.0.0.1", self._servers[0].port, timeout=10)

    def stop(self) -> None:
        self._servers[-1].stop()

    def start(self) -> None:
        self._servers.append(LineServer(port=self._servers[0].port))

    def settle(self) -> None:
        pass

    def value(self, path: str, timestamp: int) -> float | None:
        points = (point for server in self._servers for stream in server.streams for point in parse(stream))
        return {point[:2]: point.value for point in points}.get((path, timestamp))


class Cache:
    """A carbon shared by many tests, each with paths of its own."""

    def __init__(self, graphite: Graphite) -> None:
        self._graphite = graphite
        self._markers = 0
        self.sink: Sink = Carbon(graphite.host, graphite.port, timeout=10)

    def stop(self) -> None:
        self._graphite.kill()

    def start(self) -> None:
        if self._graphite.pid is None:
            self._graphite.start()

    def settle(self) -> None:
        """Wait for two points, one after the other: carbon writes all it holds before it takes up what is newer."""
        for _ in range(2):
            self._markers += 1
            path = f"marker.of.{id(self)}.{self._markers}"
            self.sink.deliver([f"{path} 1 {MIDNIGHT}\n".encode()])
            self._graphite.wait_for(path, MIDNIGHT)

    def value(self, path: str, timestamp: int) -> float | None:
        values = self._graphite.read(path, timestamp, timestamp + 1).values
        return values[0] if values else None


@contextmanager
def a_server() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    if carbon_cache() is None:
        pytest.skip("carbon is not installed")
    with Graphite(tmp_path_factory.mktemp("carbon"), receiver="carbon-cache", archives="1d:50y") as graphite:
        yield Cache(graphite)


@pytest.fixture(params=["fake", "server", "carbon"])
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    if request.param == "fake":
        yield Fake()
    elif request.param == "server":
        with a_server() as server:
            yield server
    else:
        cache: Cache = request.getfixturevalue("cache")
        cache.start()
        yield cache


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A path that no other test writes to."""
    return f"contract.{tmp_path.parent.name}.{tmp_path.name}"


def test_every_line_of_every_block_arrives(receiver: Receiver, path: str) -> None:
    names = [[f"{path}.block{block}.line{line}" for line in range(50)] for block in range(3)]

    receiver.sink.deliver("".join(f"{name} 2.5 {MIDNIGHT}\n" for name in block).encode() for block in names)

    receiver.settle()
    assert {receiver.value(name, MIDNIGHT) for block in names for name in block} == {2.5}


def test_blocks_arrive_in_their_order(receiver: Receiver, path: str) -> None:
    receiver.sink.deliver(f"{path} {value} {MIDNIGHT}\n".encode() for value in (1, 3, 2))

    receiver.settle()
    assert receiver.value(path, MIDNIGHT) == 2


def test_a_receiver_that_takes_data_passes_the_probe(receiver: Receiver) -> None:
    receiver.sink.probe()


def test_a_receiver_that_is_down_fails_the_probe(receiver: Receiver) -> None:
    receiver.stop()

    with pytest.raises(DeliveryError):
        receiver.sink.probe()


def test_a_receiver_that_is_down_fails_the_delivery(receiver: Receiver, path: str) -> None:
    receiver.stop()

    with pytest.raises(DeliveryError):
        receiver.sink.deliver([f"{path} 1 {MIDNIGHT}\n".encode()])


def test_a_failure_is_told_in_one_line_that_names_the_receiver(receiver: Receiver) -> None:
    receiver.stop()

    with pytest.raises(DeliveryError, match=r"\AGraphite at \S+:\d+ took no data: connection refused.*\Z"):
        receiver.sink.probe()


def test_delivering_no_block_asks_nothing_of_the_receiver(receiver: Receiver) -> None:
    receiver.stop()

    receiver.sink.deliver([])


def test_a_block_is_made_only_after_the_receipt_of_the_one_before(receiver: Receiver, path: str) -> None:
    made = []

    def blocks() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield f"{path} {number} {MIDNIGHT}\n".encode()
            receiver.stop()

    with pytest.raises(DeliveryError):
        receiver.sink.deliver(blocks())

    assert made == [0, 1]


def test_a_receiver_that_is_back_is_delivered_to_again(receiver: Receiver, path: str) -> None:
    receiver.sink.probe()
    receiver.stop()
    with pytest.raises(DeliveryError):
        receiver.sink.deliver([f"{path} 1 {MIDNIGHT}\n".encode()])
    receiver.start()

    receiver.sink.deliver([f"{path} 4 {MIDNIGHT}\n".encode()])

    receiver.settle()
    assert receiver.value(path, MIDNIGHT) == 4


@pytest.mark.parametrize("block", [b"", b"a.b 1 1700000000", b"a.b 1 1700000000\na.c 1"], ids=["empty", "cut", "torn"])
def test_a_block_that_does_not_end_a_line_is_a_bug(receiver: Receiver, block: bytes) -> None:
    with pytest.raises(ValueError, match="newline"):
        receiver.sink.deliver([block])


def test_a_bad_line_costs_what_it_costs_in_carbon(receiver: Receiver, path: str) -> None:
    lines = {
        "nan": b"value nan %d",
        "four": b"four fields 1 %d",
        "short": b"no_time",
        "word": b"word one %d",
        "empty": b"",
        "tabs": b"tabs\t1\t%d",
        "nan_time": b"no_time 1 nan",
        "endless_time": b"endless_time 1 inf",
        "not_utf8": b"not_utf8\xff 1 %d",
        "long": b"long" * 5_000 + b" 1 %d",
    }

    receiver.sink.deliver(
        f"{path}.{name}.before 1 {MIDNIGHT}\n".encode()
        + line.replace(b"%d", b"%d" % MIDNIGHT)
        + f"\n{path}.{name}.after 1 {MIDNIGHT}\n".encode()
        for name, line in lines.items()
    )

    receiver.settle()
    assert {receiver.value(f"{path}.{name}.before", MIDNIGHT) for name in lines} == {1}
    lost = {name for name in lines if receiver.value(f"{path}.{name}.after", MIDNIGHT) is None}
    assert lost == {"nan_time", "endless_time", "not_utf8", "long"}


def test_the_fake_that_breaks_off_has_read_whole_lines_of_the_block_it_did_not_confirm() -> None:
    graphite = FakeGraphite(breaks_after=1)
    block = "".join(f"a.b {value} {MIDNIGHT + value}\n" for value in range(4)).encode()

    with pytest.raises(DeliveryError):
        graphite.deliver([b"a.b 9 %d\n" % MIDNIGHT, block, block])

    assert graphite.received == {("a.b", MIDNIGHT): [9, 0], ("a.b", MIDNIGHT + 1): [1]}
    assert graphite.blocks == 1


def test_the_fake_that_is_being_stopped_confirms_blocks_but_fails_the_probe() -> None:
    graphite = FakeGraphite(probe_fails=True)

    graphite.deliver([b"a.b 1 %d\n" % MIDNIGHT])

    with pytest.raises(DeliveryError):
        graphite.probe()
    assert graphite.newest() == {("a.b", MIDNIGHT): 1}
