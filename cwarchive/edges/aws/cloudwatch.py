"""CloudWatch in one cell: what is listed, and what GetMetricData answers, whole or not at all."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cwarchive.core.batch import Request
from cwarchive.core.ports import Answer
from cwarchive.core.series import Cell, Metric
from cwarchive.edges.aws.answer import Merge, Tokens, answered_at, metrics
from cwarchive.edges.aws.deadline import OutOfTime, within
from cwarchive.edges.aws.quotas import Quotas
from cwarchive.edges.aws.translation import NO_REGION, translated, without_client
from cwarchive.errors import AccessError, ClockError, CwarchiveError, Unreachable

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

CLOCK_TOLERANCE = 300
"""Seconds by which the local clock and the Date of AWS's answers may differ."""
PAGES = 1_000
LISTED_PAGES = 20_000
"""Ten million metrics, at 500 a page."""

_log = logging.getLogger(__name__)


def ambient_region() -> str:
    """The region that environment or profile name; raises AccessError where they name none."""
    from cwarchive.edges.aws import connection

    try:
        region = connection.region_in_use()
    except Exception as error:
        raise without_client(error, Cell("", "the ambient region")) from error
    if not region:
        raise AccessError(NO_REGION)
    return region


class CloudWatch:
    """A `Source` for one cell; fetch and discover may be called from several threads."""

    def __init__(
        self,
        cell: Cell,
        *,
        requests_per_second: float,
        datapoints_per_second: float | None,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] | None = None,
        attempts: int = 8,
        deadline: float = 300.0,
    ) -> None:
        """Make the client, without asking AWS; raises AccessError where region or profile are not to be had.

        Rates are those of AWS's quotas (datapoints None: 80 % of both); `clock` and `sleep` pace the calls; `now`, in
        epoch seconds, tells how wrong a clock is that AWS refuses; `attempts` counts the tries of one call, `deadline`
        the seconds of one fetch and of one page of a listing.
        """
        self._cell = cell
        self._place = Cell(cell.account, cell.region or ambient_region())
        self._quotas = Quotas(requests_per_second, datapoints_per_second, clock, sleep)
        self._clock = clock
        self._now = now
        self._deadline = deadline
        self._answered: int | None = None
        self._told_slow = threading.Event()
        self.client = self._connected(threads, attempts)

    def _connected(self, threads: int, attempts: int) -> CloudWatchClient:
        from cwarchive.edges.aws import connection

        self._document = connection.DOCUMENT
        try:
            return connection.client(self._place.region, threads, attempts)
        except Exception as error:
            raise without_client(error, self._place) from error

    def discover(self, namespaces: Collection[str]) -> Iterator[Metric]:
        """Yield every metric listed in `namespaces`, page by page; raises AccessError, Unreachable or SourceError."""
        for namespace in namespaces:
            for page in self._listing(namespace):
                yield from metrics(page, self._cell, namespace)

    def _listing(self, namespace: str) -> Iterator[Mapping[str, Any]]:
        tokens = Tokens(LISTED_PAGES)
        asked: dict[str, Any] = {"Namespace": namespace}
        more = True
        while more:
            self._quotas.before_listing()
            page, date = self._call("ListMetrics", self.client.list_metrics, asked, self._clock() + self._deadline)
            self._check_time(date)
            yield page
            asked["NextToken"] = tokens.following(page)
            more = asked["NextToken"] is not None

    def _check_time(self, date: int | None) -> None:
        """Before a discovery counts: under a wrong clock an archive would begin at a wrong time."""
        if self._now is None or date is None:
            return
        ahead = self._now() - date
        if abs(ahead) > CLOCK_TOLERANCE:
            which = "ahead of" if ahead > 0 else "behind"
            raise ClockError(f"the clock is {abs(ahead):.0f} s {which} AWS's; nothing was asked; set it right")

    def fetch(self, request: Request) -> Answer:
        """Answer `request` whole, as `Source.fetch` promises; waits for the quotas first."""
        self._quotas.before_datapoints(request, self._answered)
        tokens = Tokens(PAGES)
        merge = Merge(request)
        asked = _parameters(request)
        ends = self._clock() + self._deadline
        calls, more = 0, True
        while more:
            self._quotas.before_request()
            page, date = self._call("GetMetricData", self.client.get_metric_data, asked, ends)
            calls += 1
            merge.add(page)
            asked["NextToken"] = tokens.following(page)
            more = asked["NextToken"] is not None
        self._answered = date or self._answered
        return Answer(merge.columns(), date, calls)

    def _call(
        self, operation: str, method: Callable[..., Any], asked: Mapping[str, Any], ends: float
    ) -> tuple[Mapping[str, Any], int | None]:
        """The document of one page and when AWS sent it; `ends` is when the steady clock strikes the deadline."""
        try:
            response = within(ends - self._clock(), lambda: method(**asked))
        except CwarchiveError:
            raise
        except OutOfTime as error:
            sentence = f"AWS had not finished its answer to {operation} in {self._place} after {self._deadline:.0f} s"
            raise Unreachable(sentence) from error
        except Exception as error:
            raise translated(error, f"cloudwatch:{operation}", self._place, self._now and self._now()) from error
        date = answered_at(response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
        if self._document in response:
            return response[self._document], date
        self._tell_slow(operation)
        return response, date

    def _tell_slow(self, operation: str) -> None:
        if not self._told_slow.is_set():
            self._told_slow.set()
            _log.warning(
                "this version of botocore does not let cwarchive decode %s: answers are still checked, but reading"
                " them takes many times the CPU time; please report the version of botocore",
                operation,
            )


def _parameters(request: Request) -> dict[str, Any]:
    """The parameters of GetMetricData, as the API reference names them."""
    return {
        "MetricDataQueries": [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": query.metric.namespace,
                        "MetricName": query.metric.name,
                        "Dimensions": [{"Name": name, "Value": value} for name, value in query.metric.dimensions],
                    },
                    "Period": request.period,
                    "Stat": query.statistic,
                },
            }
            for number, query in enumerate(request.queries)
        ],
        "StartTime": datetime.fromtimestamp(request.window.start, UTC),
        "EndTime": datetime.fromtimestamp(request.window.end, UTC),
        "ScanBy": "TimestampAscending",
    }
