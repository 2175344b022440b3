"""Values of the core with a default for everything but the point of the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cwarchive.core.batch import Batch, Piece, Query, Request
from cwarchive.core.checkpoint import Checkpoint, Cut, Gap, Tracked
from cwarchive.core.path import Bound
from cwarchive.core.plan import Ask, SeriesPlan, Timing
from cwarchive.core.series import Cell, Metric, Series
from cwarchive.core.spec import Dimensions, Exclusion, MetricSpec, Pattern
from cwarchive.core.window import Window

NOW = 1_750_000_000
"""2025-06-15 15:06:40 UTC: 400 s past an hour, on no grid coarser than 20 s."""

HOURLY = Timing(settle=600, lookback=3 * 3_600)
CELL = Cell("", "eu-west-1")


def a_metric(
    name: str = "CPUUtilization",
    dimensions: Mapping[str, str] | Sequence[tuple[str, str]] = (("InstanceId", "i-0abc"),),
    *,
    namespace: str = "AWS/EC2",
    cell: Cell = CELL,
) -> Metric:
    pairs = dimensions.items() if isinstance(dimensions, Mapping) else dimensions
    return Metric(cell, namespace, name, tuple(sorted(pairs)))


def a_bound(metric: Metric | None = None, statistic: str = "Average", period: int = 60) -> Bound:
    return Bound(metric or a_metric(), statistic, period)


def a_series(
    metric: Metric | None = None, statistic: str = "Average", period: int = 60, path: str = "cloudwatch.a.Average"
) -> Series:
    return Series(metric or a_metric(), statistic, period, path)


def a_checkpoint(
    mark: int = NOW - NOW % 3_600 - 3_600,
    *,
    since: int | None = None,
    verified: int | None = None,
    committed: int | None = None,
) -> Checkpoint:
    """Everything verified up to the mark and nothing announced beyond it, unless told; `since` is a day before."""
    proven = mark if verified is None else verified
    return Checkpoint(
        since=min(mark - 86_400, proven) if since is None else since,
        mark=mark,
        verified=proven,
        committed=mark if committed is None else committed,
    )


def a_tracked(
    checkpoint: Checkpoint | None = None,
    *,
    series: Series | None = None,
    period: int = 60,
    cuts: tuple[Cut, ...] = (),
    id: int = 1,  # noqa: A002  the field's name
    failed: bool = False,
) -> Tracked:
    return Tracked(id, series or a_series(period=period), checkpoint or a_checkpoint(), cuts, failed)


def a_window(start: int = NOW - NOW % 3_600, seconds: int = 3_600) -> Window:
    return Window(start, start + seconds)


def an_ask(window: Window | None = None, period: int = 60, *, covers: Window | None = None, loses: bool = False) -> Ask:
    asked = window or a_window()
    return Ask(asked, period, covers or asked, send_from=asked.start, loses=loses)


def a_piece(
    metric: Metric | None = None, statistic: str = "Average", ask: Ask | None = None, *, number: int = 1
) -> Piece:
    asked = ask or an_ask()
    return Piece(a_tracked(series=a_series(metric, statistic, asked.period), id=number), asked)


def a_batch(*pieces: Piece) -> Batch:
    return Batch(pieces or (a_piece(),))


def a_series_plan(
    tracked: Tracked | None = None, asks: Sequence[Ask] = (), *, gaps: Sequence[Gap] = (), danger: int = 1_000_000
) -> SeriesPlan:
    return SeriesPlan(tracked or a_tracked(), tuple(asks), tuple(gaps), danger)


def a_request(*queries: tuple[Metric, str], window: Window | None = None, period: int = 60) -> Request:
    named = tuple(Query(metric, statistic) for metric, statistic in queries or ((a_metric(), "Average"),))
    return Request(window or a_window(), period, named)


def patterns(*texts: str) -> tuple[Pattern, ...]:
    return tuple(Pattern(text) for text in texts)


def dimensions(wanted: Mapping[str, str | Sequence[str]]) -> Dimensions:
    """Dimension names with one pattern each, or several, as an entry of the list has them."""
    listed = ((name, (texts,) if isinstance(texts, str) else texts) for name, texts in sorted(wanted.items()))
    return tuple((name, patterns(*texts)) for name, texts in listed)


def an_exclusion(*metrics: str, wanted: Mapping[str, str | Sequence[str]] | None = None) -> Exclusion:
    return Exclusion(patterns(*metrics), dimensions(wanted or {}))


def a_spec(
    *metrics: str,
    namespace: str = "AWS/EC2",
    wanted: Mapping[str, str | Sequence[str]] | None = None,
    exclude: Sequence[Exclusion] = (),
    statistics: Sequence[str] = ("Average",),
    period: int = 60,
    every: int = 3_600,
    settle: int = 600,
    lookback: int = 3 * 3_600,
    initial_lookback: int = 86_400,
    prefix: str = "cloudwatch",
    template: str = "{region}.{namespace}.{dimensions}.{metric}.{statistic}",
    accounts: Sequence[str] = ("",),
    regions: Sequence[str] = ("eu-west-1",),
    label: str = "metrics[0]",
) -> MetricSpec:
    """An entry for these metric names (all, without any); `wanted` None means every dimension set."""
    return MetricSpec(
        label=label,
        namespace=namespace,
        metrics=patterns(*metrics),
        dimensions=None if wanted is None else dimensions(wanted),
        exclude=tuple(exclude),
        statistics=tuple(statistics),
        period=period,
        every=every,
        settle=settle,
        lookback=lookback,
        initial_lookback=initial_lookback,
        prefix=prefix,
        template=template,
        accounts=tuple(accounts),
        regions=tuple(regions),
    )
