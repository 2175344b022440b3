"""CloudWatch over simulated months: every value is worked out from series, period and time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import NamedTuple

from cwarchive.core.batch import Query, Request
from cwarchive.core.ports import Answer, Unanswered
from cwarchive.core.retention import DAY, kept_for
from cwarchive.core.series import NO_DATAPOINTS, Cell, Datapoints, Metric
from cwarchive.core.window import Window, ceil, floor
from cwarchive.errors import ClockError, Refused, SourceError, Unreachable
from tests.simulator.trouble import Weather

LISTED_FOR = 14 * DAY
"""ListMetrics forgets a metric after two silent weeks."""

SIGNED_WITHIN = 900
"""Seconds by which the time of a signature may be off."""

STATISTICS = ("Average", "Maximum")

PERIODS = (30, 60, 300, 420, 2_100, 3_600, 25_200, 86_400)
"""Every period at which something may be asked; a value carries its number in this list."""

_STEP = 2_048
"""By how much values grow each second."""

_DRAWN = 65_521
_DRAWS = Random(455).choices(range(1 << 20), k=_DRAWN)
"""What is left to chance, the same for every seed."""


class Value(NamedTuple):
    """What one value says of itself: which series, when, at which period, and whether it was still going to change."""

    timestamp: int
    number: int
    period: int
    provisional: bool


def encoded(value: Value) -> int:
    """The value as a whole number that a double holds."""
    return ((value.timestamp * 64 + value.number) * 16 + PERIODS.index(value.period)) * 2 + value.provisional


def decoded(number: int) -> Value:
    """What `encoded` made a number of."""
    rest, provisional = divmod(number, 2)
    rest, period = divmod(rest, 16)
    timestamp, series = divmod(rest, 64)
    return Value(timestamp, series, PERIODS[period] if period < len(PERIODS) else 0, bool(provisional))


@dataclass(frozen=True)
class Measured:
    """A metric that has a datapoint in one of `one_in` slots of `step` seconds while it lives.

    A datapoint is published `delay` seconds after its slot has closed, and up to `spread` later than that; one in
    eight as late as that. For `restated` seconds after that its value is another. `lives` are half-open.
    """

    metric: Metric
    number: int
    step: int
    lives: tuple[tuple[int, int], ...]
    one_in: int = 1
    delay: int = 30
    spread: int = 0
    restated: int = 0

    @cached_property
    def slots(self) -> Sequence[int]:
        """The times of all datapoints there will ever be, ascending."""
        ranges = [range(ceil(start, self.step), end, self.step) for start, end in self.lives]
        if self.one_in == 1 and len(ranges) == 1:
            return ranges[0]
        chosen = [draw % self.one_in == 0 for draw in _DRAWS]
        return [slot for times in ranges for slot in times if chosen[slot // self.step % _DRAWN]]

    @cached_property
    def _late(self) -> list[int]:
        """How much later than others a datapoint is published, by the number of its slot."""
        return [(self.spread if draw % 8 == 0 else draw // 8 % self.spread) if self.spread else 0 for draw in _DRAWS]

    def within(self, window: Window) -> Sequence[int]:
        """The times of all datapoints that will ever be in `window`."""
        return self.slots[bisect_left(self.slots, window.start) : bisect_left(self.slots, window.end)]

    def published(self, slot: int) -> int:
        """When the datapoint of `slot` can be asked for."""
        return slot + self.step + self.delay + self._late[(slot // self.step + 7_919) % _DRAWN]

    def visible(self, window: Window, now: int) -> Sequence[int]:
        """The times of the datapoints of `window` that can be asked for at `now`."""
        found = self.within(Window(window.start, max(window.start + 1, min(window.end, now - self.step))))
        if self.spread or (found and self.published(found[-1]) > now):
            return [slot for slot in found if self.published(slot) <= now]
        return found

    def listed(self, now: int) -> bool:
        """Whether ListMetrics names the metric at `now`."""
        recent = self.within(Window(now - LISTED_FOR, now))
        return any(self.published(slot) <= now for slot in recent[:50])

    def numbered(self, statistic: str) -> int:
        """The number of one statistic of this metric."""
        return self.number * len(STATISTICS) + STATISTICS.index(statistic)

    def answer(self, statistic: str, period: int, window: Window, now: int) -> Datapoints:
        """What CloudWatch answers at `now`; nothing at all where the window begins before what it still keeps."""
        if now - window.start > kept_for(period):
            return NO_DATAPOINTS
        if period == self.step:
            return self._fine(statistic, self.visible(window, now), now)
        if period % self.step:
            raise AssertionError(f"{self.metric} has no datapoints at {period} s")
        return self._coarse(statistic, period, window, now)

    def _fine(self, statistic: str, slots: Sequence[int], now: int) -> Datapoints:
        if not slots:
            return NO_DATAPOINTS
        zero = encoded(Value(0, self.numbered(statistic), self.step, provisional=False))
        if isinstance(slots, range):
            first, beyond = zero + slots.start * _STEP, zero + slots.stop * _STEP
            return Datapoints(list(slots), [*range(first, beyond, slots.step * _STEP)])
        values = [zero + slot * _STEP for slot in slots]
        if self.restated:
            values = [
                value + (self.published(slot) + self.restated > now) for slot, value in zip(slots, values, strict=True)
            ]
        return Datapoints(list(slots), [*values])

    def _coarse(self, statistic: str, period: int, window: Window, now: int) -> Datapoints:
        buckets = sorted({floor(slot, period) for slot in self.visible(window, now)})
        final = now - self.delay - self.spread - self.restated
        number = self.numbered(statistic)
        values = [encoded(Value(bucket, number, period, bucket + period > final)) for bucket in buckets]
        return Datapoints(buckets, [*values])


class SimulatedCloudWatch:
    """One cell behind the port `Source`; what fails, and what time it is, is for `weather` to say."""

    def __init__(self, cell: Cell, measured: Collection[Measured], weather: Weather) -> None:
        self._weather = weather
        self._measured: Mapping[Metric, Measured] = {one.metric: one for one in measured if one.metric.cell == cell}

    def discover(self, namespaces: Collection[str]) -> Iterator[Metric]:
        weather = self._weather
        if weather.trouble.unreachable:
            weather.hit()
            raise Unreachable("throttled")
        self._check_signature()
        for one in self._measured.values():
            weather.reach("listed")
            if one.metric.namespace in namespaces and one.listed(weather.aws_time):
                yield one.metric
        weather.reach("last page")

    def fetch(self, request: Request) -> Answer:
        weather = self._weather
        if weather.trouble.slow:
            weather.hit()
            weather.passes_time(weather.trouble.slow)
        weather.reach("request")
        self._refuse(request)
        now = weather.aws_time
        columns = tuple(self._column(query, request, now) for query in request.queries)
        if weather.trouble.date_off or weather.trouble.clock_off:
            weather.hit()
        weather.reach("answer")
        return Answer(columns, now + weather.trouble.date_off)

    def _check_signature(self) -> None:
        """AWS refuses what was signed at another time than its own."""
        if abs(self._weather.trouble.clock_off) > SIGNED_WITHIN:
            self._weather.hit()
            raise ClockError("signature expired")

    def _refuse(self, request: Request) -> None:
        trouble = self._weather.trouble
        self._check_signature()
        named = {query.metric.name for query in request.queries}
        if trouble.unreachable:
            self._weather.hit()
            raise Unreachable("throttled")
        for name, error in ((trouble.refused, Refused("no")), (trouble.unsound, SourceError("half an answer"))):
            if name in named:
                self._weather.hit()
                raise error

    def _column(self, query: Query, request: Request, now: int) -> Datapoints | Unanswered:
        if query.metric.name == self._weather.trouble.unanswered:
            self._weather.hit()
            return Unanswered("InternalError")
        return self._measured[query.metric].answer(query.statistic, request.period, request.window, now)
