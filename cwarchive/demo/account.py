"""What a simulated CloudWatch account answers: values that are pure functions of the metric, its time, and now."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Protocol

from cwarchive.core.retention import DAY, kept_for
from cwarchive.core.series import NO_DATAPOINTS, Cell, Datapoints, Metric
from cwarchive.core.window import Window, ceil, floor
from cwarchive.demo.simulated import SLOTS, Shape, Simulated, Slots, block, levels
from cwarchive.demo.statistics import summarised

LISTED_FOR = 14 * DAY
"""Seconds for which ListMetrics names a metric after its last datapoint."""

LISTED_AFTER = 900
"""Seconds after its birth from which ListMetrics names a metric."""

_BLOCKS_KEPT = 1_024

Name = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, metric name, (dimension, value) pairs in order: what CloudWatch tells metrics apart by."""


class Named(Protocol):
    """Whatever names a metric as CloudWatch does: `Simulated`, `core.series.Metric`, a query on the wire."""

    @property
    def namespace(self) -> str:
        """Such as `AWS/EC2`."""

    @property
    def name(self) -> str:
        """Such as `CPUUtilization`."""

    @property
    def dimensions(self) -> tuple[tuple[str, str], ...]:
        """(name, value) pairs, sorted by name."""


class Account:
    """The metrics of one account in one region."""

    def __init__(self, metrics: Iterable[Simulated]) -> None:
        self.metrics = tuple(metrics)
        self._by_name = {_name(metric): metric for metric in self.metrics}
        if len(self._by_name) < len(self.metrics):
            raise ValueError("two simulated metrics have one name")
        self._levels: Callable[[Shape, int, int], array[int]] = lru_cache(_BLOCKS_KEPT)(levels)
        self._blocks: Callable[[Simulated, int], Slots] = lru_cache(_BLOCKS_KEPT)(self._block)

    def find(self, metric: Named) -> Simulated | None:
        """The simulated metric of exactly this namespace, name and dimension set."""
        return self._by_name.get(_name(metric))

    def in_cell(self, cell: Cell) -> list[Metric]:
        """Every metric as the program knows it, as if the account were `cell`."""
        return [Metric(cell, metric.namespace, metric.name, metric.dimensions) for metric in self.metrics]

    def truth(self, metric: Named, statistic: str, period: int, window: Window, now: int | None = None) -> Datapoints:
        """What CloudWatch answers at `now`, or would if it kept everything for ever and all had settled (None).

        Timestamps count in `period` from the window's start, which need not be aligned; a datapoint holds the slots
        that begin in its period and before the window's end. With `now`, slots are missing or provisional as their
        lateness says, and datapoints older than CloudWatch keeps their period are gone.
        """
        simulated = self.find(metric)
        starts = range(0) if simulated is None else _starts(simulated, period, window, now)
        if simulated is None or not starts:
            return NO_DATAPOINTS
        first = ceil(starts[0], simulated.period)
        slots = range(first, ceil(min(window.end, starts[-1] + period), simulated.period), simulated.period)
        if not slots:
            return NO_DATAPOINTS
        edges = _edges(starts, slots)
        values = summarised(self._gathered(simulated, slots, now), edges, statistic, simulated.shape.scale)
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            return Datapoints(list(starts), known)
        return Datapoints([start for start, value in zip(starts, values, strict=True) if value is not None], known)

    def visible_at(self, metric: Simulated, slot: int) -> int:
        """When the slot that starts at `slot` is first shown: never before it ends."""
        draws = self._gathered(metric, range(slot, slot + 1, metric.period), None).draws
        return slot + metric.period + metric.lateness.appears(draws[0])

    def settled_at(self, metric: Simulated, slot: int) -> int:
        """When the value of the slot that starts at `slot` is final."""
        return self.visible_at(metric, slot) + metric.lateness.settles

    def last_seen(self, metric: Simulated, now: int) -> int | None:
        """The start of the newest slot with data that is visible at `now`, of the last two weeks; else None."""
        newest = now if metric.ended is None else min(now, metric.ended)
        oldest = max(now - LISTED_FOR, metric.born or 0)
        for end in range(newest, oldest, -SLOTS * metric.period):
            span = Window(max(oldest, end - SLOTS * metric.period), end)
            if seen := self.truth(metric, "SampleCount", metric.period, _aligned(span, metric.period), now).timestamps:
                return seen[-1]
        return None

    def listed(self, now: int) -> Iterator[Simulated]:
        """The metrics that ListMetrics names at `now`: born 15 minutes ago or earlier, heard of within two weeks."""
        for metric in self.metrics:
            if (metric.born or 0) + LISTED_AFTER <= now and self._heard_of(metric, now):
                yield metric

    def _heard_of(self, metric: Simulated, now: int) -> bool:
        steady = metric.density >= 1.0 and metric.lateness.longest < DAY
        if steady and metric.ended is None and (metric.born or 0) < now - 2 * DAY:
            return True
        return self.last_seen(metric, now) is not None

    def _block(self, metric: Simulated, ordinal: int) -> Slots:
        start = ordinal * SLOTS * metric.period
        return block(metric, ordinal, self._levels(metric.shape, start % DAY, metric.period))

    def _gathered(self, metric: Simulated, slots: range, now: int | None) -> Slots:
        """Copies of the columns of these slots, with what is not final at `now` taken out or back."""
        columns = Slots(array("q"), array("H"), tuple(array("q") for _ in range(metric.shape.samples)))
        first, last = slots[0] // metric.period, slots[-1] // metric.period + 1
        for ordinal in range(first // SLOTS, -(-last // SLOTS)):
            source = self._blocks(metric, ordinal)
            part = slice(max(first - ordinal * SLOTS, 0), min(last - ordinal * SLOTS, SLOTS))
            columns.weights.extend(source.weights[part])
            columns.draws.extend(source.draws[part])
            for column, samples in zip(columns.samples, source.samples, strict=True):
                column.extend(samples[part])
        if now is not None:
            _as_known_at(now, metric, slots, columns)
        return columns


def _name(metric: Named) -> Name:
    return (metric.namespace, metric.name, metric.dimensions)


def _aligned(span: Window, period: int) -> Window:
    return Window(floor(span.start, period), ceil(span.end, period))


def _starts(metric: Simulated, period: int, window: Window, now: int | None) -> range:
    """The timestamps that may hold data: of the metric's life, not in the future, and not yet forgotten."""
    if period < 60 <= metric.period:
        return range(0)
    first, end = window.start, window.end
    if metric.born is not None:
        first = max(first, metric.born - period + 1)
    if metric.ended is not None:
        end = min(end, metric.ended)
    if now is not None:
        first, end = max(first, now - kept_for(period) - period + 1), min(end, now)
    return range(window.start + ceil(first - window.start, period), end, period)


def _edges(starts: range, slots: range) -> Sequence[int]:
    """Where each datapoint's slots begin among `slots`, and where the last one's end (or beyond)."""
    if starts.step % slots.step == 0:
        each = starts.step // slots.step
        return range(0, len(starts) * each + 1, each)
    return [-((slots[0] - start) // slots.step) for start in starts] + [len(slots)]


def _as_known_at(now: int, metric: Simulated, slots: range, columns: Slots) -> None:
    """Take out what is not visible yet, and of what has not settled show the smallest sample only."""
    lateness = metric.lateness
    unsettled = range(max(0, (now - lateness.longest - metric.period - slots[0]) // metric.period), len(slots))
    for index in unsettled:
        shown = slots[index] + metric.period + lateness.appears(columns.draws[index])
        if now < shown:
            columns.weights[index] = 0
        elif now < shown + lateness.settles and columns.weights[index]:
            columns.weights[index] = 1
            smallest = min(column[index] for column in columns.samples)
            for column in columns.samples:
                column[index] = smallest
