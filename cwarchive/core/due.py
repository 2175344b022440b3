"""When an entry of the config is due again, and where the archive of a new series begins."""

from __future__ import annotations

import math

from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import floor


def is_due(every: int, last_pass: int | None, now: int, stretched: int = 0) -> bool:
    """Whether the UTC slot of `now` is later than the slot of the last pass, so that cron's jitter skips nothing.

    `stretched` is after how many seconds the entry may be due where a limit makes it wait for more than `every`: whole
    slots, counted from the last pass, since slots as long as the last bill has it would begin anew with each bill.
    """
    slots = max(1, -(-stretched // every))
    return last_pass is None or now // every - last_pass // every >= slots


def first_since(period: int, initial_lookback: int, discovered: int | None, now: int) -> int:
    """Where a series met at `now` begins: a whole hour, and a whole period where that is possible.

    Under an entry whose last complete discovery in the cell began at `discovered` it begins a day before that, if that
    is earlier: what was born while cwarchive was down loses nothing.
    """
    begin = now - initial_lookback
    if discovered is not None:
        begin = min(begin, discovered - DAY)
    whole = math.lcm(period, HOUR)
    return floor(begin, whole if whole <= DAY else HOUR)
