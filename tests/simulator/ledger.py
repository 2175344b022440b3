"""Whether an archive of simulated months is exact: each slot holds its final value, once, or lies in a gap."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cwarchive.core.checkpoint import Gap, Tracked
from cwarchive.core.retention import DAY, coarser
from cwarchive.core.window import Window, ceil, floor, window
from tests.simulator.cloud import Measured, Value, decoded, encoded
from tests.simulator.receiver import Held

_WEEK = 7 * DAY
"""Every period's grid begins anew with a week."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that the archive must not have: `kind` is lost, wrong, surplus, doubled or vague."""

    kind: str
    path: str
    slot: int
    told: str


@dataclass(frozen=True, slots=True)
class Account:
    """What is to be judged of one series.

    `gaps` are those recorded for it. `answered` is when the last pass that counts began: what was published by then is
    owed. In the spans `rewound` a state from an older backup made the loop send again what stood there.
    """

    tracked: Tracked
    measured: Measured
    held: Held
    gaps: Sequence[Gap]
    answered: int
    rewound: Sequence[Window] = ()
    periods: tuple[int, ...] = ()

    @property
    def mixed(self) -> bool:
        """Whether its entry asked for more than one period in the course of time."""
        return len(self.periods) > 1

    @property
    def number(self) -> int:
        return self.measured.numbered(self.tracked.series.statistic)


def faults(account: Account) -> Iterator[Fault]:
    """Everything that is wrong in [since, mark), and whatever stands beyond it, in the order of time."""
    checkpoint = account.tracked.checkpoint
    named = _joined([gap.window for gap in account.gaps])
    for span, in_gap in _split(Window(checkpoint.since, checkpoint.mark), named):
        yield from _in_gap(account, span) if in_gap else _exact(account, span)
    yield from _unknown(account, Window(account.held.origin, checkpoint.since))
    yield from _unknown(account, Window(checkpoint.mark, account.held.end))


def uncovered(account: Account, span: Window) -> list[int]:
    """The slots of `span` that CloudWatch answered at `account.answered`, are in no gap, and are not held right."""
    named = _joined([gap.window for gap in account.gaps])
    missing: list[int] = []
    for part, in_gap in _split(span, named):
        if not in_gap:
            missing += [fault.slot for fault in _exact(account, part) if fault.kind != "surplus"]
    return missing


def _exact(account: Account, span: Window) -> Iterator[Fault]:
    """Outside of gaps: week by week equal to what CloudWatch finally said; where it is not, slot by slot."""
    if account.mixed:
        yield from _once(account, span)
        return
    held, grain = account.held, account.held.grain
    start, end = ceil(span.start, grain), ceil(span.end, grain)
    for week in range(floor(start, _WEEK), end, _WEEK):
        part = window(max(start, week), min(end, week + _WEEK))
        if part is None:
            continue
        expected = _expected(account, part)
        if held.values[held.index(part.start) : held.index(part.start) + len(expected)] != expected:
            yield from _by_slot(account, part, expected)


def _expected(account: Account, part: Window) -> array[int]:
    """What stands in `part` once everything published by the last pass that counts is held."""
    measured, grain = account.measured, account.held.grain
    zero = encoded(Value(0, account.number, measured.step, provisional=False))
    slots: Sequence[int] = measured.within(part)
    if slots and account.answered < slots[-1] + measured.step + measured.delay + measured.spread:
        slots = [slot for slot in slots if measured.published(slot) <= account.answered]
    filled = array("q", bytes(8 * ((part.end - part.start) // grain)))
    stride = measured.step // grain
    if isinstance(slots, range):
        first = (slots.start - part.start) // grain if slots else 0
        values = array("q", range(zero + slots.start * 2_048, zero + slots.stop * 2_048, measured.step * 2_048))
        filled[first : first + (len(slots) - 1) * stride + 1 : stride] = values
    else:
        for slot in slots:
            filled[(slot - part.start) // grain] = zero + slot * 2_048
    return filled


def _by_slot(account: Account, part: Window, expected: array[int]) -> Iterator[Fault]:
    held, path = account.held, account.tracked.series.path
    for number, wanted in enumerate(expected):
        slot = part.start + number * held.grain
        found = held.values[held.index(slot)]
        changes = account.measured.published(slot) + account.measured.restated > account.answered
        if found == wanted or (wanted and changes and found == wanted | 1):
            continue
        value = decoded(found)
        final = wanted or encoded(Value(slot, account.number, account.measured.step, provisional=False))
        if not found:
            yield Fault("lost", path, slot, f"published at {account.measured.published(slot)}, not held, in no gap")
        elif value.period != account.measured.step and value.timestamp == slot:
            yield Fault("doubled", path, slot, f"holds a value of {value.period} s outside of gaps")
        elif wanted or not (found | 1 == final | 1 and slot in account.measured.within(Window(slot, slot + 1))):
            yield Fault("wrong" if wanted else "surplus", path, slot, f"holds {value}")


def _in_gap(account: Account, span: Window) -> Iterator[Fault]:
    """In a gap: nothing that is not true, nothing twice, and where only resolution is missing nothing is missing."""
    standing: list[tuple[int, int]] = []
    yield from _true(account, span, standing)
    yield from _vague(account, span, standing)


def _once(account: Account, span: Window) -> Iterator[Fault]:
    """At whatever periods: nothing that is not true, nothing twice, nothing missing."""
    standing: list[tuple[int, int]] = []
    yield from _true(account, span, standing)
    for slot in _without(account, span, standing):
        if account.measured.published(slot) <= account.answered:
            yield Fault("lost", account.tracked.series.path, slot, "in no value, in no gap")


def _true(account: Account, span: Window, standing: list[tuple[int, int]]) -> Iterator[Fault]:
    """What stands in `span` at whatever periods; the time of each value that is true is added to `standing`."""
    held, path = account.held, account.tracked.series.path
    periods = _periods(account)
    around = Window(max(span.start - max(periods), held.origin), min(span.end + max(periods), held.end))
    following: list[tuple[int, int]] = []
    for slot, value in _standing(held, around):
        if slot < span.start and slot + value.period <= span.start:
            continue
        if slot >= span.end:
            following = [(slot, slot + value.period)]
            break
        if (value.timestamp, value.number) != (slot, account.number) or value.period not in periods:
            yield Fault("wrong", path, slot, f"holds {value} in a gap")
        elif value.provisional and slot >= span.start:
            yield Fault("wrong", path, slot, f"holds {value}, which has become another since")
        else:
            standing.append((slot, slot + value.period))
    for (one, end), (other, _) in pairwise([*standing, *following]):
        if other < end and not any(rewound.start <= other < rewound.end for rewound in account.rewound):
            yield Fault("doubled", path, other, f"is also in the value of {end - one} s at {one}")


def _without(account: Account, span: Window, standing: Sequence[tuple[int, int]]) -> Iterator[int]:
    """The datapoints of `span` that no value in `standing` is made of."""
    number = 0
    for slot in account.measured.within(span):
        while number < len(standing) and standing[number][1] <= slot:
            number += 1
        if number == len(standing) or standing[number][0] > slot:
            yield slot


def _vague(account: Account, span: Window, standing: Sequence[tuple[int, int]]) -> Iterator[Fault]:
    """Datapoints that a gap of resolution alone does not explain: no coarser value stands for them either.

    The bucket in which a gap begins may be empty: finer datapoints stand in it.
    """
    path, widest = account.tracked.series.path, max(_periods(account))
    worse = _joined([gap.window for gap in account.gaps if gap.kind != "resolution"])
    kept = [gap.window for gap in account.gaps if gap.kind == "resolution"]
    for part, gone in _split(span, worse):
        for slot in () if gone else _without(account, part, standing):
            if not any(gap.start <= slot < ceil(gap.start, widest) for gap in kept):
                yield Fault("vague", path, slot, "is in a gap of resolution, and in no coarser value")


def _unknown(account: Account, span: Window) -> Iterator[Fault]:
    """Outside of [since, mark) only true values may stand: of passes that died, or that a backup made forgotten."""
    periods = _periods(account)
    for slot, value in _standing(account.held, span):
        if (value.timestamp, value.number) != (slot, account.number) or value.period not in periods:
            yield Fault("surplus", account.tracked.series.path, slot, f"holds {value} outside of the archive")


def _standing(held: Held, span: Window) -> Iterator[tuple[int, Value]]:
    first = held.index(ceil(span.start, held.grain))
    values = held.values[first : -(-(span.end - held.origin) // held.grain)]
    if not any(values):
        return
    for number, value in enumerate(values, first):
        if value:
            yield held.origin + number * held.grain, decoded(value)


def _periods(account: Account) -> frozenset[int]:
    """The periods of a series, and what is asked instead once CloudWatch has forgotten them."""
    found: set[int] = set()
    for period in account.periods or (account.measured.step,):
        following: int | None = period
        while following is not None:
            found.add(following)
            following = coarser(following)
    return frozenset(found)


def _joined(windows: Sequence[Window]) -> list[Window]:
    """The same time in windows that do not touch, ascending."""
    joined: list[Window] = []
    for one in sorted(windows):
        if joined and one.start <= joined[-1].end:
            joined[-1] = Window(joined[-1].start, max(joined[-1].end, one.end))
        else:
            joined.append(one)
    return joined


def _split(span: Window, named: Sequence[Window]) -> Iterator[tuple[Window, bool]]:
    """The parts of `span` in order, each with whether it lies in one of the `named` windows."""
    reached = span.start
    for one in named:
        start, end = max(one.start, span.start), min(one.end, span.end)
        if start >= end:
            continue
        if reached < start:
            yield Window(reached, start), False
        yield Window(start, end), True
        reached = end
    if reached < span.end:
        yield Window(reached, span.end), False
