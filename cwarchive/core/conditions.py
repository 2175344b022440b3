"""What to say of conditions that last: once when one begins, then daily, and one line when it ends.

Cron mails whatever a run prints; a receiver that is down for a night must not fill an inbox, nor be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cwarchive.core.retention import DAY
from cwarchive.core.words import instant

WEEK = 7 * DAY

FOR_EVER = {"gap", "renamed"}
"""Kinds of condition that have no end to tell: what is lost stays lost, and is only no longer spoken of."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is not as it should be; `key` stays the same while only figures in `sentence` change.

    `every` is after how many seconds an unchanged condition is told again, `fresh` that something new has joined it.
    """

    key: str
    sentence: str
    every: int = DAY
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Remembered:
    """A condition that was there before: when it began, when it was last told (epoch seconds)."""

    key: str
    sentence: str
    began: int
    told: int


@dataclass(frozen=True, slots=True)
class Telling:
    """What is said now, as (kind of condition, sentence), and what to remember."""

    sentences: tuple[tuple[str, str], ...]
    remembered: tuple[Remembered, ...]


def _nothing(_key: str) -> bool:
    """Everything was seen."""
    return False


def telling(
    before: Mapping[str, Remembered],
    present: Iterable[Condition],
    now: int,
    *,
    judged: bool = True,
    unseen: Callable[[str], bool] = _nothing,
    always: bool = False,
) -> Telling:
    """What to say at `now` of the `present` conditions, given those remembered from `before`.

    A condition that is gone is told to have ended, once, unless this run could not judge it (`judged` False, or
    `unseen` of its key: it stays remembered). `always` says everything, for a person at a terminal.
    """
    sentences: list[tuple[str, str]] = []
    remembered: dict[str, Remembered] = {}
    for condition in present:
        known = before.get(condition.key)
        rested = known is not None and 0 <= now - known.told < condition.every  # the clock may have been wrong
        if known is None or always or condition.fresh or not rested:
            since = f" (since {instant(known.began)})" if known is not None else ""
            sentences.append((_kind(condition.key), condition.sentence + since))
            known = Remembered(condition.key, condition.sentence, known.began if known else now, now)
        remembered[condition.key] = known
    for key, known in before.items():
        if key in remembered or _kind(key) in FOR_EVER:
            continue
        if judged and not unseen(key):
            sentences.append(("over", f"over since {instant(now)}: {known.sentence}"))
        else:
            remembered[key] = known
    return Telling(tuple(sentences), tuple(remembered.values()))


def _kind(key: str) -> str:
    return key.partition(":")[0]
