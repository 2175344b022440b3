"""Half-open spans of time in epoch seconds, and their alignment to a period."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The seconds `start <= t < end`; never empty, never reversed."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"window [{self.start}, {self.end}) is empty")

    @property
    def seconds(self) -> int:
        """How long the window is."""
        return self.end - self.start

    def slots(self, period: int) -> int:
        """How many datapoints of `period` seconds CloudWatch estimates for this window."""
        return -(-self.seconds // period)


def floor(instant: int, step: int) -> int:
    """The last multiple of `step` seconds that is not after `instant`."""
    return instant // step * step


def ceil(instant: int, step: int) -> int:
    """The first multiple of `step` seconds that is not before `instant`."""
    return -(-instant // step) * step


def window(start: int, end: int) -> Window | None:
    """The window from `start` to `end`, or None where nothing lies between."""
    return Window(start, end) if start < end else None
