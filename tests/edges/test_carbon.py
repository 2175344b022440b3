"""When a delivery counts: never when the receiver may not have read it, however it behaves."""

from __future__ import annotations

import errno
import os
import resource
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from random import Random
from time import monotonic

import pytest

from cwarchive.edges.carbon import (
    Acknowledge,
    Address,
    Carbon,
    Watch,
    _has_ended,
    _require_receipt,
    acknowledged,
    resolve,
)
from cwarchive.errors import DeliveryError
from tests.fakes import parse
from tests.receivers import LOOPBACK, PATIENCE, Connection, LineServer

BLOCK = b"".join(b"cloudwatch.us-east-1.AWS.EC2.CPUUtilization.Average %d.5 1700000000\n" % n for n in range(500))
LARGE = BLOCK * 300
"""More than the kernels of both sides hold, where the receiver's buffer is small."""
SMALL_BUFFER = 16_384


def carbon_at(port: int, timeout: float = 10, acknowledge: Acknowledge = "auto") -> Carbon:
    return Carbon(LOOPBACK, port, timeout=timeout, acknowledge=acknowledge)


def hung(connection: Connection) -> None:
    """Read nothing until the test is over."""
    connection.stopping.wait(PATIENCE)


def reads(count: int) -> Callable[[Connection], None]:
    """Close after `count` bytes, whatever is still to come."""
    return lambda connection: connection.read_exactly(count)


def resets_after(count: int) -> Callable[[Connection], None]:
    """Reset the connection after `count` bytes."""

    def manners(connection: Connection) -> None:
        connection.read_exactly(count)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return manners


def never_closes(connection: Connection) -> None:
    """Read all there is, but leave the connection open until the test is over."""
    connection.read_all()
    connection.stopping.wait(PATIENCE)


def answers(answer: bytes, after: int) -> Callable[[Connection], None]:
    """Say something after `after` bytes, then read to the end."""

    def manners(connection: Connection) -> None:
        connection.read_exactly(after)
        connection.sock.sendall(answer)
        connection.read_all()

    return manners


@contextmanager
def full_backlog() -> Iterator[int]:
    """The port of a server that accepts nobody and has no room left for those who wait."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections, held so that nobody else takes it."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        yield sock.getsockname()[1]


def at(*ports: int) -> Callable[[str, int], list[Address]]:
    """A host that has one address for each of `ports`."""
    return lambda _host, _port: [Address(socket.AF_INET, (LOOPBACK, number)) for number in ports]


# What a delivery is


def test_each_block_has_a_connection_of_its_own_and_arrives_as_it_is() -> None:
    blocks = [b"a.b 1 1700000000\n", BLOCK, b"a.b 2 1700000060\n"]

    with LineServer() as server:
        carbon_at(server.port).deliver(blocks)

        assert server.streams == blocks


def test_a_block_larger_than_every_buffer_arrives_whole() -> None:
    with LineServer(buffer=SMALL_BUFFER) as server:
        carbon_at(server.port).deliver([LARGE])

        assert server.streams == [LARGE]


def test_a_probe_sends_nothing() -> None:
    with LineServer() as server:
        carbon_at(server.port).probe()

        assert server.streams == [b""]


def test_a_receiver_has_read_the_last_byte_when_a_delivery_returns() -> None:
    late = threading.Event()

    def reads_late(connection: Connection) -> None:
        connection.read_exactly(len(BLOCK) - 1)
        late.wait(0.2)
        connection.read_all()

    with LineServer(reads_late) as server:
        carbon_at(server.port).deliver([BLOCK])

        assert server.streams == [BLOCK]


def test_a_failure_of_whoever_makes_the_blocks_is_not_blamed_on_graphite() -> None:
    def blocks() -> Iterator[bytes]:
        yield BLOCK
        raise OSError("the disk is full")

    with LineServer() as server, pytest.raises(OSError, match="the disk is full"):
        carbon_at(server.port).deliver(blocks())


# Receivers that break off


@pytest.mark.parametrize("count", [0, 1, 4_096, len(BLOCK) - 1])
@pytest.mark.parametrize("breaks", [reads, resets_after], ids=["closes", "resets"])
def test_a_receiver_that_breaks_off_has_taken_nothing(
    breaks: Callable[[int], Callable[[Connection], None]], count: int
) -> None:
    with LineServer(breaks(count)) as server:
        carbon = carbon_at(server.port)
        for _ in range(25):
            with pytest.raises(DeliveryError):
                carbon.deliver([BLOCK])


def test_a_receiver_that_breaks_off_at_random_has_taken_nothing() -> None:
    random = Random(1)

    def breaks_off(connection: Connection) -> None:
        resets_after(random.randrange(len(BLOCK)))(connection)

    with LineServer(breaks_off) as server:
        carbon = carbon_at(server.port)
        for _ in range(100):
            with pytest.raises(DeliveryError):
                carbon.deliver([BLOCK])


def test_a_receiver_that_breaks_off_in_a_large_block_has_taken_nothing() -> None:
    with (
        LineServer(reads(100_000), buffer=SMALL_BUFFER) as server,
        pytest.raises(DeliveryError, match="ended the connection"),
    ):
        carbon_at(server.port).deliver([LARGE])


def test_a_receiver_that_does_not_wait_for_the_end_counts_only_if_it_has_read_all() -> None:
    with LineServer(reads(len(BLOCK))) as server:
        carbon = carbon_at(server.port)
        for _ in range(50):
            with suppress(DeliveryError):
                carbon.deliver([BLOCK])

        assert set(server.streams) == {BLOCK}


def test_a_receiver_that_closes_in_order_while_it_is_stopped_fails_the_probe_at_the_latest() -> None:
    """Twisted ends its side of every connection first, with whatever it has not read; so EOF alone proves nothing."""
    stopped = threading.Event()

    def is_stopped(connection: Connection) -> None:
        server.refuse()
        connection.sock.shutdown(socket.SHUT_WR)
        stopped.wait(PATIENCE)

    with LineServer(is_stopped) as server:
        carbon = carbon_at(server.port)
        with pytest.raises(DeliveryError):
            carbon.deliver([BLOCK])
            carbon.probe()
        stopped.set()


def test_a_receiver_that_ends_its_side_before_everything_has_arrived_has_taken_nothing() -> None:
    def ends_its_side(connection: Connection) -> None:
        connection.sock.shutdown(socket.SHUT_WR)
        hung(connection)

    early = "closed the connection before everything had arrived"
    with LineServer(ends_its_side, buffer=SMALL_BUFFER) as server, pytest.raises(DeliveryError, match=early):
        carbon_at(server.port).deliver([BLOCK * 10])


def test_a_reset_behind_an_orderly_end_is_seen() -> None:
    sent = threading.Event()

    def ends_then_resets(connection: Connection) -> None:
        connection.sock.shutdown(socket.SHUT_WR)
        sent.wait(PATIENCE)
        resets_after(10)(connection)

    with LineServer(ends_then_resets) as server, socket.create_connection((LOOPBACK, server.port)) as sock:
        sock.sendall(BLOCK)
        sent.set()
        server.first().over.wait(PATIENCE)

        assert _has_ended(sock)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            _require_receipt(sock, len(BLOCK))


def test_the_blocks_after_a_failure_are_not_sent() -> None:
    with LineServer(reads(10)) as server:
        with pytest.raises(DeliveryError):
            carbon_at(server.port).deliver([BLOCK, b"a.b 1 1700000000\n"])

        assert len(server.connections) == 1


def test_a_block_that_was_given_up_never_ends_in_order() -> None:
    """Some receivers take a last line without newline, so that a time cut short would become another time."""
    given_up = threading.Event()

    def reads_afterwards(connection: Connection) -> None:
        given_up.wait(PATIENCE)
        connection.read_all()

    with LineServer(reads_afterwards, buffer=SMALL_BUFFER) as server:
        with pytest.raises(DeliveryError):
            carbon_at(server.port, timeout=0.2).deliver([LARGE])
        given_up.set()
        connection = server.first()
        connection.over.wait(PATIENCE)

    assert isinstance(connection.broken, ConnectionResetError)
    assert set(parse(bytes(connection.stream))) <= set(parse(BLOCK))


def test_no_cut_of_a_block_reads_as_another_point() -> None:
    block = b"a.b 1.25 1700000000\na.c -3e-07 1700000060\n"
    whole = list(parse(block))

    assert all(list(parse(block[:cut])) == whole[: block[:cut].count(b"\n")] for cut in range(len(block) + 1))


# Receivers that are slow, or never go on


@pytest.mark.parametrize("rate", [200_000, 1_500_000])
def test_a_slow_receiver_is_waited_for(rate: int) -> None:
    """It takes longer than the timeout, which is no clock of the whole: it counts time without progress."""
    pace = threading.Event()

    def slow(connection: Connection) -> None:
        while connection.read(rate // 50):
            pace.wait(1 / 50)

    block = BLOCK * (rate * 3 // 2 // len(BLOCK))
    began = monotonic()
    with LineServer(slow, buffer=SMALL_BUFFER) as server:
        carbon_at(server.port, timeout=0.75).deliver([block])

        assert server.streams == [block]
    assert monotonic() - began > 1


@pytest.mark.parametrize("acknowledge", ["eof", "none"])
@pytest.mark.parametrize("block", [LARGE, BLOCK * 10], ids=["in both kernels", "in this kernel"])
def test_a_receiver_that_hangs_with_bytes_on_the_way_is_given_up(acknowledge: Acknowledge, block: bytes) -> None:
    with LineServer(hung, buffer=SMALL_BUFFER) as server:
        began = monotonic()
        with pytest.raises(DeliveryError, match=r"it took nothing for 0\.2 s"):
            carbon_at(server.port, 0.2, acknowledge).deliver([block])

        assert monotonic() - began < 5


def test_a_receiver_that_hangs_after_a_small_block_is_given_up() -> None:
    late = r"did not close the connection within 0\.2 s after the last byte"
    with LineServer(hung) as server, pytest.raises(DeliveryError, match=late):
        carbon_at(server.port, timeout=0.2).deliver([BLOCK])


def test_a_receiver_that_accepts_nobody_is_given_up() -> None:
    with full_backlog() as port, pytest.raises(DeliveryError, match=r"it took no connection within 0\.2 s"):
        carbon_at(port, timeout=0.2).probe()


def test_a_watch_counts_the_seconds_without_progress() -> None:
    now = 0.0
    with LineServer(hung, buffer=SMALL_BUFFER) as server, socket.create_connection((LOOPBACK, server.port)) as sock:
        watch = Watch(sock, patience=30, clock=lambda: now)
        sock.setblocking(False)
        sock.send(LARGE)
        now = 40
        watch.check()  # other bytes are on the way than when it began
        now = 69
        watch.check()
        watch.renew()
        now = 98
        watch.check()
        now = 99

        with pytest.raises(OSError, match="took nothing for 30 s"):
            watch.check()


# Receivers that are something else


@pytest.mark.parametrize("after", [0, 100, len(BLOCK)])
def test_an_answer_means_that_this_is_no_plaintext_port(after: int) -> None:
    with (
        LineServer(answers(b"HTTP/1.1 400 Bad Request\r\n", after)) as server,
        pytest.raises(DeliveryError, match=r"it answered b'HTTP/1\.1 400 Bad Request.*; check graphite\.port"),
    ):
        carbon_at(server.port).deliver([BLOCK])


def test_a_greeting_fails_the_probe() -> None:
    with LineServer(answers(b"SSH-2.0-x\r\n", 0)) as server, pytest.raises(DeliveryError, match="SSH"):
        carbon_at(server.port).probe()


# Receivers that never close


def test_a_receiver_that_never_closes_needs_the_setting_that_the_error_names() -> None:
    with LineServer(never_closes) as server:
        with pytest.raises(DeliveryError, match=r"set graphite\.acknowledge to none"):
            carbon_at(server.port, timeout=0.2).deliver([BLOCK])
        carbon_at(server.port, acknowledge="none").deliver([BLOCK])
        carbon_at(server.port, acknowledge="none").probe()

        assert server.streams == [BLOCK, BLOCK, b""]


def test_without_acknowledgement_a_receiver_that_does_close_costs_no_wait() -> None:
    began = monotonic()

    with LineServer() as server:
        carbon_at(server.port, acknowledge="none").deliver([BLOCK] * 20)

    assert monotonic() - began < 10


@pytest.mark.parametrize("count", [0, 4_096, len(BLOCK) - 1])
def test_without_acknowledgement_a_reset_within_a_second_is_a_failure(count: int) -> None:
    with LineServer(resets_after(count)) as server, pytest.raises(DeliveryError):
        carbon_at(server.port, acknowledge="none").deliver([BLOCK])


def test_without_acknowledgement_a_reset_after_the_last_byte_is_a_failure() -> None:
    def dies_later(connection: Connection) -> None:
        connection.read_all()
        connection.stopping.wait(0.6)
        resets_after(0)(connection)

    with LineServer(dies_later) as server, pytest.raises(DeliveryError, match="ended the connection"):
        carbon_at(server.port, acknowledge="none").deliver([BLOCK])


def test_without_acknowledgement_an_answer_is_a_failure() -> None:
    with LineServer(answers(b"ERR\n", len(BLOCK))) as server, pytest.raises(DeliveryError, match="it answered"):
        carbon_at(server.port, acknowledge="none").deliver([BLOCK])


# Addresses


def test_after_an_address_that_refuses_the_next_one_is_tried() -> None:
    with closed_port() as refused, LineServer() as server:
        carbon = Carbon("graphite", 2003, timeout=10, resolve=at(refused, server.port))
        carbon.deliver([BLOCK])

        assert server.streams == [BLOCK]


def test_an_address_that_took_a_block_takes_the_next_one_too() -> None:
    with ExitStack() as stack:
        other_port = stack.enter_context(full_backlog())
        server = stack.enter_context(LineServer())
        carbon = Carbon("graphite", 2003, timeout=0.5, resolve=at(other_port, server.port))
        began = monotonic()

        carbon.deliver([BLOCK] * 10)

        assert server.streams == [BLOCK] * 10
        assert monotonic() - began < 2.5


def test_an_ipv6_address_that_leads_nowhere_does_not_hide_the_ipv4_one() -> None:
    def both(_host: str, port: int) -> list[Address]:
        return [Address(socket.AF_INET6, ("::1", port, 0, 0)), *resolve(LOOPBACK, port)]

    with LineServer() as server:
        Carbon("graphite", server.port, timeout=10, resolve=both).deliver([BLOCK])

        assert server.streams == [BLOCK]


def test_when_no_address_works_the_last_cause_is_told() -> None:
    with full_backlog() as silent, closed_port() as refused:
        first = Carbon("graphite", 2003, timeout=0.2, resolve=at(refused, silent))
        with pytest.raises(DeliveryError, match="took no connection within"):
            first.probe()
        second = Carbon("graphite", 2003, timeout=0.2, resolve=at(silent, refused))
        with pytest.raises(DeliveryError, match="connection refused"):
            second.probe()


def test_a_name_is_looked_up_once_for_each_delivery() -> None:
    asked = []

    with LineServer() as server:

        def look_up(host: str, port: int) -> list[Address]:
            asked.append((host, port))
            return resolve(LOOPBACK, server.port)

        carbon = Carbon("graphite", 2003, timeout=10, resolve=look_up)
        carbon.deliver([BLOCK] * 3)
        carbon.probe()

    assert asked == [("graphite", 2003)] * 2


def test_an_unknown_name_is_told_as_such() -> None:
    def unknown(_host: str, _port: int) -> list[Address]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    carbon = Carbon("grafite", 2003, timeout=10, resolve=unknown)
    with pytest.raises(DeliveryError) as caught:
        carbon.probe()

    assert str(caught.value) == (
        "Graphite at grafite:2003 took no data: its name is not known (Name or service not known); check graphite.host"
    )


@pytest.mark.parametrize("host", ["a..b", "a" * 70], ids=["empty label", "long label"])
def test_what_cannot_be_a_name_is_told_as_such(host: str) -> None:
    with pytest.raises(DeliveryError, match=r"its name is not known \(not a host name: .*\); check graphite\.host"):
        Carbon(host, 2003, timeout=10).probe()


def test_a_name_without_addresses_is_told_as_such() -> None:
    with pytest.raises(DeliveryError, match="its name has no address"):
        Carbon("graphite", 2003, timeout=10, resolve=at()).probe()


# What is told


def test_a_refused_connection_is_told_in_one_sentence() -> None:
    with closed_port() as port, pytest.raises(DeliveryError) as caught:
        carbon_at(port).probe()

    assert str(caught.value) == (
        f"Graphite at 127.0.0.1:{port} took no data: connection refused; "
        "is it running, and are graphite.host and graphite.port right?"
    )


def test_an_ipv6_literal_is_told_in_brackets() -> None:
    with closed_port() as port, pytest.raises(DeliveryError, match=r"Graphite at \[::1\]:2003 took no data"):
        Carbon("::1", 2003, timeout=10, resolve=at(port)).probe()


def test_a_process_without_file_descriptors_left_is_told_as_such() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with closed_port() as port:
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            with pytest.raises(DeliveryError, match="too many open files; raise the limit on file descriptors"):
                carbon_at(port).probe()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_kernel_giving_up_is_not_our_own_patience() -> None:
    """Its TimeoutError takes the pending error with it, so that the next read would look like an orderly end."""
    with LineServer(hung, buffer=SMALL_BUFFER) as server, socket.create_connection((LOOPBACK, server.port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 100)
        sock.settimeout(PATIENCE)
        sock.send(LARGE)

        with pytest.raises(TimeoutError, match="timed out") as caught:
            _has_ended(sock)

    assert caught.value.errno == errno.ETIMEDOUT


@pytest.mark.parametrize(
    ("info", "count"),
    [(bytes(104), None), (bytes(232), None), (bytes(120) + (7).to_bytes(8, sys.byteorder), 7)],
    ids=["before Linux 4.2", "emulated", "told"],
)
def test_a_kernel_that_does_not_count_acknowledged_bytes_is_not_believed_to_have_none(
    info: bytes, count: int | None
) -> None:
    assert acknowledged(info) == count
