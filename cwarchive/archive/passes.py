"""One incremental pass: which entries are due, what each cell owes, and the exit code that follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cwarchive.archive.survey import Listing, Survey, adopted, listing, survey
from cwarchive.archive.transfer import Conduct, Transfer
from cwarchive.core.checkpoint import Gap, Tracked
from cwarchive.core.due import is_due
from cwarchive.core.ports import Memory, Sink, Source, Store
from cwarchive.core.retention import DAY
from cwarchive.core.selection import in_cell
from cwarchive.core.series import Cell
from cwarchive.core.spec import MetricSpec
from cwarchive.core.summary import Tally, exit_code
from cwarchive.errors import ClockError, DeliveryError


@dataclass(frozen=True, slots=True)
class Work:
    """What a pass is asked to do: entries, the cells they may look at, and whether `every` counts.

    `source_of` makes the source of a cell; it is called only for cells in which something is due.
    """

    specs: tuple[MetricSpec, ...]
    cells: tuple[Cell, ...]
    source_of: Callable[[Cell], Source]
    every_entry: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pass ended: what each cell did, what ended the pass early, and the exit code.

    `unmatched` are entries new to the state that select nothing of what is listed; `gaps` those that nobody was told
    of yet; `since` is where the earliest new series begins (epoch seconds), if there is one.
    """

    exit_code: int
    tallies: tuple[Tally, ...] = ()
    unmatched: tuple[MetricSpec, ...] = ()
    gaps: tuple[Gap, ...] = ()
    ended: DeliveryError | ClockError | None = None
    since: int | None = None


@dataclass(slots=True)
class _Progress:
    """What a pass has reached so far: needed to close its row however it ends."""

    tallies: list[Tally] = field(default_factory=list)
    resent: list[Tracked] = field(default_factory=list)
    incomplete: set[str] = field(default_factory=set)
    matched: set[str] = field(default_factory=set)
    begun: list[int] = field(default_factory=list)


def due_entries(store: Memory, specs: Sequence[MetricSpec], now: int, *, every_entry: bool) -> tuple[MetricSpec, ...]:
    """The entries whose UTC slot has come since their last pass; all of them where `every_entry` is asked."""
    return tuple(spec for spec in specs if every_entry or is_due(spec.every, store.entry(spec.key).last_pass, now))


def idle(store: Memory, specs: Sequence[MetricSpec], now: int, *, every_entry: bool) -> bool:
    """Whether a pass at `now` would find nothing to do; decided from the state alone."""
    return not due_entries(store, specs, now, every_entry=every_entry) and not store.waiting()


def run_pass(store: Store, sink: Sink, work: Work, conduct: Conduct, now: int) -> Outcome:
    """Archive what every due entry owes at `now` (epoch seconds); raises StateError and, for a bug, CoverageError.

    Graphite is probed before AWS is asked, so that no money is spent on data that can't be delivered. One cell's
    trouble stays its own; Graphite failing ends the pass.
    """
    due = due_entries(store, work.specs, now, every_entry=work.every_entry)
    newest = store.newest_mark()
    if newest is not None and now < newest - DAY:
        return Outcome(ClockError.exit_code, ended=_behind(newest, now))
    fresh = [spec for spec in due if store.entry(spec.key).last_pass is None]
    run, progress, ended = store.begin("run", now), _Progress(), None
    try:
        sink.probe()
        for cell in work.cells:
            if not conduct.stop():
                _pass_over(cell, due, store, sink, work, conduct, run, progress, now)
    except (DeliveryError, ClockError) as error:
        ended = error
    complete = ended is None and not conduct.stop()
    passed = {spec.key: now for spec in due if complete and spec.key not in progress.incomplete}
    gaps = store.untold()
    code = exit_code(progress.tallies, ended, conduct.signal(), gaps=bool(gaps))
    store.end(run, passed, [] if ended else progress.resent, code, int(conduct.clock()))
    unmatched = tuple(spec for spec in fresh if spec.key in passed and spec.key not in progress.matched)
    since = min(progress.begun, default=None)
    return Outcome(code, tuple(progress.tallies), unmatched, tuple(gaps), ended, since)


def _pass_over(
    cell: Cell,
    due: Sequence[MetricSpec],
    store: Store,
    sink: Sink,
    work: Work,
    conduct: Conduct,
    run: int,
    progress: _Progress,
    now: int,
) -> None:
    here = [spec for spec in due if in_cell(spec, cell)]
    known = list(store.known(cell))
    if not here and not any(tracked.failed for tracked in known):
        return
    tally = Tally(cell)
    progress.tallies.append(tally)
    source = work.source_of(cell)
    listed = listing(source, here)
    found = _surveyed(cell, listed, known, here, work, store, now)
    if listed.failure is not None:
        tally.unlisted = listed.failure
        progress.incomplete.update(spec.key for spec in here)
    complete = {} if listed.failure else {spec.key: cell for spec in here}
    members = adopted(store, found, complete, now)
    progress.begun += [newcomer.since for newcomer, _ in found.newcomers]
    progress.matched.update(member.spec.key for member in members)
    transfer = Transfer(source, sink, store, run, tally, conduct)
    try:
        transfer.run([member.owed(now) for member in members])
    finally:
        progress.resent += transfer.resent()
        if tally.ended is not None:
            progress.incomplete.update(spec.key for spec in here)


def _surveyed(
    cell: Cell,
    listed: Listing,
    known: Sequence[Tracked],
    here: Sequence[MetricSpec],
    work: Work,
    store: Store,
    now: int,
) -> Survey:
    others = [spec for spec in work.specs if spec not in here and in_cell(spec, cell)]
    born = {spec.key: store.entry(spec.key).discovered.get(cell) for spec in here}
    return survey(listed.metrics, known, here, others, born, now)


def _behind(newest: int, now: int) -> ClockError:
    return ClockError(
        f"the clock is {(newest - now) / DAY:.1f} days behind what is already archived; nothing was asked; set the clock right"
    )
