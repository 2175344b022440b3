"""CloudWatch on loopback: the simulated account behind AWS JSON 1.0 over HTTP, with a clock, a ledger and faults."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Self, cast

import orjson

from cwarchive.core.window import Window
from cwarchive.demo.account import Account
from cwarchive.demo.accounts import small, wide
from cwarchive.demo.faults import Call, Fault, Reply, refused
from cwarchive.demo.ledger import Caller, Recorded
from cwarchive.demo.wire import DataRequest, Document, Listings, RejectedError, answer, read_request

TARGET = "GraniteServiceVersion20100801."

_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d+/([^/,\s]+)/")
_KINDS = {"ValidationError": "ValidationException", "InvalidParameterValue": "InvalidParameterValueException"}


class Simulation:
    """A CloudWatch endpoint at `url`, served by threads from `with` or `start` until `close`.

    `accounts` is one account for all, or says which account a caller sees (region, access key). `now` is epoch seconds,
    fixed until set anew, or a function. `faults` may be set at any time; the first that strikes changes the answer
    first. With `remember=False` the ledger keeps counts only, for long measurements.
    """

    def __init__(
        self,
        accounts: Account | Callable[[Caller], Account],
        now: int | Callable[[], int],
        faults: tuple[Fault, ...] = (),
        *,
        port: int = 0,
        remember: bool = True,
    ) -> None:
        self.faults = faults
        self.requests: list[Recorded] = []
        self.calls: Counter[str] = Counter()
        self.billed = 0
        self.closing = Event()
        self._remember = remember
        self._account_of = accounts if callable(accounts) else lambda _: accounts
        self._clock = _clock(now)
        self._listings = Listings()
        self._lock = Lock()
        self._server = _Server(self, port)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name="simulated CloudWatch")

    @property
    def url(self) -> str:
        """Where boto3's `endpoint_url` points."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def now(self) -> int:
        """The time of the simulated AWS, in epoch seconds."""
        return self._clock()

    @now.setter
    def now(self, now: int | Callable[[], int]) -> None:
        self._clock = _clock(now)

    def asked(self, operation: str) -> list[Recorded]:
        """The ledger's lines of one operation, in the order in which they were answered."""
        return [recorded for recorded in self.requests if recorded.operation == operation]

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def close(self) -> None:
        """End: release what hangs, end every connection, wait for every thread."""
        self.closing.set()
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.end_connections()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def reply(self, operation: str, caller: Caller, body: bytes) -> Reply:
        """The reply to one request, faults included, entered in the ledger."""
        now = self.now
        with self._lock:
            self.calls[operation] += 1
            ordinal = self.calls[operation]
        document, request, rejected = _read(operation, body)
        call = Call(ordinal, operation, caller.region, caller.access_key, document, request)
        struck = tuple(fault for fault in self.faults if fault.when.strikes(call))
        reply = rejected or self._answered(call, caller, now, struck)
        for fault in struck:
            reply = fault.effect.on_reply(reply)
        self._record(call, caller, now, reply, struck)
        return reply

    def _answered(self, call: Call, caller: Caller, now: int, struck: tuple[Fault, ...]) -> Reply:
        account = self._account_of(caller)
        try:
            if call.request is not None:
                document = answer(account, call.request, now)
            else:
                document = self._listings.answer(account, call.document, now)
        except RejectedError as error:
            return _rejection(error)
        for fault in struck:
            document = fault.effect.on_document(document, call)
        return Reply(200, orjson.dumps(document))

    def _record(self, call: Call, caller: Caller, now: int, reply: Reply, struck: tuple[Fault, ...]) -> None:
        request = call.request
        page = "NextToken" in call.document
        billed = request.billed if request is not None and reply.status == 200 and not page else 0
        recorded = Recorded(
            call.operation,
            call.ordinal,
            caller,
            now,
            reply.status,
            billed,
            () if request is None else request.queries,
            None if request is None else Window(request.start, request.end),
            page,
            struck,
            call.document,
        )
        with self._lock:
            self.billed += billed
            if self._remember:
                self.requests.append(recorded)


class _Server(ThreadingHTTPServer):
    """Threads that `server_close` waits for, and connections that can be ended from outside."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, simulation: Simulation, port: int) -> None:
        self.simulation = simulation
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    @contextlib.contextmanager
    def connected(self, connection: socket.socket) -> Iterator[None]:
        """Remember `connection` while it is served."""
        with self._lock:
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)

    def end_connections(self) -> None:
        """Wake every thread that waits for its client."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Serve until either side ends the connection; a client that goes away is nobody's error."""
        with self._here.connected(self.connection), contextlib.suppress(ConnectionError):
            if not self._here.simulation.closing.is_set():
                super().handle()

    def do_POST(self) -> None:
        """One operation."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self.headers.get("X-Amz-Target", "").removeprefix(TARGET)
        scope = _SCOPE.search(self.headers.get("Authorization", ""))
        caller = Caller(scope[1], scope[2]) if scope else Caller("", "us-east-1")
        simulation = self._here.simulation
        self._write(simulation.reply(operation, caller, body), simulation)

    def log_message(self, *_: object) -> None:
        """Say nothing: the ledger knows."""

    @property
    def _here(self) -> _Server:
        return cast("_Server", self.server)

    def _write(self, reply: Reply, simulation: Simulation) -> None:
        if reply.hang or reply.reset:
            simulation.closing.wait(reply.hang)
            self._end(reset=reply.reset)
            return
        head, body = _head(reply, simulation.now), reply.body[: reply.sent]
        if reply.piece:
            self.wfile.write(head)
            self._drip(reply, body, simulation.closing)
        else:
            self.wfile.write(head + body)
        self.close_connection |= reply.sent is not None

    def _drip(self, reply: Reply, body: bytes, closing: Event) -> None:
        for start in range(0, len(body), reply.piece):
            if closing.wait(reply.pause):
                self.close_connection = True
                return
            self.wfile.write(body[start : start + reply.piece])

    def _end(self, *, reset: bool) -> None:
        """End the connection at once: with an RST, or in order."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())


def _clock(now: int | Callable[[], int]) -> Callable[[], int]:
    return now if callable(now) else lambda: now


def _read(operation: str, body: bytes) -> tuple[Document, DataRequest | None, Reply | None]:
    """The document, the request in it where it is GetMetricData, and the refusal of what cannot be read."""
    try:
        document = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        return {}, None, refused("SerializationException", "The body is not JSON", 400, "SerializationException")
    if operation not in {"GetMetricData", "ListMetrics"}:
        unknown = f"This account answers GetMetricData and ListMetrics, not {operation}"
        return document, None, refused("InvalidAction", unknown, 400, "UnknownOperationException")
    try:
        return document, read_request(document) if operation == "GetMetricData" else None, None
    except RejectedError as error:
        return document, None, _rejection(error)


def _rejection(error: RejectedError) -> Reply:
    return refused(error.code, error.message, 400, _KINDS.get(error.code, error.code))


def _head(reply: Reply, now: int) -> bytes:
    fields = (
        ("Date", formatdate(now + reply.date_offset, usegmt=True)),
        ("Content-Type", reply.content_type),
        ("Content-Length", str(len(reply.body))),
        ("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000"),
        *reply.headers,
    )
    lines = (
        f"HTTP/1.1 {reply.status} {responses.get(reply.status, '')}",
        *(f"{name}: {text}" for name, text in fields),
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM, by the real clock, and print where."""
    parser = argparse.ArgumentParser(prog="python -m cwarchive.demo.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--wide", type=int, metavar="COUNT", help="COUNT equal metrics instead of the small account")
    options = parser.parse_args(arguments)
    account = small(int(time.time())) if options.wide is None else wide(options.wide)
    ending = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    with Simulation(account, lambda: int(time.time()), port=options.port, remember=False) as simulation:
        sys.stdout.write(f"{simulation.url}\n")
        sys.stdout.flush()
        ending.wait()


if __name__ == "__main__":
    main()
