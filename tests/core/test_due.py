from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.due import first_since, is_due
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import floor
from tests.builders import NOW

SLOT = floor(NOW, HOUR)


def test_an_entry_that_never_passed_is_due() -> None:
    assert is_due(HOUR, None, NOW)


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        pytest.param(SLOT, SLOT + HOUR - 1, False, id="same slot"),
        pytest.param(SLOT + HOUR - 1, SLOT + HOUR, True, id="next slot, a second later"),
        pytest.param(SLOT + 90, SLOT + HOUR + 2, True, id="cron came earlier this time"),
        pytest.param(SLOT, SLOT + 50 * HOUR, True, id="after an outage"),
        pytest.param(SLOT + HOUR, SLOT, False, id="the clock went back"),
    ],
)
def test_an_entry_is_due_once_in_each_slot(last: int, now: int, due: bool) -> None:
    assert is_due(HOUR, last, now) is due


def test_slots_are_those_of_utc() -> None:
    midnight = floor(NOW, DAY)

    assert not is_due(DAY, midnight, midnight + DAY - 1)
    assert is_due(DAY, midnight + DAY - 1, midnight + DAY)


@given(st.integers(60, 2 * DAY), st.lists(st.integers(0, 299), min_size=2, max_size=20))
def test_jitter_of_cron_skips_no_slot(every: int, jitters: list[int]) -> None:
    late = [(NOW // every + slot) * every + jitter % every for slot, jitter in enumerate(jitters)]

    assert all(is_due(every, before, now) for before, now in pairwise(late))


def test_a_series_under_a_new_entry_begins_one_initial_lookback_ago_on_a_whole_hour() -> None:
    assert first_since(60, DAY, None, NOW) == SLOT - DAY


def test_a_series_born_during_an_outage_begins_a_day_before_the_last_discovery() -> None:
    assert first_since(60, DAY, NOW - 9 * DAY, NOW) == SLOT - 10 * DAY


def test_a_recent_discovery_does_not_shorten_the_initial_lookback() -> None:
    assert first_since(60, 3 * DAY, NOW - HOUR, NOW) == SLOT - 3 * DAY


@pytest.mark.parametrize(
    ("period", "grid"),
    [
        pytest.param(1, HOUR, id="1 s"),
        pytest.param(300, HOUR, id="300 s"),
        pytest.param(420, 7 * HOUR, id="420 s: the first hour on its grid"),
        pytest.param(5_400, 3 * HOUR, id="5400 s"),
        pytest.param(DAY, DAY, id="a day"),
        pytest.param(79 * 60, HOUR, id="79 min: no such hour within a day"),
    ],
)
def test_since_is_a_whole_hour_and_a_whole_period_where_a_day_has_one(period: int, grid: int) -> None:
    assert first_since(period, DAY, None, NOW) == floor(NOW - DAY, grid)


@given(
    st.sampled_from((1, 60, 300, 420, 4_740, 5_400, DAY)),
    st.integers(0, 455 * DAY),
    st.none() | st.integers(NOW - 500 * DAY, NOW),
    st.integers(NOW, NOW + DAY),
)
def test_since_is_a_whole_hour_that_reaches_back_far_enough(
    period: int, initial_lookback: int, discovered: int | None, now: int
) -> None:
    since = first_since(period, initial_lookback, discovered, now)

    wanted = min(now - initial_lookback, now if discovered is None else discovered - DAY)
    assert since % HOUR == 0
    assert wanted - DAY < since <= wanted
