"""Which series a complete listing lets rest, and where their marks stand meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.checkpoint import Tracked
from cwarchive.core.parking import FORGOTTEN_AFTER, parked
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.spec import Rhythm
from cwarchive.core.window import floor
from tests.builders import NOW, a_checkpoint, a_tracked

RHYTHM = Rhythm(period=60, settle=600, lookback=3 * HOUR)
KNOWN_EMPTY = floor(NOW - 4 * HOUR, 60)
"""Less lookback and an hour."""


def silent(age: int = 20 * HOUR, *, period: int = 60, verified: int | None = None) -> Tracked:
    """A series whose last answer was empty, its mark these seconds back."""
    mark = floor(NOW - age, period)
    checkpoint = a_checkpoint(mark, since=mark - 30 * DAY, verified=None if verified is None else NOW - verified)
    return replace(a_tracked(checkpoint, period=period), empty=True)


def test_a_silent_series_rests_with_its_marks_at_what_is_known_to_be_empty() -> None:
    resting = parked(silent(), RHYTHM, NOW)

    assert resting is not None
    assert resting.parked
    assert (resting.checkpoint.mark, resting.checkpoint.verified) == (KNOWN_EMPTY, KNOWN_EMPTY)
    assert resting.checkpoint.committed >= KNOWN_EMPTY


def test_a_series_that_rests_already_rests_on() -> None:
    before = parked(silent(), RHYTHM, NOW)
    assert before is not None

    later = parked(before, RHYTHM, NOW + HOUR)

    assert later is not None
    assert later.checkpoint.mark == KNOWN_EMPTY + HOUR


@pytest.mark.parametrize(
    "awake", [replace(silent(), empty=False), replace(silent(), failed=True)], ids=["not empty", "failed"]
)
def test_a_series_that_is_not_known_to_be_silent_does_not_rest(awake: Tracked) -> None:
    assert parked(awake, RHYTHM, NOW) is None


def test_a_metric_that_may_have_lived_and_died_since_the_mark_does_not_rest() -> None:
    assert FORGOTTEN_AFTER == 14 * DAY
    assert parked(silent(13 * DAY - 60), RHYTHM, NOW) is not None
    assert parked(silent(13 * DAY + 60), RHYTHM, NOW) is None
    assert parked(replace(silent(20 * DAY), parked=True), RHYTHM, NOW) is None


def test_a_mark_further_on_than_what_is_known_to_be_empty_stays() -> None:
    tracked = silent(600, verified=5 * HOUR)

    resting = parked(tracked, RHYTHM, NOW)

    assert resting is not None
    assert resting.checkpoint.mark == tracked.checkpoint.mark
    assert resting.checkpoint.verified == KNOWN_EMPTY


@given(st.sampled_from((60, 300, 420, 86_400)), st.integers(0, 20 * DAY), st.integers(0, 5 * DAY), st.integers(0, DAY))
def test_marks_never_move_back_and_never_past_what_is_known_to_be_empty(
    period: int, age: int, lookback: int, late: int
) -> None:
    before = silent(age, period=period)

    resting = parked(before, Rhythm(period, 600, lookback), NOW + late)

    if resting is not None:
        was, at = before.checkpoint, resting.checkpoint
        assert (at.since, resting.series, resting.cuts) == (was.since, before.series, before.cuts)
        assert was.mark <= at.mark <= max(was.mark, NOW + late - lookback - HOUR)
        assert was.verified <= at.verified <= max(was.verified, NOW + late - lookback - HOUR)
        assert at.committed >= was.committed
        assert at.mark == was.mark or at.mark % period == 0
