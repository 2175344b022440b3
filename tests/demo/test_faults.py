from __future__ import annotations

import json
import math
import socket
import time
from collections.abc import Callable
from contextlib import closing
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPResponse, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from cwarchive.demo import faults, unsound
from cwarchive.demo.accounts import wide
from cwarchive.demo.faults import DATA, LISTING, Call, Drip, Effect, Fault, Hang, Reset, Truncated, When, WrongDate
from cwarchive.demo.server import Simulation
from tests.demo.conftest import NOW, Connect, Serve

TARGET = "GraniteServiceVersion20100801."
FIRST, SECOND = wide(2).metrics


def request(**more: Any) -> dict[str, Any]:
    queries = [
        {
            "Id": f"q{ordinal}",
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
                },
                "Period": 60,
                "Stat": "Average",
            },
        }
        for ordinal, metric in enumerate((FIRST, SECOND))
    ]
    return {"MetricDataQueries": queries, "StartTime": NOW - 600, "EndTime": NOW, "ScanBy": "TimestampAscending"} | more


def post(simulation: Simulation, operation: str = "GetMetricData", **more: Any) -> tuple[HTTPResponse, bytes]:
    """One request on a connection of its own; the response and every byte of its body."""
    with closing(HTTPConnection(urlsplit(simulation.url).netloc, timeout=5)) as connection:
        body = request(**more) if operation == "GetMetricData" else more
        connection.request("POST", "/", json.dumps(body), {"X-Amz-Target": TARGET + operation})
        response = connection.getresponse()
        return response, response.read()


def results(simulation: Simulation, **more: Any) -> list[dict[str, Any]]:
    _, body = post(simulation, **more)
    found: list[dict[str, Any]] = json.loads(body)["MetricDataResults"]
    return found


@pytest.mark.parametrize(
    ("effect", "status", "code"),
    [
        (faults.THROTTLED, 400, "Throttling"),
        (faults.INTERNAL_FAILURE, 500, "InternalFailure"),
        (faults.EXPIRED_TOKEN, 403, "ExpiredToken"),
        (faults.ACCESS_DENIED, 403, "AccessDenied"),
        (faults.VALIDATION_ERROR, 400, "ValidationError"),
        (faults.HTML_503, 503, "503"),
        (faults.Refusal("X", 'a "quoted" \\ message', 400), 400, "X"),
    ],
)
def test_a_refusal_is_what_boto3_calls_it(
    serve: Serve, connect: Connect, effect: Effect, status: int, code: str
) -> None:
    simulation = serve(wide(2), Fault(effect))

    with pytest.raises(ClientError) as caught:
        connect(simulation).list_metrics()

    error = caught.value.response
    assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]) == (status, code)
    assert simulation.requests[0].status == status
    assert simulation.billed == 0


@pytest.mark.parametrize("effect", [faults.THROTTLED, faults.INTERNAL_FAILURE, faults.HTML_503, Reset()])
def test_boto3_asks_again_and_succeeds(serve: Serve, connect: Connect, effect: Effect) -> None:
    simulation = serve(wide(2), Fault(effect, When(calls={1})))

    assert len(connect(simulation, attempts=3).list_metrics()["Metrics"]) == 2
    assert [len(recorded.faults) for recorded in simulation.requests] == [1, 0]


@pytest.mark.parametrize(
    ("effect", "content_type", "body"),
    [
        (faults.HTML_200, "text/html", b"<html>"),
        (faults.EMPTY_200, "application/x-amz-json-1.0", b""),
        (faults.GARBAGE_200, "application/x-amz-json-1.0", b'{"MetricDataResults"'),
    ],
)
def test_a_broken_200_arrives_as_it_is(serve: Serve, effect: Effect, content_type: str, body: bytes) -> None:
    response, found = post(serve(wide(2), Fault(effect)))

    assert (response.status, response.getheader("Content-Type")) == (200, content_type)
    assert found.startswith(body)
    with pytest.raises(ValueError, match=r"Expecting|decode"):
        json.loads(found)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_body_announces_more_than_it_sends(serve: Serve, share: float) -> None:
    simulation = serve(wide(2))
    whole = len(post(simulation)[1])

    simulation.faults = (Fault(Truncated(share)),)
    with pytest.raises(IncompleteRead) as caught:
        post(simulation)

    assert len(caught.value.partial) == int(whole * share)
    assert caught.value.expected == whole - len(caught.value.partial)


def test_a_reset_is_no_orderly_end(serve: Serve) -> None:
    with pytest.raises(ConnectionResetError) as caught:
        post(serve(wide(2), Fault(Reset())))

    assert caught.type is ConnectionResetError  # RemoteDisconnected would be an orderly one


def test_a_hang_ends_after_its_time_without_an_answer(serve: Serve) -> None:
    with pytest.raises(RemoteDisconnected):
        post(serve(wide(2), Fault(Hang(0.05))))


def test_a_hang_times_the_client_out(serve: Serve) -> None:
    simulation = serve(wide(2), Fault(Hang(60)))
    with closing(HTTPConnection(urlsplit(simulation.url).netloc, timeout=0.1)) as connection:
        connection.request("POST", "/", b"{}", {"X-Amz-Target": TARGET + "ListMetrics"})
        with pytest.raises(TimeoutError):
            connection.getresponse()


@pytest.mark.parametrize("effect", [Hang(60), Drip(1, 60)])
def test_closing_releases_what_hangs(effect: Effect) -> None:
    simulation = Simulation(wide(2), NOW, (Fault(effect),)).start()
    with closing(HTTPConnection(urlsplit(simulation.url).netloc, timeout=5)) as connection:
        connection.request("POST", "/", b"{}", {"X-Amz-Target": TARGET + "ListMetrics"})
        began = time.monotonic()
        while not simulation.requests and time.monotonic() < began + 5:
            pass  # until it hangs
        simulation.close()

        assert simulation.requests
        assert time.monotonic() - began < 5
        with pytest.raises((RemoteDisconnected, ConnectionResetError, IncompleteRead)):
            connection.getresponse().read()


def test_a_drip_comes_whole_but_in_pieces(serve: Serve) -> None:
    simulation = serve(wide(2), Fault(Drip(piece=200, pause=0.001)))
    host, port = urlsplit(simulation.url).netloc.split(":")
    head = f"POST / HTTP/1.1\r\nX-Amz-Target: {TARGET}ListMetrics\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(head.encode() + b"{}")
        pieces = list(iter(lambda: connection.recv(65_536), b""))

    assert len(pieces) > 1
    assert len(json.loads(b"".join(pieces).partition(b"\r\n\r\n")[2])["Metrics"]) == 2


def test_a_wrong_date_goes_with_a_sound_answer(serve: Serve) -> None:
    response, body = post(serve(wide(2), Fault(WrongDate(-3_600))))

    assert parsedate_to_datetime(str(response.getheader("Date"))).timestamp() == NOW - 3_600
    assert len(json.loads(body)["MetricDataResults"]) == 2


@pytest.mark.parametrize(("repeated", "different"), [(False, 4), (True, 1)])
def test_pages_without_end(serve: Serve, *, repeated: bool, different: int) -> None:
    simulation = serve(wide(2), Fault(unsound.Endless(repeated=repeated)))
    tokens = set()
    more: dict[str, str] = {}
    for _ in range(4):
        page = json.loads(post(simulation, **more)[1])
        assert {result["StatusCode"] for result in page["MetricDataResults"]} == {"PartialData"}
        more = {"NextToken": page["NextToken"]}
        tokens.add(page["NextToken"])

    assert len(tokens) == different


def test_an_id_is_missing(serve: Serve) -> None:
    assert [result["Id"] for result in results(serve(wide(2), Fault(unsound.MissingId())))] == ["q1"]


def test_an_id_is_foreign(serve: Serve) -> None:
    found = results(serve(wide(2), Fault(unsound.ExtraId())))

    assert [result["Id"] for result in found] == ["q0", "nobodyAskedForThis", "q1"]


def test_columns_are_ragged(serve: Serve) -> None:
    ragged, sound = results(serve(wide(2), Fault(unsound.Ragged())))

    assert len(ragged["Timestamps"]) == len(ragged["Values"]) + 1
    assert len(sound["Timestamps"]) == len(sound["Values"]) == 10


@pytest.mark.parametrize(("literal", "holds"), [("NaN", math.isnan), ("1e400", math.isinf), ("-Infinity", math.isinf)])
def test_a_value_is_not_finite(serve: Serve, literal: str, holds: Callable[[float], bool]) -> None:
    _, body = post(serve(wide(2), Fault(unsound.NotFinite(literal))))

    assert f'"Values":[{literal},'.encode() in body
    assert holds(json.loads(body)["MetricDataResults"][0]["Values"][0])


@pytest.mark.parametrize("code", ["InternalError", "Forbidden"])
def test_a_status_stands_for_one_metric(serve: Serve, code: str) -> None:
    simulation = serve(wide(2), Fault(unsound.Status(code, metric=str(SECOND.dimensions[0][1]))))

    found = results(simulation)

    assert [result["StatusCode"] for result in found] == ["Complete", code]
    assert [len(result["Values"]) for result in found] == [10, 0]


@pytest.mark.parametrize(
    ("wrong", "is_so"),
    [
        ("unsorted", lambda stamps: stamps != sorted(stamps)),
        ("duplicate", lambda stamps: len(set(stamps)) < len(stamps)),
        ("misaligned", lambda stamps: any(stamp % 60 for stamp in stamps)),
        ("outside", lambda stamps: stamps[0] < NOW - 600),
    ],
)
def test_timestamps_are_wrong(serve: Serve, wrong: str, is_so: Callable[[list[float]], bool]) -> None:
    bad, sound = results(serve(wide(2), Fault(unsound.Stamps(wrong))))

    assert is_so(bad["Timestamps"])
    assert not is_so(sound["Timestamps"])
    assert len(bad["Timestamps"]) == len(bad["Values"]) == 10


def test_a_message_goes_with_the_data(serve: Serve) -> None:
    page = json.loads(post(serve(wide(2), Fault(unsound.Messages())))[1])

    assert page["Messages"][0]["Value"] == "Maximum number of allowed metrics exceeded"
    assert len(page["MetricDataResults"]) == 2


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        (DATA, [True, True, False, False]),
        (LISTING, [False, False, True, True]),
        (When(calls={2}), [False, True, False, True]),
        (When(calls=range(2, 9)), [False, True, False, True]),
        (When(region="us-east-1"), [True] * 4),
        (When(region="eu-west-1"), [False] * 4),
        (When(access_key="AKID"), [False] * 4),
        (When(metric=FIRST.dimensions[0][1]), [True, True, False, False]),
        (When(metric="i-none"), [False] * 4),
        (When(meets=lambda call: call.ordinal == 1), [True, False, True, False]),
        (When(probability=0.0), [False] * 4),
    ],
)
def test_a_fault_strikes_when_it_is_said_to(serve: Serve, when: When, struck: list[bool]) -> None:
    simulation = serve(wide(2), Fault(faults.THROTTLED, when))

    statuses = [post(simulation, operation)[0].status for operation in ("GetMetricData", "ListMetrics") for _ in "ab"]

    assert [status == 400 for status in statuses] == struck


def test_a_share_of_the_calls_is_struck_and_the_seed_decides_which() -> None:
    calls = [Call(ordinal, "GetMetricData", "us-east-1", "", {}) for ordinal in range(1_000)]
    struck = [[When(probability=0.3, seed=seed).strikes(call) for call in calls] for seed in (1, 1, 2)]

    assert 250 < sum(struck[0]) < 350
    assert struck[0] == struck[1] != struck[2]


def test_the_first_fault_changes_first(serve: Serve) -> None:
    simulation = serve(wide(2), Fault(faults.HTML_200), Fault(Truncated(0.5)), Fault(WrongDate(60)))

    with pytest.raises(IncompleteRead):
        post(simulation)
    assert len(simulation.requests[0].faults) == 3


def test_boto3_sees_a_hang_as_a_read_timeout_and_a_reset_as_a_closed_connection(serve: Serve, connect: Connect) -> None:
    simulation = serve(wide(2), Fault(Hang(60), When(calls={1})), Fault(Reset(), When(calls={2})))
    client = connect(simulation)

    with pytest.raises(ReadTimeoutError):
        client.list_metrics()
    with pytest.raises(ConnectionClosedError):
        client.list_metrics()
    assert len(client.list_metrics()["Metrics"]) == 2
