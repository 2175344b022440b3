"""How a metric is asked: as its entry says, else as it is known to be published, else as the defaults have it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cwarchive.core.selection import selection
from cwarchive.core.spec import MetricSpec, Rhythm
from tests.builders import a_metric, a_spec

HOUR, DAY = 3_600, 86_400
SIZE, REQUESTS = "BucketSizeBytes", "AllRequests"


def published(metric: str) -> Rhythm | None:
    """A namespace with a daily metric that comes days late."""
    return {SIZE: Rhythm(DAY, 0, 4 * DAY), REQUESTS: Rhythm(60, 900, 3 * HOUR)}.get(metric)


def knowing(*unsaid: str, period: int = 60, lookback: int = 3 * HOUR) -> MetricSpec:
    spec = a_spec(period=period, lookback=lookback, template="{dimensions}.{metric}.{statistic}")
    return replace(spec, unsaid=frozenset(unsaid), published=published)


NOTHING_SAID = ("period", "settle", "lookback")


def test_an_entry_that_says_nothing_is_asked_as_its_metrics_are_published() -> None:
    spec = knowing(*NOTHING_SAID)

    assert spec.rhythm(SIZE) == Rhythm(DAY, 0, 4 * DAY)
    assert spec.rhythm(REQUESTS) == Rhythm(60, 900, 3 * HOUR)


def test_what_nobody_knows_is_asked_as_the_defaults_have_it() -> None:
    assert knowing(*NOTHING_SAID).rhythm("OfMyOwn") == Rhythm(60, 600, 3 * HOUR)
    assert a_spec().rhythm(SIZE) == Rhythm(60, 600, 3 * HOUR)


@pytest.mark.parametrize(
    ("unsaid", "rhythm"),
    [
        ((), Rhythm(60, 600, 3 * HOUR)),
        (("settle", "lookback"), Rhythm(60, 0, 4 * DAY)),
        (("period", "lookback"), Rhythm(DAY, 600, 4 * DAY)),
        (("period", "settle"), Rhythm(DAY, 0, DAY)),
    ],
    ids=["all", "period", "settle", "lookback"],
)
def test_what_was_said_counts(unsaid: tuple[str, ...], rhythm: Rhythm) -> None:
    assert knowing(*unsaid).rhythm(SIZE) == rhythm


def test_a_lookback_is_at_least_one_period_and_whole_periods() -> None:
    assert knowing("period", "settle", lookback=25 * HOUR).rhythm(SIZE).lookback == 2 * DAY


def test_what_is_known_of_metrics_is_no_part_of_an_entry() -> None:
    assert knowing(*NOTHING_SAID) == replace(a_spec(template=knowing().template), unsaid=frozenset(NOTHING_SAID))
    assert knowing(*NOTHING_SAID).key == a_spec(template=knowing().template).key


# --- what an entry selects ---


def test_each_metric_is_a_series_at_the_period_at_which_it_is_published() -> None:
    metrics = [a_metric(SIZE), a_metric(REQUESTS), a_metric("OfMyOwn")]

    found = selection([knowing(*NOTHING_SAID)], metrics)

    assert [selected.bound.period for selected in found] == [DAY, 60, 60]


def test_two_entries_that_come_to_one_period_for_a_metric_make_one_series() -> None:
    daily = a_spec(period=DAY, template="{metric}.{statistic}.{period}")
    as_published = replace(knowing(*NOTHING_SAID), template=daily.template)

    found = list(selection([daily, as_published], [a_metric(SIZE)]))

    assert [(selected.spec, selected.bound.period) for selected in found] == [(daily, DAY)]


def test_two_entries_at_two_periods_on_one_path_make_one_series_as_the_first_says() -> None:
    found = list(selection([knowing(), knowing(*NOTHING_SAID)], [a_metric(SIZE)]))

    assert [selected.bound.period for selected in found] == [60]
