"""That CloudWatch is asked as intended, that only a sound answer counts, and that every failure is told as it is."""

from __future__ import annotations

import json
import logging
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from cwarchive import __version__
from cwarchive.core.batch import Query, Request
from cwarchive.core.ports import Answer, Source, Unanswered
from cwarchive.core.series import NO_DATAPOINTS, Cell, Datapoints, Metric
from cwarchive.core.window import Window
from cwarchive.edges.aws.cloudwatch import CloudWatch, ambient_region
from cwarchive.errors import AccessError, ClockError, CwarchiveError, Refused, SourceError, Unreachable
from tests.edges.aws.wire import (
    CELL,
    DATE,
    DATE_SECONDS,
    SECRETS,
    START,
    page,
    request,
    result,
    server,
    source,
    wired,
)

T = [START + 60 * n for n in range(5)]
METRIC = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Dimensions": []}


def failure(**options: Any) -> CwarchiveError:
    """What a fetch raises."""
    with pytest.raises(CwarchiveError) as raised:
        source(**options).fetch(request())
    return raised.value


class TestFetch:
    def test_it_is_a_source(self) -> None:
        assert_source: Source = source()

        assert assert_source is not None

    def test_a_whole_answer_comes_in_columns_with_its_date(self) -> None:
        cloudwatch, wire = wired()
        wire.answers(page(result(0, [float(t) for t in T], [1, 2.5, 3, 4, 5]), result(1)))

        assert cloudwatch.fetch(request(2)) == Answer(
            (Datapoints(T, [1, 2.5, 3, 4, 5]), NO_DATAPOINTS), date=DATE_SECONDS, calls=1
        )

    def test_it_asks_what_the_request_says(self) -> None:
        cloudwatch, wire = wired()
        wire.answers(page(result(0), result(1)))
        metric = Metric(CELL, "My App", "Latency", (("A", "1"), ("B", "ü")))
        asked = Request(Window(START, START + 3_600), 300, (Query(metric, "p99.9"), Query(metric, "Sum")))

        cloudwatch.fetch(asked)

        stat = {
            "Metric": {
                "Namespace": "My App",
                "MetricName": "Latency",
                "Dimensions": [{"Name": "A", "Value": "1"}, {"Name": "B", "Value": "ü"}],
            },
            "Period": 300,
        }
        assert wire.asked == [
            {
                "MetricDataQueries": [
                    {"Id": "m0", "MetricStat": {**stat, "Stat": "p99.9"}},
                    {"Id": "m1", "MetricStat": {**stat, "Stat": "Sum"}},
                ],
                "StartTime": START,
                "EndTime": START + 3_600,
                "ScanBy": "TimestampAscending",
            }
        ]

    def test_every_page_is_read_with_the_same_queries(self) -> None:
        cloudwatch, wire = wired()
        wire.answers(
            page(result(0, T[:2], [1, 2], "PartialData"), token="a"), page(token="b"), page(result(0, T[2:3], [3]))
        )

        assert cloudwatch.fetch(request()) == Answer((Datapoints(T[:3], [1, 2, 3]),), DATE_SECONDS, calls=3)
        assert [asked.pop("NextToken", None) for asked in wire.asked] == [None, "a", "b"]
        assert wire.asked[0] == wire.asked[1] == wire.asked[2]

    def test_a_page_token_that_repeats_is_not_followed(self) -> None:
        cloudwatch, wire = wired()
        wire.answers(page(result(0), token="again"))

        with pytest.raises(SourceError, match="circles"):
            cloudwatch.fetch(request())
        assert len(wire.asked) == 2

    def test_one_series_that_failed_does_not_cost_the_others(self) -> None:
        cloudwatch, wire = wired()
        wire.answers(page(result(0, [], [], "InternalError"), result(1, T[:1], [1.0])))

        assert cloudwatch.fetch(request(2)).columns == (
            Unanswered("CloudWatch answered InternalError"),
            Datapoints(T[:1], [1.0]),
        )

    def test_all_series_forbidden_is_a_reason_for_each_of_them(self) -> None:
        cloudwatch, wire = wired()
        wire.answers(page(result(0, [], [], "Forbidden"), result(1, [], [], "Forbidden")))

        assert cloudwatch.fetch(request(2)).columns == (Unanswered("CloudWatch answered Forbidden"),) * 2

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>captive portal</html>", b"{}", b"[]", b'"x"', b"\xff\xfe", b'{"MetricDataResults":[{"Id":"m'],
    )
    @pytest.mark.parametrize("kind", ["application/x-amz-json-1.0", "text/html", ""])
    def test_a_broken_200_is_never_no_data(self, body: bytes, kind: str) -> None:
        cloudwatch, wire = wired()
        for headers in ({"content-type": kind, "content-length": str(len(body))}, {"content-type": kind}):
            wire.answers(body, headers=headers)

            with pytest.raises(SourceError):
                cloudwatch.fetch(request())

    def test_threads_may_share_a_source(self) -> None:
        cloudwatch, wire = wired(threads=4)
        wire.answers(page(result(0, T[:1], [1.0])))

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: cloudwatch.fetch(request()), range(12)))

        assert answers == [Answer((Datapoints(T[:1], [1.0]),), DATE_SECONDS)] * 12

    def test_any_cut_or_altered_byte_is_noticed_or_leaves_a_sound_answer(self) -> None:
        cloudwatch, wire = wired()
        whole = json.dumps(page(result(0, T, [1.5, 2.5, 3.5, 4.5, 5.5]), result(1, T[1:3], [1, 2]))).encode()
        outcomes = {"refused": 0, "answered": 0}

        @given(
            cut=st.integers(0, len(whole) - 1),
            at=st.integers(0, len(whole) - 1),
            byte=st.integers(0, 255),
            announced=st.booleans(),
        )
        def holds(cut: int, at: int, byte: int, announced: bool) -> None:
            wire.answers(whole[:cut], headers={"content-length": str(len(whole))} if announced else {})
            with pytest.raises(SourceError):
                cloudwatch.fetch(request(2))
            wire.answers(whole[:at] + bytes([byte]) + whole[at + 1 :])
            try:
                columns = cloudwatch.fetch(request(2)).columns
            except SourceError:
                outcomes["refused"] += 1
                return
            outcomes["answered"] += 1
            for column in columns:
                if isinstance(column, Datapoints):
                    assert set(column.timestamps) <= set(T)
                    assert len(column.timestamps) == len(column.values) in (0, 2, 5)

        holds()
        assert all(outcomes.values()), outcomes


class TestHook:
    def test_botocore_lets_answers_be_decoded_here(self, caplog: pytest.LogCaptureFixture) -> None:
        # Fails where a new botocore no longer calls the hook: it would then parse every time at 40 times the cost.
        cloudwatch, wire = wired()
        wire.answers(page(result(0, T, [1, 2, 3, 4, 5])))
        parsed: list[dict[str, Any]] = []
        cloudwatch.client.meta.events.register(
            "after-call.cloudwatch.GetMetricData", lambda **event: parsed.append(event["parsed"])
        )

        cloudwatch.fetch(request())

        assert "MetricDataResults" not in parsed[0]
        assert not caplog.records

    def test_without_it_the_answer_is_the_same_and_a_warning_comes_once(self, caplog: pytest.LogCaptureFixture) -> None:
        cloudwatch, wire = wired()
        wire.answers(page(result(0, T[:3], [1.0, 2.0, 3.0]), result(1, None, None)))
        with_hook = cloudwatch.fetch(request(2))
        cloudwatch.client.meta.events.unregister(
            "before-parse.cloudwatch.GetMetricData", unique_id="cwarchive-GetMetricData"
        )

        with caplog.at_level(logging.WARNING):
            assert cloudwatch.fetch(request(2)) == with_hook
            assert cloudwatch.fetch(request(2)) == with_hook

        assert len(caplog.records) == 1
        assert "does not let cwarchive decode GetMetricData" in caplog.text

    @pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"\xff\xfe", b"[]", b'{"MetricDataResults":[{"Id":"m'])
    def test_without_it_a_broken_200_is_still_never_no_data(self, body: bytes) -> None:
        cloudwatch, wire = wired()
        wire.answers(body)
        cloudwatch.client.meta.events.unregister(
            "before-parse.cloudwatch.GetMetricData", unique_id="cwarchive-GetMetricData"
        )

        with pytest.raises(SourceError):
            cloudwatch.fetch(request())

    def test_pages_that_botocore_parsed_are_merged_alike(self) -> None:
        cloudwatch = source()
        times = [datetime.fromtimestamp(t, UTC) for t in T]
        with Stubber(cloudwatch.client) as stub:
            stub.add_response("get_metric_data", page(result(0, times[:2], [1.0, 2.0], "PartialData"), token="a"))
            stub.add_response("get_metric_data", page(result(0, times[2:4], [3.0, 4.0])))

            assert cloudwatch.fetch(request()) == Answer((Datapoints(T[:4], [1.0, 2.0, 3.0, 4.0]),), None, calls=2)


class TestDiscover:
    def test_every_page_of_every_namespace_is_listed(self) -> None:
        cloudwatch, wire = wired()
        dimensions = [{"Name": "Z", "Value": "1"}, {"Name": "A", "Value": "2"}]
        wire.answers(
            {"Metrics": [{**METRIC, "Dimensions": dimensions}], "NextToken": "n"},
            {"Metrics": [METRIC]},
            {"Metrics": [{**METRIC, "Namespace": "Mine"}]},
        )

        assert list(cloudwatch.discover(["AWS/EC2", "Mine"])) == [
            Metric(CELL, "AWS/EC2", "CPUUtilization", (("A", "2"), ("Z", "1"))),
            Metric(CELL, "AWS/EC2", "CPUUtilization", ()),
            Metric(CELL, "Mine", "CPUUtilization", ()),
        ]
        assert wire.asked == [
            {"Namespace": "AWS/EC2"},
            {"Namespace": "AWS/EC2", "NextToken": "n"},
            {"Namespace": "Mine"},
        ]

    def test_metrics_come_before_the_next_page_is_asked(self) -> None:
        cloudwatch, wire = wired()
        wire.answers({"Metrics": [METRIC], "NextToken": "n"}, {"Metrics": []})

        next(cloudwatch.discover(["AWS/EC2"]))

        assert len(wire.asked) == 1

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"{}", b'{"Metrics": null}', b'{"Metrics": [{}]}', b'{"Metrics": [']
    )
    def test_a_broken_200_is_never_an_end_of_the_list(self, body: bytes) -> None:
        cloudwatch, wire = wired()
        wire.answers({"Metrics": [METRIC], "NextToken": "n"}, body)

        with pytest.raises(SourceError):
            list(cloudwatch.discover(["AWS/EC2"]))

    def test_a_token_that_repeats_ends_the_listing_with_an_error(self) -> None:
        cloudwatch, wire = wired()
        wire.answers({"Metrics": [METRIC], "NextToken": "n"})

        with pytest.raises(SourceError, match="circles"):
            list(cloudwatch.discover(["AWS/EC2"]))

    def test_two_namespaces_may_use_the_same_token(self) -> None:
        cloudwatch, wire = wired()
        listed: dict[str, Any] = {"Metrics": []}
        wire.answers({**listed, "NextToken": "n"}, listed, {**listed, "NextToken": "n"}, listed)

        assert list(cloudwatch.discover(["A", "B"])) == []

    def test_a_refusal_names_the_action_to_allow(self) -> None:
        cloudwatch, wire = wired()
        wire.answers({"__type": "AccessDenied", "message": "no"}, status=400)

        with pytest.raises(AccessError, match="cloudwatch:ListMetrics is not allowed in eu-west-1"):
            list(cloudwatch.discover(["AWS/EC2"]))


class Time:
    """A steady clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class TestPace:
    @staticmethod
    def paced(**options: Any) -> tuple[CloudWatch, Time]:
        time = Time()
        cloudwatch, wire = wired(clock=time.clock, sleep=time.sleep, **options)
        wire.answers(page(result()))
        return cloudwatch, time

    def test_requests_keep_to_their_rate(self) -> None:
        cloudwatch, time = self.paced(requests_per_second=4)

        for _ in range(9):
            cloudwatch.fetch(request(slots=1))

        assert time.now == pytest.approx(2.0)

    def test_each_page_counts_as_a_request(self) -> None:
        time = Time()
        cloudwatch, wire = wired(requests_per_second=4, clock=time.clock, sleep=time.sleep)
        wire.answers(*(page(result(), token=f"t{n}") for n in range(8)), page(result()))

        assert cloudwatch.fetch(request()).calls == 9
        assert time.now == pytest.approx(2.0)

    @pytest.mark.parametrize(
        ("age", "rate"), [(3 * 3_600, 144_000), (3 * 3_600 + 60, 316_000), (86_400, 316_000), (60, 144_000)]
    )
    def test_estimated_datapoints_keep_to_the_rate_of_the_age_of_the_window(self, age: int, rate: int) -> None:
        cloudwatch, time = self.paced(datapoints_per_second=None)
        cloudwatch.fetch(request(slots=1))

        begins = DATE_SECONDS - age
        for _ in range(10):
            cloudwatch.fetch(request(slots=rate // 4, period=1, start=begins))

        assert time.now == pytest.approx(10 * 0.25 - 0.25, abs=1e-3)

    def test_before_the_first_answer_a_window_counts_as_recent(self) -> None:
        cloudwatch, time = self.paced(datapoints_per_second=None)

        cloudwatch.fetch(request(slots=144_000, period=1, start=0))

        assert time.now == pytest.approx(0.75)

    def test_a_configured_rate_holds_for_both_ages(self) -> None:
        cloudwatch, time = self.paced(datapoints_per_second=1_000)
        for start in (DATE_SECONDS, 0):
            cloudwatch.fetch(request(slots=1_250, period=1, start=start))

        assert time.slept == pytest.approx([1.0, 1.0])

    def test_listings_have_a_rate_of_their_own(self) -> None:
        time = Time()
        cloudwatch, wire = wired(requests_per_second=1, clock=time.clock, sleep=time.sleep)
        wire.answers({"Metrics": []})

        list(cloudwatch.discover([f"N{n}" for n in range(25)]))

        assert time.now == pytest.approx(1.0)


def said(code: str, message: str = "") -> dict[str, str]:
    return {"__type": f"com.amazonaws.cloudwatch#{code}", "message": message}


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "body", "kind", "sentence"),
        [
            (
                400,
                said("ThrottlingException", "Rate exceeded"),
                Unreachable,
                "throttled GetMetricData in eu-west-1 after 1 at",
            ),
            (400, said("Throttling"), Unreachable, "throttled"),
            (400, said("RequestLimitExceeded"), Unreachable, "throttled"),
            (429, said("Whatever"), Unreachable, "throttled"),
            (
                503,
                b"<html>" + b"x" * 3_000,
                Unreachable,
                r"failed to answer GetMetricData in eu-west-1 \(503\): its service",
            ),
            (502, b"", Unreachable, "not available"),
            (500, said("InternalFailure"), SourceError, "InternalFailure"),
            (
                400,
                said("AccessDeniedException", "User: arn is not authorized"),
                AccessError,
                "cloudwatch:GetMetricData",
            ),
            (403, said("AccessDenied"), AccessError, "config/iam-policy.example.json"),
            (403, b"<html>proxy</html>", AccessError, "is not allowed in eu-west-1"),
            (400, said("AccessDeniedException", "not authorized: kms:Decrypt"), AccessError, "allow kms:Decrypt"),
            (
                403,
                said("UnrecognizedClientException"),
                AccessError,
                r"UnrecognizedClientException\): check the key or role",
            ),
            (403, said("InvalidClientTokenId"), AccessError, "the account has the region enabled"),
            (403, said("SignatureDoesNotMatch", f"The Canonical String: {SECRETS[2]}"), AccessError, "credentials"),
            (400, said("ExpiredTokenException"), AccessError, "have expired"),
            (403, said("ExpiredToken"), AccessError, "have expired"),
            (
                400,
                said("ValidationError", "The parameter Period is bad"),
                Refused,
                "refuses .* The parameter Period is bad",
            ),
            (400, said("InvalidParameterValue", "Stat"), Refused, "Stat"),
            (400, said("InvalidParameterCombinationException", "x\n" * 900), Refused, r"x x .*\.\.\.$"),
            (400, said("InvalidNextToken"), SourceError, "InvalidNextToken"),
            (400, said("SomethingNew"), SourceError, "SomethingNew"),
            (404, b"<html>not here</html>", SourceError, "404"),
            (400, b"\xff\xfe\xfd", SourceError, "cannot be read"),
            (400, b"[]", SourceError, "cannot be read|failed"),
        ],
    )
    def test_every_refusal_is_told_as_what_it_is(
        self, status: int, body: object, kind: type[CwarchiveError], sentence: str
    ) -> None:
        cloudwatch, wire = wired()
        wire.answers(body, status=status)

        with pytest.raises(kind, match=sentence) as raised:
            cloudwatch.fetch(request())

        assert type(raised.value) is kind
        assert len(str(raised.value)) < 320
        assert "\n" not in str(raised.value)
        assert not any(secret in str(raised.value) for secret in SECRETS)

    def test_the_older_form_of_an_error_code_is_understood(self) -> None:
        cloudwatch, wire = wired()
        wire.answers(said("X"), status=400, headers={"x-amzn-query-error": "Throttling;Sender"})

        with pytest.raises(Unreachable, match="throttled"):
            cloudwatch.fetch(request())

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("RequestTimeTooSkewed", ""),
            ("RequestExpired", ""),
            ("InvalidSignatureException", "Signature expired: 20251124T1 is now earlier than 20251124T2"),
            ("SignatureDoesNotMatch", "Signature not yet current: 20251124T1"),
        ],
    )
    @pytest.mark.parametrize(
        ("off", "sentence"), [(-4_000, "clock is 4000 s behind AWS's"), (4_000, "clock is 4000 s ahead of AWS's")]
    )
    def test_a_wrong_clock_is_told_in_seconds(self, code: str, message: str, off: int, sentence: str) -> None:
        cloudwatch, wire = wired(now=lambda: DATE_SECONDS + off)
        wire.answers(said(code, message), status=403)

        with pytest.raises(ClockError, match=sentence):
            cloudwatch.fetch(request())

    def test_a_wrong_clock_is_told_without_seconds_where_aws_names_none(self) -> None:
        cloudwatch, wire = wired(now=lambda: 0.0)
        wire.answers(said("RequestTimeTooSkewed"), status=403, headers={})

        with pytest.raises(ClockError, match="refuses the time"):
            cloudwatch.fetch(request())

    def test_a_failure_at_aws_is_tried_again_before_it_is_told(self) -> None:
        cloudwatch, wire = wired(attempts=3)
        wire.answers(said("InternalFailure"), status=500)

        with pytest.raises(SourceError):
            cloudwatch.fetch(request())

        assert len(wire.asked) == 3

    def test_a_refusal_of_a_role_names_the_action_of_sts(self) -> None:
        cloudwatch = source()
        with Stubber(cloudwatch.client) as stub:
            stub.add_client_error("get_metric_data", "AccessDenied")
            error = _raised(lambda: cloudwatch.client.get_metric_data(MetricDataQueries=[], StartTime="0", EndTime="1"))
        error.operation_name = "AssumeRole"

        def refuse(**_: object) -> None:
            raise error

        cloudwatch.client.meta.events.register("before-call.cloudwatch", refuse)

        with pytest.raises(AccessError, match="sts:AssumeRole is not allowed in eu-west-1"):
            cloudwatch.fetch(request())


def _raised(call: Callable[[], object]) -> Any:
    with pytest.raises(Exception) as raised:
        call()
    return raised.value


class TestAccess:
    def test_no_credentials_says_where_to_put_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name)

        error = failure()

        assert type(error) is AccessError
        assert "no AWS credentials for eu-west-1: set AWS_PROFILE, or AWS_ACCESS_KEY_ID" in str(error)

    def test_half_of_the_credentials_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

        with pytest.raises(AccessError, match="half of the AWS credentials"):
            source()

    def test_a_profile_that_does_not_exist_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")

        with pytest.raises(AccessError, match="nobody"):
            source()
        with pytest.raises(AccessError, match="nobody"):
            ambient_region()

    def test_what_a_credential_process_prints_is_not_repeated(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        config = tmp_path / "config"
        config.write_text(f"[default]\ncredential_process = sh -c 'echo {SECRETS[1]} >&2; exit 1'\n")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

        with pytest.raises(AccessError, match="cannot be had") as raised:
            source().fetch(request())

        assert SECRETS[1] not in str(raised.value)

    def test_an_endpoint_that_is_no_url_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "not a url")

        with pytest.raises(AccessError, match="no AWS client can be made for eu-west-1"):
            source()

    def test_a_region_that_cannot_be_one_is_told(self) -> None:
        with pytest.raises(AccessError, match="not the name of an AWS region"):
            source(Cell("", "eu west"))


class TestRegion:
    def test_without_any_region_it_says_where_to_set_one(self) -> None:
        with pytest.raises(AccessError, match=r"^no AWS region: set regions in the config or AWS_REGION$"):
            ambient_region()
        with pytest.raises(AccessError, match="no AWS region"):
            source(Cell("", ""))

    def test_aws_region_counts_before_the_older_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
        assert ambient_region() == "eu-north-1"

        monkeypatch.setenv("AWS_REGION", "eu-south-1")
        assert ambient_region() == "eu-south-1"

    def test_a_cell_without_region_asks_the_ambient_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_REGION", "ap-south-1")

        assert source(Cell("", "")).client.meta.region_name == "ap-south-1"

    def test_the_region_of_the_cell_counts_before_the_ambient_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_REGION", "ap-south-1")

        assert source().client.meta.region_name == "eu-west-1"


class TestClient:
    def test_it_is_patient_but_not_for_ever(self) -> None:
        made = CloudWatch(CELL, requests_per_second=40, datapoints_per_second=None, threads=6)
        config: Any = made.client.meta.config

        assert config.retries == {"mode": "standard", "total_max_attempts": 8}
        assert (config.connect_timeout, config.read_timeout) == (10, 60)
        assert config.max_pool_connections == 6

    def test_it_says_who_asks(self) -> None:
        agents: list[str] = []
        cloudwatch, wire = wired()
        wire.answers(page(result()))
        cloudwatch.client.meta.events.register_first(
            "before-send.cloudwatch", lambda request, **_: agents.append(request.headers["User-Agent"].decode())
        )

        cloudwatch.fetch(request())

        assert f"cwarchive/{__version__}" in agents[0]

    def test_the_module_is_imported_without_boto3(self) -> None:
        code = "import sys, cwarchive.edges.aws.cloudwatch; print(sorted({'boto3', 'botocore'} & set(sys.modules)))"

        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

        assert ran.stdout == "[]\n"


def whole(body: bytes, *, announced: int | None = None) -> bytes:
    length = len(body) if announced is None else announced
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nConnection: close\r\n"
        b"Date: " + DATE.encode() + b"\r\nContent-Length: %d\r\n\r\n" % length + body
    )


BODY = json.dumps(page(result(0, T, [1.0, 2.0, 3.0, 4.0, 5.0]))).encode()


def sends(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def resets(connection: socket.socket) -> None:
    connection.sendall(whole(BODY)[:120])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class TestNetwork:
    def test_an_answer_over_a_socket_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with server(sends(whole(BODY))) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)

            assert source().fetch(request()) == Answer((Datapoints(T, [1.0, 2.0, 3.0, 4.0, 5.0]),), DATE_SECONDS)

    def test_a_body_that_ends_early_is_not_an_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with server(sends(whole(BODY[:60], announced=len(BODY)))) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)

            assert "cut short" in str(failure())

    def test_a_whole_document_shorter_than_announced_is_not_an_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with server(sends(whole(BODY, announced=len(BODY) + 10))) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)

            assert "cut short" in str(failure())

    def test_a_reset_is_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with server(resets, sends(whole(BODY))) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)

            assert source(attempts=2).fetch(request()).columns == (Datapoints(T, [1.0, 2.0, 3.0, 4.0, 5.0]),)

    def test_a_connection_that_always_breaks_is_aws_out_of_reach(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with server(resets) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)

            error = failure()

        assert type(error) is Unreachable
        assert "closed the connection during GetMetricData in eu-west-1 (127.0.0.1)" in str(error)

    def test_a_port_that_nobody_serves_is_aws_out_of_reach(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")

        error = failure()

        assert type(error) is Unreachable
        assert "cannot be reached in eu-west-1 (127.0.0.1)" in str(error)

    def test_a_name_that_does_not_resolve_is_aws_out_of_reach(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://monitoring.invalid")

        assert type(failure()) is Unreachable

    def test_a_body_that_drips_is_given_up_at_the_deadline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given_up = threading.Event()

        def drips(connection: socket.socket) -> None:
            for byte in whole(BODY):
                if given_up.wait(0.02):
                    return
                connection.sendall(bytes([byte]))

        with server(drips) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)
            error = failure(deadline=0.2)
            given_up.set()

        assert type(error) is Unreachable
        assert "had not finished its answer to GetMetricData in eu-west-1" in str(error)

    def test_pages_that_take_longer_than_the_deadline_together_are_given_up(self) -> None:
        time = Time()
        cloudwatch, wire = wired(clock=time.clock, sleep=time.sleep, deadline=300)
        wire.answers(*(page(result(), token=f"t{n}") for n in range(9)))
        cloudwatch.client.meta.events.register_first("before-send.cloudwatch", lambda **_: time.sleep(200))

        with pytest.raises(Unreachable, match="had not finished its answer to GetMetricData"):
            cloudwatch.fetch(request())

        assert len(wire.asked) == 2


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    simulator = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    simulator.start()
    host, port = simulator.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    yield
    simulator.stop()


@pytest.mark.usefixtures("moto")
def test_what_was_put_into_a_simulated_cloudwatch_comes_out_again() -> None:
    writer = boto3.client("cloudwatch", region_name="eu-west-1")
    dimensions = [{"Name": "Queue", "Value": "a"}]
    for n, value in enumerate([1.0, 0.30000000000000004, 3.5]):
        at = datetime.fromtimestamp(T[n + 1], UTC)
        writer.put_metric_data(
            Namespace="Shop",
            MetricData=[{"MetricName": "Orders", "Dimensions": dimensions, "Timestamp": at, "Value": value}],  # type: ignore[typeddict-item]
        )
    cloudwatch = source()

    (metric,) = cloudwatch.discover(["Shop"])
    answer = cloudwatch.fetch(Request(Window(START, START + 300), 60, (Query(metric, "Sum"), Query(metric, "Maximum"))))

    assert metric == Metric(CELL, "Shop", "Orders", (("Queue", "a"),))
    assert answer.columns == (Datapoints(T[1:4], [1.0, 0.30000000000000004, 3.5]),) * 2
