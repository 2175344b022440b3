"""Who asked the simulated CloudWatch what, how it was answered, and what AWS would have billed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cwarchive.core.window import Window
from cwarchive.demo.faults import Fault
from cwarchive.demo.wire import Asked


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, from the credential scope of the signature; the signature itself is not checked."""

    access_key: str
    region: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A line of the ledger: one HTTP request as it was asked, and how it was answered.

    `window` is None where the request was not valid, and in ListMetrics. `billed` counts metrics as AWS does; pages
    after the first, and requests that ended in an error, bill nothing. `status` is the HTTP status that was sent.
    """

    operation: str
    ordinal: int
    caller: Caller
    now: int
    status: int
    billed: int
    queries: tuple[Asked, ...] = ()
    window: Window | None = None
    page: bool = False
    faults: tuple[Fault, ...] = ()
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def periods(self) -> tuple[int, ...]:
        """The periods of the queries, each once, ascending."""
        return tuple(sorted({query.period for query in self.queries}))

    @property
    def period(self) -> int:
        """The one period of all queries; raises ValueError where there are several or none."""
        (period,) = self.periods
        return period
