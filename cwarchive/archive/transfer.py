"""The loop: batches are fetched by a few threads, delivered by one, and recorded only after the receipt.

    announce    windows and periods are stored before their first byte is sent
    deliver     returns only when the receiver has read every byte
    probe       a fresh connection proves that the receiver was not shutting down
    record      marks, gaps and figures, in one transaction

A series that failed is not asked again in the pass: a later window of it would leave a hole.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cwarchive.archive.fetch import Fetched, fetch
from cwarchive.archive.workers import Workers
from cwarchive.core.batch import Batch, Piece, batches
from cwarchive.core.checkpoint import Cut, Gap, Tracked, advance, announce, resend_settled
from cwarchive.core.line import blocks
from cwarchive.core.plan import SeriesPlan, period_at
from cwarchive.core.ports import Figures, Sink, Source, Store
from cwarchive.core.series import Datapoints
from cwarchive.core.summary import Tally
from cwarchive.core.window import Window
from cwarchive.errors import ClockError

CLOCK_TOLERANCE = 300
"""Seconds by which the local clock and the Date of AWS's answers may differ."""

PATIENCE = 3
"""Batches in a row that reach nobody, after which the rest of the cell waits for the next run."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a transfer is run: threads that fetch, lines in one connection, and when to stop.

    `clock` gives epoch seconds, `stop` is asked between batches, `signal` gives the exit code of a signal that asked
    for the stop (or None), `watch` is told (series done, series in all).
    """

    threads: int
    batch_lines: int
    clock: Callable[[], float]
    stop: Callable[[], bool]
    signal: Callable[[], int | None]
    watch: Callable[[int, int], None]


class Transfer:
    """One pass over the plans of one cell."""

    def __init__(self, source: Source, sink: Sink, store: Store, run: int, tally: Tally, conduct: Conduct) -> None:
        self._source, self._sink, self._store = source, sink, store
        self._run, self._tally, self._conduct = run, tally, conduct
        self._tracked: dict[int, Tracked] = {}
        self._marks: dict[int, int] = {}
        self._certain: dict[int, list[Gap]] = {}
        self._stalled: set[int] = set()
        self._done = 0
        self._unreached = 0

    def run(self, plans: Sequence[SeriesPlan]) -> None:
        """Fetch, deliver and record every ask of `plans`; raises DeliveryError, ClockError or StateError."""
        owing = [owed for owed in plans if owed.asks]
        self._tally.asked += len(owing)
        for owed in owing:
            tracked = owed.tracked
            self._tracked[tracked.id] = tracked
            self._marks[tracked.id] = tracked.checkpoint.mark
            self._certain[tracked.id] = list(owed.gaps)
        workers = Workers(self._conduct.threads, lambda batch: fetch(self._source, batch))
        for batch in batches(owing):
            while workers.full or not workers.busy.isdisjoint(_ids(batch)):
                self._settle(workers.finished())
            if self._conduct.stop() or self._tally.ended is not None:
                break
            if asked := self._still_asked(batch):
                workers.start(asked, _ids(asked))
        while workers.busy:
            self._settle(workers.finished())
        if self._tally.ended is not None:
            self._tally.failures[str(self._tally.ended)] += self._tally.asked - self._done

    def resent(self) -> list[Tracked]:
        """The series whose mark this pass moved, with their re-sent marks as a last commit may store them."""
        moved = (tracked for tracked in self._tracked.values() if tracked.checkpoint.mark > self._marks[tracked.id])
        return [
            replace(tracked, checkpoint=resend_settled(tracked.checkpoint, self._marks[tracked.id]))
            for tracked in moved
        ]

    def _still_asked(self, batch: Batch) -> Batch | None:
        pieces = tuple(piece for piece in batch.pieces if piece.tracked.id not in self._stalled)
        return Batch(pieces) if pieces else None

    def _settle(self, results: Iterable[Fetched]) -> None:
        """Deliver and record what has been fetched: one announcement, one receipt, one transaction."""
        arrived = list(results)
        self._check_clock(arrived)
        answered = [answer for fetched in arrived for answer in fetched.answered]
        if answered:
            self._store.announce([self._announced(piece) for piece, _ in answered])
            self._sink.deliver(blocks(_sent(answered), self._conduct.batch_lines))
            self._sink.probe()
        self._record(arrived, answered)

    def _announced(self, piece: Piece) -> Tracked:
        tracked = self._tracked[piece.tracked.id]
        cuts = _with_cut(tracked, piece)
        announced = replace(tracked, checkpoint=announce(tracked.checkpoint, piece.ask.covers), cuts=cuts)
        self._tracked[tracked.id] = announced
        return announced

    def _record(self, arrived: Sequence[Fetched], answered: Sequence[tuple[Piece, Datapoints]]) -> None:
        gaps: list[Gap] = []
        changed: dict[int, Tracked] = {}
        for piece, datapoints in answered:
            tracked, met = self._covered(self._tracked[piece.tracked.id], piece, datapoints)
            gaps += met
            changed[tracked.id] = self._tracked[tracked.id] = tracked
        for fetched in arrived:
            for piece, reason in fetched.waiting:
                self._stall(piece, reason)
                changed[piece.tracked.id] = self._tracked[piece.tracked.id]
        sent = sum(len(datapoints.timestamps) for _, datapoints in _sent_pieces(answered))
        figures = self._count(arrived, len(answered), sent)
        self._store.record(self._run, list(changed.values()), gaps, figures)
        self._despair(arrived)
        self._done += len(changed)
        self._conduct.watch(self._done, self._tally.asked)

    def _covered(self, tracked: Tracked, piece: Piece, datapoints: Datapoints) -> tuple[Tracked, list[Gap]]:
        """The series once this piece is delivered, with the gaps that are certain by now."""
        ask, checkpoint = piece.ask, tracked.checkpoint
        met, later = _split(self._certain[tracked.id], ask.covers.start)
        self._certain[tracked.id] = later
        for gap in met:
            if gap.window.end > checkpoint.mark:
                checkpoint = advance(checkpoint, gap.window)
        if ask.loses and datapoints.timestamps:
            first, last = datapoints.timestamps[0], datapoints.timestamps[-1] + ask.period
            met = [*met, Gap(tracked.id, Window(max(first, ask.covers.start), min(last, ask.covers.end)), "resolution")]
        return replace(tracked, checkpoint=advance(checkpoint, ask.covers), failed=False), met

    def _stall(self, piece: Piece, reason: str) -> None:
        self._stalled.add(piece.tracked.id)
        self._tally.failures[reason] += 1
        self._tracked[piece.tracked.id] = replace(self._tracked[piece.tracked.id], failed=True)

    def _count(self, arrived: Sequence[Fetched], series: int, datapoints: int) -> Figures:
        figures = Figures(
            series=series,
            datapoints=datapoints,
            requests=sum(fetched.requests for fetched in arrived),
            billed=sum(fetched.billed for fetched in arrived),
            failed=sum(len(fetched.waiting) for fetched in arrived),
        )
        self._tally.add(figures)
        return figures

    def _despair(self, arrived: Iterable[Fetched]) -> None:
        """End the cell where it refuses us, or where one batch after another reaches nobody."""
        for fetched in arrived:
            self._unreached = self._unreached + 1 if fetched.unreached else 0
            given_up = fetched.unreached if self._unreached >= PATIENCE else None
            self._tally.ended = self._tally.ended or fetched.refused or given_up

    def _check_clock(self, arrived: Iterable[Fetched]) -> None:
        here = self._conduct.clock()
        for fetched in arrived:
            for date in fetched.dates:
                if abs(here - date) > CLOCK_TOLERANCE:
                    ahead = "ahead of" if here > date else "behind"
                    raise ClockError(
                        f"the clock is {abs(here - date):.0f} s {ahead} AWS's; nothing was recorded; set the clock right"
                    )


def _ids(batch: Batch) -> set[int]:
    return {piece.tracked.id for piece in batch.pieces}


def _with_cut(tracked: Tracked, piece: Piece) -> tuple[Cut, ...]:
    """The cuts of a series once a coarser window is announced: coarser from here, its own period after."""
    ask = piece.ask
    if not ask.loses:
        return tracked.cuts
    at, until = Cut(ask.send_from, ask.period), Cut(ask.covers.end, period_at(tracked, ask.covers.end))
    kept = [cut for cut in tracked.cuts if not at.at <= cut.at <= until.at]
    return tuple(sorted([*kept, at, until], key=lambda cut: cut.at))


def _sent(answered: Iterable[tuple[Piece, Datapoints]]) -> Iterator[tuple[str, Datapoints]]:
    return ((piece.tracked.series.path, datapoints) for piece, datapoints in _sent_pieces(answered))


def _sent_pieces(answered: Iterable[tuple[Piece, Datapoints]]) -> Iterator[tuple[Piece, Datapoints]]:
    """What of each answer goes to Graphite: not the bucket in which finer datapoints already stand."""
    for piece, datapoints in answered:
        ask = piece.ask
        if ask.send_from > ask.window.start or ask.covers.end < ask.window.end:
            first = bisect_left(datapoints.timestamps, ask.send_from)
            last = bisect_left(datapoints.timestamps, ask.covers.end)
            datapoints = Datapoints(datapoints.timestamps[first:last], datapoints.values[first:last])
        yield piece, datapoints


def _split(gaps: Sequence[Gap], instant: int) -> tuple[list[Gap], list[Gap]]:
    """The gaps that end by `instant`, and the others."""
    return [gap for gap in gaps if gap.window.end <= instant], [gap for gap in gaps if gap.window.end > instant]
