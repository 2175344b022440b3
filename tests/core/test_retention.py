from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.retention import DAY, HORIZON, HOUR, TIERS, coarser, kept_for

periods = st.sampled_from((1, 5, 10, 20, 30)) | st.integers(1, 1_440).map(lambda minutes: 60 * minutes)


@pytest.mark.parametrize(
    ("period", "kept"),
    [
        (1, 3 * HOUR),
        (30, 3 * HOUR),
        (60, 15 * DAY),
        (120, 15 * DAY),
        (420, 15 * DAY),
        (300, 63 * DAY),
        (900, 63 * DAY),
        (5_400, 63 * DAY),
        (3_600, 455 * DAY),
        (86_400, 455 * DAY),
    ],
)
def test_retention_goes_by_what_the_period_is_a_multiple_of(period: int, kept: int) -> None:
    assert kept_for(period) == kept


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (1, 60),
        (30, 60),
        (60, 300),
        (120, 600),
        (420, 2_100),
        (300, 3_600),
        (900, 3_600),
        (2_100, 25_200),
        (5_400, 10_800),
        (3_600, None),
        (86_400, None),
    ],
)
def test_past_its_horizon_a_period_becomes_the_least_common_multiple(period: int, expected: int | None) -> None:
    assert coarser(period) == expected


@given(periods)
def test_a_coarser_period_is_kept_longer_and_holds_whole_periods(period: int) -> None:
    following = coarser(period)

    if following is None:
        assert kept_for(period) == HORIZON
    else:
        assert kept_for(following) > kept_for(period)
        assert following % period == 0


@given(periods)
def test_coarser_leads_to_the_last_horizon_in_three_steps(period: int) -> None:
    seen = [period]
    while (following := coarser(seen[-1])) is not None:
        seen.append(following)

    assert len(seen) <= len(TIERS)
    assert kept_for(seen[-1]) == HORIZON
