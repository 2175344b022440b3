from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.cost import billed_metrics, usd
from tests.builders import a_metric, a_request


@pytest.mark.parametrize(("statistics", "billed"), [(1, 1), (5, 1), (6, 2), (10, 2), (11, 3)])
def test_five_statistics_of_a_metric_are_billed_as_one(statistics: int, billed: int) -> None:
    request = a_request(*((a_metric(), f"p{number}") for number in range(statistics)))

    assert billed_metrics(request) == billed


def test_statistics_of_different_metrics_are_billed_apart() -> None:
    assert billed_metrics(a_request((a_metric("A"), "Sum"), (a_metric("B"), "Sum"), (a_metric("A"), "p99"))) == 2


def test_one_name_in_another_namespace_or_with_other_dimensions_is_another_metric() -> None:
    metrics = [a_metric(), a_metric(namespace="Other"), a_metric(dimensions={"InstanceId": "i-1"})]

    assert billed_metrics(a_request(*((metric, "Sum") for metric in metrics))) == 3


@given(st.lists(st.integers(1, 12), min_size=1, max_size=20))
def test_the_bill_lies_between_metrics_and_queries(counts: list[int]) -> None:
    queries = [(a_metric(f"M{number}"), f"p{n}") for number, count in enumerate(counts) for n in range(count)]

    assert len(counts) <= billed_metrics(a_request(*queries)) <= len(queries)


def test_a_thousand_metrics_cost_a_cent() -> None:
    assert usd(1_000) == pytest.approx(0.01)
    assert usd(0) == 0


def test_a_thousand_metrics_each_hour_cost_seven_dollars_twenty_in_thirty_days() -> None:
    assert usd(1_000 * 24 * 30) == pytest.approx(7.20)
