"""How often an entry may be due so that a month stays inside its limit: late is dear, lost is never an option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cwarchive.core.cost import usd
from cwarchive.core.retention import DAY, kept_for
from cwarchive.core.spec import MetricSpec

MONTH = 30 * DAY
RAREST = 5 * DAY


def monthly_usd(specs: Sequence[MetricSpec], billed: Mapping[str, int], every: Mapping[str, int]) -> float:
    """What 30 days cost in US dollars when a pass of the entry with a key bills `billed[key]` metrics."""
    return sum(usd(billed.get(spec.key, 0)) * MONTH / every[spec.key] for spec in specs)


def effective_every(specs: Sequence[MetricSpec], billed: Mapping[str, int], limit: float | None) -> Mapping[str, int]:
    """After how many seconds each entry (by key) is due so that a month costs at most `limit` US dollars.

    Entries are stretched alike, each at most to five days and to a quarter of what CloudWatch keeps of it; where that
    is not enough the month costs more, since nothing is lost to a limit.
    """
    every = {spec.key: spec.every for spec in specs}
    if limit is None:
        return every
    for _ in specs:
        free = [spec for spec in specs if every[spec.key] < rarest(spec)]
        fixed = monthly_usd([spec for spec in specs if spec not in free], billed, every)
        stretchable = monthly_usd(free, billed, every)
        if fixed + stretchable <= limit * (1 + 1e-9) or not stretchable:
            break
        factor = stretchable / max(limit - fixed, stretchable * 1e-6)
        every.update((spec.key, min(rarest(spec), -(-int(every[spec.key] * factor * 1000) // 1000))) for spec in free)
    return every


def rarest(spec: MetricSpec) -> int:
    """The longest `every`, in seconds, that a limit may stretch this entry to; never below what it asks itself."""
    return max(spec.every, min(RAREST, kept_for(spec.period) // 4))
