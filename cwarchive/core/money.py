"""How often an entry may be due so that a month stays inside its limit: late is dear, lost is never an option."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from cwarchive.core.cost import usd
from cwarchive.core.retention import DAY, kept_for
from cwarchive.core.spec import MetricSpec
from cwarchive.core.window import floor

MONTH = 30 * DAY
RAREST = 5 * DAY


def monthly_usd(specs: Sequence[MetricSpec], billed: Mapping[str, int], every: Sequence[int]) -> Sequence[float]:
    """What 30 days of each entry cost in US dollars when a pass of those with a key bills `billed[key]` metrics.

    Entries that differ only in where they look, or how often, share a key, and what is billed for it.
    """
    sharing = Counter(spec.key for spec in specs)
    return [
        usd(billed.get(spec.key, 0)) / sharing[spec.key] * MONTH / seconds
        for spec, seconds in zip(specs, every, strict=True)
    ]


def effective_every(specs: Sequence[MetricSpec], billed: Mapping[str, int], limit: float | None) -> Sequence[int]:
    """After how many seconds each of the entries is due so that a month costs at most `limit` US dollars.

    Entries are stretched alike, each at most to five days and to a quarter of what CloudWatch keeps of it; where that
    is not enough the month costs more, since nothing is lost to a limit.
    """
    every = [spec.every for spec in specs]
    if limit is None:
        return every
    most = [rarest(spec) for spec in specs]
    for _ in specs:
        costs = monthly_usd(specs, billed, every)
        stretchable = sum(cost for cost, now, last in zip(costs, every, most, strict=True) if now < last)
        fixed = sum(costs) - stretchable
        if sum(costs) <= limit * (1 + 1e-9) or not stretchable:
            break
        factor = stretchable / max(limit - fixed, stretchable * 1e-6)
        every = [max(now, min(last, _up(now * factor))) for now, last in zip(every, most, strict=True)]
    return every


def _up(seconds: float) -> int:
    """Whole seconds, not less; the last digits of a product do not count."""
    return -(-int(seconds * 1000) // 1000)


def rarest(spec: MetricSpec) -> int:
    """The longest `every`, in seconds, that a limit may stretch this entry to: whole multiples of its own."""
    return max(spec.every, floor(min(RAREST, kept_for(spec.period) // 4), spec.every))
