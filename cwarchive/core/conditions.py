"""What to say of conditions that last: once when one begins, then daily, and one line when it ends.

Cron mails whatever a run prints; a receiver that is down for a night must not fill an inbox, nor be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cwarchive.core.retention import DAY
from cwarchive.core.words import instant

WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is not as it should be; `key` stays the same while only figures in `sentence` change.

    `every` is after how many seconds an unchanged condition is told again.
    """

    key: str
    sentence: str
    every: int = DAY


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


def telling(
    before: Mapping[str, Remembered],
    present: Iterable[Condition],
    now: int,
    *,
    judged: bool = True,
    always: bool = False,
) -> Telling:
    """What to say at `now` of the `present` conditions, given those remembered from `before`.

    A condition that is gone is told to have ended, once, unless this run could not judge it (`judged` False: it stays
    remembered). `always` says everything, for a person at a terminal.
    """
    sentences: list[tuple[str, str]] = []
    remembered: dict[str, Remembered] = {}
    for condition in present:
        known = before.get(condition.key)
        if known is None or always or not 0 <= now - known.told < condition.every:  # the clock may have been wrong
            since = f" (since {instant(known.began)})" if known is not None else ""
            sentences.append((_kind(condition.key), condition.sentence + since))
            known = Remembered(condition.key, condition.sentence, known.began if known else now, now)
        remembered[condition.key] = known
    gone = [known for key, known in before.items() if key not in remembered]
    if judged:
        sentences += [("over", f"over since {instant(now)}: {known.sentence}") for known in gone]
    else:
        remembered.update((known.key, known) for known in gone)
    return Telling(tuple(sentences), tuple(remembered.values()))


def _kind(key: str) -> str:
    return key.partition(":")[0]
