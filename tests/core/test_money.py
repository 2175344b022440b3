"""How far a limit on the month may stretch the time between passes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.money import RAREST, effective_every, monthly_usd, rarest
from cwarchive.core.retention import DAY, HOUR, kept_for
from cwarchive.core.spec import MetricSpec
from tests.builders import a_spec

PERIODS = (1, 10, 60, 300, 420, 3_600, 86_400)


def costs(specs: Sequence[MetricSpec], billed: dict[str, int], limit: float | None) -> float:
    return sum(monthly_usd(specs, billed, effective_every(specs, billed, limit)))


@st.composite
def lists(draw: st.DrawFn) -> list[tuple[MetricSpec, int]]:
    """Entries, each with how many metrics a pass of it bills."""
    each = st.tuples(
        st.sampled_from(PERIODS), st.sampled_from((60, 300, HOUR, 6 * HOUR, DAY, 6 * DAY)), st.integers(0, 100_000)
    )
    drawn = draw(st.lists(each, min_size=1, max_size=6))
    return [
        (a_spec(f"M{n}", label=f"metrics[{n}]", period=period, every=every), billed)
        for n, (period, every, billed) in enumerate(drawn)
    ]


def test_a_thousand_metrics_an_hour_cost_seven_dollars_twenty() -> None:
    spec = a_spec(every=HOUR)

    assert monthly_usd([spec], {spec.key: 1_000}, [HOUR]) == pytest.approx([7.20])
    assert monthly_usd([spec], {spec.key: 1_000}, [6 * HOUR]) == pytest.approx([1.20])


def test_without_a_limit_every_entry_is_due_as_it_says() -> None:
    specs = [a_spec("A", every=60), a_spec("B", every=DAY)]

    assert list(effective_every(specs, {spec.key: 10**9 for spec in specs}, None)) == [60, DAY]


def test_a_limit_that_is_kept_stretches_nothing() -> None:
    spec = a_spec(every=HOUR)

    assert list(effective_every([spec], {spec.key: 1_000}, 7.20)) == [HOUR]


def test_a_month_at_twice_its_limit_is_asked_half_as_often() -> None:
    spec = a_spec(every=HOUR)

    assert list(effective_every([spec], {spec.key: 1_000}, 3.60)) == [2 * HOUR]


def test_an_entry_of_which_no_cost_is_known_is_not_a_reason_to_stretch() -> None:
    assert list(effective_every([a_spec(every=HOUR)], {}, 0.01)) == [HOUR]


def test_entries_are_stretched_alike() -> None:
    often, seldom = a_spec("A", every=HOUR), a_spec("B", every=6 * HOUR)

    assert list(effective_every([often, seldom], {often.key: 1_000, seldom.key: 1_000}, 4.20)) == [2 * HOUR, 12 * HOUR]


@pytest.mark.parametrize(
    ("period", "longest"),
    [(1, 45 * 60), (60, 15 * DAY // 4), (300, 5 * DAY), (3_600, 5 * DAY), (86_400, 5 * DAY)],
)
def test_no_entry_is_stretched_past_five_days_or_a_quarter_of_what_cloudwatch_keeps(period: int, longest: int) -> None:
    spec = a_spec(period=period, every=60)

    assert rarest(spec) == longest
    assert list(effective_every([spec], {spec.key: 10**6}, 0.01)) == [longest]


def test_an_entry_that_is_asked_more_rarely_than_a_limit_may_stretch_stays_as_it_is() -> None:
    spec = a_spec(every=6 * DAY)

    assert list(effective_every([spec], {spec.key: 10**6}, 0.01)) == [6 * DAY]


def test_what_one_entry_may_not_be_stretched_the_others_make_good() -> None:
    fixed, free = a_spec("A", every=4 * DAY), a_spec("B", every=HOUR)
    billed = {fixed.key: 100_000, free.key: 1_000}

    every = effective_every([fixed, free], billed, 7.50 + 0.72)

    assert list(every) == [4 * DAY, 10 * HOUR]


def test_entries_that_share_a_key_share_its_cost_and_keep_their_own_time() -> None:
    here, there = a_spec(every=HOUR), a_spec(every=DAY, regions=["us-east-1"])
    assert here.key == there.key

    assert list(effective_every([here, there], {}, None)) == [HOUR, DAY]
    assert list(effective_every([here, there], {here.key: 2_000}, 7.51)) == [HOUR, DAY]


@given(lists(), st.floats(0.001, 500))
def test_a_month_stays_inside_its_limit_unless_everything_is_stretched_to_the_utmost(
    drawn: list[tuple[MetricSpec, int]], limit: float
) -> None:
    specs = [spec for spec, _ in drawn]
    billed = {spec.key: metrics for spec, metrics in drawn}

    every = effective_every(specs, billed, limit)

    for spec, seconds in zip(specs, every, strict=True):
        assert spec.every <= seconds <= max(spec.every, min(RAREST, kept_for(spec.period) // 4))
        assert rarest(spec) % spec.every == 0
    if sum(monthly_usd(specs, billed, every)) > limit * 1.001:
        assert list(every) == [rarest(spec) for spec in specs]


@given(lists(), st.floats(0.001, 500))
def test_a_month_is_not_made_cheaper_than_it_must_be(drawn: list[tuple[MetricSpec, int]], limit: float) -> None:
    specs = [spec for spec, _ in drawn]
    billed = {spec.key: metrics for spec, metrics in drawn}

    assert costs(specs, billed, limit) >= min(limit * 0.98, costs(specs, billed, None) * 0.999)
