"""Times, spans and counts in the words people read: UTC, whole units, no more precision than helps."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def instant(seconds: int) -> str:
    """Epoch seconds as UTC text: 2026-11-23T01:00:00Z."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(seconds: int) -> str:
    """A length of time in its two largest units: 14 d 4 h, 12 min, 0 s."""
    left, told = abs(seconds), []
    for size, name in _UNITS:
        amount, left = divmod(left, size)
        if amount:
            told.append(f"{amount} {name}")
        elif told:
            break
    return ("-" if seconds < 0 else "") + (" ".join(told[:2]) or "0 s")


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: 1 request, 2 requests, 12,000 series."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def price(usd: float) -> str:
    """US dollars with the digits that matter: USD 0.0004, USD 7.20."""
    if usd >= 1 or usd == 0:
        return f"USD {usd:.2f}"
    digits = 1 - math.floor(math.log10(usd))
    return f"USD {usd:.{digits}f}"
