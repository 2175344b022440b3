"""What the operator asked for: one entry of the config's list, as values."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cwarchive.core.window import ceil


@dataclass(frozen=True, slots=True)
class Pattern:
    """A name, a glob (whole value, case-sensitive) or a /regex/ (searches); raises re.error for a bad regex."""

    text: str
    _regex: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_regex", _compiled(self.text))

    @property
    def exact(self) -> bool:
        """Whether the pattern is one plain name."""
        return self._regex is None

    def matches(self, value: str) -> bool:
        """Whether `value` is meant."""
        return value == self.text if self._regex is None else self._regex.search(value) is not None


def _compiled(text: str) -> re.Pattern[str] | None:
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        return re.compile(text[1:-1])
    if any(sign in text for sign in "*?["):
        return re.compile(r"\A" + fnmatch.translate(text))
    return None


Dimensions = tuple[tuple[str, tuple[Pattern, ...]], ...]
"""(dimension name, patterns of which one must match its value), sorted by name."""


def _nothing(_metric: str) -> None:
    """Nothing is known of any metric."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What an entry leaves out: metrics whose name matches and whose listed dimensions all match."""

    metrics: tuple[Pattern, ...] = ()
    dimensions: Dimensions = ()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How one metric is asked: its period, when a datapoint is final, how far back a pass reads again; seconds."""

    period: int
    settle: int
    lookback: int


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One entry of the list; all durations in seconds.

    `metrics` empty means all names. `dimensions` None means every dimension set, () only the metric without any,
    otherwise exactly these names. `template` is the path below `prefix`; `label` names the entry in messages.
    `unsaid` are the keys of a rhythm that nobody wrote: what `published` knows of a metric stands in their place.
    """

    label: str
    namespace: str
    metrics: tuple[Pattern, ...]
    dimensions: Dimensions | None
    exclude: tuple[Exclusion, ...]
    statistics: tuple[str, ...]
    period: int
    every: int
    settle: int
    lookback: int
    initial_lookback: int
    prefix: str
    template: str
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    unsaid: frozenset[str] = frozenset()
    published: Callable[[str], Rhythm | None] = field(default=_nothing, compare=False, repr=False)

    def rhythm(self, metric: str) -> Rhythm:
        """How the metric of this name is asked: as entry or defaults say, else as it is known to be published."""
        known = self.published(metric) if self.unsaid else None
        if known is None:
            return Rhythm(self.period, self.settle, self.lookback)
        period = known.period if "period" in self.unsaid else self.period
        settle = known.settle if "settle" in self.unsaid else self.settle
        lookback = known.lookback if "lookback" in self.unsaid else self.lookback
        return Rhythm(period, settle, ceil(lookback, period))

    @property
    def key(self) -> str:
        """The text under which the state remembers this entry; changes when it selects other series."""
        return repr(
            (self.namespace, self.metrics, self.dimensions, self.exclude, self.statistics, self.period)
            + (self.prefix, self.template)
        )
