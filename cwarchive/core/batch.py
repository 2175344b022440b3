"""How the windows that many series owe share GetMetricData requests.

AWS bills a metric, with up to five statistics, once for each request that names it, so the statistics of a metric stay
together and windows stay wide. Limits: GetMetricData in the CloudWatch API reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from cwarchive.core.checkpoint import Tracked
from cwarchive.core.plan import Ask, SeriesPlan
from cwarchive.core.series import Metric
from cwarchive.core.window import Window

QUERIES = 500
DATAPOINTS = 100_800
STATISTICS_BILLED_AS_ONE = 5


@dataclass(frozen=True, slots=True)
class Query:
    """One statistic of one metric in a request."""

    metric: Metric
    statistic: str


@dataclass(frozen=True, slots=True)
class Request:
    """What one GetMetricData call (all its pages) asks: every query over one window at one period."""

    window: Window
    period: int
    queries: tuple[Query, ...]

    @property
    def datapoints(self) -> int:
        """Datapoints as CloudWatch estimates them for its quota, whether they exist or not."""
        return len(self.queries) * self.window.slots(self.period)


@dataclass(frozen=True, slots=True)
class Piece:
    """One window of one series, on its way through a batch."""

    tracked: Tracked
    ask: Ask


@dataclass(frozen=True, slots=True)
class Batch:
    """Pieces with equal window and period that travel together."""

    pieces: tuple[Piece, ...]

    @property
    def request(self) -> Request:
        """The GetMetricData request for these pieces, in their order."""
        first = self.pieces[0].ask
        queries = tuple(Query(p.tracked.series.metric, p.tracked.series.statistic) for p in self.pieces)
        return Request(first.window, first.period, queries)

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches of about half the metrics each; only where there is more than one metric."""
        groups = [tuple(group) for _, group in groupby(self.pieces, key=_metric)]
        middle = len(groups) // 2
        return Batch(sum(groups[:middle], ())), Batch(sum(groups[middle:], ()))

    def first(self, billed: int) -> Batch | None:
        """The part at the beginning that bills at most so many metrics; None where that is nothing."""
        taken: list[Piece] = []
        for _, group in groupby(self.pieces, key=_metric):
            together = list(group)
            billed -= -(-len(together) // STATISTICS_BILLED_AS_ONE)
            if billed < 0:
                break
            taken += together
        return Batch(tuple(taken)) if taken else None

    @property
    def metrics(self) -> int:
        """How many metrics the batch asks, counted as neighbours."""
        return sum(1 for _ in groupby(self.pieces, key=_metric))


def batches(plans: Iterable[SeriesPlan]) -> Iterator[Batch]:
    """The asks of `plans` in batches, oldest danger first; the windows of one series stay in their order."""
    urgent = sorted(
        plans, key=lambda owed: (owed.danger, str(owed.tracked.series.metric), owed.tracked.series.statistic)
    )
    depth = max((len(owed.asks) for owed in urgent), default=0)
    for ordinal in range(depth):
        pieces = [Piece(owed.tracked, owed.asks[ordinal]) for owed in urgent if len(owed.asks) > ordinal]
        yield from _packed(pieces)


def _packed(pieces: Iterable[Piece]) -> Iterator[Batch]:
    """Pieces grouped by equal window and period, in the order in which the first of each group came."""
    groups: dict[tuple[Window, int], list[Piece]] = {}
    for piece in pieces:
        groups.setdefault((piece.ask.window, piece.ask.period), []).append(piece)
    for (window, period), members in groups.items():
        yield from _filled(members, window.slots(period))


def _filled(pieces: list[Piece], slots: int) -> Iterator[Batch]:
    room = max(1, min(QUERIES, DATAPOINTS // slots))
    batch: list[Piece] = []
    metrics: dict[Metric, list[Piece]] = {}
    for piece in pieces:
        metrics.setdefault(_metric(piece), []).append(piece)
    for together in metrics.values():
        while together:
            if batch and len(batch) + min(len(together), STATISTICS_BILLED_AS_ONE, room) > room:
                yield Batch(tuple(batch))
                batch = []
            taken = min(len(together), STATISTICS_BILLED_AS_ONE, room - len(batch))
            batch += together[:taken]
            together = together[taken:]
    if batch:
        yield Batch(tuple(batch))


def _metric(piece: Piece) -> Metric:
    return piece.tracked.series.metric
