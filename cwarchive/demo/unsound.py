"""What can be wrong within an answer that arrives whole: a 200 whose document must not be believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from cwarchive.demo.faults import Call, Effect, Reply, named
from cwarchive.demo.wire import Asked, DataRequest, Document, idle_token

NOT_FINITE = -123_456_789.98765433
"""Stands in a document for a number that JSON encoders refuse, until the bytes are made."""


@dataclass(frozen=True, slots=True)
class Endless(Effect):
    """Every page is PartialData with a NextToken that is accepted: a new one each time, or the same one again."""

    repeated: bool = False

    def on_document(self, document: Document, call: Call) -> Document:
        """The page that is never the last."""
        if call.request is None:
            return document
        nonce = 0 if self.repeated else call.ordinal
        results = document["MetricDataResults"] or [_empty(query) for query in call.request.queries]
        unfinished = [result | {"StatusCode": "PartialData"} for result in results]
        return document | {"MetricDataResults": unfinished, "NextToken": idle_token(call.request, 0, nonce)}


@dataclass(frozen=True, slots=True)
class Results(Effect):
    """Base of what is wrong with single results: of the queries whose name contains `metric`, or of the first one."""

    metric: str | None = field(default=None, kw_only=True)

    def on_document(self, document: Document, call: Call) -> Document:
        """The document with the victims changed."""
        if call.request is None:
            return document
        victims = self._victims(document, call.request)
        results: list[Document] = []
        for result in document["MetricDataResults"]:
            results += self.changed(result) if result["Id"] in victims else [result]
        return document | {"MetricDataResults": results}

    def changed(self, result: Document) -> list[Document]:
        """What stands in the place of a victim."""
        return [result]

    def _victims(self, document: Document, request: DataRequest) -> set[str]:
        if self.metric is not None:
            return {query.id for query in request.queries if self.metric in named(query)}
        filled = [result["Id"] for result in document["MetricDataResults"] if result["Timestamps"]]
        return {*filled[:1]} or {result["Id"] for result in document["MetricDataResults"][:1]}


@dataclass(frozen=True, slots=True)
class MissingId(Results):
    """A result is left out."""

    def changed(self, result: Document) -> list[Document]:
        """Nothing in its place."""
        del result
        return []


@dataclass(frozen=True, slots=True)
class ExtraId(Results):
    """A result that nobody asked for stands beside it."""

    def changed(self, result: Document) -> list[Document]:
        """The result and a foreign one."""
        return [result, result | {"Id": "nobodyAskedForThis"}]


@dataclass(frozen=True, slots=True)
class Ragged(Results):
    """There is one timestamp more than there are values."""

    def changed(self, result: Document) -> list[Document]:
        """The result with columns of two lengths."""
        if result["Values"]:
            return [result | {"Values": result["Values"][:-1]}]
        return [result | {"Timestamps": [0.0]}]


@dataclass(frozen=True, slots=True)
class NotFinite(Results):
    """The first value is written as `literal`: NaN, Infinity, or a number too large for a double."""

    literal: str = "1e400"

    def changed(self, result: Document) -> list[Document]:
        """The result with a value that becomes the literal once bytes are made."""
        return [result | {"Values": [NOT_FINITE, *result["Values"][1:]]}] if result["Values"] else [result]

    def on_reply(self, reply: Reply) -> Reply:
        """The bytes with the literal in place."""
        return replace(reply, body=reply.body.replace(repr(NOT_FINITE).encode(), self.literal.encode()))


@dataclass(frozen=True, slots=True)
class Status(Results):
    """Its StatusCode is `code`, such as InternalError or Forbidden, and it holds no data."""

    code: str = "InternalError"

    def changed(self, result: Document) -> list[Document]:
        """The result with the status and a message that says so."""
        message = {"Code": self.code, "Value": f"{self.code} while reading this metric"}
        return [result | {"StatusCode": self.code, "Timestamps": [], "Values": [], "Messages": [message]}]


@dataclass(frozen=True, slots=True)
class Stamps(Results):
    """Its timestamps are wrong: `unsorted`, `duplicate`, `misaligned` (by 7 s) or `outside` (ten years early)."""

    wrong: str = "unsorted"

    def changed(self, result: Document) -> list[Document]:
        """The result with wrong timestamps, as many as before."""
        stamps = result["Timestamps"]
        return [result | {"Timestamps": _WRONG[self.wrong](stamps)}] if stamps else [result]


_WRONG: Mapping[str, Callable[[list[float]], list[float]]] = {
    "unsorted": lambda stamps: [*stamps[1:], stamps[0]],
    "duplicate": lambda stamps: [*stamps[:1], *stamps[:-1]],
    "misaligned": lambda stamps: [stamp + 7 for stamp in stamps],
    "outside": lambda stamps: [stamp - 315_360_000 for stamp in stamps],
}


@dataclass(frozen=True, slots=True)
class Messages(Effect):
    """The whole answer carries a message: CloudWatch did what it could, and that may not be all."""

    code: str = "MaxMetricsExceeded"
    value: str = "Maximum number of allowed metrics exceeded"

    def on_document(self, document: Document, call: Call) -> Document:
        """The document with the message."""
        del call
        return document | {"Messages": [{"Code": self.code, "Value": self.value}]}


def _empty(query: Asked) -> Document:
    return {"Id": query.id, "Label": query.name, "Timestamps": [], "Values": [], "StatusCode": "Complete"}
