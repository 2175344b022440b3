"""How a batch is asked until each of its series is answered or set aside with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cwarchive.core.batch import Batch, Piece
from cwarchive.core.cost import billed_metrics
from cwarchive.core.ports import Answer, Source, Unanswered
from cwarchive.core.series import Datapoints
from cwarchive.errors import AccessError, Refused, SourceError, Unreachable

MOST_UNSOUND = 40
"""Answers of one batch that may be useless: twice what it takes to find one bad metric among 500, and no more."""


@dataclass(slots=True)
class Fetched:
    """What came of one batch: answered pieces, those that wait with their reason, and what was spent.

    `skews` are by how many seconds the local clock was ahead of AWS's as each answer came. `refused` is set where
    asking the cell further is useless, `unreached` where this batch got through to nobody.
    """

    answered: list[tuple[Piece, Datapoints]] = field(default_factory=list)
    waiting: list[tuple[Piece, str]] = field(default_factory=list)
    skews: list[float] = field(default_factory=list)
    requests: int = 0
    unsound: int = 0
    billed: int = 0
    refused: AccessError | None = None
    unreached: Unreachable | None = None


def fetch(source: Source, batch: Batch, clock: Callable[[], float]) -> Fetched:
    """Ask `batch`; an unsound answer is asked again, then halved until the one bad metric stands alone."""
    fetched = Fetched()
    _ask(source, batch, fetched, clock, again=True)
    return fetched


def _ask(source: Source, batch: Batch, fetched: Fetched, clock: Callable[[], float], *, again: bool) -> None:
    if ended := fetched.refused or fetched.unreached:
        _set_aside(batch, str(ended), fetched)
        return
    fetched.billed += billed_metrics(batch.request)
    fetched.requests += 1
    try:
        answer = source.fetch(batch.request)
    except AccessError as error:
        fetched.refused = error
        _set_aside(batch, str(error), fetched)
    except Unreachable as error:
        fetched.unreached = error
        _set_aside(batch, str(error), fetched)
    except SourceError as error:
        fetched.unsound += not isinstance(error, Refused)
        if fetched.unsound > MOST_UNSOUND:
            _set_aside(batch, str(error), fetched)
        elif again and not isinstance(error, Refused):
            _ask(source, batch, fetched, clock, again=False)
        else:
            _halve(source, batch, fetched, clock, str(error))
    else:
        _take(batch, answer, fetched, clock())


def _take(batch: Batch, answer: Answer, fetched: Fetched, here: float) -> None:
    fetched.requests += answer.calls - 1
    if answer.date is not None:
        fetched.skews.append(here - answer.date)
    for piece, column in zip(batch.pieces, answer.columns, strict=True):
        if isinstance(column, Unanswered):
            fetched.waiting.append((piece, column.reason))
        else:
            fetched.answered.append((piece, column))


def _halve(source: Source, batch: Batch, fetched: Fetched, clock: Callable[[], float], reason: str) -> None:
    if batch.metrics == 1:
        _set_aside(batch, reason, fetched)
        return
    for half in batch.halves():
        _ask(source, half, fetched, clock, again=False)


def _set_aside(batch: Batch, reason: str, fetched: Fetched) -> None:
    fetched.waiting += [(piece, reason) for piece in batch.pieces]
