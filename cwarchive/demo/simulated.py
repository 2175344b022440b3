"""What one simulated metric measures, slot by slot: samples that are a pure function of the metric and the time.

A slot is one native period. Its numbers come from a hash of the metric's name and a block of slots, so any part of
any year can be had at once, in any order, twice the same. Samples are whole steps of a power of two, so that sums are
exact however they are grouped.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from cwarchive.core.retention import DAY, HOUR

SLOTS = 1_440
"""Slots in a block: a day of minutes."""

_DRAWS = 65_536


@dataclass(frozen=True, slots=True)
class Shape:
    """What the samples of a slot look like.

    A sample is `scale` times (`base` + `swing` at noon UTC, none of it at midnight + a draw below 2**`bits`). A slot
    holds `samples` of them, and the whole list 1 to `repeats` times over. `scale` is a power of two.
    """

    base: int = 0
    swing: int = 0
    bits: int = 16
    scale: float = 1.0
    samples: int = 3
    repeats: int = 4

    def __post_init__(self) -> None:
        """Refuse what would make sums inexact or lists empty."""
        if math.frexp(self.scale)[0] != 0.5:
            raise ValueError(f"scale {self.scale} is not a power of two")
        if self.samples < 1 or self.repeats < 1 or not 0 <= self.bits <= 16:
            raise ValueError(f"a slot needs samples, repeats and 0 to 16 bits: {self}")


@dataclass(frozen=True, slots=True)
class Lateness:
    """When CloudWatch shows a slot, in seconds after the slot's end.

    It appears after `delay` and up to `spread` more, as if only a part had arrived, and is final `settles` later. A
    share of the slots (`stragglers`, 0 to 1) appears `straggle` later still.
    """

    delay: int = 60
    spread: int = 120
    settles: int = 180
    stragglers: float = 0.0
    straggle: int = 0

    @property
    def longest(self) -> int:
        """Seconds after its end by which any slot is final."""
        return self.delay + self.spread + self.settles + (self.straggle if self.stragglers else 0)

    def appears(self, draw: int) -> int:
        """Seconds after its end at which the slot with this draw (0 to 65,535) is first shown."""
        straggle = self.straggle if draw < self.stragglers * _DRAWS else 0
        return self.delay + draw * self.spread // _DRAWS + straggle


AT_ONCE = Lateness(delay=0, spread=0, settles=0)
"""Final the moment its period closes."""

DAYS_LATE = Lateness(delay=0, spread=48 * HOUR, settles=0)
"""Up to 48 h late, as storage metrics of S3 are."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A metric: its name at CloudWatch, its native `period` in seconds, and how it behaves.

    `density` is the share of slots that hold data (0 to 1); slots begin in `[born, ended)`, None meaning no bound.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()
    period: int = 60
    density: float = 1.0
    born: int | None = None
    ended: int | None = None
    shape: Shape = Shape()
    lateness: Lateness = Lateness()
    unit: str = "None"

    def __post_init__(self) -> None:
        """Sort the dimensions, which have no order of their own."""
        object.__setattr__(self, "dimensions", tuple(sorted(self.dimensions)))

    def alive(self, slot: int) -> bool:
        """Whether the slot that starts at `slot` lies in the metric's life."""
        return (self.born is None or slot >= self.born) and (self.ended is None or slot < self.ended)


@dataclass(frozen=True, slots=True)
class Slots:
    """Neighbouring slots in columns: how often each sample counts (0: no data), the draw for lateness, the samples."""

    weights: array[int]
    draws: array[int]
    samples: tuple[array[int], ...]


def levels(shape: Shape, start: int, period: int) -> array[int]:
    """The part of every sample that follows the hour, for a block of slots from `start` (epoch seconds)."""
    if not shape.swing:
        return array("q", [shape.base]) * SLOTS
    times = (time % DAY for time in range(start, start + SLOTS * period, period))
    return array("q", [shape.base + shape.swing * 4 * time * (DAY - time) // DAY**2 for time in times])


def block(metric: Simulated, ordinal: int, level: Sequence[int]) -> Slots:
    """Block number `ordinal` of `metric`: SLOTS slots counted from the epoch."""
    presence, draws, repeats, *samples = _drawn(metric, ordinal)
    shift = 16 - metric.shape.bits
    return Slots(
        _weights(metric, ordinal, presence, repeats),
        draws,
        tuple(
            array("q", [base + (draw >> shift) for base, draw in zip(level, column, strict=True)]) for column in samples
        ),
    )


def _drawn(metric: Simulated, ordinal: int) -> list[array[int]]:
    """Columns of SLOTS draws from 0 to 65,535."""
    columns = 3 + metric.shape.samples
    seed = repr((metric.namespace, metric.name, metric.dimensions, metric.period, ordinal)).encode()
    draws = array("H", hashlib.shake_128(seed).digest(2 * SLOTS * columns))
    return [draws[start : start + SLOTS] for start in range(0, SLOTS * columns, SLOTS)]


def _weights(metric: Simulated, ordinal: int, presence: array[int], repeats: array[int]) -> array[int]:
    most, threshold = metric.shape.repeats, round(metric.density * _DRAWS)
    weights = array("q", [1 + draw % most for draw in repeats])
    if threshold < _DRAWS:
        weights = array("q", [weight * (draw < threshold) for weight, draw in zip(weights, presence, strict=True)])
    start, step = ordinal * SLOTS * metric.period, metric.period
    if not (metric.alive(start) and metric.alive(start + (SLOTS - 1) * step)):
        times = range(start, start + SLOTS * step, step)
        weights = array("q", [weight * metric.alive(time) for weight, time in zip(weights, times, strict=True)])
    return weights
