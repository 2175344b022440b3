"""What a seed has in store for an archive: metrics and their lives, changing entries, outages, trouble, backups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.series import Cell, Metric
from cwarchive.core.spec import MetricSpec
from cwarchive.core.window import floor
from tests.builders import a_spec
from tests.simulator.cloud import Measured
from tests.simulator.trouble import CALM, Trouble, drawn, last_words

BEGIN = floor(1_750_000_000, 604_800)
"""A whole hour, day and week, so that every period's grid begins there."""

BEFORE, AFTER = 28 * DAY, 2 * DAY
"""How long there was data before the archive begins, and how long there will be after it ends."""

HERE, THERE = Cell("", "eu-west-1"), Cell("", "us-east-1")
MINUTE_BOUND = 600 + 3 * HOUR
"""Settle and lookback of the entries of 60 s and 300 s."""

_OUTAGES = (70 * DAY, 20 * DAY, 14 * DAY, 3 * DAY, 3 * HOUR, 3 * HOUR, 20 * DAY - 3_333, 3 * DAY, 3 * HOUR, 11 * HOUR)
_QUIET_END = 3 * DAY
_REWINDS = (HOUR, 5 * HOUR, DAY, 6 * DAY, 13 * DAY, 20 * DAY)


@dataclass(frozen=True, slots=True)
class Turn:
    """One time that cron starts the command, in which trouble, and by how many seconds the operator rewinds before."""

    at: int
    trouble: Trouble
    rewinds: int = 0


@dataclass(frozen=True, slots=True)
class Edit:
    """From `at` on, once a pass has gone well, the list of entries is this one."""

    at: int
    specs: tuple[MetricSpec, ...]


class Fate:
    """All that happens to an archive in `days` days, the same for the same `seed`."""

    def __init__(self, seed: int, days: int) -> None:
        self.random = Random(seed)
        self.end = BEGIN + days * DAY
        self.outages = self._placed(days)
        self.measured = self._measured()
        self.edits = self._edits(days)
        self.backups = self._backups(days)

    @property
    def names(self) -> list[str]:
        """The names of all metrics."""
        return [one.metric.name for one in self.measured]

    def turns(self) -> Iterator[Turn]:
        """Every start of the command, in the order of time."""
        random, spell, left, restless = self.random, CALM, 0, 0
        hour = BEGIN
        while hour < self.end:
            at = hour + random.choice((0, 1, 7, 599, *(random.randrange(900) for _ in range(4))))
            hour += HOUR
            if outage := next((outage for outage in self.outages if outage[0] <= at < outage[1]), None):
                hour = max(hour, floor(outage[1], HOUR))
                restless = 8
                continue
            if at >= self.end - _QUIET_END:
                yield Turn(at, CALM)
                continue
            if any(at < start <= hour + HOUR for start, _ in self.outages) and random.random() < 0.6:
                yield Turn(at, last_words(random))
                continue
            restless, left = restless - 1, left - 1
            if left <= 0:
                spell, left = self._spell(restless > 0)
            if spell.kind == "missed":
                continue
            rewinds = random.choice(_REWINDS) if random.random() < 0.001 else 0
            yield Turn(at, _again(spell, random, self.names), rewinds)
            if random.random() < 0.04:
                yield Turn(at + random.choice((30, 900, 1_700)), CALM)

    def _spell(self, restless: bool) -> tuple[Trouble, int]:
        """What the next passes meet, and how many of them."""
        random = self.random
        if random.random() > (0.5 if restless else 0.12):
            return CALM, 1
        if random.random() < 0.1:
            return Trouble("missed"), random.choice((1, 1, 2, 5))
        trouble = drawn(random, self.names)
        return trouble, random.choice((1, 1, 1, 1, 2, 3)) if not trouble.clock_off else 1

    def _backups(self, days: int) -> list[tuple[int, int]]:
        """From when the backup is that is put in place, and when that is done."""
        first, last = BEGIN + 22 * DAY, self.end - 10 * DAY
        instants = [self.random.randrange(first, last) for _ in range(max(1, days // 75))] if first < last else []
        return sorted((instant - self.random.choice(_REWINDS), instant) for instant in instants)

    def _placed(self, days: int) -> list[tuple[int, int]]:
        """Outages that leave at least three days between them and lie in the middle of the time; longest first."""
        placed: list[tuple[int, int]] = []
        room = days * DAY * 4 // 10
        for length in _OUTAGES:
            if length > room:
                continue
            for _ in range(50):
                start = BEGIN + 4 * DAY + self.random.randrange(max(1, days * DAY - length - 10 * DAY))
                end = start + length
                if end < self.end - 6 * DAY and all(
                    end + 3 * DAY < other[0] or other[1] + 3 * DAY < start for other in placed
                ):
                    placed.append((start, end))
                    room -= length
                    break
        return sorted(placed)

    def _measured(self) -> tuple[Measured, ...]:
        first, last, days = BEGIN - BEFORE, self.end + AFTER, (self.end - BEGIN) // DAY
        always = ((first, last),)
        longest = sorted(self.outages, key=lambda outage: outage[0] - outage[1])
        born = longest[min(1, len(longest) - 1)]
        dead = self._after(BEGIN + days * DAY // 5)
        again = longest[0]
        fleeting = ((first, BEGIN + 2 * DAY), (again[0] + DAY, again[0] + DAY + 7 * HOUR), (self.end - 20 * DAY, last))
        mortal = ((first, dead), (max(dead + 30 * DAY, again[0] + DAY * 2 + 77), last))
        return (
            _one("Dense", 0, 60, always),
            _one("Sparse", 1, 60, always, one_in=9, delay=400),
            _one("Restated", 2, 60, always, one_in=4, restated=MINUTE_BOUND - 30),
            _one("Late", 3, 60, always, one_in=5, delay=0, spread=MINUTE_BOUND),
            _one("Born", 4, 60, ((born[0] + (born[1] - born[0]) // 3 + 50, last),), one_in=3),
            _one("Mortal", 5, 60, mortal, one_in=3),
            _one("Fleeting", 6, 60, fleeting, one_in=2),
            _one("Abroad", 7, 60, always, one_in=7, cell=THERE),
            _one("Five", 8, 300, always, delay=0, spread=MINUTE_BOUND),
            _one("Daily", 9, DAY, always, delay=0, spread=2 * DAY),
            _one("Seven", 10, 420, always),
            _one("Half", 11, 30, always, delay=5),
            _one("Hourly", 12, HOUR, always, one_in=2, cell=THERE, spread=HOUR),
            _one("Changing", 13, 60, always, one_in=3, namespace="Changing"),
        )

    def _after(self, instant: int) -> int:
        """`instant`, or the end of the outage it falls into."""
        return next((end for start, end in self.outages if start <= instant < end), instant)

    def _edits(self, days: int) -> tuple[Edit, ...]:
        """Entries added late, taken out, put in again, given a statistic, sharing a series, changing their period."""
        minute, both = _minute(("Average",)), _minute(("Average", "Maximum"))
        twin = _entry("Minute", 60, metrics=("Dense", "Late"), every=3 * HOUR, settle=900, lookback=6 * HOUR)
        five, hourly = _entry("Five", 300), _entry("Hourly", HOUR, lookback=2 * HOUR)
        daily = _entry("Daily", DAY, every=6 * HOUR, settle=0, lookback=4 * DAY, initial_lookback=9 * DAY)
        seven = _entry("Seven", 420, lookback=26 * 420)
        half = _entry("Half", 30, settle=60, lookback=1_800, initial_lookback=7_200)
        fast, slow = _entry("Changing", 60), _entry("Changing", 300)
        lists = (
            (0.00, (minute, five, daily, seven, fast)),
            (0.06, (minute, five, daily, seven, fast, half)),
            (0.15, (twin, minute, five, daily, seven, fast, half, hourly)),
            (0.20, (twin, minute, five, daily, seven, slow, half, hourly)),
            (0.25, (twin, both, five, daily, seven, slow, half, hourly)),
            (0.40, (both, five, daily, seven, hourly, slow, twin)),
            (0.43, (half, both, five, daily, seven, slow, hourly, twin)),
            (0.50, (half, both, five, daily, hourly, slow, twin)),
            (0.56, (half, both, five, daily, hourly, slow, twin, seven)),
            (0.65, (half, both, five, daily, hourly, fast, twin, seven)),
        )
        return tuple(Edit(BEGIN + int(share * days * DAY), specs) for share, specs in lists)


def _again(spell: Trouble, random: Random, names: list[str]) -> Trouble:
    """Each pass of a spell dies somewhere else; other trouble stays as it is."""
    if not spell.kind.startswith("died"):
        return spell
    again = drawn(random, names)
    while not again.kind.startswith("died"):
        again = drawn(random, names)
    return again


def _one(
    name: str,
    number: int,
    step: int,
    lives: tuple[tuple[int, int], ...],
    *,
    cell: Cell = HERE,
    one_in: int = 1,
    delay: int = 30,
    spread: int = 0,
    restated: int = 0,
    namespace: str = "",
) -> Measured:
    namespace = namespace or {60: "Minute", 300: "Five", DAY: "Daily", 420: "Seven", 30: "Half", HOUR: "Hourly"}[step]
    metric = Metric(cell, f"Sim/{namespace}", name, ())
    return Measured(metric, number, step, _apart(lives), one_in, delay, spread, restated)


def _apart(lives: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Lives that do not touch, ascending."""
    apart: list[tuple[int, int]] = []
    for start, end in sorted(lives):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        elif start < end:
            apart.append((start, end))
    return tuple(apart)


def _minute(statistics: tuple[str, ...]) -> MetricSpec:
    return _entry("Minute", 60, statistics=statistics)


def _entry(
    namespace: str,
    period: int,
    *,
    metrics: tuple[str, ...] = (),
    statistics: tuple[str, ...] = ("Average",),
    every: int = HOUR,
    settle: int = 600,
    lookback: int = 3 * HOUR,
    initial_lookback: int = DAY,
) -> MetricSpec:
    return a_spec(
        *metrics,
        namespace=f"Sim/{namespace}",
        wanted={},
        statistics=statistics,
        period=period,
        every=every,
        settle=settle,
        lookback=lookback,
        initial_lookback=initial_lookback,
        regions=(HERE.region, THERE.region),
        label=f"{namespace} {statistics} {metrics}",
    )
