"""Which series the entries of a config mean, among metrics that were listed or are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cwarchive.core.path import Bound
from cwarchive.core.series import Cell, Metric
from cwarchive.core.spec import Dimensions, Exclusion, MetricSpec, Pattern


@dataclass(frozen=True, slots=True)
class Selected:
    """One statistic of one metric that an entry selects."""

    spec: MetricSpec
    bound: Bound


def in_cell(spec: MetricSpec, cell: Cell) -> bool:
    """Whether an entry looks at `cell`."""
    return cell.account in spec.accounts and cell.region in spec.regions


def cells(specs: Iterable[MetricSpec]) -> tuple[Cell, ...]:
    """Every cell that an entry looks at, in the order of the entries."""
    named = (Cell(account, region) for spec in specs for account in spec.accounts for region in spec.regions)
    return tuple(dict.fromkeys(named))


def selects(spec: MetricSpec, metric: Metric) -> bool:
    """Whether an entry means `metric`: namespace, name, exact dimension names, values, and no exclusion."""
    return (
        spec.namespace == metric.namespace
        and _any(spec.metrics, metric.name)
        and (spec.dimensions is None or _exactly(spec.dimensions, metric))
        and not any(_excluded(exclusion, metric) for exclusion in spec.exclude)
    )


def selection(specs: Sequence[MetricSpec], metrics: Iterable[Metric]) -> Iterator[Selected]:
    """Every series that `specs` select; two entries that select one series make one, as the first of them says.

    The same statistic at another period is another series only where the path tells the periods apart.
    """
    for metric in metrics:
        seen: set[tuple[str, int | None]] = set()
        for spec in specs:
            if not selects(spec, metric):
                continue
            told, period = "{period}" in spec.template, spec.rhythm(metric.name).period
            for statistic in spec.statistics:
                marks = {(statistic, period), (statistic, period if told else None)}
                if seen.isdisjoint(marks):
                    seen |= marks
                    yield Selected(spec, Bound(metric, statistic, period))


def _any(patterns: Sequence[Pattern], value: str) -> bool:
    return not patterns or any(pattern.matches(value) for pattern in patterns)


def _exactly(wanted: Dimensions, metric: Metric) -> bool:
    if len(wanted) != len(metric.dimensions):
        return False
    pairs = zip(wanted, metric.dimensions, strict=True)
    return all(name == own and _any(patterns, value) for (name, patterns), (own, value) in pairs)


def _excluded(exclusion: Exclusion, metric: Metric) -> bool:
    own = dict(metric.dimensions)
    return _any(exclusion.metrics, metric.name) and all(
        name in own and _any(patterns, own[name]) for name, patterns in exclusion.dimensions
    )
