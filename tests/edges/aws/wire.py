"""CloudWatch's side of the wire: canned answers in place of the network, and a loopback server that misbehaves."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from botocore.awsrequest import AWSResponse

from cwarchive.core.batch import Query, Request
from cwarchive.core.series import Cell, Metric
from cwarchive.core.window import Window
from cwarchive.edges.aws.cloudwatch import CloudWatch

KEY_ID = "AKIAKEYTHATOPENSNOTHING"
SECRET = "secretthatopensnothing"
TOKEN = "tokenthatopensnothing"
SECRETS = (KEY_ID, SECRET, TOKEN)

CELL = Cell("", "eu-west-1")
START = 1_763_856_000
DATE = "Mon, 24 Nov 2025 13:16:00 GMT"
DATE_SECONDS = 1_763_990_160
EMPTY: list[object] = []


def request(queries: int = 1, slots: int = 5, period: int = 60, start: int = START) -> Request:
    """A request for `queries` metrics over `slots` periods."""
    asked = (
        Query(Metric(CELL, "AWS/EC2", "CPUUtilization", (("InstanceId", f"i-{n}"),)), "Average") for n in range(queries)
    )
    return Request(Window(start, start + slots * period), period, tuple(asked))


def result(
    number: int = 0, timestamps: object = EMPTY, values: object = EMPTY, status: object = "Complete"
) -> dict[str, Any]:
    """One entry of MetricDataResults; two empty columns unless said otherwise."""
    columns = {"Timestamps": timestamps, "Values": values}
    own = {name: list(column) if isinstance(column, list) else column for name, column in columns.items()}
    return {"Id": f"m{number}", "Label": "l", **own, "StatusCode": status}


def page(*results: dict[str, Any], token: object = None) -> dict[str, Any]:
    """One page of GetMetricData."""
    return {"MetricDataResults": list(results), "Messages": [], **({} if token is None else {"NextToken": token})}


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


class Wire:
    """Stands in for the network of one source: answers in turn, the last one for ever; remembers what was asked."""

    def __init__(self, source: CloudWatch) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answers: list[tuple[int, bytes, dict[str, str]]] = []
        source.client.meta.events.register("before-send.cloudwatch", cast("Callable[..., None]", self._send))

    def answers(self, *documents: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """What comes next: bytes as they are, anything else as JSON; `headers` in place of the usual ones."""
        bodies = [d if isinstance(d, bytes) else json.dumps(d).encode() for d in documents]
        self._answers = [(status, body, _usual(body) if headers is None else headers) for body in bodies]

    def _send(self, request: Any, **_: object) -> AWSResponse:
        self.asked.append(json.loads(request.body))
        status, body, headers = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return AWSResponse(request.url, status, cast("Any", headers), _Body(body))


def _usual(body: bytes) -> dict[str, str]:
    return {"content-type": "application/x-amz-json-1.0", "content-length": str(len(body)), "Date": DATE}


def source(cell: Cell = CELL, **options: Any) -> CloudWatch:
    """A source that neither waits nor tries twice, unless told to."""
    usual = {"requests_per_second": 1e6, "datapoints_per_second": 1e9, "threads": 2, "attempts": 1}
    return CloudWatch(cell, **(usual | options))


def wired(**options: Any) -> tuple[CloudWatch, Wire]:
    """A source, and the wire that answers it."""
    made = source(**options)
    return made, Wire(made)


Misbehaviour = Callable[[socket.socket], None]


@contextmanager
def server(*misbehaviours: Misbehaviour) -> Iterator[str]:
    """The URL of a server that reads each HTTP request and then does one thing after the other, the last for ever."""
    left: Sequence[Misbehaviour] = misbehaviours
    lock = threading.Lock()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            nonlocal left
            _read_request(self.request)
            with lock:
                now, left = left[0], left[1:] or left
            now(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()


def _read_request(connection: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    left = int(found[1]) - len(body) if found else 0
    while left > 0:
        left -= len(connection.recv(65_536))
