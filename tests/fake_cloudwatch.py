"""CloudWatch in a test: what a simulated account answers, with trouble on demand, under the contract of `Source`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from threading import Lock

from cwarchive.core.batch import Query, Request
from cwarchive.core.ports import Answer, Unanswered
from cwarchive.core.retention import kept_for
from cwarchive.core.series import NO_DATAPOINTS, Cell, Datapoints, Metric
from cwarchive.demo.account import Account
from cwarchive.errors import AccessError, ClockError, SourceError

DATAPOINTS_A_PAGE = 100_800

Trouble = Callable[[Request], BaseException | None]
"""Which error a request meets, if any."""


class FakeCloudWatch:
    """One cell behind the port `Source`, at the time that `clock` tells; `requests` and `listings` are its ledger.

    Set `listing_fails` and no listing reaches its end; set `trouble` and it decides which requests fail; a series whose
    metric contains a text of `unanswered` (text -> reason) is left out of answers; `date_off` is by how many seconds
    CloudWatch's own clock is ahead.
    """

    def __init__(self, account: Account, clock: Callable[[], int], cell: Cell) -> None:
        self.account = account
        self.requests: list[Request] = []
        self.listings: list[tuple[str, ...]] = []
        self.listing_fails: SourceError | AccessError | ClockError | None = None
        self.trouble: Trouble = nothing
        self.unanswered: Mapping[str, str] = {}
        self.date_off = 0
        self._clock, self._cell = clock, cell
        self._lock = Lock()

    def discover(self, namespaces: Collection[str]) -> Iterator[Metric]:
        self.listings.append(tuple(namespaces))
        for namespace in namespaces:
            for listed in self.account.listed(self._clock()):
                if listed.namespace == namespace:
                    yield Metric(self._cell, namespace, listed.name, listed.dimensions)
        if self.listing_fails is not None:
            raise self.listing_fails

    def fetch(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            error = self.trouble(request)
            if error is not None:
                raise error
            now = self._clock()
            columns = tuple(self._column(query, request, now) for query in request.queries)
        found = sum(len(column.timestamps) for column in columns if isinstance(column, Datapoints))
        return Answer(columns, now + self.date_off, calls=max(1, -(-found // DATAPOINTS_A_PAGE)))

    def asked(self, text: str) -> list[Request]:
        """The requests that name a metric which contains `text`."""
        return [request for request in self.requests if names(request, text)]

    def _column(self, query: Query, request: Request, now: int) -> Datapoints | Unanswered:
        for text, reason in self.unanswered.items():
            if text in str(query.metric):
                return Unanswered(reason)
        if now - request.window.start > kept_for(request.period):
            return NO_DATAPOINTS
        return self.account.truth(query.metric, query.statistic, request.period, request.window, now)


def nothing(request: Request) -> None:
    """No trouble."""


def always(error: BaseException) -> Trouble:
    """Every request fails."""
    return lambda request: error


def naming(text: str, error: BaseException) -> Trouble:
    """Every request fails that names a metric which contains `text`."""
    return lambda request: error if names(request, text) else None


def in_turn(*errors: BaseException | None) -> Trouble:
    """The first request meets the first of `errors`, and so on; those that come after them meet none."""
    left = iter(errors)
    return lambda request: next(left, None)


def names(request: Request, text: str) -> bool:
    return any(text in str(query.metric) for query in request.queries)
