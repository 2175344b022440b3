from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from cwarchive.core.selection import cells, in_cell, selection, selects
from cwarchive.core.series import Cell, Metric
from cwarchive.core.spec import MetricSpec
from tests.builders import a_metric, a_spec, an_exclusion


def test_an_entry_looks_at_every_account_in_every_region_it_names() -> None:
    spec = a_spec(accounts=("", "prod"), regions=("eu-west-1", "us-east-1"))

    assert in_cell(spec, Cell("prod", "us-east-1"))
    assert not in_cell(spec, Cell("test", "us-east-1"))
    assert not in_cell(spec, Cell("prod", "eu-west-2"))


def test_cells_are_told_once_in_the_order_of_the_entries() -> None:
    specs = [a_spec(accounts=("b",), regions=("y", "x")), a_spec(accounts=("a", "b"), regions=("x",))]

    assert cells(specs) == (Cell("b", "y"), Cell("b", "x"), Cell("a", "x"))


def test_without_metrics_every_name_is_meant() -> None:
    assert selects(a_spec(), a_metric("Anything"))


@pytest.mark.parametrize("namespace", ["AWS/EC2x", "aws/ec2", "AWS", "AWS/EC2/Sub"])
def test_another_namespace_is_not_meant(namespace: str) -> None:
    assert not selects(a_spec(), a_metric(namespace=namespace))


def test_one_of_the_names_is_enough() -> None:
    spec = a_spec("CPUUtilization", "Network*", "/^Disk.*Ops$/")

    names = ("CPUUtilization", "NetworkIn", "DiskReadOps", "CPU", "DiskReadBytes", "networkIn")
    meant = [name for name in names if selects(spec, a_metric(name))]

    assert meant == ["CPUUtilization", "NetworkIn", "DiskReadOps"]


@pytest.mark.parametrize(
    ("wanted", "own", "meant"),
    [
        pytest.param(None, {"InstanceId": "i-1"}, True, id="no key: any set"),
        pytest.param(None, {}, True, id="no key: the empty set too"),
        pytest.param({}, {}, True, id="empty: only without dimensions"),
        pytest.param({}, {"InstanceId": "i-1"}, False, id="empty: nothing with dimensions"),
        pytest.param({"InstanceId": "*"}, {"InstanceId": "i-1"}, True, id="exactly this name"),
        pytest.param({"InstanceId": "*"}, {}, False, id="name missing"),
        pytest.param({"InstanceId": "*"}, {"InstanceId": "i-1", "Disk": "a"}, False, id="one name more"),
        pytest.param({"InstanceId": "*"}, {"ImageId": "i-1"}, False, id="another name"),
        pytest.param({"InstanceId": "*"}, {"instanceid": "i-1"}, False, id="names are case-sensitive"),
        pytest.param({"A": "1", "B": "2"}, {"B": "2", "A": "1"}, True, id="order does not count"),
        pytest.param({"A": "1", "B": "2"}, {"A": "2", "B": "1"}, False, id="values belong to their names"),
        pytest.param({"A": ["1", "/^2/"]}, {"A": "23"}, True, id="one of several patterns"),
        pytest.param({"A": ["1", "/^2/"]}, {"A": "12"}, False, id="none of several patterns"),
    ],
)
def test_dimensions_are_exactly_the_ones_named(
    wanted: Mapping[str, str | Sequence[str]] | None, own: dict[str, str], meant: bool
) -> None:
    assert selects(a_spec(wanted=wanted), a_metric(dimensions=own)) is meant


@pytest.mark.parametrize(
    ("names", "wanted", "left_out"),
    [
        pytest.param(("CPU*",), {}, True, id="by name"),
        pytest.param(("Disk*",), {}, False, id="by another name"),
        pytest.param((), {"InstanceId": "i-0*"}, True, id="by value"),
        pytest.param((), {"InstanceId": "i-1*"}, False, id="by another value"),
        pytest.param((), {"Disk": "*"}, False, id="by a dimension it does not have"),
        pytest.param(("CPU*",), {"InstanceId": "i-1*"}, False, id="name and value must both match"),
        pytest.param((), {"InstanceId": "*", "Zone": "a"}, False, id="every dimension must match"),
    ],
)
def test_an_exclusion_leaves_out_what_matches_all_of_it(
    names: tuple[str, ...], wanted: dict[str, str], left_out: bool
) -> None:
    spec = a_spec(exclude=[an_exclusion("Nothing"), an_exclusion(*names, wanted=wanted)])

    assert selects(spec, a_metric(dimensions={"InstanceId": "i-0abc", "Zone": "b"})) is not left_out


def test_an_exclusion_of_some_dimensions_leaves_out_metrics_that_have_more() -> None:
    spec = a_spec(exclude=[an_exclusion(wanted={"InstanceId": "i-0*"})])

    assert not selects(spec, a_metric(dimensions={"InstanceId": "i-0abc", "Disk": "sda"}))


def chosen(specs: Sequence[MetricSpec], metrics: Sequence[Metric]) -> list[tuple[str, str, str, int]]:
    return [
        (found.spec.label, found.bound.metric.name, found.bound.statistic, found.bound.period)
        for found in selection(specs, metrics)
    ]


def test_every_statistic_of_every_metric_is_a_series() -> None:
    specs = [a_spec(statistics=("Average", "Sum"))]

    assert chosen(specs, [a_metric("A"), a_metric("B")]) == [
        ("metrics[0]", "A", "Average", 60),
        ("metrics[0]", "A", "Sum", 60),
        ("metrics[0]", "B", "Average", 60),
        ("metrics[0]", "B", "Sum", 60),
    ]


def test_two_entries_that_select_one_series_make_one_as_the_first_says() -> None:
    specs = [
        a_spec("CPU*", statistics=("Average",), label="first"),
        a_spec(statistics=("Average", "Sum"), period=300, label="second"),
    ]

    assert chosen(specs, [a_metric()]) == [
        ("first", "CPUUtilization", "Average", 60),
        ("second", "CPUUtilization", "Sum", 300),
    ]


def test_a_statistic_named_twice_is_one_series() -> None:
    assert len(chosen([a_spec(statistics=("Sum", "Sum"))], [a_metric()])) == 1


def test_another_period_is_another_series_where_the_path_tells_it() -> None:
    template = "{metric}.{statistic}.{period}"
    specs = [a_spec(template=template, label="fine"), a_spec(template=template, period=300, label="coarse")]

    assert [period for *_, period in chosen(specs, [a_metric()])] == [60, 300]


def test_the_same_period_is_the_same_series_whatever_the_paths_tell() -> None:
    told, untold = a_spec(template="{metric}.{statistic}.{period}"), a_spec(template="{metric}.{statistic}")

    assert len(chosen([told, untold], [a_metric()])) == 1
    assert len(chosen([untold, told], [a_metric()])) == 1


def test_an_entry_that_means_nothing_listed_selects_nothing() -> None:
    assert chosen([a_spec("Other")], [a_metric()]) == []
    assert chosen([a_spec()], []) == []
