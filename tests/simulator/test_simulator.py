"""Simulated months of the real loop in all kinds of trouble, and that the ledger would notice what must not be."""

from __future__ import annotations

from array import array
from itertools import pairwise
from pathlib import Path

import pytest

from cwarchive.core.checkpoint import Gap
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import Window
from tests.builders import a_checkpoint, a_series, a_tracked
from tests.simulator.cloud import Measured, Value, decoded, encoded
from tests.simulator.disk import OnDisk
from tests.simulator.fate import BEGIN, Fate
from tests.simulator.ledger import Account, faults
from tests.simulator.receiver import Held
from tests.simulator.report import Report
from tests.simulator.simulation import Simulation

DUPLICATES_A_POINT = 8
"""A datapoint is read in each pass of the lookback and in the one before it; the rest is what died and was rewound."""


def exact(report: Report) -> None:
    assert not report.wrong, report.line() + "\n" + "\n".join(report.wrong[:5])
    assert report.duplicates < DUPLICATES_A_POINT * (report.points - report.duplicates)


@pytest.mark.fault
def test_four_months_of_trouble_lose_nothing_without_a_word() -> None:
    report = Simulation(4, 120).run()

    exact(report)
    assert len(report.troubles) > 15
    assert report.told


@pytest.mark.fault
def test_days_with_the_state_on_disk_lose_nothing_without_a_word(tmp_path: Path) -> None:
    exact(Simulation(7, 12, OnDisk(tmp_path)).run())


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(3))
def test_fifteen_months_of_trouble_lose_nothing_without_a_word(seed: int) -> None:
    exact(Simulation(seed, 455).run())


def test_one_seed_always_tells_the_same_story() -> None:
    assert Simulation(3, 12).run().story == Simulation(3, 12).run().story


@pytest.mark.parametrize("seed", range(30))
def test_outages_of_a_seed_leave_time_to_recover(seed: int) -> None:
    outages = Fate(seed, 455).outages

    assert {end - start for start, end in outages} >= {70 * DAY, 20 * DAY, 14 * DAY}
    assert all(end + 3 * DAY < start for (_, end), (start, _) in pairwise(outages))


# What the ledger must notice.

MEASURED = Measured(a_series().metric, 3, 60, ((BEGIN - DAY, BEGIN + 9 * DAY),))
SPAN = Window(BEGIN, BEGIN + DAY)


def archived(*gaps: tuple[int, int, str]) -> Account:
    """A day of minutes, all of them held; gaps are (start, end, kind) in seconds from its begin."""
    held = Held(BEGIN - DAY, BEGIN + 9 * DAY, 60)
    first = held.index(BEGIN)
    held.values[first : first + 1_440] = array("q", (number(BEGIN + 60 * minute) for minute in range(1_440)))
    named = [Gap(1, Window(BEGIN + start, BEGIN + end), kind) for start, end, kind in gaps]
    tracked = a_tracked(a_checkpoint(SPAN.end, since=SPAN.start))
    return Account(tracked, MEASURED, held, named, answered=SPAN.end + HOUR)


def number(instant: int, period: int = 60, *, provisional: bool = False) -> int:
    return encoded(Value(instant, MEASURED.numbered("Average"), period, provisional))


def put(account: Account, minute: int, value: int) -> None:
    account.held.values[account.held.index(BEGIN + 60 * minute)] = value


def kinds(account: Account) -> list[str]:
    return [fault.kind for fault in faults(account)]


def test_a_value_tells_what_it_is() -> None:
    value = Value(BEGIN + 300, 17, 300, provisional=True)

    assert decoded(encoded(value)) == value
    assert encoded(value) < 2**53


def test_an_exact_archive_has_no_fault() -> None:
    assert kinds(archived()) == []


def test_a_hole_is_a_loss_unless_it_lies_in_a_gap() -> None:
    bare, named = archived(), archived((600, 660, "lost"))
    for account in (bare, named):
        put(account, 10, 0)

    assert kinds(bare) == ["lost"]
    assert kinds(named) == []


def test_a_coarser_value_outside_of_gaps_is_a_doubling() -> None:
    account = archived()
    put(account, 10, number(BEGIN + 600, 300))

    assert kinds(account) == ["doubled"]


def test_finer_values_under_a_coarser_one_are_a_doubling_even_in_a_gap() -> None:
    account = archived((600, 900, "resolution"))
    put(account, 10, number(BEGIN + 600, 300))
    for minute in (11, 12, 13):
        put(account, minute, 0)

    assert kinds(account) == ["doubled"]


def test_a_coarser_value_that_reaches_out_of_its_gap_is_a_doubling() -> None:
    account = archived((600, 720, "resolution"))
    put(account, 10, number(BEGIN + 600, 300))
    put(account, 11, 0)

    assert "doubled" in kinds(account)


def test_a_gap_of_resolution_without_coarser_values_explains_nothing() -> None:
    account = archived((0, 2 * HOUR, "resolution"))
    for minute in range(60, 120):
        put(account, minute, 0)

    assert set(kinds(account)) == {"vague"}


def test_a_value_of_another_time_or_series_or_not_final_is_wrong() -> None:
    for value in (number(BEGIN + 660), number(BEGIN + 600) + 2**5, number(BEGIN + 600, provisional=True)):
        account = archived()
        put(account, 10, value)

        assert kinds(account) == ["wrong"]


def test_what_nobody_measured_is_surplus() -> None:
    account = archived()
    account.held.values[account.held.index(SPAN.end + HOUR)] = number(SPAN.end)

    assert kinds(account) == ["surplus"]


def test_what_is_published_after_the_last_pass_is_not_owed_yet() -> None:
    late = Measured(MEASURED.metric, 3, 60, MEASURED.lives, delay=HOUR)
    account = archived()
    put(account, 1_439, 0)

    patient = Account(account.tracked, late, account.held, (), answered=SPAN.end)

    assert "lost" not in kinds(patient)
