from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError
from mypy_boto3_cloudwatch import CloudWatchClient

from cwarchive.core.batch import Query, Request
from cwarchive.core.cost import billed_metrics
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.series import Cell, Datapoints
from cwarchive.core.window import Window, floor
from cwarchive.demo.account import Account
from cwarchive.demo.accounts import small, wide
from cwarchive.demo.ledger import Caller
from cwarchive.demo.server import Simulation
from cwarchive.demo.simulated import AT_ONCE, Simulated
from tests.demo.conftest import NOW, Connect, Serve

CPU = Simulated("AWS/EC2", "CPUUtilization", (("InstanceId", "i-1"),), lateness=AT_ONCE, unit="Percent")


def query(metric: Simulated = CPU, stat: str = "Sum", period: int = 60, identifier: str = "q0", **more: Any) -> Any:
    dimensions = [{"Name": name, "Value": value} for name, value in reversed(metric.dimensions)]
    named = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": named, "Period": period, "Stat": stat} | more}


def ask(client: CloudWatchClient, start: float, end: float, *queries: Any, **more: Any) -> Any:
    times = {"StartTime": datetime.fromtimestamp(start, UTC), "EndTime": datetime.fromtimestamp(end, UTC)}
    return client.get_metric_data(MetricDataQueries=queries or [query()], **({"ScanBy": ASCENDING} | times | more))


def columns(page: Any) -> dict[str, Datapoints]:
    return {
        result["Id"]: Datapoints([int(time.timestamp()) for time in result["Timestamps"]], result["Values"])
        for result in page["MetricDataResults"]
    }


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


ASCENDING = "TimestampAscending"


def test_the_answer_is_the_truth(serve: Serve, connect: Connect) -> None:
    account = small(NOW)
    simulation = serve(account)
    statistics = ("Average", "Sum", "p99", "TM(10%:90%)")
    asked = [(metric, statistic) for metric in account.metrics for statistic in statistics]
    queries = [query(metric, statistic, 300, f"q{ordinal}") for ordinal, (metric, statistic) in enumerate(asked)]
    window = Window(floor(NOW, 300) - 6 * HOUR, floor(NOW, 300))

    answered = columns(ask(connect(simulation), window.start, window.end, *queries))

    assert len(answered) == len(asked)
    for ordinal, (metric, statistic) in enumerate(asked):
        assert answered[f"q{ordinal}"] == account.truth(metric, statistic, 300, window, NOW)


def test_the_default_order_is_descending(serve: Serve, connect: Connect) -> None:
    client = connect(serve(CPU))

    ascending = columns(ask(client, NOW - HOUR, NOW))["q0"]
    descending = columns(ask(client, NOW - HOUR, NOW, ScanBy="TimestampDescending"))["q0"]

    assert descending == (ascending.timestamps[::-1], ascending.values[::-1])


@pytest.mark.parametrize(
    ("age", "period", "step"), [(DAY, 60, 60), (20 * DAY, 300, 300), (70 * DAY, HOUR, HOUR), (20 * DAY, HOUR, 300)]
)
def test_the_start_is_rounded_down_by_its_age(serve: Serve, connect: Connect, age: int, period: int, step: int) -> None:
    start = floor(NOW - age, HOUR) + 25 * 60 + 17

    answered = columns(ask(connect(serve(CPU)), start, start + 6 * HOUR, query(period=period)))["q0"]

    assert answered.timestamps[:2] == [floor(start, step), floor(start, step) + period]


def test_timestamps_count_from_the_start_and_the_end_is_exclusive(serve: Serve, connect: Connect) -> None:
    start = floor(NOW - HOUR, HOUR) - 60

    answered = columns(ask(connect(serve(CPU)), start, start + 2_400.5, query(period=1_200)))["q0"]

    assert answered.timestamps == [start, start + 1_200]


def test_an_end_within_a_minute_loses_that_minute(serve: Serve, connect: Connect) -> None:
    answered = columns(ask(connect(serve(CPU)), NOW - 300, NOW - 1))["q0"]

    assert answered.timestamps == list(range(NOW - 300, NOW - 60, 60))


@pytest.mark.parametrize(
    ("age", "period", "answers"),
    [
        (14 * DAY, 60, True),
        (16 * DAY, 60, False),
        (16 * DAY, 420, False),
        (16 * DAY, 2_100, True),
        (62 * DAY, 300, True),
        (64 * DAY, 300, False),
        (64 * DAY, HOUR, True),
        (454 * DAY, HOUR, True),
        (456 * DAY, HOUR, False),
        (-HOUR, 60, False),
    ],
)
def test_a_period_too_fine_for_its_age_answers_nothing(
    serve: Serve, connect: Connect, age: int, period: int, *, answers: bool
) -> None:
    start = floor(NOW - age, HOUR)

    page = ask(connect(serve(CPU)), start, start + 12 * HOUR, query(period=period))

    assert bool(columns(page)["q0"].timestamps) is answers
    assert page["MetricDataResults"][0]["StatusCode"] == "Complete"


def test_a_window_that_straddles_a_tier_is_answered_by_its_start(serve: Serve, connect: Connect) -> None:
    page = ask(connect(serve(CPU)), NOW - 15 * DAY - HOUR, NOW - 15 * DAY + HOUR)

    assert columns(page)["q0"].timestamps == []


def test_pages_split_a_metric_and_add_up_to_the_whole(serve: Serve, connect: Connect) -> None:
    simulation = serve(wide(3))
    queries = [
        query(metric, identifier=f"q{ordinal}") for ordinal, metric in enumerate(simulation._account_of(NOBODY).metrics)
    ]
    client = connect(simulation)
    whole = columns(ask(client, NOW - HOUR, NOW + HOUR, *queries))
    pages = [ask(client, NOW - HOUR, NOW + HOUR, *queries, MaxDatapoints=50)]
    while token := pages[-1].get("NextToken"):
        simulation.now += 45  # what is answered does not move under the reader
        pages.append(ask(client, NOW - HOUR, NOW + HOUR, *queries, MaxDatapoints=50, NextToken=token))

    merged: dict[str, Datapoints] = {}
    for page in map(columns, pages):
        for identifier, (times, values) in page.items():
            before = merged.get(identifier, Datapoints([], []))
            merged[identifier] = Datapoints(before.timestamps + times, before.values + values)
    statuses = [[result["StatusCode"] for result in page["MetricDataResults"]] for page in pages]
    assert merged == whole
    assert statuses == [["PartialData"], ["Complete", "PartialData"], ["Complete", "PartialData"], ["Complete"]]
    assert [recorded.billed for recorded in simulation.requests] == [3, 3, 0, 0, 0]


def test_a_page_holds_at_most_100800_datapoints(serve: Serve, connect: Connect) -> None:
    simulation = serve(wide(11))
    queries = [
        query(metric, identifier=f"q{ordinal}") for ordinal, metric in enumerate(simulation._account_of(NOBODY).metrics)
    ]
    page = ask(connect(simulation), NOW - 7 * DAY, NOW, *queries)

    assert sum(len(result["Values"]) for result in page["MetricDataResults"]) == 100_800
    assert page["NextToken"]


def test_a_token_of_another_request_is_not_valid(serve: Serve, connect: Connect) -> None:
    client = connect(serve(CPU))
    token = ask(client, NOW - HOUR, NOW, MaxDatapoints=10)["NextToken"]

    for wrong, start in (("nonsense", NOW - HOUR), (token, NOW - 2 * HOUR)):
        with pytest.raises(client.exceptions.InvalidNextToken) as caught:
            ask(client, start, NOW, MaxDatapoints=10, NextToken=wrong)
        assert code_of(caught) == "InvalidNextToken"


@pytest.mark.parametrize(
    ("queries", "more", "told"),
    [
        ([query(identifier="Q")], {}, "Id"),
        ([query(), query(stat="Average")], {}, "not unique"),
        ([query(period=7)], {}, "Period"),
        ([query(period=90)], {}, "Period"),
        ([query(period=2 * DAY)], {}, "Period"),
        ([query(stat="Avg")], {}, "Stat"),
        ([query()], {"MaxDatapoints": 100_801}, "MaxDatapoints"),
        ([query()], {"ScanBy": "Sideways"}, "ScanBy"),
        ([query()], {"EndTime": datetime.fromtimestamp(NOW - HOUR, UTC)}, "must be less than"),
        ([query(identifier=f"q{ordinal}") for ordinal in range(501)], {}, "500"),
        ([{"Id": "q0", "Expression": "SEARCH('AWS/EC2', 'Sum')"}], {}, "expressions"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused(
    serve: Serve, connect: Connect, queries: list[Any], more: dict[str, Any], told: str
) -> None:
    client = connect(serve(CPU), attempts=3)

    with pytest.raises(ClientError, match=told) as caught:
        ask(client, NOW - HOUR, NOW, *queries, **more)

    assert code_of(caught) == "ValidationError"
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_a_wrong_unit_answers_nothing(serve: Serve, connect: Connect) -> None:
    page = ask(connect(serve(CPU)), NOW - HOUR, NOW, query(Unit="Bytes"), query(identifier="q1", Unit="Percent"))

    assert [len(column.timestamps) for column in columns(page).values()] == [0, 60]


def test_a_query_that_returns_no_data_has_no_result(serve: Serve, connect: Connect) -> None:
    hidden = query() | {"ReturnData": False}

    assert list(columns(ask(connect(serve(CPU)), NOW - HOUR, NOW, hidden, query(identifier="q1")))) == ["q1"]


def test_timestamps_under_a_minute_are_answered_for_three_hours(serve: Serve, connect: Connect) -> None:
    fine = Simulated("Custom", "M", period=10, lateness=AT_ONCE)
    client = connect(serve(fine))

    young = columns(ask(client, NOW - 605, NOW - 545, query(fine, period=10)))["q0"]
    old = columns(ask(client, NOW - 4 * HOUR, NOW - 4 * HOUR + 60, query(fine, period=10)))["q0"]

    assert young.timestamps == list(range(NOW - 610, NOW - 550, 10))
    assert old.timestamps == []


def test_metrics_are_listed_500_a_page_and_a_token_works_once(serve: Serve, connect: Connect) -> None:
    client = connect(serve(wide(1_200)))

    pages = list(client.get_paginator("list_metrics").paginate())
    assert [len(page["Metrics"]) for page in pages] == [500, 500, 200]
    assert len({str(metric) for page in pages for metric in page["Metrics"]}) == 1_200

    token = client.list_metrics()["NextToken"]
    client.list_metrics(NextToken=token)
    with pytest.raises(ClientError) as caught:
        client.list_metrics(NextToken=token)
    assert code_of(caught) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"Namespace": "AWS/EC2"}, 3),
        ({"Namespace": "AWS/EC2", "MetricName": "CPUUtilization"}, 2),
        ({"MetricName": "NetworkIn"}, 1),
        ({"Dimensions": [{"Name": "InstanceId"}]}, 3),
        ({"Dimensions": [{"Name": "InstanceId", "Value": "i-0b00000000000born"}]}, 1),
        ({"Dimensions": [{"Name": "BucketName"}, {"Name": "StorageType", "Value": "StandardStorage"}]}, 1),
        ({"Namespace": "aws/ec2"}, 0),
        ({"Namespace": "AWS/S3", "RecentlyActive": "PT3H"}, 0),
        ({"Namespace": "AWS/ApplicationELB", "RecentlyActive": "PT3H"}, 3),
        ({}, 12),
    ],
)
def test_a_listing_is_filtered(serve: Serve, connect: Connect, filters: dict[str, Any], expected: int) -> None:
    assert len(connect(serve(small(NOW))).list_metrics(**filters)["Metrics"]) == expected


def test_odd_names_travel_unchanged(serve: Serve, connect: Connect) -> None:
    (metric,) = connect(serve(small(NOW))).list_metrics(Namespace="Shop Floor/Line 1")["Metrics"]

    assert metric["MetricName"] == "Oil temperature"
    assert metric["Dimensions"] == [{"Name": "Machine", "Value": "press #3 (hall B) 50%"}]


def test_the_clock_can_be_set(serve: Serve, connect: Connect) -> None:
    simulation = serve(CPU)
    client = connect(simulation)
    assert columns(ask(client, NOW - 120, NOW + 120))["q0"].timestamps == [NOW - 120, NOW - 60]

    simulation.now = NOW + 60
    page = ask(client, NOW - 120, NOW + 120)

    assert columns(page)["q0"].timestamps == [NOW - 120, NOW - 60, NOW]
    assert parsedate_to_datetime(page["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp() == NOW + 60

    simulation.now = iter(range(NOW, NOW + 9)).__next__
    assert simulation.now < simulation.now


def test_the_ledger_tells_what_was_asked_and_billed(serve: Serve, connect: Connect) -> None:
    simulation = serve(wide(2))
    first, second = simulation._account_of(NOBODY).metrics
    statistics = ("Average", "Sum", "Minimum", "Maximum", "SampleCount", "p99")
    queries = [query(first, statistic, 300, f"a{ordinal}") for ordinal, statistic in enumerate(statistics)]
    client = connect(simulation)
    client.list_metrics(Namespace="AWS/EC2")

    ask(client, NOW - HOUR, NOW, *queries, query(second, period=300, identifier="b"))

    listing, data = simulation.requests
    assert (listing.operation, listing.document, listing.billed) == ("ListMetrics", {"Namespace": "AWS/EC2"}, 0)
    assert (data.operation, data.window, data.period) == ("GetMetricData", Window(NOW - HOUR, NOW), 300)
    assert [asked.statistic for asked in data.queries] == [*statistics, "Sum"]
    assert data.caller == Caller("AKIDEXAMPLE", "eu-west-1")
    metrics = simulation._account_of(NOBODY).in_cell(Cell("", "eu-west-1"))
    asked = tuple(Query(metrics[0], statistic) for statistic in statistics) + (Query(metrics[1], "Sum"),)
    assert simulation.billed == data.billed == billed_metrics(Request(Window(NOW - HOUR, NOW), 300, asked)) == 3
    assert simulation.asked("ListMetrics") == [listing]


def test_each_region_and_key_can_have_an_account_of_its_own(session: boto3.Session, connect: Connect) -> None:
    accounts = {"eu-west-1": wide(1), "us-east-1": wide(2)}

    def account_of(caller: Caller) -> Account:
        return wide(3) if caller.access_key == "AKIDOTHER" else accounts[caller.region]

    with Simulation(account_of, NOW) as simulation:
        callers: list[dict[str, str]] = [
            {},
            {"region_name": "us-east-1"},
            {"aws_access_key_id": "AKIDOTHER", "aws_secret_access_key": "s"},
        ]
        clients = [connect(simulation, **caller) for caller in callers]
        assert [len(client.list_metrics()["Metrics"]) for client in clients] == [1, 2, 3]


def test_one_connection_serves_many_requests(serve: Serve) -> None:
    address = urlsplit(serve(CPU).url).netloc
    connection = HTTPConnection(address, timeout=5)
    for _ in range(3):
        connection.request("POST", "/", b"{}", {"X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics"})
        response = connection.getresponse()
        assert (response.status, response.getheader("Connection")) == (200, None)
        assert response.read().startswith(b'{"Metrics":[{')
        socket_of_first = connection.sock
    assert connection.sock is socket_of_first is not None
    connection.close()


def test_what_is_no_operation_is_refused(serve: Serve, connect: Connect) -> None:
    with pytest.raises(ClientError) as caught:
        connect(serve(CPU)).describe_alarms()

    assert code_of(caught) == "InvalidAction"


def test_a_closed_simulation_takes_no_connections(connect: Connect) -> None:
    with Simulation(wide(1), NOW) as simulation:
        client = connect(simulation)
        client.list_metrics()

    with pytest.raises(OSError, match="refused"):
        HTTPConnection(urlsplit(simulation.url).netloc, timeout=5).connect()


def test_the_account_can_be_served_by_a_process_of_its_own(connect: Connect) -> None:
    command = [sys.executable, "-m", "cwarchive.demo.server", "--wide", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        client = connect(Somewhere(url))
        try:
            assert len(client.list_metrics()["Metrics"]) == 7
        finally:
            process.terminate()
        assert process.wait(10) == 0


class Somewhere:
    """What `connect` needs of a simulation."""

    def __init__(self, url: str) -> None:
        self.url = url


NOBODY = Caller("", "")
