"""How the simulated account sums up slots: the five basic statistics exactly, percentiles and their kin over samples.

Source of what they mean: "CloudWatch statistics definitions" in the CloudWatch user guide. Where the guide leaves the
interpolation open, the nearest rank is taken, so that the answer is exact.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, compress, pairwise
from operator import mul

from cwarchive.core.statistic import BASIC
from cwarchive.demo.simulated import Slots

Weighted = Sequence[tuple[float, int]]
"""Samples in ascending order, each with how often it occurs."""

Summary = Callable[[Weighted], float | None]
"""One number for the samples, or None where the statistic leaves no sample over."""

_SHORT = re.compile(r"\A(p|tm|wm|tc|ts)([\d.]+)\Z")
_RANGE = re.compile(r"\A(TM|WM|TC|TS|PR)\(([-\d.]*)(%?):([-\d.]*)(%?)\)\Z")


def summarised(columns: Slots, edges: Sequence[int], statistic: str, scale: float) -> Sequence[float | None]:
    """One value for the slots between each two edges, None where they hold no data."""
    if statistic not in BASIC:
        return _extended(columns, edges, statistic, scale)
    counts = _per_edge([weight * len(columns.samples) for weight in columns.weights], edges)
    if statistic == "SampleCount":
        return [float(count) if count else None for count in counts]
    if statistic in {"Minimum", "Maximum"}:
        return _extremes(columns, edges, min if statistic == "Minimum" else max, scale)
    totals = _per_edge(list(map(mul, columns.weights, _sums(columns.samples))), edges)
    if statistic == "Sum":
        return [total * scale if count else None for total, count in zip(totals, counts, strict=True)]
    return [total * scale / count if count else None for total, count in zip(totals, counts, strict=True)]


def _sums(samples: Sequence[Sequence[int]]) -> Iterable[int]:
    return samples[0] if len(samples) == 1 else map(sum, zip(*samples, strict=True))


def _per_edge(column: list[int], edges: Sequence[int]) -> list[int]:
    if edges == range(len(column) + 1):
        return column
    return [sum(column[first:last]) for first, last in pairwise(edges)]


def _extremes(
    columns: Slots, edges: Sequence[int], choose: Callable[[Iterable[int]], int], scale: float
) -> list[float | None]:
    each = [choose(samples) for samples in zip(*columns.samples, strict=True)]
    parts = (list(compress(each[first:last], columns.weights[first:last])) for first, last in pairwise(edges))
    return [choose(part) * scale if part else None for part in parts]


def _extended(columns: Slots, edges: Sequence[int], statistic: str, scale: float) -> list[float | None]:
    of = summary(statistic)
    parts = (_weighted(columns, first, last, scale) for first, last in pairwise(edges))
    return [of(part) if part else None for part in parts]


def _weighted(columns: Slots, first: int, last: int, scale: float) -> Weighted:
    weights = columns.weights[first:last]
    return sorted(
        (sample * scale, weight)
        for column in columns.samples
        for sample, weight in zip(column[first:last], weights, strict=True)
        if weight
    )


def summary(statistic: str) -> Summary:
    """The function behind an extended statistic that CloudWatch would take, such as `p99`, `TM(10%:90%)` or `IQM`."""
    if statistic == "IQM":
        return summary("TM(25%:75%)")
    if short := _SHORT.match(statistic):
        kind, percent = short[1], float(short[2])
        return (lambda samples: percentile(samples, percent)) if kind == "p" else _ranked(kind, 0.0, percent)
    if span := _RANGE.match(statistic):
        kind, low, low_percent, high, high_percent = span.groups()
        if low_percent or high_percent:
            return _ranked(kind.lower(), float(low or 0), float(high or 100))
        return _bounded(kind.lower(), float(low or -math.inf), float(high or math.inf))
    raise ValueError(f"not an extended statistic: {statistic!r}")


def percentile(samples: Weighted, percent: float) -> float:
    """The smallest sample that `percent` of all samples do not exceed."""
    rank = max(1, math.ceil(_count(samples) * percent / 100))
    reached = accumulate(weight for _, weight in samples)
    return next(value for (value, _), count in zip(samples, reached, strict=True) if count >= rank)


def _ranked(kind: str, low: float, high: float) -> Summary:
    def of(samples: Weighted) -> float | None:
        count = _count(samples)
        first, last = math.floor(count * low / 100), math.ceil(count * high / 100)
        return _of_kind(kind, samples, _between_ranks(samples, first, last))

    return of


def _bounded(kind: str, low: float, high: float) -> Summary:
    def of(samples: Weighted) -> float | None:
        return _of_kind(kind, samples, [(value, weight) for value, weight in samples if low < value <= high])

    return of


def _between_ranks(samples: Weighted, first: int, last: int) -> Weighted:
    kept: list[tuple[float, int]] = []
    passed = 0
    for value, weight in samples:
        within = min(passed + weight, last) - max(passed, first)
        if within > 0:
            kept.append((value, within))
        passed += weight
    return kept


def _of_kind(kind: str, samples: Weighted, kept: Weighted) -> float | None:
    count = _count(kept)
    if kind == "tc":
        return float(count)
    if kind == "pr":
        return 100 * count / _count(samples)
    if not count:
        return None
    total = sum(value * weight for value, weight in kept)
    if kind == "ts":
        return total
    return total / count if kind == "tm" else _winsorized(samples, kept)


def _winsorized(samples: Weighted, kept: Weighted) -> float:
    low, high = kept[0][0], kept[-1][0]
    return sum(min(max(value, low), high) * weight for value, weight in samples) / _count(samples)


def _count(samples: Weighted) -> int:
    return sum(weight for _, weight in samples)
