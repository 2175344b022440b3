"""One incremental pass: which entries are due, what each cell owes, and the exit code that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cwarchive.archive.survey import NOBODY, Listing, Member, adopted, listing, owned, survey
from cwarchive.archive.transfer import Conduct, Purse, Transfer
from cwarchive.core.batch import STATISTICS_BILLED_AS_ONE
from cwarchive.core.checkpoint import Gap, Tracked, sent_twice
from cwarchive.core.cost import affordable
from cwarchive.core.due import is_due
from cwarchive.core.money import effective_every
from cwarchive.core.path import fields
from cwarchive.core.plan import MARGIN, SeriesPlan, repetition
from cwarchive.core.ports import Figures, Marks, Sink, Source, Store
from cwarchive.core.retention import DAY, HORIZON
from cwarchive.core.selection import in_cell
from cwarchive.core.series import Cell
from cwarchive.core.spec import MetricSpec
from cwarchive.core.summary import Tally, exit_code
from cwarchive.errors import AccessError, ClockError, DeliveryError

REPEAT_AFTER = 15.0
"""Seconds between two sendings of one pass: several times what a receiver takes to write what it holds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a pass may spend (US dollars, None: anything) and how many series may be begun."""

    usd_per_run: float | None = None
    usd_per_month: float | None = None
    max_series: int | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What a pass is asked to do: entries, the cells they may look at, limits, and whether `every` counts.

    `source_of` makes the source of a cell; it is called only for cells in which something is due.
    """

    specs: tuple[MetricSpec, ...]
    cells: tuple[Cell, ...]
    source_of: Callable[[Cell], Source]
    every_entry: bool = False
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass ended: what each cell did, what ended the pass early, and the exit code.

    `unmatched` are due entries that select nothing of what is listed; `gaps` those that nobody was told of yet;
    `since` is where the earliest new series begins (epoch seconds), if there is one. `judged` says that the pass saw
    everything it was due to see, `passed` are the keys of the entries that made their pass.
    """

    exit_code: int
    tallies: tuple[Tally, ...] = ()
    unmatched: tuple[MetricSpec, ...] = ()
    gaps: tuple[Gap, ...] = ()
    ended: DeliveryError | ClockError | AccessError | None = None
    since: int | None = None
    judged: bool = False
    passed: frozenset[str] = frozenset()


def due_entries(
    store: Marks, specs: Sequence[MetricSpec], now: int, *, every_entry: bool, usd_per_month: float | None = None
) -> tuple[MetricSpec, ...]:
    """The entries whose UTC slot has come since their last pass; all of them where `every_entry` is asked.

    A limit on the month stretches the slots.
    """
    last = {spec.key: store.entry(spec.key).last_pass for spec in specs}
    every = stretched(store, specs, usd_per_month)
    waits = zip(specs, every, strict=True)
    return tuple(spec for spec, wait in waits if every_entry or is_due(spec.every, last[spec.key], now, wait))


def stretched(store: Marks, specs: Sequence[MetricSpec], usd_per_month: float | None) -> Sequence[int]:
    """After how many seconds each of the entries is due, given what its passes cost and what a month may cost."""
    billed = {} if usd_per_month is None else {spec.key: store.entry(spec.key).billed or 0 for spec in specs}
    return effective_every(specs, billed, usd_per_month)


def idle(
    store: Marks, specs: Sequence[MetricSpec], now: int, *, every_entry: bool, usd_per_month: float | None = None
) -> bool:
    """Whether a pass at `now` would find nothing to do; decided from the state alone."""
    due = due_entries(store, specs, now, every_entry=every_entry, usd_per_month=usd_per_month)
    return not due and not store.waiting() and clock_behind(store, now) is None


def clock_behind(store: Marks, now: int) -> ClockError | None:
    """What to say where `now` is more than a day before what is archived already."""
    newest = store.newest_mark()
    if newest is None or now >= newest - DAY:
        return None
    days = (newest - now) / DAY
    return ClockError(f"the clock is {days:.1f} days behind what is archived; nothing was asked; set the clock right")


def run_pass(store: Store, sink: Sink, work: Work, conduct: Conduct, now: int) -> Outcome:
    """Archive what every due entry owes at `now` (epoch seconds); raises StateError and, for a bug, CoverageError.

    Graphite is probed before AWS is asked, so that no money is spent on data that can't be delivered. One cell's
    trouble stays its own; Graphite failing ends the pass.
    """
    if behind := clock_behind(store, now):
        return Outcome(ClockError.exit_code, ended=behind)
    return _Pass(store, sink, work, conduct, now).run()


@dataclass(slots=True)
class _Plot:
    """One cell's part of a pass, planned: its source, its members and what they owe."""

    tally: Tally
    source: Source
    specs: Sequence[MetricSpec]
    members: Sequence[Member]
    plans: Sequence[SeriesPlan]

    @property
    def danger(self) -> int:
        """Seconds until the first of its series that owes something loses data."""
        return min((owed.danger for owed in self.plans if owed.asks), default=HORIZON)


class _Pass:
    """What one pass works with, and what it has reached so far."""

    def __init__(self, store: Store, sink: Sink, work: Work, conduct: Conduct, now: int) -> None:
        self._store, self._sink, self._work, self._conduct, self._now = store, sink, work, conduct, now
        limits = work.limits
        self._due = due_entries(
            store, work.specs, now, every_entry=work.every_entry, usd_per_month=limits.usd_per_month
        )
        self._every = dict(zip(work.specs, stretched(store, work.specs, limits.usd_per_month), strict=True))
        self._purse = Purse(None if limits.usd_per_run is None else affordable(limits.usd_per_run))
        self._room = None if limits.max_series is None else max(0, limits.max_series - store.begun())
        self._tallies: list[Tally] = []
        self._resent: dict[int, Tracked] = {}
        self._incomplete: set[str] = set()
        self._matched: set[str] = set()
        self._billed: Counter[str] = Counter()
        self._begun: list[int] = []

    def run(self) -> Outcome:
        """Survey every cell, then archive them, oldest danger first, then the last commit."""
        run, ended = self._store.begin("run", self._now), None
        try:
            self._sink.probe()
            plots = [plot for cell in self._work.cells if (plot := self._surveyed(cell))]
            for plot in sorted(plots, key=lambda plot: plot.danger):
                if self._conduct.stop():
                    self._judge_lateness(plot, _as_surveyed)
                else:
                    self._archive(plot, run)
        except (DeliveryError, ClockError) as error:
            ended = error
        return self._end(run, ended)

    def _end(self, run: int, ended: DeliveryError | ClockError | None) -> Outcome:
        judged = ended is None and not self._conduct.stop() and not self._purse.empty
        passed = {spec.key: self._now for spec in self._due if judged and spec.key not in self._incomplete}
        gaps = tuple(self._store.untold())
        signal = self._conduct.signal()
        code = exit_code(self._tallies, ended, signal, gaps=bool(gaps))
        resent = [] if ended else list(self._resent.values())
        self._store.end(run, passed, resent, code, int(self._conduct.clock()), dict(self._billed))
        unmatched = tuple(spec for spec in self._due if spec.key in passed and spec.key not in self._matched)
        since = min(self._begun, default=None)
        return Outcome(code, tuple(self._tallies), unmatched, gaps, ended, since, judged, frozenset(passed))

    def _surveyed(self, cell: Cell) -> _Plot | None:
        """The cell's part of the pass; None where it has none."""
        here = [spec for spec in self._due if in_cell(spec, cell)]
        known = list(self._store.known(cell))
        if not here and not any(tracked.failed for tracked in known):
            return None
        tally = Tally(cell)
        self._tallies.append(tally)
        try:
            source = self._work.source_of(cell)
        except AccessError as error:
            tally.ended = error
            self._incomplete.update(spec.key for spec in here)
            return None
        members = self._members(tally, here, known, listing(source, here))
        return _Plot(tally, source, here, members, [member.owed(self._now) for member in members])

    def _archive(self, plot: _Plot, run: int) -> None:
        transfer = Transfer(plot.source, self._sink, self._store, run, plot.tally, self._conduct, self._purse)
        try:
            transfer.run(plot.plans)
        finally:
            self._resent |= {tracked.id: tracked for tracked in transfer.resent()}
        if plot.tally.ended is not None:
            self._incomplete.update(spec.key for spec in plot.specs)
        self._repeat(plot, run, transfer)
        self._judge_lateness(plot, transfer.now_at)
        self._count_bill(plot)

    def _repeat(self, plot: _Plot, run: int, first: Transfer) -> None:
        """Send once more, now, what an outage left at CloudWatch's horizon: an hour later it could not be asked again.

        The pause lets the receiver write what it holds in memory, so that both sendings are not lost at once. What
        cannot be repeated is archived all the same, and only stays unproven.
        """
        sound = {series_id for series_id, tracked in self._resent.items() if not tracked.failed}
        coarsened = first.coarsened() & sound
        again = [member for member in plot.members if member.tracked.id in coarsened]
        if not again or self._conduct.stop() or plot.tally.ended is not None:
            return
        self._conduct.pause(REPEAT_AFTER)
        later = int(self._conduct.clock())
        now = self._now if later < self._now + MARGIN // 2 else later  # what was just answered still is for a while
        plans = [
            replace(repetition(self._resent[m.tracked.id], m.timing, now), tracked=first.now_at(m.tracked))
            for m in again  # as the state has them: re-sent marks move in the last commit only
        ]
        tally, unwatched = Tally(plot.tally.cell), replace(self._conduct, watch=_nobody)
        transfer = Transfer(plot.source, self._sink, self._store, run, tally, unwatched, self._purse)
        try:
            transfer.run(plans, again=True)
        finally:
            plot.tally.add(Figures(datapoints=tally.datapoints, requests=tally.requests, billed=tally.billed))
        for tracked in transfer.heard():
            self._resent[tracked.id] = replace(tracked, checkpoint=sent_twice(tracked.checkpoint))

    def _members(
        self, tally: Tally, here: Sequence[MetricSpec], known: Sequence[Tracked], listed: Listing
    ) -> list[Member]:
        """The series of a pass over one cell, newcomers stored; without a complete discovery only the known ones."""
        cell, complete = tally.cell, listed.failure is None
        others = [spec for spec in self._work.specs if spec not in here and in_cell(spec, cell)]
        born = {spec.key: self._store.entry(spec.key).discovered.get(cell) for spec in here}
        elsewhere = self._owned_elsewhere(cell, here)
        found = survey(listed.metrics, known, here, others, born, self._now, elsewhere, complete=complete)
        if not complete:
            tally.unlisted = listed.failure
            self._incomplete.update(spec.key for spec in here)
        met = {spec.key: cell for spec in here} if complete else {}
        members = adopted(self._store, found, met, self._now)
        tally.renamed += [newcomer.series.path for newcomer in found.renamed]
        self._begun += [newcomer.since for newcomer, _ in found.newcomers]
        self._matched |= found.matched
        return self._within_limit(members, tally)

    def _within_limit(self, members: Sequence[Member], tally: Tally) -> list[Member]:
        """The members that may be asked: those begun already, and of the others as many as the limit has room for."""
        if self._room is None:
            return list(members)
        allowed: list[Member] = []
        for member in members:
            checkpoint = member.tracked.checkpoint
            if checkpoint.mark > checkpoint.since:
                allowed.append(member)
            elif self._room > 0:
                self._room -= 1
                allowed.append(member)
            else:
                tally.crowded[member.spec.label] += 1
        return allowed

    def _judge_lateness(self, plot: _Plot, reached: Callable[[Tracked], Tracked]) -> None:
        """A pass that was cut short is no success where a series is further behind than its entry allows."""
        if not self._conduct.stop() and not self._purse.empty:
            return
        for member in plot.members:
            rhythm, every = member.rhythm, self._every[member.spec]
            allowed = rhythm.settle + 2 * every + rhythm.period
            plot.tally.late += self._now - reached(member.tracked).checkpoint.mark > allowed

    def _count_bill(self, plot: _Plot) -> None:
        """How many metrics each entry is billed for in a usual pass: the figure by which a month is foreseen.

        A metric whose period is longer than its entry's `every` is asked in some passes only.
        """
        statistics = Counter((m.spec, m.tracked.series.metric, m.rhythm.period) for m in plot.members)
        shares: Counter[str] = Counter()
        for (spec, _, period), count in statistics.items():
            billed = -(-count // STATISTICS_BILLED_AS_ONE)
            shares[spec.key] += billed * 1_000 * min(spec.every, period) // period
        for key, thousandths in shares.items():
            self._billed[key] += -(-thousandths // 1_000)

    def _owned_elsewhere(self, cell: Cell, here: Sequence[MetricSpec]) -> Mapping[str, str]:
        """Who owns which path in the account's other regions, where a template does not tell regions apart."""
        if all("region" in fields(spec.template) for spec in here):
            return NOBODY
        others = [other for other in self._work.cells if other.account == cell.account and other != cell]
        return owned(tracked for other in others for tracked in self._store.known(other))


def _as_surveyed(tracked: Tracked) -> Tracked:
    """A series of which nothing was asked."""
    return tracked


def _nobody(done: int, asked: int) -> None:
    """Progress of which nobody is told."""
    del done, asked
