"""Which series a pass over one cell is about: what CloudWatch lists, joined with what the state knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from types import MappingProxyType

from cwarchive.core.checkpoint import Tracked, at_period, first_checkpoint
from cwarchive.core.due import first_since
from cwarchive.core.parking import parked
from cwarchive.core.path import Bound, assign, candidates, render
from cwarchive.core.plan import SeriesPlan, Timing, plan
from cwarchive.core.ports import Newcomer, Source, Store
from cwarchive.core.selection import Selected, selection, selects
from cwarchive.core.series import Cell, Metric, Series, identity
from cwarchive.core.spec import MetricSpec, Rhythm
from cwarchive.errors import AccessError, SourceError

NOBODY: Mapping[str, str] = MappingProxyType({})


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
        return plan(self.tracked, self.timing, now)

    @property
    def timing(self) -> Timing:
        """When its datapoints are final, and how far back they are read again."""
        rhythm = self.rhythm
        return Timing(rhythm.settle, rhythm.lookback)

    @property
    def rhythm(self) -> Rhythm:
        """How its metric is asked."""
        return self.spec.rhythm(self.tracked.series.metric.name)


@dataclass(frozen=True, slots=True)
class Survey:
    """The series of a pass: those the state knows, and those that it does not know yet.

    `changed` are the series whose row must be stored before anything is asked: parked, woken, or at a new period;
    `matched` the keys of the entries that select something, also if it rests. `renamed` are newcomers of which the
    state knows the same statistic on another path: their archive begins anew where that one began.
    """

    members: tuple[Member, ...]
    newcomers: tuple[tuple[Newcomer, MetricSpec], ...]
    changed: tuple[Tracked, ...]
    matched: frozenset[str]
    renamed: tuple[Newcomer, ...]


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
    elsewhere: Mapping[str, str] = NOBODY,
    *,
    complete: bool = True,
) -> Survey:
    """Join `listed` metrics with the `known` series of a cell, for the entries that are due.

    Series that failed in an earlier pass take part whatever entry selects them (`others` are not due). `born` gives
    for each entry's key when its last complete discovery in this cell began, `elsewhere` which identity owns which
    path in other cells. Only a `complete` listing parks what it does not name.
    """
    by_path = {tracked.series.path: tracked for tracked in known}
    alive = dict.fromkeys(listed)
    metrics = dict.fromkeys([*listed, *(tracked.series.metric for tracked in known if not tracked.forgotten)])
    members: dict[str, Member] = {}
    strangers: list[Selected] = []
    changed: list[Tracked] = []
    matched: set[str] = set()
    for selected in selection(due, metrics):
        matched.add(selected.spec.key)
        before = _found(selected, by_path)
        if before is None:
            strangers.append(selected)
            continue
        tracked, rests = _as_selected(before, selected, missed=complete and selected.bound.metric not in alive, now=now)
        if tracked is not before:
            changed.append(tracked)
        if not rests:
            members[tracked.series.path] = Member(tracked, selected.spec)
    for member in _failed(known, by_path, others):
        members.setdefault(member.tracked.series.path, member)
    for spec in due:  # another entry may have come first for all that this one selects
        if spec.key not in matched and any(selects(spec, metric) for metric in metrics):
            matched.add(spec.key)
    owners = {**elsewhere, **owned(known)} if strangers else NOBODY
    begun = _begun(known) if strangers else {}
    newcomers = tuple(_newcomers(strangers, owners, born, begun, now))
    renamed = tuple(met for met, _ in newcomers if identity(met.series.metric, met.series.statistic) in begun)
    moved = {identity(met.series.metric, met.series.statistic) for met in renamed}
    changed += _left_behind(known, members, moved)
    return Survey(tuple(members.values()), newcomers, tuple(changed), frozenset(matched), renamed)


def _left_behind(known: Iterable[Tracked], members: Mapping[str, Member], moved: Set[str]) -> Iterator[Tracked]:
    """Series that no entry selects any more: they wait for nothing; what `moved` is forgotten on its old path."""
    for tracked in known:
        if tracked.series.path in members or tracked.forgotten:
            continue
        if moved and identity(tracked.series.metric, tracked.series.statistic) in moved:
            yield replace(tracked, failed=False, forgotten=True)
        elif tracked.failed:
            yield replace(tracked, failed=False)


def _begun(known: Iterable[Tracked]) -> dict[str, int]:
    """Where the archive of each statistic that the state knows begins, on whichever path."""
    begun: dict[str, int] = {}
    for tracked in known:
        name, since = identity(tracked.series.metric, tracked.series.statistic), tracked.checkpoint.since
        begun[name] = min(since, begun.get(name, since))
    return begun


def owned(known: Iterable[Tracked]) -> dict[str, str]:
    """Which identity owns which path."""
    return {tracked.series.path: identity(tracked.series.metric, tracked.series.statistic) for tracked in known}


def adopted(store: Store, found: Survey, complete: dict[str, Cell], now: int) -> list[Member]:
    """Store the newcomers and the discoveries that met them, in one transaction; return every member of the pass."""
    stored = store.adopt([newcomer for newcomer, _ in found.newcomers], complete, now, found.changed)
    specs = (spec for _, spec in found.newcomers)
    return [*found.members, *map(Member, stored, specs)]


def provisional(found: Survey) -> list[Member]:
    """The members of a pass that is only planned: newcomers as they would be stored."""
    met = (
        Member(Tracked(-number, newcomer.series, first_checkpoint(newcomer.since)), spec)
        for number, (newcomer, spec) in enumerate(found.newcomers, 1)
    )
    return [*found.members, *met]


def _as_selected(before: Tracked, selected: Selected, *, missed: bool, now: int) -> tuple[Tracked, bool]:
    """The known series as its entry wants it, and whether it rests because its metric is `missed` in the listing."""
    tracked = before
    if tracked.series.period != selected.bound.period:
        tracked = at_period(tracked, selected.bound.period)
    resting = parked(tracked, selected.spec.rhythm(selected.bound.metric.name), now) if missed else None
    if resting is not None:
        return (before if resting == before else resting), True
    if tracked.parked or tracked.forgotten:
        tracked = replace(tracked, parked=False, forgotten=False)
    return tracked, False


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
    strangers: Sequence[Selected],
    owners: Mapping[str, str],
    born: dict[str, int | None],
    begun: Mapping[str, int],
    now: int,
) -> Iterator[tuple[Newcomer, MetricSpec]]:
    specs: dict[Bound, MetricSpec] = {selected.bound: selected.spec for selected in strangers}
    rendered = [(bound, render(spec.template, spec.prefix, bound)) for bound, spec in specs.items()]
    for bound, path in assign(rendered, owners):
        spec = specs[bound]
        since = first_since(bound.period, spec.initial_lookback, born.get(spec.key), now)
        since = min(since, begun.get(bound.identity, since))
        yield Newcomer(Series(bound.metric, bound.statistic, bound.period, path), since), spec
