"""How long to wait so that a quota of so much a second is kept."""

from __future__ import annotations


class Bucket:
    """A token bucket: `rate` a second on average, up to `burst` at once, and more than that at once after a wait.

    What is taken is reserved in the order of the calls; threads that share a bucket share a lock around it.
    """

    def __init__(self, rate: float, burst: float) -> None:
        """An untouched bucket; raises ValueError unless both are positive."""
        if not (rate > 0 and burst > 0):
            raise ValueError(f"a bucket needs a positive rate and burst, not {rate} and {burst}")
        self._rate = rate
        self._at_once = burst / rate
        self._full_at = float("-inf")

    def delay(self, amount: float, now: float) -> float:
        """Reserve `amount` and return the seconds to wait before it is used; `now` in seconds of a steady clock."""
        self._full_at = max(self._full_at, now) + amount / self._rate
        return max(0.0, self._full_at - now - self._at_once)
