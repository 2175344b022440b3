"""What every `Source` promises, over the fake and over the real one with a simulated CloudWatch on loopback."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Protocol

import pytest

from cwarchive.core.batch import Query, Request
from cwarchive.core.ports import Answer, Source, Unanswered
from cwarchive.core.retention import DAY, HOUR, kept_for
from cwarchive.core.series import NO_DATAPOINTS, Cell, Datapoints, Metric
from cwarchive.core.window import Window, floor
from cwarchive.demo.account import Account
from cwarchive.demo.accounts import small, wide
from cwarchive.demo.faults import (
    ACCESS_DENIED,
    DATA,
    GARBAGE_200,
    LISTING,
    VALIDATION_ERROR,
    Effect,
    Fault,
    Reset,
    When,
    WrongDate,
)
from cwarchive.demo.server import Simulation
from cwarchive.demo.simulated import AT_ONCE, Shape, Simulated
from cwarchive.demo.unsound import Status
from cwarchive.edges.aws.cloudwatch import CloudWatch
from cwarchive.errors import AccessError, CwarchiveError, Refused, SourceError, Unreachable
from tests.fake_cloudwatch import FakeCloudWatch, always, naming, nothing

NOW = 1_790_000_040
CELL = Cell("", "eu-west-1")
HOUR_AGO = Window(floor(NOW, HOUR) - 2 * HOUR, floor(NOW, HOUR) - HOUR)
SMALL = small(NOW)

KINDS = (SourceError, Refused, Unreachable, AccessError)


class Cloud(Protocol):
    """A source together with the account behind it, and ways to trouble it."""

    @property
    def source(self) -> Source: ...

    def shows(self, account: Account, now: int = NOW) -> None:
        """What CloudWatch holds from now on, and what time it is there."""

    def listing_fails(self, kind: type[CwarchiveError]) -> None:
        """After the first page, where there are several."""

    def fetching_fails(self, kind: type[CwarchiveError]) -> None: ...

    def refuses(self, text: str) -> None:
        """Reject every request that names such a metric."""

    def leaves_out(self, text: str) -> None:
        """Answer without the series of such metrics."""

    def clock_is_ahead_by(self, seconds: int) -> None: ...


class Fake:
    def __init__(self) -> None:
        self.now = NOW
        self.cloud = FakeCloudWatch(SMALL, lambda: self.now, CELL)
        self.source: Source = self.cloud

    def shows(self, account: Account, now: int = NOW) -> None:
        self.cloud.account, self.now = account, now

    def listing_fails(self, kind: type[CwarchiveError]) -> None:
        error = kind("CloudWatch failed")
        assert isinstance(error, SourceError | AccessError)
        self.cloud.listing_fails = error

    def fetching_fails(self, kind: type[CwarchiveError]) -> None:
        self.cloud.trouble = always(kind("CloudWatch failed"))

    def refuses(self, text: str) -> None:
        self.cloud.trouble = naming(text, Refused("CloudWatch refuses"))

    def leaves_out(self, text: str) -> None:
        self.cloud.unanswered = {text: "InternalError"}

    def clock_is_ahead_by(self, seconds: int) -> None:
        self.cloud.date_off = seconds

    def restore(self) -> None:
        self.cloud.trouble, self.cloud.unanswered = nothing, {}
        self.cloud.listing_fails, self.cloud.date_off = None, 0
        self.shows(SMALL)


class Real:
    """The real source; one client is shared by many tests, because making one takes a while."""

    def __init__(self, simulation: Simulation, cloudwatch: CloudWatch) -> None:
        self._simulation = simulation
        self.source: Source = cloudwatch
        self.account = SMALL

    def shows(self, account: Account, now: int = NOW) -> None:
        self.account, self._simulation.now = account, now

    def listing_fails(self, kind: type[CwarchiveError]) -> None:
        second = When(operation="ListMetrics", meets=lambda call: "NextToken" in call.document)
        self._simulation.faults = (Fault(EFFECTS[kind], second if len(self.account.metrics) > 500 else LISTING),)

    def fetching_fails(self, kind: type[CwarchiveError]) -> None:
        self._simulation.faults = (Fault(EFFECTS[kind], DATA),)

    def refuses(self, text: str) -> None:
        self._simulation.faults = (Fault(VALIDATION_ERROR, When(operation="GetMetricData", metric=text)),)

    def leaves_out(self, text: str) -> None:
        self._simulation.faults = (Fault(Status("InternalError", metric=text), DATA),)

    def clock_is_ahead_by(self, seconds: int) -> None:
        self._simulation.faults = (Fault(WrongDate(seconds)),)

    def restore(self) -> None:
        self._simulation.faults = ()
        self.shows(SMALL)


EFFECTS: dict[type[CwarchiveError], Effect] = {
    SourceError: GARBAGE_200,
    Refused: VALIDATION_ERROR,
    Unreachable: Reset(),
    AccessError: ACCESS_DENIED,
}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    held: list[Real] = []
    with Simulation(lambda _: held[0].account, NOW) as simulation, pytest.MonkeyPatch.context() as environment:
        for name, value in _settings(simulation.url, tmp_path_factory.mktemp("aws")).items():
            environment.setenv(name, value)
        cloudwatch = CloudWatch(
            CELL,
            requests_per_second=1_000,
            datapoints_per_second=None,
            threads=4,
            clock=itertools.count(step=0.001).__next__,
            sleep=lambda _: None,
            attempts=1,
            deadline=60,
        )
        with closing(cloudwatch.client):
            held.append(Real(simulation, cloudwatch))
            yield held[0]


def _settings(url: str, folder: Path) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(params=["fake", "real"])
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    behind: Fake | Real = Fake() if request.param == "fake" else request.getfixturevalue("simulated")
    yield behind
    behind.restore()


def a_cpu(instance: str = "i-0a1b2c3d4e5f60718") -> Metric:
    return Metric(CELL, "AWS/EC2", "CPUUtilization", (("InstanceId", instance),))


def asking(*metrics: Metric, statistic: str = "Average", period: int = 60, window: Window = HOUR_AGO) -> Request:
    return Request(window, period, tuple(Query(metric, statistic) for metric in metrics or (a_cpu(),)))


def datapoints(answer: Answer) -> list[Datapoints]:
    return [column for column in answer.columns if isinstance(column, Datapoints)]


# --- discover ---


def test_every_metric_of_a_namespace_is_listed_as_cloudwatch_names_it(cloud: Cloud) -> None:
    found = set(cloud.source.discover(["AWS/ApplicationELB"]))

    dimensions = (("LoadBalancer", "app/web/50dc6c495c0c9188"),)
    names = ("RequestCount", "TargetResponseTime", "HTTPCode_Target_5XX_Count")
    assert found == {Metric(CELL, "AWS/ApplicationELB", name, dimensions) for name in names}


def test_several_namespaces_are_listed_and_no_other(cloud: Cloud) -> None:
    found = list(cloud.source.discover(["AWS/SQS", "Shop Floor/Line 1"]))

    assert sorted(metric.namespace for metric in found) == ["AWS/SQS", "AWS/SQS", "Shop Floor/Line 1"]


def test_the_dimensions_of_a_listed_metric_are_sorted_by_name(cloud: Cloud) -> None:
    (stored,) = cloud.source.discover(["AWS/S3"])

    assert stored.dimensions == (("BucketName", "backups.example.org"), ("StorageType", "StandardStorage"))


def test_no_namespace_lists_nothing(cloud: Cloud) -> None:
    assert list(cloud.source.discover([])) == []


def test_a_namespace_without_metrics_lists_nothing(cloud: Cloud) -> None:
    assert list(cloud.source.discover(["AWS/Nothing"])) == []


def test_a_metric_that_fell_silent_weeks_ago_is_not_listed(cloud: Cloud) -> None:
    assert a_cpu("i-0c000000000silent") not in set(cloud.source.discover(["AWS/EC2"]))


def test_every_page_of_a_long_listing_is_read(cloud: Cloud) -> None:
    cloud.shows(wide(1_200))

    found = list(cloud.source.discover(["AWS/EC2"]))

    assert len(found) == len(set(found)) == 1_200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metrics", [13, 1_200])
def test_a_listing_that_fails_on_the_way_never_ends_as_if_it_were_whole(
    cloud: Cloud, kind: type[CwarchiveError], metrics: int
) -> None:
    cloud.shows(wide(metrics))
    cloud.listing_fails(kind)

    with pytest.raises(kind):
        list(cloud.source.discover(["AWS/EC2"]))


# --- fetch ---


@pytest.mark.parametrize("statistic", ["Average", "Sum", "Minimum", "Maximum", "SampleCount", "p99"])
@pytest.mark.parametrize("period", [60, 300, 3_600])
def test_an_answer_holds_what_cloudwatch_shows_at_that_moment(cloud: Cloud, statistic: str, period: int) -> None:
    answer = cloud.source.fetch(asking(statistic=statistic, period=period))

    assert answer.columns == (SMALL.truth(a_cpu(), statistic, period, HOUR_AGO, NOW),)
    assert len(datapoints(answer)[0].timestamps) == HOUR // period


def test_columns_come_in_the_order_of_the_queries(cloud: Cloud) -> None:
    listed = SMALL.in_cell(CELL)
    queries = tuple(Query(metric, statistic) for statistic in ("Sum", "Maximum") for metric in reversed(listed))

    answer = cloud.source.fetch(Request(HOUR_AGO, 60, queries))

    assert answer.columns == tuple(SMALL.truth(q.metric, q.statistic, 60, HOUR_AGO, NOW) for q in queries)


def test_a_window_holds_its_start_and_not_its_end(cloud: Cloud) -> None:
    (column,) = datapoints(cloud.source.fetch(asking()))

    assert (column.timestamps[0], column.timestamps[-1]) == (HOUR_AGO.start, HOUR_AGO.end - 60)


def test_a_metric_that_nobody_knows_is_answered_empty(cloud: Cloud) -> None:
    answer = cloud.source.fetch(asking(a_cpu("i-nobody"), a_cpu()))

    assert answer.columns[0] == NO_DATAPOINTS
    assert len(datapoints(answer)[1].timestamps) == 60


def test_a_window_in_the_future_is_answered_empty(cloud: Cloud) -> None:
    cloud.shows(SMALL, HOUR_AGO.start - DAY)

    assert cloud.source.fetch(asking()).columns == (NO_DATAPOINTS,)


def test_what_has_not_settled_is_shown_as_it_stands(cloud: Cloud) -> None:
    recent = Window(floor(NOW, 60) - 600, floor(NOW, 60))

    answer = cloud.source.fetch(asking(window=recent))

    assert answer.columns == (SMALL.truth(a_cpu(), "Average", 60, recent, NOW),)
    assert 0 < len(datapoints(answer)[0].timestamps) < 10


@pytest.mark.parametrize("period", [60, 300])
def test_a_period_too_fine_for_the_age_of_its_window_is_answered_empty(cloud: Cloud, period: int) -> None:
    kept = Window(floor(NOW - kept_for(period), HOUR) + HOUR, floor(NOW - kept_for(period), HOUR) + 3 * HOUR)
    forgotten = Window(kept.start - HOUR, kept.end)

    assert len(datapoints(cloud.source.fetch(asking(period=period, window=kept)))[0].timestamps) == 2 * HOUR // period
    assert cloud.source.fetch(asking(period=period, window=forgotten)).columns == (NO_DATAPOINTS,)


@pytest.mark.parametrize("period", [60, 420, 3_600])
def test_each_column_is_whole_finite_ascending_on_the_grid_and_inside_the_window(cloud: Cloud, period: int) -> None:
    window = Window(floor(NOW - 3 * DAY, period), floor(NOW, period))

    answer = cloud.source.fetch(asking(*SMALL.in_cell(CELL), statistic="p90", period=period, window=window))

    assert sum(bool(column.timestamps) for column in datapoints(answer)) > 8
    for timestamps, values in datapoints(answer):
        assert len(timestamps) == len(values)
        assert all(map(math.isfinite, values))
        assert all(former < latter for former, latter in itertools.pairwise(timestamps))
        assert all(stamp % period == 0 and window.start <= stamp < window.end for stamp in timestamps)


def test_an_answer_of_several_pages_is_whole_and_tells_how_many(cloud: Cloud) -> None:
    shape = Shape(samples=1, repeats=1)
    busy = [Simulated("N", f"m{n}", shape=shape, lateness=AT_ONCE) for n in range(11)]
    cloud.shows(Account(busy))
    week = Window(floor(NOW, DAY) - 7 * DAY, floor(NOW, DAY))

    answer = cloud.source.fetch(asking(*Account(busy).in_cell(CELL), window=week))

    assert [len(column.timestamps) for column in datapoints(answer)] == [7 * 1_440] * 11
    assert answer.calls == 2


def test_an_answer_of_one_page_took_one_call(cloud: Cloud) -> None:
    assert cloud.source.fetch(asking()).calls == 1


def test_one_series_that_was_not_answered_is_named_and_costs_no_other(cloud: Cloud) -> None:
    cloud.leaves_out("born")

    first, left_out, last = cloud.source.fetch(asking(a_cpu(), a_cpu("i-0b00000000000born"), a_cpu())).columns

    assert isinstance(left_out, Unanswered)
    assert "InternalError" in left_out.reason
    assert first == last == SMALL.truth(a_cpu(), "Average", 60, HOUR_AGO, NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fetch_that_fails_raises_what_it_means(cloud: Cloud, kind: type[CwarchiveError]) -> None:
    cloud.fetching_fails(kind)

    with pytest.raises(kind) as raised:
        cloud.source.fetch(asking())
    assert type(raised.value) is kind


def test_one_query_that_is_refused_refuses_the_whole_request(cloud: Cloud) -> None:
    cloud.refuses("born")

    with pytest.raises(Refused):
        cloud.source.fetch(asking(a_cpu(), a_cpu("i-0b00000000000born")))
    assert len(datapoints(cloud.source.fetch(asking()))) == 1


@pytest.mark.parametrize("ahead", [0, 3_600, -3_600])
def test_an_answer_tells_what_time_it_is_at_aws(cloud: Cloud, ahead: int) -> None:
    cloud.clock_is_ahead_by(ahead)

    assert cloud.source.fetch(asking()).date == NOW + ahead


def test_several_threads_may_ask_at_once(cloud: Cloud) -> None:
    windows = [Window(HOUR_AGO.start - n * HOUR, HOUR_AGO.end - n * HOUR) for n in range(12)]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda window: cloud.source.fetch(asking(window=window)), windows))

    assert [answer.columns for answer in answers] == [
        (SMALL.truth(a_cpu(), "Average", 60, window, NOW),) for window in windows
    ]
