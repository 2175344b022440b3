"""How far back CloudWatch still answers, by what a period is a multiple of.

Source: GetMetricData in the CloudWatch API reference. Datapoints under 60 s are kept for 3 hours, of 60 s for 15 days,
of 300 s for 63 days, of 3600 s for 455 days; the period of a request must be a multiple of what its age allows.
"""

from __future__ import annotations

import math
from itertools import pairwise

HOUR = 3_600
DAY = 86_400

TIERS: tuple[tuple[int, int], ...] = ((1, 3 * HOUR), (60, 15 * DAY), (300, 63 * DAY), (3_600, 455 * DAY))
"""(stored period, seconds kept), finest first."""

HORIZON = TIERS[-1][1]
"""The age in seconds beyond which CloudWatch answers nothing at all."""


def kept_for(period: int) -> int:
    """Seconds for which CloudWatch keeps datapoints of `period`: 420 s is a multiple of 60 only, so 15 days."""
    return next(kept for stored, kept in reversed(TIERS) if period % stored == 0)


def coarser(period: int) -> int | None:
    """The period to ask once `period` has aged out: the least common multiple with the next tier, or None."""
    kept = kept_for(period)
    following = (coarse for (_, fine_kept), (coarse, _) in pairwise(TIERS) if fine_kept == kept)
    step = next(following, None)
    return None if step is None else math.lcm(period, step)
