"""Which series are left alone because their metric has died, and how they are met again.

ListMetrics names a metric for two weeks after its last datapoint, so one that a complete discovery does not name has
published nothing for about that long. Its data live on for up to 455 days; asking for what is not there costs money.
"""

from __future__ import annotations

from dataclasses import replace

from cwarchive.core.checkpoint import Checkpoint, Tracked
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.spec import Rhythm
from cwarchive.core.window import floor

FORGOTTEN_AFTER = 14 * DAY
"""Seconds after its last datapoint that ListMetrics names a metric (CloudWatch API reference, ListMetrics)."""


def parked(tracked: Tracked, rhythm: Rhythm, discovered: int) -> Tracked | None:
    """The series as it rests after a complete discovery that began at `discovered` and did not name its metric.

    None where it must be asked all the same: its last answer held something, it failed, or its mark is so far back
    that the metric may have lived and died since.
    """
    if not tracked.empty or tracked.failed or tracked.checkpoint.mark < discovered - FORGOTTEN_AFTER + DAY:
        return None
    empty_until = floor(discovered - rhythm.lookback - HOUR, tracked.series.period)
    return replace(tracked, parked=True, checkpoint=_known_empty(tracked.checkpoint, empty_until))


def _known_empty(checkpoint: Checkpoint, until: int) -> Checkpoint:
    """The checkpoint once nothing is known to lie before `until`; marks never move back."""
    mark, verified = max(checkpoint.mark, until), max(checkpoint.verified, until)
    return replace(checkpoint, mark=mark, verified=verified, committed=max(checkpoint.committed, mark))
