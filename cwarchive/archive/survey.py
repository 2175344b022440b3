"""Which series a pass over one cell is about: what CloudWatch lists, joined with what the state knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cwarchive.core.checkpoint import Tracked, first_checkpoint
from cwarchive.core.due import first_since
from cwarchive.core.path import Bound, assign, candidates, render
from cwarchive.core.plan import SeriesPlan, Timing, plan
from cwarchive.core.ports import Newcomer, Source, Store
from cwarchive.core.selection import Selected, selection
from cwarchive.core.series import Cell, Metric, Series, identity
from cwarchive.core.spec import MetricSpec
from cwarchive.errors import AccessError, SourceError


@dataclass(frozen=True, slots=True)
class Listing:
    """What CloudWatch listed in a cell; `failure` is None when the last page was read, else why nothing counts."""

    metrics: tuple[Metric, ...]
    failure: SourceError | AccessError | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A series that takes part in a pass, with the entry that selects it."""

    tracked: Tracked
    spec: MetricSpec

    def owed(self, now: int) -> SeriesPlan:
        """What the series owes at `now`."""
        return plan(self.tracked, Timing(self.spec.settle, self.spec.lookback), now)


@dataclass(frozen=True, slots=True)
class Survey:
    """The series of a pass: those the state knows, and those that it does not know yet."""

    members: tuple[Member, ...]
    newcomers: tuple[tuple[Newcomer, MetricSpec], ...]


def listing(source: Source, specs: Sequence[MetricSpec]) -> Listing:
    """Every metric listed in the namespaces of `specs`; a discovery counts only when its last page was read."""
    namespaces = sorted({spec.namespace for spec in specs})
    if not namespaces:
        return Listing(())
    try:
        return Listing(tuple(source.discover(namespaces)))
    except (SourceError, AccessError) as error:
        return Listing((), error)


def survey(
    listed: Sequence[Metric],
    known: Sequence[Tracked],
    due: Sequence[MetricSpec],
    others: Sequence[MetricSpec],
    born: dict[str, int | None],
    now: int,
) -> Survey:
    """Join `listed` metrics with the `known` series of a cell, for the entries that are due.

    Series that failed in an earlier pass take part whatever entry selects them (`others` are not due). `born` gives
    for each entry's key when its last complete discovery in this cell began.
    """
    by_path = {tracked.series.path: tracked for tracked in known}
    metrics = dict.fromkeys([*listed, *(tracked.series.metric for tracked in known)])
    members: dict[str, Member] = {}
    strangers: list[Selected] = []
    for selected in selection(due, metrics):
        tracked = _found(selected, by_path)
        if tracked is None:
            strangers.append(selected)
        else:
            members[tracked.series.path] = Member(tracked, selected.spec)
    for member in _failed(known, by_path, others):
        members.setdefault(member.tracked.series.path, member)
    return Survey(tuple(members.values()), tuple(_newcomers(strangers, by_path, born, now)))


def adopted(store: Store, found: Survey, complete: dict[str, Cell], now: int) -> list[Member]:
    """Store the newcomers and the discoveries that met them, in one transaction; return every member of the pass."""
    stored = store.adopt([newcomer for newcomer, _ in found.newcomers], complete, now)
    specs = (spec for _, spec in found.newcomers)
    return [*found.members, *map(Member, stored, specs)]


def provisional(found: Survey) -> list[Member]:
    """The members of a pass that is only planned: newcomers as they would be stored."""
    met = (
        Member(Tracked(-number, newcomer.series, first_checkpoint(newcomer.since)), spec)
        for number, (newcomer, spec) in enumerate(found.newcomers, 1)
    )
    return [*found.members, *met]


def _found(selected: Selected, by_path: dict[str, Tracked]) -> Tracked | None:
    """The known series that `selected` means: the same identity, on a path this template gives it."""
    rendered = render(selected.spec.template, selected.spec.prefix, selected.bound)
    text = selected.bound.identity
    for path in candidates(rendered, text):
        tracked = by_path.get(path)
        if tracked is not None and identity(tracked.series.metric, tracked.series.statistic) == text:
            return tracked
    return None


def _failed(known: Iterable[Tracked], by_path: dict[str, Tracked], others: Sequence[MetricSpec]) -> Iterator[Member]:
    for tracked in known:
        if tracked.failed:
            for selected in selection(others, [tracked.series.metric]):
                if _found(selected, by_path) is tracked:
                    yield Member(tracked, selected.spec)
                    break


def _newcomers(
    strangers: Sequence[Selected], by_path: dict[str, Tracked], born: dict[str, int | None], now: int
) -> Iterator[tuple[Newcomer, MetricSpec]]:
    specs: dict[Bound, MetricSpec] = {selected.bound: selected.spec for selected in strangers}
    rendered = [(bound, render(spec.template, spec.prefix, bound)) for bound, spec in specs.items()]
    owners = {path: identity(known.series.metric, known.series.statistic) for path, known in by_path.items()}
    for bound, path in assign(rendered, owners):
        spec = specs[bound]
        since = first_since(spec.period, spec.initial_lookback, born.get(spec.key), now)
        yield Newcomer(Series(bound.metric, bound.statistic, bound.period, path), since), spec
