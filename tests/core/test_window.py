from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.window import Window, ceil, floor, window
from tests.builders import a_window

instants = st.integers(-(10**6), 4 * 10**9)
steps = st.integers(1, 86_400)


@pytest.mark.parametrize(("start", "end"), [(60, 60), (61, 60)])
def test_an_empty_or_reversed_window_does_not_exist(start: int, end: int) -> None:
    with pytest.raises(ValueError, match=rf"\[{start}, {end}\) is empty"):
        Window(start, end)

    assert window(start, end) is None


def test_a_window_of_one_second_exists() -> None:
    assert window(60, 61) == Window(60, 61)


def test_a_window_knows_how_long_it_is() -> None:
    assert a_window(1_000, 3_600).seconds == 3_600


@pytest.mark.parametrize(("seconds", "slots"), [(1, 1), (60, 1), (61, 2), (3_600, 60)])
def test_a_slot_that_has_begun_counts(seconds: int, slots: int) -> None:
    assert a_window(0, seconds).slots(60) == slots


def test_windows_sort_by_start_and_then_by_end() -> None:
    assert sorted([Window(2, 3), Window(1, 9), Window(1, 2)]) == [Window(1, 2), Window(1, 9), Window(2, 3)]


@given(instants, steps)
def test_floor_is_the_last_multiple_that_is_not_after(instant: int, step: int) -> None:
    assert floor(instant, step) % step == 0
    assert floor(instant, step) <= instant < floor(instant, step) + step


@given(instants, steps)
def test_ceil_is_the_first_multiple_that_is_not_before(instant: int, step: int) -> None:
    assert ceil(instant, step) % step == 0
    assert ceil(instant, step) - step < instant <= ceil(instant, step)
