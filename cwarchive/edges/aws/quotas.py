"""When the next call may go out, so that AWS's quotas are never what stops it.

Source: "CloudWatch service quotas" in the CloudWatch user guide, for one account and region: 50 GetMetricData and 25
ListMetrics requests a second; 180,000 estimated datapoints a second for windows that begin within three hours, 396,000
for older ones. By default 80 % of each is used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from cwarchive.core.batch import Request
from cwarchive.core.pace import Bucket
from cwarchive.core.retention import HOUR

RECENT_DATAPOINTS = 144_000
OLDER_DATAPOINTS = 316_000
LISTINGS = 20
BURST = 0.25
"""Seconds of the rate that may go at once: 80 % and a quarter of that make a whole quota in any one second."""


class Quotas:
    """The token buckets of one account and region; they may be shared by threads."""

    def __init__(
        self,
        requests: float,
        datapoints: float | None,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        """`requests` and `datapoints` a second (None: by the age of the window); a steady `clock` and its `sleep`."""
        self._requests = _bucket(requests)
        self._recent = _bucket(datapoints or RECENT_DATAPOINTS)
        self._older = _bucket(datapoints or OLDER_DATAPOINTS)
        self._listings = _bucket(LISTINGS)
        self._lock = threading.Lock()
        self._clock = clock
        self._sleep = sleep

    def before_request(self) -> None:
        """Wait until one GetMetricData call may go out."""
        self._wait(self._requests, 1)

    def before_listing(self) -> None:
        """Wait until one ListMetrics call may go out."""
        self._wait(self._listings, 1)

    def before_datapoints(self, request: Request, answered: int | None) -> None:
        """Wait until `request` may be asked; AWS's last answer tells its age, without one it counts as recent."""
        recent = answered is None or request.window.start >= answered - 3 * HOUR
        self._wait(self._recent if recent else self._older, request.datapoints)

    def _wait(self, bucket: Bucket, amount: float) -> None:
        with self._lock:
            seconds = bucket.delay(amount, self._clock())
        if seconds > 0:
            self._sleep(seconds)


def _bucket(rate: float) -> Bucket:
    return Bucket(rate, max(1.0, rate * BURST))
