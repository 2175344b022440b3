"""What can go wrong between CloudWatch and its client, as values: an effect, and when it strikes.

An effect changes the document before it becomes bytes (`demo.unsound`), or the reply as it goes out (here). All reach
the client as real bytes of a real connection.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cwarchive.demo.wire import Asked, DataRequest, Document

JSON = "application/x-amz-json-1.0"
HTML = "text/html"
_PAGE = b"<html><head><title>Service Unavailable</title></head><body><h1>It works!</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Call:
    """One request at the door: its number among those of its operation (from 1), who asks, and what."""

    ordinal: int
    operation: str
    region: str
    access_key: str
    document: Mapping[str, Any]
    request: DataRequest | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out.

    `sent` bytes of the body are written (None: all), in pieces of `piece` bytes, a `pause` in seconds
    before each; `hang` seconds pass before anything, and then nothing comes; `reset` sends an RST instead of the reply.
    """

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    date_offset: int = 0
    sent: int | None = None
    piece: int = 0
    pause: float = 0.0
    hang: float = 0.0
    reset: bool = False


@dataclass(frozen=True, slots=True)
class When:
    """Which calls are struck: all conditions given must hold.

    `calls` holds ordinals from 1, such as `{1, 2}` or `range(3, 6)`; `probability` is drawn from `seed` and the
    ordinal; `metric` is text that the name of a requested metric must contain; `meets` is any further condition.
    """

    operation: str | None = None
    calls: Container[int] | None = None
    region: str | None = None
    access_key: str | None = None
    metric: str | None = None
    probability: float = 1.0
    seed: int = 0
    meets: Callable[[Call], bool] | None = None

    def strikes(self, call: Call) -> bool:
        """Whether `call` is struck."""
        return (
            self.operation in {None, call.operation}
            and self.region in {None, call.region}
            and self.access_key in {None, call.access_key}
            and (self.calls is None or call.ordinal in self.calls)
            and (self.metric is None or any(self.metric in named(query) for query in _queries(call)))
            and (self.probability >= 1.0 or self._drawn(call) < self.probability)
            and (self.meets is None or self.meets(call))
        )

    def _drawn(self, call: Call) -> float:
        seed = f"{self.seed} {call.operation} {call.ordinal}".encode()
        return int.from_bytes(hashlib.blake2s(seed, digest_size=4).digest()) / 2**32


ALWAYS = When()
DATA = When(operation="GetMetricData")
LISTING = When(operation="ListMetrics")


class Effect:
    """Something wrong with an answer; each kind overrides one of the two."""

    def on_document(self, document: Document, call: Call) -> Document:
        """The changed document of a successful GetMetricData or ListMetrics."""
        del call
        return document

    def on_reply(self, reply: Reply) -> Reply:
        """The changed reply."""
        return reply


@dataclass(frozen=True, slots=True)
class Fault:
    """An effect and the calls it strikes."""

    effect: Effect
    when: When = ALWAYS


def named(query: Asked) -> str:
    """A metric as text: `AWS/EC2 CPUUtilization InstanceId=i-1 Average`."""
    pairs = (f"{name}={value}" for name, value in query.dimensions)
    return " ".join((query.namespace, query.name, *pairs, query.statistic))


# What replaces the answer.


@dataclass(frozen=True, slots=True)
class Refusal(Effect):
    """An error document; `code` is the query protocol's name of the error, `kind` the shape's where that differs."""

    code: str
    message: str
    status: int = 400
    kind: str = ""

    def on_reply(self, reply: Reply) -> Reply:
        """The error instead of the answer."""
        return refused(self.code, self.message, self.status, self.kind or self.code, reply.date_offset)


def refused(code: str, message: str, status: int, kind: str, date_offset: int = 0) -> Reply:
    """An error as CloudWatch words it for clients that once spoke the query protocol."""
    text = message.replace("\\", "\\\\").replace('"', '\\"')
    body = f'{{"__type":"com.amazonaws.cloudwatch#{kind}","message":"{text}"}}'.encode()
    side = "Sender" if status < 500 else "Receiver"
    return Reply(status, body, headers=(("x-amzn-query-error", f"{code};{side}"),), date_offset=date_offset)


THROTTLED = Refusal("Throttling", "Rate exceeded", 400, "ThrottlingException")
INTERNAL_FAILURE = Refusal("InternalFailure", "The request processing has failed", 500)
EXPIRED_TOKEN = Refusal("ExpiredToken", "The security token included in the request is expired", 403)
ACCESS_DENIED = Refusal("AccessDenied", "User is not authorized to perform this operation", 403)
VALIDATION_ERROR = Refusal("ValidationError", "One of the queries is not valid")


@dataclass(frozen=True, slots=True)
class Body(Effect):
    """Other bytes instead of the document, under a status of one's choice."""

    body: bytes
    status: int = 200
    content_type: str = JSON

    def on_reply(self, reply: Reply) -> Reply:
        """The bytes instead of the answer."""
        return Reply(self.status, self.body, self.content_type, date_offset=reply.date_offset)


HTML_503 = Body(_PAGE, 503, HTML)
HTML_200 = Body(_PAGE, 200, HTML)
EMPTY_200 = Body(b"")
GARBAGE_200 = Body(b'{"MetricDataResults":[{"Id":"q0",,,\xff\xfe')


# How the answer goes out.


@dataclass(frozen=True, slots=True)
class Truncated(Effect):
    """Headers announce the whole body; a `share` of it (0 to 1) is sent before the connection closes in order."""

    share: float = 0.5

    def on_reply(self, reply: Reply) -> Reply:
        """The cut reply."""
        return replace(reply, sent=int(len(reply.body) * self.share))


@dataclass(frozen=True, slots=True)
class Reset(Effect):
    """The connection is reset instead of an answer."""

    def on_reply(self, reply: Reply) -> Reply:
        """The reply that is none."""
        return replace(reply, reset=True)


@dataclass(frozen=True, slots=True)
class Hang(Effect):
    """Nothing comes for `seconds`, or until the simulation is closed; then the connection ends without an answer."""

    seconds: float = 60.0

    def on_reply(self, reply: Reply) -> Reply:
        """The reply that keeps one waiting."""
        return replace(reply, hang=self.seconds)


@dataclass(frozen=True, slots=True)
class Drip(Effect):
    """The body comes in pieces of `piece` bytes, `pause` seconds before each, until the simulation is closed."""

    piece: int = 1
    pause: float = 1.0

    def on_reply(self, reply: Reply) -> Reply:
        """The slow reply."""
        return replace(reply, piece=self.piece, pause=self.pause)


@dataclass(frozen=True, slots=True)
class WrongDate(Effect):
    """The Date header is off by `seconds`; the answer is sound."""

    seconds: int

    def on_reply(self, reply: Reply) -> Reply:
        """The reply with another date."""
        return replace(reply, date_offset=reply.date_offset + self.seconds)


def _queries(call: Call) -> tuple[Asked, ...]:
    return () if call.request is None else call.request.queries
