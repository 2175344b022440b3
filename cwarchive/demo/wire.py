"""What GetMetricData and ListMetrics answer to a JSON document: validation, rounding, retention, pages.

Source: the CloudWatch API reference, and the behaviour that its users report: StartTime is rounded down by its age,
timestamps count from it, EndTime is exclusive, and a period that is too fine for its age answers nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from cwarchive.core.batch import DATAPOINTS, QUERIES, STATISTICS_BILLED_AS_ONE
from cwarchive.core.retention import DAY, HOUR, TIERS
from cwarchive.core.series import NO_DATAPOINTS, Datapoints
from cwarchive.core.statistic import is_statistic
from cwarchive.core.window import floor, window
from cwarchive.demo.account import Account
from cwarchive.demo.simulated import Simulated

Document = dict[str, Any]
"""A JSON object on the wire."""

LISTED_PER_PAGE = 500
SUB_MINUTE = (1, 5, 10, 20, 30)

_ID = re.compile(r"[a-z][A-Za-z0-9_]{0,254}\Z")


class RejectedError(Exception):
    """The answer is an error: `code` as the query protocol names it, and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Asked:
    """One MetricDataQuery."""

    id: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period: int
    unit: str | None = None
    returned: bool = True


@dataclass(frozen=True, slots=True)
class DataRequest:
    """One GetMetricData request as asked: epoch seconds before any rounding, `most` datapoints on a page."""

    queries: tuple[Asked, ...]
    start: int
    end: int
    descending: bool
    most: int
    token: str | None

    @property
    def fingerprint(self) -> str:
        """What a NextToken is bound to: everything but the token itself."""
        asked = repr((self.queries, self.start, self.end, self.descending, self.most))
        return hashlib.blake2s(asked.encode(), digest_size=8).hexdigest()

    @property
    def billed(self) -> int:
        """Metrics as AWS bills them: up to five statistics of one metric are one."""
        statistics = Counter((query.namespace, query.name, query.dimensions) for query in self.queries)
        return sum(-(-count // STATISTICS_BILLED_AS_ONE) for count in statistics.values())


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a page begins: at this datapoint of this query, as everything stood at `now`."""

    now: int
    query: int = 0
    offset: int = 0


def read_request(document: Mapping[str, Any]) -> DataRequest:
    """The request in `document`; raises RejectedError with code ValidationError, as AWS does."""
    queries = tuple(_asked(query, ordinal) for ordinal, query in enumerate(_queries(document), 1))
    _check_ids(queries)
    start, end = (_seconds(document, key) for key in ("StartTime", "EndTime"))
    if start >= end:
        raise _invalid("The parameter StartTime must be less than the parameter EndTime.")
    most, scan = document.get("MaxDatapoints", DATAPOINTS), document.get("ScanBy", "TimestampDescending")
    if not isinstance(most, int) or not 1 <= most <= DATAPOINTS:
        raise _invalid(f"The value {most} for parameter MaxDatapoints must be between 1 and {DATAPOINTS}.")
    if scan not in {"TimestampDescending", "TimestampAscending"}:
        raise _invalid(f"The value {scan} for parameter ScanBy is not supported.")
    return DataRequest(queries, start, end, scan == "TimestampDescending", most, document.get("NextToken"))


def answer(account: Account, request: DataRequest, now: int) -> Document:
    """One page; raises RejectedError with code InvalidNextToken for a token of no or of another request."""
    position = _Position(now) if request.token is None else _position(request)
    results: list[Document] = []
    room, offset = request.most, position.offset
    for ordinal in range(position.query, len(request.queries)):
        query = request.queries[ordinal]
        if not query.returned:
            continue
        stamps, values = _column(account, query, request, position.now)
        end = min(len(stamps), offset + room)
        whole = end == len(stamps)
        if whole or end > offset:
            results.append(_result(query, stamps[offset:end], values[offset:end], whole=whole))
        if not whole:
            return _page(results, _token(request, _Position(position.now, ordinal, end)))
        room, offset = room - (end - offset), 0
    return _page(results, None)


def idle_token(request: DataRequest, now: int, nonce: int) -> str:
    """A token that is accepted and leads to a page without datapoints; another `nonce` makes another token."""
    return _token(request, _Position(now, len(request.queries), nonce))


class Listings:
    """ListMetrics, 500 metrics a page; a NextToken works once, and only for the filters it was given for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rest: dict[str, tuple[str, list[Simulated], int]] = {}
        self._issued = 0

    def answer(self, account: Account, document: Mapping[str, Any], now: int) -> Document:
        """One page; raises RejectedError with code InvalidParameterValue."""
        filters = {key: value for key, value in document.items() if key != "NextToken"}
        asked = json.dumps(filters, sort_keys=True)
        with self._lock:
            if "NextToken" in document:
                listed, start = self._resumed(str(document["NextToken"]), asked)
            else:
                listed, start = list(_matching(account, filters, now)), 0
            end = start + LISTED_PER_PAGE
            page: Document = {"Metrics": [_listed(metric) for metric in listed[start:end]]}
            return page if end >= len(listed) else page | {"NextToken": self._issue(asked, listed, end)}

    def _resumed(self, token: str, asked: str) -> tuple[list[Simulated], int]:
        issued_for, listed, start = self._rest.pop(token, ("", [], 0))
        if issued_for != asked:
            raise RejectedError("InvalidParameterValue", "The next token specified is invalid.")
        return listed, start

    def _issue(self, asked: str, listed: list[Simulated], start: int) -> str:
        self._issued += 1
        token = hashlib.blake2s(f"{self._issued} {asked}".encode()).hexdigest()
        self._rest[token] = (asked, listed, start)
        return token


def _invalid(message: str) -> RejectedError:
    return RejectedError("ValidationError", message)


def _queries(document: Mapping[str, Any]) -> list[Document]:
    queries = document.get("MetricDataQueries")
    if not isinstance(queries, list) or not queries:
        raise _invalid("The parameter MetricDataQueries is required.")
    if len(queries) > QUERIES:
        raise _invalid(f"The collection MetricDataQueries must not have a size greater than {QUERIES}.")
    return queries


def _asked(query: Document, ordinal: int) -> Asked:
    where = f"MetricDataQueries.member.{ordinal}"
    identifier, stat = str(query.get("Id", "")), query.get("MetricStat")
    if not _ID.match(identifier):
        raise _invalid(f'The value "{identifier}" for {where}.Id is not matching the expression [a-z][A-Za-z0-9_]*.')
    if not isinstance(stat, dict):
        raise _invalid(f"{where} has no MetricStat; this account answers no expressions.")
    metric, period, statistic = stat.get("Metric", {}), stat.get("Period"), str(stat.get("Stat", ""))
    if not (period in SUB_MINUTE or (isinstance(period, int) and period % 60 == 0 and 0 < period <= DAY)):
        raise _invalid(f"The value {period} for {where}.MetricStat.Period is not 1, 5, 10, 20, 30 or a multiple of 60.")
    if not is_statistic(statistic):
        raise _invalid(f"The value {statistic} for {where}.MetricStat.Stat is not a valid statistic.")
    dimensions = sorted((pair["Name"], pair["Value"]) for pair in metric.get("Dimensions", ()))
    return Asked(
        identifier,
        str(metric.get("Namespace", "")),
        str(metric.get("MetricName", "")),
        tuple(dimensions),
        statistic,
        period,
        stat.get("Unit"),
        query.get("ReturnData", True) is not False,
    )


def _check_ids(queries: tuple[Asked, ...]) -> None:
    identifier, count = Counter(query.id for query in queries).most_common(1)[0]
    if count > 1:
        raise _invalid(f"The values for parameter Id in MetricDataQueries are not unique: {identifier}.")


def _seconds(document: Mapping[str, Any], key: str) -> int:
    value = document.get(key)
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise _invalid(f"The parameter {key} is required.")
    return math.floor(value)


def _column(account: Account, query: Asked, request: DataRequest, now: int) -> Datapoints:
    """The datapoints of one query, in the order asked; none where its period is too fine for its age."""
    metric = account.find(query)
    age = now - request.start
    finest = next((step for step, kept in TIERS if age <= kept), TIERS[-1][0])
    span = window(floor(request.start, _rounding(age, query.period)), floor(request.end, min(query.period, 60)))
    if metric is None or span is None or query.period % finest:
        return NO_DATAPOINTS
    if query.unit not in {None, metric.unit}:
        return NO_DATAPOINTS
    stamps, values = account.truth(query, query.statistic, query.period, span, now)
    return Datapoints(stamps[::-1], values[::-1]) if request.descending else Datapoints(stamps, values)


def _rounding(age: int, period: int) -> int:
    """Seconds to a multiple of which StartTime is rounded down."""
    if age <= 3 * HOUR and period < 60:
        return period
    return 60 if age < 15 * DAY else 300 if age <= 63 * DAY else HOUR


def _result(query: Asked, stamps: list[int], values: list[float], *, whole: bool) -> Document:
    return {
        "Id": query.id,
        "Label": query.name,
        "Timestamps": list(map(float, stamps)),
        "Values": values,
        "StatusCode": "Complete" if whole else "PartialData",
    }


def _page(results: list[Document], token: str | None) -> Document:
    page: Document = {"Messages": [], "MetricDataResults": results}
    return page if token is None else page | {"NextToken": token}


def _token(request: DataRequest, position: _Position) -> str:
    content = f"{request.fingerprint} {position.now} {position.query} {position.offset}"
    return base64.urlsafe_b64encode(content.encode()).decode()


def _position(request: DataRequest) -> _Position:
    try:
        fingerprint, *numbers = base64.urlsafe_b64decode(str(request.token)).decode().split()
        now, query, offset = map(int, numbers)
    except (ValueError, binascii.Error) as error:
        raise RejectedError("InvalidNextToken", "The next token specified is invalid.") from error
    if fingerprint != request.fingerprint:
        raise RejectedError("InvalidNextToken", "The next token belongs to another request.")
    return _Position(now, query, offset)


def _matching(account: Account, filters: Mapping[str, Any], now: int) -> Iterator[Simulated]:
    recent = filters.get("RecentlyActive")
    if recent not in {None, "PT3H"}:
        raise RejectedError("InvalidParameterValue", f"The value {recent} for parameter RecentlyActive is not PT3H.")
    wanted = [(pair["Name"], pair.get("Value")) for pair in filters.get("Dimensions", ())]
    since = now - 3 * HOUR if recent else 0
    return (
        metric
        for metric in account.listed(now)
        if filters.get("Namespace") in {None, metric.namespace}
        and filters.get("MetricName") in {None, metric.name}
        and all(_has(metric, name, value) for name, value in wanted)
        and (not since or (account.last_seen(metric, now) or 0) >= since)
    )


def _has(metric: Simulated, name: str, value: str | None) -> bool:
    return any(name == own and value in {None, held} for own, held in metric.dimensions)


def _listed(metric: Simulated) -> Document:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
