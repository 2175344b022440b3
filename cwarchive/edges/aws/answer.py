"""Whether what CloudWatch sent is an answer: the checks of a 200 body, and pages merged into columns.

botocore turns a 200 that is cut short, empty or no JSON into an empty dictionary, so nothing counts as "no data" here
unless CloudWatch said so for that very query.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from itertools import islice
from operator import lt
from typing import Any

import orjson

from cwarchive.core.batch import Request
from cwarchive.core.line import finite
from cwarchive.core.ports import Unanswered
from cwarchive.core.series import NO_DATAPOINTS, Cell, Datapoints, Metric
from cwarchive.core.window import ceil
from cwarchive.errors import SourceError

RESULTS = "MetricDataResults"
METRICS = "Metrics"

_NUMBERS = frozenset((int, float))
_INCOMPLETE = ("exceeded", "too complex", "dropped")
"""What a message about one result says where its status alone would not tell that datapoints are missing."""


def document(headers: Mapping[str, str], body: bytes, key: str) -> dict[str, Any]:
    """The JSON object of a 200 body that has the list `key`; raises SourceError for anything else."""
    length = headers.get("content-length")
    if length is not None and length.strip() != str(len(body)):
        raise SourceError(f"CloudWatch's answer was cut short: {len(body)} bytes came, {told(length)} were announced")
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceError(f"CloudWatch's answer of {len(body)} bytes is not JSON") from error
    if not isinstance(parsed, dict):
        raise SourceError("CloudWatch's answer is not a JSON object")
    listed(parsed, key)
    return parsed


def listed(source: Mapping[str, Any], key: str) -> list[Any]:
    """The list that CloudWatch must send under `key`; raises SourceError where it did not."""
    found = source.get(key)
    if not isinstance(found, list):
        raise SourceError(f"CloudWatch's answer holds no list of {key}")
    return found


def told(text: object) -> str:
    """What somebody else wrote, fit for one line of a message."""
    line = " ".join(str(text)[:600].split())
    return line if len(line) <= 200 else line[:197] + "..."


def answered_at(headers: Mapping[str, str]) -> int | None:
    """The Date header in epoch seconds; None where AWS did not say, or not in a form that HTTP allows."""
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return int(date.replace(tzinfo=date.tzinfo or UTC).timestamp())


class Tokens:
    """The page tokens of one call: each must be new, and the pages must end."""

    def __init__(self, most: int) -> None:
        """At most so many pages."""
        self._most = most
        self._met: set[str] = set()

    def following(self, page: Mapping[str, Any]) -> str | None:
        """The token of the page after `page`, None after the last; raises SourceError where pages would not end."""
        token = page.get("NextToken")
        if token is None or token == "":
            return None
        if not isinstance(token, str):
            raise SourceError("CloudWatch's answer names its next page by something that is not text")
        if token in self._met:
            raise SourceError("CloudWatch's pages go round in circles: a page token came twice")
        self._met.add(token)
        if len(self._met) >= self._most:
            raise SourceError(f"CloudWatch's answer has not ended after {self._most:,} pages")
        return token


def metrics(page: Mapping[str, Any], cell: Cell, namespace: str) -> list[Metric]:
    """The metrics on a page of ListMetrics; raises SourceError unless each is one, and of `namespace`."""
    try:
        found = [
            Metric(
                cell,
                _text(metric["Namespace"]),
                _text(metric["MetricName"]),
                tuple(sorted((_text(d["Name"]), _text(d["Value"])) for d in _dimensions(metric))),
            )
            for metric in listed(page, METRICS)
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"CloudWatch's list of {namespace} holds something that is not a metric") from error
    if foreign := next((metric for metric in found if metric.namespace != namespace), None):
        raise SourceError(f"CloudWatch's list of {namespace} holds a metric of {told(foreign.namespace)}")
    return found


def _dimensions(metric: Mapping[str, Any]) -> list[Any]:
    return [] if metric.get("Dimensions") is None else listed(metric, "Dimensions")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


class Merge:
    """The pages of one answer by query, and in the end its columns; the Ids are m0, m1, ... in the request's order."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._gathered: dict[str, _Gathered | None] = {f"m{n}": None for n in range(len(request.queries))}
        window, period = request.window, request.period
        self._grid = list(range(ceil(window.start, period), window.end, period))

    def add(self, page: Mapping[str, Any]) -> None:
        """Take in a page; raises SourceError where its shape is wrong or it says that it is not the whole answer.

        Any message about the whole call is taken to say so: in such a case, says the API reference of GetMetricData,
        as much of the operation as possible is still executed.
        """
        if messages := page.get("Messages"):
            raise SourceError(f"CloudWatch did not answer in full: {_message(messages)}")
        for result in listed(page, RESULTS):
            self._take(result)

    def _take(self, result: object) -> None:
        if not isinstance(result, dict):
            raise SourceError("CloudWatch's answer holds a result that is not a JSON object")
        name = result.get("Id")
        if not isinstance(name, str) or name not in self._gathered:
            raise SourceError(f"CloudWatch answered a query that was not asked ({told(name)})")
        gathered = self._gathered[name]
        if gathered is None:
            self._gathered[name] = gathered = _Gathered()
        gathered.take(result)

    def columns(self) -> tuple[Datapoints | Unanswered, ...]:
        """One column pair, or the reason against it, for each query; raises SourceError where one is missing."""
        missing = sum(gathered is None for gathered in self._gathered.values())
        if missing:
            raise SourceError(f"CloudWatch left out {missing} of {len(self._gathered)} queries")
        return tuple(self._series(gathered) for gathered in self._gathered.values() if gathered)

    def _series(self, gathered: _Gathered) -> Datapoints | Unanswered:
        if fault := gathered.fault or self._fault(gathered.timestamps, gathered.values):
            return Unanswered(fault)
        if not gathered.timestamps:
            return NO_DATAPOINTS
        if gathered.timestamps == self._grid:
            return Datapoints(self._grid, gathered.values)
        return Datapoints(list(map(int, gathered.timestamps)), gathered.values)

    def _fault(self, timestamps: list[Any], values: list[Any]) -> str:
        if len(timestamps) != len(values):
            return f"CloudWatch sent {len(timestamps)} times with {len(values)} values"
        if not finite(values):
            return "CloudWatch sent a value that is not a finite number"
        # A series without holes, the usual one, is settled by one comparison.
        return "" if timestamps == self._grid else self._fault_of_times(timestamps)

    def _fault_of_times(self, timestamps: list[Any]) -> str:
        if not _NUMBERS.issuperset(map(type, timestamps)):
            return "CloudWatch sent a time that is not a number"
        if not self._slots.issuperset(timestamps):
            window = self._request.window
            return f"CloudWatch sent a time off the {self._request.period} s grid of [{window.start}, {window.end})"
        if not all(map(lt, timestamps, islice(timestamps, 1, None))):
            return "CloudWatch sent times that do not ascend"
        return ""

    @cached_property
    def _slots(self) -> frozenset[int]:
        return frozenset(self._grid)


class _Gathered:
    """What the pages so far said of one query: the last status counts, the columns join."""

    def __init__(self) -> None:
        self.timestamps: list[Any] = []
        self.values: list[Any] = []
        self._status: object = None
        self._messages: object = None
        self._shapeless = False

    def take(self, result: Mapping[str, Any]) -> None:
        """Join what one page says."""
        self._status = result.get("StatusCode")
        self._messages = result.get("Messages") or self._messages
        timestamps, values = _column(result.get("Timestamps")), _column(result.get("Values"))
        if timestamps is None or values is None:
            self._shapeless = True
            return
        if timestamps and isinstance(timestamps[0], datetime):
            timestamps = list(map(_epoch, timestamps))
        if self.timestamps or self.values:
            self.timestamps += timestamps
            self.values += values
        else:
            self.timestamps, self.values = timestamps, values

    @property
    def fault(self) -> str:
        """Why this is not the whole series, as far as CloudWatch says so itself; empty if it does not."""
        if self._status != "Complete":
            message = f" ({_message(self._messages)})" if self._messages else ""
            return f"CloudWatch answered {told(self._status or 'without a status')}{message}"
        if self._messages and any(sign in _message(self._messages).lower() for sign in _INCOMPLETE):
            return f"CloudWatch did not answer in full: {_message(self._messages)}"
        return "CloudWatch sent something that is not a column of datapoints" if self._shapeless else ""


def _column(found: object) -> list[Any] | None:
    """The list, empty where there is none, None where there is something else."""
    if found is None:
        return []
    return found if isinstance(found, list) else None


def _epoch(timestamp: object) -> object:
    """Epoch seconds of a time that botocore parsed; anything else, and a time without zone, stays and is refused."""
    return timestamp.timestamp() if isinstance(timestamp, datetime) and timestamp.tzinfo else timestamp


def _message(messages: object) -> str:
    first = messages[0] if isinstance(messages, list) else messages
    if not isinstance(first, dict):
        return told(first)
    return told(": ".join(str(first[key]) for key in ("Code", "Value") if first.get(key)))
