"""That a bucket never lets more through than its quota, and never holds back what the quota allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.pace import Bucket


def test_a_burst_goes_at_once_and_what_follows_at_the_rate() -> None:
    bucket = Bucket(rate=40, burst=10)

    delays = [bucket.delay(1, now=100.0) for _ in range(12)]

    assert delays == pytest.approx([0.0] * 10 + [1 / 40, 2 / 40])


def test_an_amount_beyond_the_burst_waits_until_the_rate_has_earned_it() -> None:
    assert Bucket(rate=100, burst=25).delay(125, now=0.0) == pytest.approx(1.0)


def test_idle_time_fills_the_bucket_no_further_than_its_burst() -> None:
    bucket = Bucket(rate=10, burst=5)
    bucket.delay(5, now=0.0)

    assert bucket.delay(5, now=3_600.0) == pytest.approx(0.0)
    assert bucket.delay(1, now=3_600.0) == pytest.approx(0.1)


def test_time_that_passes_shortens_the_wait() -> None:
    bucket = Bucket(rate=10, burst=1)
    bucket.delay(1, now=0.0)

    assert bucket.delay(1, now=0.04) == pytest.approx(0.06)


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1)])
def test_a_bucket_that_would_never_fill_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        Bucket(rate, burst)


@given(
    rate=st.floats(1, 1_000),
    burst=st.floats(1, 1_000),
    calls=st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 500)), min_size=1, max_size=30),
)
def test_no_span_of_time_sees_more_than_the_burst_and_the_rate(
    rate: float, burst: float, calls: list[tuple[float, float]]
) -> None:
    bucket = Bucket(rate, burst)
    now = 0.0
    used: list[tuple[float, float]] = []
    for pause, amount in calls:
        now += pause
        used.append((now + bucket.delay(amount, now), amount))

    # From the moment something was let through, all later amounts fit into burst and rate.
    for first, (begin, _) in enumerate(used):
        taken = 0.0
        for at, amount in used[first + 1 :]:
            taken += amount
            assert taken <= burst + rate * (at - begin) + 1e-6 * (1 + taken)
