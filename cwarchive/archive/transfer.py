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
from cwarchive.core.checkpoint import Gap, Tracked, advance, announce, resend_settled
from cwarchive.core.cost import billed_metrics
from cwarchive.core.line import blocks
from cwarchive.core.plan import Ask, SeriesPlan, cuts_with
from cwarchive.core.ports import Figures, Sink, Source, Store
from cwarchive.core.retention import kept_for
from cwarchive.core.series import Datapoints
from cwarchive.core.summary import Tally
from cwarchive.core.window import Window
from cwarchive.errors import ClockError, Unreachable

CLOCK_TOLERANCE = 300
"""Seconds by which the local clock and the Date of AWS's answers may differ."""

PATIENCE = 3
"""Batches in a row that reach nobody, after which the rest of the cell waits for the next run."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a transfer is run: threads that fetch, lines in one connection, and when to stop.

    `clock` gives epoch seconds, `stop` is asked between batches, `signal` gives the exit code of a signal that asked
    for the stop (or None), `watch` is told (series done, series in all), `pause` waits for seconds.
    """

    threads: int
    batch_lines: int
    clock: Callable[[], float]
    stop: Callable[[], bool]
    signal: Callable[[], int | None]
    watch: Callable[[int, int], None]
    pause: Callable[[float], None] = lambda _seconds: None


@dataclass(slots=True)
class Purse:
    """What a pass may still be billed for, in metrics; None is no limit. `empty` once something was too dear."""

    left: int | None = None
    empty: bool = False

    def pays(self, billed: int) -> bool:
        """Whether a request that bills so many metrics may go out; then it is paid."""
        self.empty = self.empty or (self.left is not None and billed > self.left)
        if self.left is not None and not self.empty:
            self.left -= billed
        return not self.empty

    def spend(self) -> int:
        """What is left, spent."""
        left, self.left = self.left or 0, 0
        return left


@dataclass(slots=True)
class _Passage:
    """One series on its way through a pass.

    `mark` is where its mark stood before, `certain` are the gaps not recorded yet, `left` counts the windows still to
    come (none once it failed), `lost` are the spans of which nothing is left, `heard` says that a window was recorded,
    `full` that one held a datapoint, `coarsened` that finer datapoints were gone.
    """

    tracked: Tracked
    mark: int
    certain: Sequence[Gap]
    left: int
    lost: tuple[Window, ...] = ()
    heard: bool = False
    full: bool = False
    coarsened: bool = False


class Transfer:
    """One pass over the plans of one cell."""

    def __init__(
        self, source: Source, sink: Sink, store: Store, run: int, tally: Tally, conduct: Conduct, purse: Purse
    ) -> None:
        self._source, self._sink, self._store, self._purse = source, sink, store, purse
        self._run, self._tally, self._conduct = run, tally, conduct
        self._passages: dict[int, _Passage] = {}
        self._done = 0
        self._in_vain = 0
        self._reached = False
        self._unreached: Unreachable | None = None

    def run(self, plans: Sequence[SeriesPlan], *, again: bool = False) -> None:
        """Fetch, deliver and record every ask of `plans`; raises DeliveryError, ClockError or StateError.

        `again` says that these series were archived by this pass already, and are not counted a second time.
        """
        owing = [owed for owed in plans if owed.asks]
        self._tally.asked += len(owing)
        for owed in owing:
            tracked, mark = owed.tracked, owed.tracked.checkpoint.mark
            self._passages[tracked.id] = _Passage(tracked, mark, owed.gaps, len(owed.asks), heard=again)
        workers = Workers(self._conduct.threads, lambda batch: fetch(self._source, batch, self._conduct.clock))
        for batch in batches(owing):
            while workers.full or not workers.busy.isdisjoint(_ids(batch)):
                self._settle(workers.finished())
            if self._conduct.stop() or self._tally.ended is not None:
                break
            if asked := self._still_asked(batch):
                if paid := self._paid(asked):
                    workers.start(paid, _ids(paid))
                if self._purse.empty:
                    break
        while workers.busy:
            self._settle(workers.finished())
        self._conclude()

    def resent(self) -> list[Tracked]:
        """The series whose mark this pass moved, with their re-sent marks as a last commit may store them."""
        return [
            replace(passage.tracked, checkpoint=resend_settled(passage.tracked.checkpoint, passage.mark, passage.lost))
            for passage in self._passages.values()
            if passage.tracked.checkpoint.mark > passage.mark
        ]

    def coarsened(self) -> set[int]:
        """The ids of the series of which coarser datapoints were archived, since the finer ones are gone."""
        return {series_id for series_id, passage in self._passages.items() if passage.coarsened and passage.heard}

    def now_at(self, tracked: Tracked) -> Tracked:
        """The series as this transfer left it."""
        passage = self._passages.get(tracked.id)
        return tracked if passage is None else passage.tracked

    def heard(self) -> list[Tracked]:
        """The series of which every window was recorded."""
        return [p.tracked for p in self._passages.values() if p.heard and not p.left and not p.tracked.failed]

    def _still_asked(self, batch: Batch) -> Batch | None:
        pieces = tuple(piece for piece in batch.pieces if self._passages[piece.tracked.id].left)
        return Batch(pieces) if pieces else None

    def _paid(self, batch: Batch) -> Batch | None:
        """As much of a batch as may be billed for: a limit lower than one request must not stop all."""
        if self._purse.pays(billed_metrics(batch.request)):
            return batch
        return batch.first(self._purse.spend())

    def _settle(self, results: Iterable[Fetched]) -> None:
        """Deliver and record what has been fetched: one announcement, one receipt, one transaction."""
        arrived = list(results)
        self._check_clock(arrived)
        self._set_forgotten_aside(arrived)
        answered = [answer for fetched in arrived for answer in fetched.answered]
        if answered:
            self._store.announce([self._announced(piece) for piece, _ in answered])
            self._sink.deliver(blocks(_sent(answered), self._conduct.batch_lines))
            self._sink.probe()
        self._record(arrived, answered)

    def _set_forgotten_aside(self, arrived: Iterable[Fetched]) -> None:
        """An empty answer proves nothing once the window was older than what CloudWatch keeps: it is planned anew."""
        now = self._conduct.clock()
        for fetched in arrived:
            late = [piece for piece, _ in fetched.answered if _forgotten(piece.ask, now)]
            fetched.answered = [answer for answer in fetched.answered if not _forgotten(answer[0].ask, now)]
            fetched.waiting += [(piece, _AGED) for piece in late]

    def _announced(self, piece: Piece) -> Tracked:
        passage = self._passages[piece.tracked.id]
        checkpoint = announce(passage.tracked.checkpoint, piece.ask.covers)
        passage.tracked = replace(passage.tracked, checkpoint=checkpoint, cuts=cuts_with(passage.tracked, piece.ask))
        return passage.tracked

    def _record(self, arrived: Sequence[Fetched], answered: Sequence[tuple[Piece, Datapoints]]) -> None:
        gaps: list[Gap] = []
        changed: list[_Passage] = []
        for piece, datapoints in answered:
            changed.append(self._passages[piece.tracked.id])
            gaps += _cover(changed[-1], piece.ask, datapoints)
        first_heard = sum(not passage.heard for passage in changed)
        for passage in changed:
            passage.heard = True
        for piece, reason in (waiting for fetched in arrived for waiting in fetched.waiting):
            changed.append(self._passages[piece.tracked.id])
            self._stall(changed[-1], reason)
        sent = sum(len(datapoints.timestamps) for _, datapoints in _sent_pieces(answered))
        figures = self._count(arrived, first_heard, sent)
        self._store.record(self._run, [passage.tracked for passage in changed], gaps, figures)
        self._despair(arrived)
        self._done += sum(not passage.left for passage in changed)
        self._conduct.watch(self._done, self._tally.asked)

    def _stall(self, passage: _Passage, reason: str) -> None:
        passage.left = 0
        passage.tracked = replace(passage.tracked, failed=True)
        self._tally.failures[reason] += 1

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
            in_vain = fetched.unreached is not None and not fetched.answered
            self._in_vain = self._in_vain + 1 if in_vain else 0
            self._reached |= not in_vain
            self._unreached = fetched.unreached or self._unreached
            given_up = fetched.unreached if self._in_vain >= PATIENCE else None
            self._tally.ended = self._tally.ended or fetched.refused or given_up

    def _conclude(self) -> None:
        """Where nobody was reached at all the cell is out of reach; what was not asked waits for the same reason."""
        if not self._reached:
            self._tally.ended = self._tally.ended or self._unreached
        if self._tally.ended is not None and self._done < self._tally.asked:
            self._tally.failures[str(self._tally.ended)] += self._tally.asked - self._done

    def _check_clock(self, arrived: Iterable[Fetched]) -> None:
        for fetched in arrived:
            for skew in fetched.skews:
                if abs(skew) > CLOCK_TOLERANCE:
                    ahead = "ahead of" if skew > 0 else "behind"
                    raise ClockError(
                        f"the clock is {abs(skew):.0f} s {ahead} AWS's; nothing of it was recorded; set it right"
                    )


_AGED = "CloudWatch may have forgotten it while it waited for its turn"


def _forgotten(ask: Ask, now: float) -> bool:
    """Whether CloudWatch may have answered `ask` emptily at `now`, because the window had aged out while it waited."""
    return now > ask.window.start + kept_for(ask.period)


def _ids(batch: Batch) -> set[int]:
    return {piece.tracked.id for piece in batch.pieces}


def _cover(passage: _Passage, ask: Ask, datapoints: Datapoints) -> list[Gap]:
    """Move the mark of a series over what was delivered; return the gaps that are certain by now."""
    checkpoint = passage.tracked.checkpoint
    met, passage.certain = _split(passage.certain, ask.covers.start)
    for gap in met:
        if gap.window.end > checkpoint.mark:
            checkpoint = advance(checkpoint, gap.window)
    passage.lost += tuple(gap.window for gap in met if gap.kind == "lost")
    passage.left -= 1
    passage.full |= bool(datapoints.timestamps)
    passage.coarsened |= ask.loses
    empty = not passage.full if passage.left == 0 else passage.tracked.empty
    checkpoint = advance(checkpoint, ask.covers)
    passage.tracked = replace(passage.tracked, checkpoint=checkpoint, failed=False, empty=empty)
    return [*met, *_coarsened(passage.tracked.id, ask, datapoints)]


def _coarsened(series_id: int, ask: Ask, datapoints: Datapoints) -> list[Gap]:
    """The gap of resolution that a coarser window leaves: from the first to the last bucket that holds data."""
    if not ask.loses or not datapoints.timestamps:
        return []
    start = max(datapoints.timestamps[0], ask.covers.start)
    end = min(datapoints.timestamps[-1] + ask.period, ask.covers.end)
    return [Gap(series_id, Window(start, end), "resolution")]


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
