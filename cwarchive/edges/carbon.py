"""Whether a Graphite receiver has read what was sent to it: one connection a block, and a receipt for each.

That a send succeeds only says that this machine's kernel took the bytes. A receipt is: this side was closed without an
error, the receiver ended its own side without a word, no error is pending, and (where Linux tells) the receiver's
kernel acknowledged every byte. Receivers end a connection only after they have read it to its end, unless they are
being stopped: that is what `probe` finds out afterwards. A receipt never says more than "in the receiver's memory".
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import Any, Literal, NamedTuple

import graphyte

from cwarchive.errors import DeliveryError

if sys.platform == "linux":
    import fcntl
    import termios

Acknowledge = Literal["auto", "eof", "none"]

CONNECT = 10.0
"""Seconds that one address may take to accept a connection."""
QUIET = 1.0
"""Seconds without a reset that stand for the end, where the receiver never closes."""
LONGEST_GLANCE = 0.25
"""Seconds between two looks at how much the receiver has taken."""


class Address(NamedTuple):
    """One place where a name leads to: the socket's family, and what `connect` takes."""

    family: int
    place: Any


Resolver = Callable[[str, int], Sequence[Address]]


def resolve(host: str, port: int) -> list[Address]:
    """Every TCP address of `host`, in the order in which the system prefers them; raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, f"not a host name: {host!r}") from error
    return [Address(family, place) for family, _, _, _, place in found]


class Unconfirmed(OSError):
    """The receiver did not read to the end and close; the text says what it did instead."""


class Carbon:
    """A receiver of Graphite's plaintext protocol behind the port `Sink`.

    `timeout` is how many seconds may pass without any progress, not how long a block may take. `acknowledge` is "eof"
    (also "auto"), or "none" for receivers that never close: then a block counts once the receiver's kernel has
    acknowledged every byte and no reset came within a second, which does not prove that it was read.

    Since this side ends every connection first, its port rests for a minute (TIME_WAIT): to a remote receiver Linux
    sustains about 470 connections a second.
    """

    def __init__(
        self, host: str, port: int, *, timeout: float, acknowledge: Acknowledge = "auto", resolve: Resolver = resolve
    ) -> None:
        self._name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._new_sender = partial(ReceiptSender, host, port, timeout, resolve, closes=acknowledge != "none")

    def probe(self) -> None:
        """Return only if a new connection is taken and ended in order; else raise DeliveryError.

        A receiver that is being stopped may end connections that it has not read, but takes no new ones: blocks count
        as delivered only when a probe made after the last of them succeeds.
        """
        self._send(self._new_sender(), b"")

    def deliver(self, lines: Iterable[bytes]) -> None:
        """Send each block on a connection of its own, in order, each only after the receipt of the one before.

        Raises DeliveryError at the first block without receipt, ValueError for a block that is empty or does not end
        with a newline. It does not probe: call `probe` once after all the blocks of a commit, before marks move.
        """
        sender = self._new_sender()
        for block in lines:
            if not block.endswith(b"\n"):
                raise ValueError(f"a block of lines must end with a newline, not with {block[-20:]!r}")
            self._send(sender, block)

    def _send(self, sender: ReceiptSender, block: bytes) -> None:
        try:
            sender.send_socket(block)
        except OSError as error:
            raise DeliveryError(f"Graphite at {self._name} took no data: {_cause(error)}") from error


class ReceiptSender(graphyte.Sender):  # type: ignore[misc]  # graphyte has no types
    """graphyte's Sender, but `send_message` returns only with a receipt and uses every address that the host has.

    Addresses are looked up once in a sender's life; the one that answered last is tried first. Raises OSError.
    """

    def __init__(self, host: str, port: int, timeout: float, resolve: Resolver, *, closes: bool) -> None:
        super().__init__(host, port, timeout=timeout, raise_send_errors=True)
        self._patience = timeout
        self._await_receiver = _await_end if closes else _await_silence
        self._resolve = partial(resolve, host, port)
        self._addresses: Sequence[Address] = ()

    def send_message(self, message: bytes) -> None:
        """Send `message` (whole lines, or nothing) on a new connection; return when the receiver has read it."""
        with self._connection() as connection:
            watch = Watch(connection, self._patience)
            _send_all(connection, message, watch)
            connection.shutdown(socket.SHUT_WR)
            self._await_receiver(connection, watch)
            _require_receipt(connection, len(message))

    @contextmanager
    def _connection(self) -> Iterator[socket.socket]:
        connection = self._connect()
        try:
            yield connection
        except BaseException:
            # A reset instead of an orderly end: some receivers would take a line cut short for a whole one.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise
        finally:
            connection.close()

    def _connect(self) -> socket.socket:
        self._addresses = self._addresses or self._resolve()
        failure: OSError = Unconfirmed("its name has no address; check graphite.host")
        for address in self._addresses:
            try:
                connection = _open(address, min(CONNECT, self._patience))
            except OSError as error:
                failure = error
            else:
                self._addresses = [address, *(other for other in self._addresses if other != address)]
                return connection
        raise failure


class Watch:
    """Whether the receiver still makes progress: how many bytes it has not acknowledged, and since when so many."""

    def __init__(self, connection: socket.socket, patience: float, clock: Callable[[], float] = monotonic) -> None:
        self._connection = connection
        self._patience = patience
        self._clock = clock
        self._left = unacknowledged(connection)
        self._since = clock()
        connection.settimeout(min(LONGEST_GLANCE, patience / 8))

    def renew(self) -> None:
        """Note progress."""
        self._since = self._clock()

    def check(self) -> None:
        """Raise Unconfirmed if for `patience` seconds nothing was noted and nothing acknowledged."""
        left = unacknowledged(self._connection)
        if left != self._left:
            self._left = left
            self.renew()
        elif self._clock() - self._since >= self._patience:
            raise Unconfirmed(
                f"it took nothing for {self._patience:g} s; is it overloaded, or paused by its flow control?"
                if left
                else f"it did not close the connection within {self._patience:g} s after the last byte; "
                "for a receiver that never closes set graphite.acknowledge to none"
            )


def unacknowledged(connection: socket.socket) -> int:
    """How many of the bytes sent (an end counts as one) the receiver's kernel has not acknowledged.

    0 where the system does not tell: SIOCOUTQ is Linux's, see tcp(7).
    """
    if sys.platform != "linux":
        return 0
    answer = fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(answer, sys.byteorder)


def acknowledged(info: bytes) -> int | None:
    """tcpi_bytes_acked of Linux's struct tcp_info, which counts the SYN and the FIN as one byte each.

    None where the kernel does not tell: before Linux 4.2 the field is missing, and emulated kernels leave it 0.
    """
    if len(info) < 128:
        return None
    return int.from_bytes(info[120:128], sys.byteorder) or None


def _open(address: Address, patience: float) -> socket.socket:
    connection = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        connection.settimeout(patience)
        connection.connect(address.place)
    except BaseException as error:
        connection.close()
        if _is_timeout(error):
            raise Unconfirmed(f"it took no connection within {patience:g} s; is there a firewall between?") from error
        raise
    return connection


def _send_all(connection: socket.socket, message: bytes, watch: Watch) -> None:
    rest = memoryview(message)
    while rest:
        taken = _send_some(connection, rest)
        rest = rest[taken:]
        if taken:
            watch.renew()
        else:
            # A kernel calls a socket writable only once a third of its buffer is free: a slow reader shows earlier.
            watch.check()


def _send_some(connection: socket.socket, rest: memoryview) -> int:
    """How many bytes this machine's kernel took; 0 when it had no room within the socket's timeout."""
    try:
        return connection.send(rest)
    except TimeoutError as error:
        if _is_timeout(error):
            return 0
        raise


def _await_end(connection: socket.socket, watch: Watch) -> None:
    while not _has_ended(connection):
        watch.check()


def _await_silence(connection: socket.socket, watch: Watch) -> None:
    while unacknowledged(connection):
        if _has_ended(connection):
            return
        watch.check()
    connection.settimeout(QUIET)
    _has_ended(connection)


def _has_ended(connection: socket.socket) -> bool:
    """Whether the receiver ended its side; False when it was silent for the socket's timeout."""
    try:
        answer = connection.recv(64)
    except TimeoutError as error:
        if _is_timeout(error):
            return False
        raise
    if answer:
        raise Unconfirmed(f"it answered {answer!r}, which no plaintext receiver does; check graphite.port")
    return True


def _require_receipt(connection: socket.socket, sent: int) -> None:
    pending = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if pending:
        raise OSError(pending, os.strerror(pending))
    if sys.platform == "linux":
        count = acknowledged(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232))
        if count not in (None, sent + 2):
            raise Unconfirmed("it closed the connection before everything had arrived; is it being stopped?")


def _is_timeout(error: BaseException) -> bool:
    """Whether our own patience ended a call; the kernel's ETIMEDOUT is the same class, but has a number."""
    return isinstance(error, TimeoutError) and error.errno is None


def _cause(error: OSError) -> str:
    """Why no data was taken and what to do about it, as the end of a sentence."""
    if isinstance(error, Unconfirmed):
        return str(error)
    if isinstance(error, socket.gaierror):
        return f"its name is not known ({error.strerror}); check graphite.host"
    told = os.strerror(error.errno).lower() if error.errno else str(error)
    match error.errno:
        case errno.ECONNREFUSED:
            return f"{told}; is it running, and are graphite.host and graphite.port right?"
        case errno.ECONNRESET | errno.ENOTCONN | errno.EPIPE:
            return "it ended the connection before it had read everything; is it being stopped, or out of memory?"
        case errno.EMFILE | errno.ENFILE:
            return f"{told}; raise the limit on file descriptors (ulimit -n, or LimitNOFILE= in a unit)"
        case _:
            return told
