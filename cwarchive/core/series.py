"""What is archived: a metric as CloudWatch names it, a series bound for one Graphite path, columns of datapoints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple


class Cell(NamedTuple):
    """One account in one region: its own credentials, quotas and failures. `account` is "" for the ambient one."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.account} {self.region}" if self.account else self.region


@dataclass(frozen=True, slots=True)
class Metric:
    """The unit AWS bills; `dimensions` are (name, value) pairs sorted by name."""

    cell: Cell
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        pairs = " ".join(f"{name}={value}" for name, value in self.dimensions)
        return f"{self.namespace} {self.name} {pairs}".rstrip()


@dataclass(frozen=True, slots=True)
class Series:
    """One statistic of one metric at one period (seconds), bound for one Graphite path."""

    metric: Metric
    statistic: str
    period: int
    path: str

    def __str__(self) -> str:
        return f"{self.metric} {self.statistic} {self.period}s"


class Datapoints(NamedTuple):
    """The answer for one series: epoch seconds ascending, and as many values. The lists are not changed once made."""

    timestamps: list[int]
    values: list[float]


NO_DATAPOINTS = Datapoints([], [])


def identity(metric: Metric, statistic: str) -> str:
    """The text that names a statistic of a metric for ever; no two of them share one."""
    parts = [*metric.cell, metric.namespace, metric.name, [list(pair) for pair in metric.dimensions], statistic]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
