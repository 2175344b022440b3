"""That what CloudWatch sent counts as an answer only where it is one."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, cast

import pytest
from botocore.utils import parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.batch import Request
from cwarchive.core.ports import Unanswered
from cwarchive.core.series import NO_DATAPOINTS, Datapoints, Metric
from cwarchive.edges.aws.answer import METRICS, RESULTS, Merge, Tokens, answered_at, document, metrics, told
from cwarchive.errors import SourceError
from tests.edges.aws.wire import CELL, DATE, DATE_SECONDS, START, page, request, result

T = [START + 60 * n for n in range(6)]


def columns(asked: Request, *pages: dict[str, Any]) -> tuple[Datapoints | Unanswered, ...]:
    merge = Merge(asked)
    for each in pages:
        merge.add(each)
    return merge.columns()


def reason(column: Datapoints | Unanswered) -> str:
    assert isinstance(column, Unanswered), column
    return column.reason


class TestBody:
    def test_a_json_object_with_the_list_is_taken(self) -> None:
        body = json.dumps(page(result())).encode()

        assert document({"content-length": str(len(body))}, body, RESULTS)["MetricDataResults"][0]["Id"] == "m0"

    def test_a_body_without_an_announced_length_is_taken(self) -> None:
        assert document({}, b'{"Metrics": []}', METRICS) == {"Metrics": []}

    @pytest.mark.parametrize("length", ["14", "16", "-15", "many", ""])
    def test_a_length_that_is_not_the_announced_one_is_not_an_answer(self, length: str) -> None:
        with pytest.raises(SourceError, match="cut short: 15 bytes came"):
            document({"content-length": length}, b'{"Metrics": []}', METRICS)

    @pytest.mark.parametrize(
        ("body", "told_as"),
        [
            (b"", "not JSON"),
            (b"<html>sign in</html>", "not JSON"),
            (b'{"MetricDataResults": [', "not JSON"),
            (b'{"MetricDataResults": []} {}', "not JSON"),
            (b'{"MetricDataResults": [], "x": "\xff"}', "not JSON"),
            (b'{"MetricDataResults": [NaN]}', "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b"[]", "not a JSON object"),
            (b"null", "not a JSON object"),
            (b"{}", "no list of MetricDataResults"),
            (b'{"message": "MetricDataResults"}', "no list of MetricDataResults"),
            (b'{"MetricDataResults": null}', "no list of MetricDataResults"),
            (b'{"MetricDataResults": {}}', "no list of MetricDataResults"),
        ],
    )
    def test_anything_else_is_not_an_answer(self, body: bytes, told_as: str) -> None:
        with pytest.raises(SourceError, match=told_as):
            document({"content-length": str(len(body))}, body, RESULTS)

    def test_every_cut_of_a_body_is_found_with_and_without_a_length(self) -> None:
        whole = json.dumps(page(result(0, T[:3], [1.0, 2.5, 3.0]))).encode()

        for end in range(len(whole)):
            for headers in ({"content-length": str(len(whole))}, {}):
                with pytest.raises(SourceError):
                    document(headers, whole[:end], RESULTS)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        (DATE, DATE_SECONDS),
        ("Mon, 24 Nov 2025 13:16:00 -0000", DATE_SECONDS),
        ("Mon, 24 Nov 2025 14:16:00 +0100", DATE_SECONDS),
        ("Monday, 24-Nov-25 13:16:00 GMT", DATE_SECONDS),
        ("yesterday", None),
        ("Mon, 99 Nov 2025 13:16:00 GMT", None),
        ("", None),
    ],
)
def test_the_date_header_is_read_as_utc_or_not_at_all(date: str, seconds: int | None) -> None:
    assert answered_at({"date": date}) == seconds


def test_without_a_date_header_aws_did_not_say_when() -> None:
    assert answered_at({}) is None


class TestTokens:
    def test_each_new_token_leads_on_and_none_ends(self) -> None:
        tokens = Tokens(10)

        assert tokens.following({"NextToken": "a"}) == "a"
        assert tokens.following({"NextToken": "b"}) == "b"
        assert tokens.following({"NextToken": None}) is None
        assert tokens.following({}) is None

    def test_a_token_that_comes_twice_is_not_followed(self) -> None:
        tokens = Tokens(10)
        tokens.following({"NextToken": "a"})
        tokens.following({"NextToken": "b"})

        with pytest.raises(SourceError, match="circles"):
            tokens.following({"NextToken": "a"})

    def test_pages_that_do_not_end_are_given_up(self) -> None:
        tokens = Tokens(3)
        tokens.following({"NextToken": "a"})
        tokens.following({"NextToken": "b"})

        with pytest.raises(SourceError, match="not ended after 3 pages"):
            tokens.following({"NextToken": "c"})

    @pytest.mark.parametrize("token", [7, ["a"], {}, True])
    def test_a_token_that_is_not_text_is_no_token(self, token: object) -> None:
        with pytest.raises(SourceError, match="not text"):
            Tokens(3).following({"NextToken": token})


class TestMetrics:
    def test_dimensions_are_sorted_by_name(self) -> None:
        listed = {
            "Namespace": "AWS/ELB",
            "MetricName": "Latency",
            "Dimensions": [{"Name": "Zone", "Value": "a"}, {"Name": "Balancer", "Value": "b"}],
        }

        assert metrics({"Metrics": [listed]}, CELL, "AWS/ELB") == [
            Metric(CELL, "AWS/ELB", "Latency", (("Balancer", "b"), ("Zone", "a")))
        ]

    def test_a_metric_may_have_no_dimensions(self) -> None:
        without = {"Namespace": "N", "MetricName": "M"}

        assert (
            metrics({"Metrics": [without, {**without, "Dimensions": []}]}, CELL, "N")
            == [Metric(CELL, "N", "M", ())] * 2
        )

    @pytest.mark.parametrize(
        "listed",
        [
            None,
            "M",
            7,
            ["Namespace"],
            {"Namespace": "N"},
            {"MetricName": "M"},
            {"Namespace": "N", "MetricName": None},
            {"Namespace": "N", "MetricName": 5},
            {"Namespace": "N", "MetricName": "M", "Dimensions": "InstanceId"},
            {"Namespace": "N", "MetricName": "M", "Dimensions": 0},
            {"Namespace": "N", "MetricName": "M", "Dimensions": [{"Name": "InstanceId"}]},
            {"Namespace": "N", "MetricName": "M", "Dimensions": [{"Name": "InstanceId", "Value": 1}]},
            {"Namespace": "N", "MetricName": "M", "Dimensions": [None]},
            {"Namespace": "Other", "MetricName": "M", "Dimensions": []},
        ],
    )
    def test_a_list_that_holds_anything_else_is_not_an_answer(self, listed: object) -> None:
        with pytest.raises(SourceError, match="list of N holds|no list of Dimensions"):
            metrics({"Metrics": [{"Namespace": "N", "MetricName": "M"}, listed]}, CELL, "N")


class TestPages:
    def test_columns_come_in_the_order_of_the_request(self) -> None:
        answered = page(result(1, T[1:2], [1.0]), result(2), result(0, T[:5], [0, 1, 2, 3, 4]))

        assert columns(request(3), answered) == (
            Datapoints(T[:5], [0, 1, 2, 3, 4]),
            Datapoints(T[1:2], [1.0]),
            NO_DATAPOINTS,
        )

    def test_pages_are_joined_by_query_and_the_last_status_counts(self) -> None:
        first = page(result(0, T[:2], [1.0, 2.0], "PartialData"), result(1, [], [], "InternalError"), token="t")
        second = page(result(1, T[:1], [9.0]), result(0, T[3:5], [4.0, 5.0]))

        assert columns(request(2), first, second) == (
            Datapoints([T[0], T[1], T[3], T[4]], [1.0, 2.0, 4.0, 5.0]),
            Datapoints([T[0]], [9.0]),
        )

    def test_a_page_that_repeats_datapoints_spoils_its_series_only(self) -> None:
        first = page(result(0, T[:2], [1.0, 2.0]), result(1, T[:1], [7.0]), token="t")
        second = page(result(0, T[1:3], [2.0, 3.0]))

        repeated, sound = columns(request(2), first, second)

        assert "do not ascend" in reason(repeated)
        assert sound == Datapoints(T[:1], [7.0])

    def test_a_column_that_one_page_broke_stays_broken(self) -> None:
        first = page(result(0, "none", [], "PartialData"), token="t")

        assert "not a column" in reason(columns(request(1), first, page(result(0, T[:1], [1.0])))[0])

    def test_a_query_that_no_page_answered_makes_the_answer_unsound(self) -> None:
        with pytest.raises(SourceError, match="left out 2 of 3 queries"):
            columns(request(3), page(result(1, T[:1], [1.0])))

    @pytest.mark.parametrize("name", ["m3", "m00", "e1", "", None, 0, ["m0"], {}])
    def test_an_answer_to_a_query_that_was_not_asked_makes_it_unsound(self, name: object) -> None:
        with pytest.raises(SourceError, match="not asked"):
            columns(request(3), page(*map(result, range(3)), {**result(), "Id": name}))

    @pytest.mark.parametrize("entry", [None, "m0", ["m0"], 0])
    def test_a_result_that_is_no_object_makes_it_unsound(self, entry: object) -> None:
        with pytest.raises(SourceError, match="not a JSON object"):
            columns(request(1), {"MetricDataResults": [entry]})

    def test_a_message_about_the_whole_call_makes_it_unsound(self) -> None:
        said = {"Code": "MaxMetricsExceeded", "Value": "Maximum number of allowed metrics exceeded"}

        with pytest.raises(SourceError, match="MaxMetricsExceeded: Maximum number of allowed metrics exceeded"):
            columns(request(1), {**page(result(0, T[:1], [1.0])), "Messages": [said]})

    @pytest.mark.parametrize("messages", [None, []])
    def test_no_message_is_no_objection(self, messages: object) -> None:
        assert columns(request(1), {**page(result()), "Messages": messages}) == (NO_DATAPOINTS,)


class TestSeries:
    @pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden", "", None, 1, "complete"])
    def test_a_series_whose_last_status_is_not_complete_waits(self, status: object) -> None:
        bad, good = columns(request(2), page(result(0, T[:1], [1.0], status), result(1, T[:1], [2.0])))

        assert "CloudWatch answered" in reason(bad)
        assert good == Datapoints(T[:1], [2.0])

    def test_the_reason_holds_what_cloudwatch_says_about_it(self) -> None:
        said = {"Code": "Forbidden", "Value": "Authentication too complex to retrieve cross region data"}
        answered = page({**result(0, [], [], "Forbidden"), "Messages": [said]})

        assert "Forbidden (Forbidden: Authentication too complex" in reason(columns(request(1), answered)[0])

    def test_a_complete_series_said_to_lack_datapoints_waits(self) -> None:
        said = {"Code": "X", "Value": "Maximum number of datapoints exceeded"}
        answered = page({**result(0, T[:1], [1.0]), "Messages": [said]})

        assert "not answer in full" in reason(columns(request(1), answered)[0])

    def test_a_message_that_is_only_information_holds_nothing_up(self) -> None:
        said = {"Code": "Info", "Value": "The metric is in another account"}
        answered = page({**result(0, T[:1], [1.0]), "Messages": [said]})

        assert columns(request(1), answered) == (Datapoints(T[:1], [1.0]),)

    @pytest.mark.parametrize(
        ("timestamps", "values", "why"),
        [
            (T[:2], [1.0], "2 times with 1 values"),
            ([], [1.0], "0 times with 1 values"),
            (T[:2], None, "2 times with 0 values"),
            (T[:2], [1.0, None], "finite number"),
            (T[:2], [1.0, "2.0"], "finite number"),
            (T[:2], ["NaN", 1.0], "finite number"),
            (T[:2], [True, 1.0], "finite number"),
            (T[:2], [1.0, [2.0]], "finite number"),
            (T[:2], [1.0, math.nan], "finite number"),
            (T[:2], [math.inf, -math.inf], "finite number"),
            (T[:5], [1.0, 2.0, 3.0, math.inf, 5.0], "finite number"),
            (T[:2], [10**400, 1.0], "finite number"),
            ([T[0], str(T[1])], [1.0, 2.0], "time that is not a number"),
            ([T[0], None], [1.0, 2.0], "time that is not a number"),
            ([T[0], [T[1]]], [1.0, 2.0], "time that is not a number"),
            ([T[0], True], [1.0, 2.0], "time that is not a number"),
            ([T[0], T[1] + 1], [1.0, 2.0], "off the 60 s grid"),
            ([T[0], T[1] + 0.5], [1.0, 2.0], "off the 60 s grid"),
            ([T[0], math.nan], [1.0, 2.0], "off the 60 s grid"),
            ([T[0], math.inf], [1.0, 2.0], "off the 60 s grid"),
            ([T[0], 10**400], [1.0, 2.0], "off the 60 s grid"),
            ([START - 60, T[0]], [1.0, 2.0], "off the 60 s grid"),
            ([T[4], T[5]], [1.0, 2.0], "off the 60 s grid"),
            ([T[1], T[0]], [1.0, 2.0], "do not ascend"),
            ([T[0], T[0]], [1.0, 2.0], "do not ascend"),
            (T[4::-1], [1.0, 2.0, 3.0, 4.0, 5.0], "do not ascend"),
            ("now", "1", "not a column"),
            ({}, {}, "not a column"),
            (False, 0, "not a column"),
        ],
    )
    def test_what_is_not_a_column_of_datapoints_waits_alone(self, timestamps: object, values: object, why: str) -> None:
        bad, good = columns(request(2), page(result(0, timestamps, values), result(1, T[:1], [2.0])))

        assert why in reason(bad)
        assert good == Datapoints(T[:1], [2.0])

    @pytest.mark.parametrize("timestamps", [T[:5], T[1:3], [T[0], T[3]]])
    def test_whole_times_written_as_floats_come_out_as_integers(self, timestamps: list[int]) -> None:
        (column,) = columns(request(1), page(result(0, [float(t) for t in timestamps], [0.5] * len(timestamps))))

        assert isinstance(column, Datapoints)
        assert column.timestamps == timestamps
        assert {type(t) for t in column.timestamps} == {int}

    def test_nothing_at_all_is_an_empty_series_where_cloudwatch_calls_it_complete(self) -> None:
        assert columns(request(2), page(result(0, None, None), {"Id": "m1", "StatusCode": "Complete"})) == (
            NO_DATAPOINTS,
            NO_DATAPOINTS,
        )

    def test_large_finite_values_pass_though_their_sum_is_infinite(self) -> None:
        assert columns(request(1), page(result(0, T[:2], [1.7e308, 1.7e308]))) == (
            Datapoints(T[:2], [1.7e308, 1.7e308]),
        )

    def test_the_grid_is_anchored_at_the_epoch(self) -> None:
        asked = request(1, slots=3, period=420, start=420 * 4_199_000)
        times = [asked.window.start, asked.window.start + 840]

        assert columns(asked, page(result(0, times, [1.0, 2.0]))) == (Datapoints(times, [1.0, 2.0]),)

    def test_a_time_without_a_zone_is_not_guessed(self) -> None:
        naive = datetime.fromtimestamp(T[0], UTC).replace(tzinfo=None)

        assert "time that is not a number" in reason(columns(request(1), page(result(0, [naive], [1.0])))[0])


@pytest.fixture(params=["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def _zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def as_botocore_reads(seconds: float) -> object:
    return parse_timestamp(cast("Any", float(seconds)))


@pytest.mark.usefixtures("_zone")
@pytest.mark.parametrize("change", [1_761_436_800, 1_774_137_600, 1_762_056_000, 1_775_311_200])
def test_times_that_botocore_parsed_are_utc_seconds_in_every_zone(change: int) -> None:
    # A day around each change of daylight saving time, where one hour of the local clock comes twice or not at all.
    asked = request(1, slots=48, period=1_800, start=change // 1_800 * 1_800)
    times = list(range(asked.window.start, asked.window.end, 1_800))

    (column,) = columns(asked, page(result(0, list(map(as_botocore_reads, times)), [1.0] * 48)))

    assert column == Datapoints(times, [1.0] * 48)


class TestTold:
    def test_what_others_wrote_is_told_in_one_short_line(self) -> None:
        assert told("a\r\n\tb " + "x" * 5_000) == ("a b " + "x" * 5_000)[:197] + "..."

    def test_a_short_text_is_told_whole(self) -> None:
        assert told("Rate exceeded") == "Rate exceeded"


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=5),
    st.floats(),
    st.integers(-(2**70), 2**70),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)
TIMES = st.one_of(
    st.sampled_from(T), st.sampled_from(T).map(float), st.sampled_from([T[0] + 1, T[0] - 60, T[2] + 0.5, -T[0]]), ODD
)
SOUND_TIMES = st.lists(st.sampled_from(T[:5]), unique=True).map(sorted)
RESULTS_OF = st.builds(
    lambda times, odd_times, odd_values, cut, status: {
        "Timestamps": odd_times if odd_times is not None else times,
        "Values": (odd_values if odd_values is not None else [n / 4 for n in range(len(odd_times or times) - cut)]),
        "StatusCode": status,
    },
    SOUND_TIMES,
    st.none() | st.lists(TIMES, max_size=6),
    st.none() | st.none() | st.lists(st.floats() | st.integers() | ODD, max_size=6),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from(["Complete", "Complete", "Complete", "Complete", "PartialData", None]),
)


def sound(asked: Request, entry: dict[str, Any]) -> bool:
    """The definition of a sound series, datapoint by datapoint."""
    times, values = entry["Timestamps"], entry["Values"]
    return (
        entry["StatusCode"] == "Complete"
        and len(times) == len(values)
        and all(type(v) in (int, float) and abs(v) < math.inf for v in values)
        and all(type(t) in (int, float) and t % asked.period == 0 for t in times)
        and all(asked.window.start <= t < asked.window.end for t in times)
        and all(before < after for before, after in pairwise(times))
    )


@given(entries=st.lists(RESULTS_OF, min_size=1, max_size=4))
def test_the_columns_hold_the_sound_series_of_any_answer_and_no_other(entries: list[dict[str, Any]]) -> None:
    asked = request(len(entries))
    before = json.dumps(entries)

    answered = columns(asked, page(*({"Id": f"m{n}", **entry} for n, entry in enumerate(entries))))

    for column, entry in zip(answered, json.loads(before), strict=True):
        if sound(asked, entry):
            assert column == Datapoints(entry["Timestamps"], entry["Values"])
            assert isinstance(column, Datapoints)
            assert all(type(t) is int for t in column.timestamps)
        else:
            assert isinstance(column, Unanswered)
