"""How a series goes back, so that a span is sent again; the only way in which marks move backwards.

What stays is as deliberate as what moves. `committed` and the cuts stay: they say at which period the span may stand
in Graphite, and it is asked again at that period only. Where CloudWatch no longer answers that, the plan makes a
`lost` gap of it, since coarser values over finer ones would double sums. So going back beyond CloudWatch's horizon
sends nothing there and tells gaps. Gaps that are recorded stay as well, acknowledged ones too: CloudWatch only
forgets, so no answer can close them; met again over the same interval they are the same gaps, over another new ones.
"""

from __future__ import annotations

from dataclasses import replace

from cwarchive.core.checkpoint import Tracked
from cwarchive.core.plan import period_at
from cwarchive.core.window import floor


def rewound(tracked: Tracked, to: int) -> Tracked:
    """`tracked` once nothing from the period that holds `to` (epoch seconds) on counts as archived; never before since.

    A series that goes back wakes if it was parked, for parked marks move on by themselves; and unless it is forgotten
    it waits like one that failed, so that the next run takes it whether or not its entry is due. One whose mark is
    not beyond `to` stays as it is.
    """
    at = tracked.checkpoint
    begin = max(at.since, floor(to, period_at(tracked, to)))
    if at.mark <= begin:
        return tracked
    checkpoint = replace(at, mark=begin, verified=min(at.verified, begin))
    return replace(tracked, checkpoint=checkpoint, failed=not tracked.forgotten, empty=False, parked=False)
