"""What can only be judged across keys: lookbacks against periods, paths against dimensions, entries against entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from cwarchive.config.inherited import own, value
from cwarchive.config.models import Document
from cwarchive.config.nodes import Path
from cwarchive.config.sources import Sources
from cwarchive.config.template import dimensions_named
from cwarchive.config.times import duration_text
from cwarchive.config.words import choices, did_you_mean, quoted
from cwarchive.core.plan import MARGIN
from cwarchive.core.retention import kept_for
from cwarchive.core.spec import Pattern
from cwarchive.errors import Mistake


def cross_mistakes(document: Document, sources: Sources) -> list[Mistake]:
    """Every mistake of a document whose values are all allowed by themselves."""
    checks = (_lookbacks, _in_time, _accounts, _exclusions, _dimension_nodes, _periods_on_one_path)
    found = chain.from_iterable(check(document) for check in checks)
    return [sources.mistake(path, sentence) for path, sentence in found]


def suspicions(document: Document) -> Iterator[str]:
    """What is allowed and yet seldom meant."""
    if other := _OTHER_PORTS.get(document.graphite.port):
        yield f"graphite.port {document.graphite.port} is usually carbon's {other}: it takes lines and stores nothing"


_OTHER_PORTS = {2004: "pickle port", 2014: "relay's pickle port", 7002: "cache query port"}

Found = Iterator[tuple[Path, str]]


def _lookbacks(document: Document) -> Found:
    """A lookback that is written beside its period is whole periods; an inherited one is rounded up."""
    defaults = document.defaults
    if "lookback" in defaults.model_fields_set and defaults.lookback % defaults.period:
        yield ("defaults", "lookback"), _part_of_a_period(defaults.lookback, defaults.period)
    for index, entry in enumerate(document.metrics):
        period = value(document, index, "period")
        if (lookback := own(entry, "lookback")) and lookback % period:
            yield ("metrics", index, "lookback"), _part_of_a_period(lookback, period)


def _in_time(document: Document) -> Found:
    """An entry must settle and come round before CloudWatch forgets what it asks."""
    for index, entry in enumerate(document.metrics):
        period, settle, every = (value(document, index, key) for key in ("period", "settle", "every"))
        kept = kept_for(period)
        if settle + every + MARGIN >= kept:
            slower = "settle" if settle >= every else "every"
            path: Path = ("metrics", index, slower) if slower in entry.model_fields_set else ("metrics", index)
            yield path, _out_of_time(period, kept, settle, every)


def _out_of_time(period: int, kept: int, settle: int, every: int) -> str:
    return (
        f"CloudWatch keeps datapoints of {duration_text(period)} for {duration_text(kept)}, "
        f"so settle and every must come to less: {duration_text(settle)} and {duration_text(every)} do not"
    )


def _part_of_a_period(lookback: int, period: int) -> str:
    whole = -(-lookback // period) * period
    written, each = duration_text(lookback), duration_text(period)
    return f"a lookback of {written} is not whole periods of {each}; write {duration_text(whole)}"


def _accounts(document: Document) -> Found:
    lists: list[tuple[Path, object]] = [(("accounts",), document.accounts)]
    lists += [(("metrics", index, "accounts"), own(entry, "accounts")) for index, entry in enumerate(document.metrics)]
    for path, accounts in lists:
        if isinstance(accounts, tuple) and len(accounts) > 1:
            yield (*path, 1), "the ambient account is given twice; write {} once"


def _exclusions(document: Document) -> Found:
    for index, entry in enumerate(document.metrics):
        for number, exclusion in enumerate(own(entry, "exclude") or ()):
            if not exclusion.model_fields_set:
                yield (
                    ("metrics", index, "exclude", number),
                    'this would exclude everything; write "metrics" or "dimensions"',
                )


def _dimension_nodes(document: Document) -> Found:
    """An entry's own path may only name dimensions that the entry has."""
    for index, entry in enumerate(document.metrics):
        path, dimensions = own(entry, "path"), own(entry, "dimensions")
        for name in dimensions_named(path or "") if dimensions is not None else ():
            if name not in dimensions:
                otherwise = f"its dimensions are {choices(dimensions)}" if dimensions else "it has no dimensions"
                remedy = did_you_mean(name, dimensions, otherwise)
                yield ("metrics", index, "path"), f"the entry has no dimension {quoted(name)}; {remedy}"


def _periods_on_one_path(document: Document) -> Found:
    """One statistic at two periods on one path overwrites itself; told only where it is certain."""
    seen: dict[tuple[str, ...], dict[int, _Claims]] = {}
    for index, entry in enumerate(document.metrics):
        metrics, period = own(entry, "metrics") or (), value(document, index, "period")
        for group in _groups(document, index):
            claims = seen.setdefault(group, {})
            overlaps = ((other, claims[other].overlap(metrics)) for other in claims if other != period)
            if met := next(((other, first) for other, first in overlaps if first is not None), None):
                yield ("metrics", index), _two_periods(group[0], period, *met)
            claims.setdefault(period, _Claims()).add(index, metrics)


def _groups(document: Document, index: int) -> Iterator[tuple[str, ...]]:
    """What two entries must share to meet on one path: statistic, region, selection and template."""
    template = f"{value(document, index, 'prefix')}.{value(document, index, 'path')}"
    if "{period}" in template:
        return
    entry = document.metrics[index]
    dimensions = own(entry, "dimensions")
    selection = repr((dimensions is None, sorted((dimensions or {}).items()), own(entry, "exclude")))
    for region in value(document, index, "regions") or ("",):
        for statistic in dict.fromkeys(value(document, index, "statistics")):
            yield statistic, region, entry.namespace, selection, template


@dataclass(slots=True)
class _Claims:
    """The metrics that entries of one period select, with the first entry that selects each."""

    plain: dict[str, int] = field(default_factory=dict)
    globs: dict[Pattern, int] = field(default_factory=dict)
    whole: dict[tuple[Pattern, ...], int] = field(default_factory=dict)

    def add(self, index: int, metrics: tuple[Pattern, ...]) -> None:
        self.whole.setdefault(metrics, index)
        for pattern in metrics:
            if pattern.exact:
                self.plain.setdefault(pattern.text, index)
            elif not pattern.text.startswith("/"):
                self.globs.setdefault(pattern, index)

    def overlap(self, metrics: tuple[Pattern, ...]) -> int | None:
        """The entry that surely selects a metric of `metrics`, too: equal, or a plain name of one is in the other."""
        if not metrics:
            return min(self.whole.values())
        return next(chain(self._equal(metrics), self._named(metrics), self._matched(metrics)), None)

    def _equal(self, metrics: tuple[Pattern, ...]) -> Iterator[int]:
        yield from (self.whole[each] for each in ((), metrics) if each in self.whole)

    def _named(self, metrics: tuple[Pattern, ...]) -> Iterator[int]:
        for name in (pattern.text for pattern in metrics if pattern.exact):
            if name in self.plain:
                yield self.plain[name]
            yield from (index for glob, index in self.globs.items() if glob.matches(name))

    def _matched(self, metrics: tuple[Pattern, ...]) -> Iterator[int]:
        for glob in (each for each in metrics if not each.exact and not each.text.startswith("/")):
            yield from (index for name, index in self.plain.items() if glob.matches(name))


def _two_periods(statistic: str, period: int, other: int, first: int) -> str:
    return (
        f"{statistic} at {duration_text(period)} would share its paths with metrics[{first}], which archives it "
        f'at {duration_text(other)}; add {{period}} to "path", or use one period'
    )
