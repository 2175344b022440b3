from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.series import NO_DATAPOINTS, Cell, Datapoints, Metric
from cwarchive.core.window import Window, floor
from cwarchive.demo.account import Account
from cwarchive.demo.accounts import small, wide
from cwarchive.demo.simulated import AT_ONCE, DAYS_LATE, SLOTS, Lateness, Shape, Simulated

NOW = 1_790_000_040
CPU = Simulated("AWS/EC2", "CPUUtilization", (("InstanceId", "i-1"),), shape=Shape(swing=9_000, scale=2.0**-10))
SPARSE = Simulated("AWS/Lambda", "Errors", (("FunctionName", "f"),), density=0.2)
COARSE = Simulated("AWS/EC2", "NetworkIn", (("InstanceId", "i-1"),), period=300)
DAILY = Simulated("AWS/S3", "BucketSizeBytes", (("BucketName", "b"),), DAY, lateness=DAYS_LATE)
ACCOUNT = Account([CPU, SPARSE, COARSE, DAILY])

metrics = some.sampled_from([CPU, SPARSE, COARSE])
hours = some.integers(NOW // HOUR - 9_000, NOW // HOUR).map(lambda hour: hour * HOUR)


def values(metric: Simulated, statistic: str, period: int, window: Window) -> dict[int, float]:
    return by_time(ACCOUNT.truth(metric, statistic, period, window))


def by_time(datapoints: Datapoints) -> dict[int, float]:
    return dict(zip(*datapoints, strict=True))


@given(metric=metrics, start=hours, count=some.integers(1, 30))
def test_a_coarser_period_adds_up_the_finer_one(metric: Simulated, start: int, count: int) -> None:
    window = Window(start, start + count * HOUR)
    folds: dict[str, Callable[[list[float]], float]] = {"Sum": sum, "SampleCount": sum, "Minimum": min, "Maximum": max}
    for statistic, fold in folds.items():
        fine = values(metric, statistic, metric.period, window)
        folded: dict[int, list[float]] = {}
        for time, value in fine.items():
            folded.setdefault(floor(time, HOUR), []).append(value)

        assert values(metric, statistic, HOUR, window) == {time: fold(part) for time, part in folded.items()}


@given(metric=metrics, start=hours, period=some.sampled_from([60, 300, 420, HOUR]))
def test_the_average_is_the_sum_over_the_count(metric: Simulated, start: int, period: int) -> None:
    window = Window(start, start + 6 * HOUR)
    sums, counts = (values(metric, statistic, period, window) for statistic in ("Sum", "SampleCount"))

    assert values(metric, "Average", period, window) == {time: sums[time] / counts[time] for time in sums}


@given(metric=metrics, start=hours, cut=some.integers(1, 3 * SLOTS - 1))
def test_a_value_does_not_depend_on_the_window_it_is_asked_in(metric: Simulated, start: int, cut: int) -> None:
    end, middle = start + 3 * SLOTS * 60, start + cut * 60
    whole = values(metric, "Sum", 60, Window(start, end))

    assert values(metric, "Sum", 60, Window(start, middle)) | values(metric, "Sum", 60, Window(middle, end)) == whole


@given(metric=metrics, start=hours)
def test_percentiles_are_samples_in_order(metric: Simulated, start: int) -> None:
    window = Window(start, start + 3 * HOUR)
    statistics = ("Minimum", "p0.1", "p50", "p99", "p100", "Maximum")
    columns = [values(metric, statistic, HOUR, window) for statistic in statistics]

    assert columns[0].keys() == columns[1].keys()
    assert all(low[time] <= high[time] for low, high in pairwise(columns) for time in low)
    assert columns[-1] == columns[-2]


@given(start=hours, rank=some.integers(1, 100))
def test_a_percentile_is_the_nearest_rank_of_every_sample(start: int, rank: int) -> None:
    window = Window(start, start + 300)
    columns = ACCOUNT._gathered(CPU, range(start, start + 300, 60), None)
    samples = sorted(
        sample * CPU.shape.scale
        for column in columns.samples
        for sample, weight in zip(column, columns.weights, strict=True)
        for _ in range(weight)
    )

    assert values(CPU, f"p{rank}", 300, window) == {start: samples[math.ceil(len(samples) * rank / 100) - 1]}


@given(metric=some.sampled_from([CPU, SPARSE, DAILY]), slot=some.integers(20_000, 29_000))
def test_a_slot_is_shown_after_its_end_and_settles(metric: Simulated, slot: int) -> None:
    start = slot * metric.period
    end, window = start + metric.period, Window(start, start + metric.period)
    visible, settled = ACCOUNT.visible_at(metric, start), ACCOUNT.settled_at(metric, start)
    final = ACCOUNT.truth(metric, "Sum", metric.period, window)

    assert end <= visible <= settled <= end + metric.lateness.longest
    assert ACCOUNT.truth(metric, "Sum", metric.period, window, visible - 1) == NO_DATAPOINTS
    assert ACCOUNT.truth(metric, "Sum", metric.period, window, settled) == final


def test_a_value_is_smaller_while_it_fills() -> None:
    window = Window(NOW, NOW + 60)
    visible, settled = ACCOUNT.visible_at(CPU, NOW), ACCOUNT.settled_at(CPU, NOW)
    early, late = (ACCOUNT.truth(CPU, "Sum", 60, window, now).values[0] for now in (visible, settled - 1))

    assert early == late < ACCOUNT.truth(CPU, "Sum", 60, window, settled).values[0]


def test_a_slot_that_fills_holds_each_sample_once() -> None:
    slots = range(NOW, NOW + HOUR, 60)
    counts = [
        ACCOUNT.truth(CPU, "SampleCount", 60, Window(slot, slot + 60), now).values[0]
        for slot in slots
        for now in (ACCOUNT.visible_at(CPU, slot), ACCOUNT.settled_at(CPU, slot))
    ]

    assert set(counts[::2]) == {3.0}
    assert set(counts[1::2]) == {3.0, 6.0, 9.0, 12.0}


def test_an_hour_grows_as_its_minutes_come_in() -> None:
    hour = floor(NOW, HOUR)
    counts = [
        sum(ACCOUNT.truth(CPU, "SampleCount", HOUR, Window(hour, hour + HOUR), now).values)
        for now in range(hour, hour + HOUR + 600, 600)
    ]

    assert counts == sorted(counts)
    assert len(set(counts)) > 5


def test_a_straggler_comes_hours_after_its_neighbours() -> None:
    metric = Simulated("N", "M", lateness=Lateness(stragglers=0.1, straggle=2 * HOUR))
    account = Account([metric])
    delays = [account.visible_at(metric, slot) - slot for slot in range(NOW, NOW + DAY, 60)]

    assert 0.05 < sum(delay > 2 * HOUR for delay in delays) / len(delays) < 0.15
    assert max(delay for delay in delays if delay < 2 * HOUR) < 300


def test_a_sparse_metric_has_a_fifth_of_its_minutes() -> None:
    found = len(values(SPARSE, "Sum", 60, Window(NOW, NOW + 10 * DAY)))

    assert 0.18 < found / (10 * 1_440) < 0.22


def test_a_daily_metric_has_one_point_at_midnight() -> None:
    day = floor(NOW, DAY)

    assert list(values(DAILY, "Average", DAY, Window(day - 3 * DAY, day))) == [day - 3 * DAY, day - 2 * DAY, day - DAY]
    assert list(values(DAILY, "Average", 300, Window(day - DAY, day))) == [day - DAY]
    late = max(ACCOUNT.visible_at(DAILY, day - days * DAY) - (day - days * DAY) - DAY for days in range(200))
    assert 40 * HOUR < late <= 48 * HOUR


def test_a_metric_has_data_from_its_birth_to_its_end_only() -> None:
    born, ended = floor(NOW, HOUR) - DAY, floor(NOW, HOUR) - 7 * HOUR
    account = Account([Simulated("N", "M", born=born, ended=ended)])
    found = account.truth(account.metrics[0], "Sum", 60, Window(NOW - 3 * DAY, NOW)).timestamps

    assert (found[0], found[-1]) == (born, ended - 60)
    assert len(found) == (ended - born) // 60


@pytest.mark.parametrize(("period", "days"), [(60, 15), (420, 15), (300, 63), (HOUR, 455), (7_200, 455)])
def test_a_period_is_forgotten_at_the_age_that_its_multiple_allows(period: int, days: int) -> None:
    window = Window(floor(NOW - 500 * DAY, 50_400), floor(NOW - DAY, 50_400))
    found = ACCOUNT.truth(CPU, "Sum", period, window, NOW).timestamps
    kept = ACCOUNT.truth(CPU, "Sum", period, window)

    assert abs(found[0] - (NOW - days * DAY)) <= period
    assert found == [time for time in kept.timestamps if time >= found[0]]


def test_timestamps_count_from_the_start_of_the_window() -> None:
    start = floor(NOW, HOUR) - 60

    found = ACCOUNT.truth(CPU, "SampleCount", 1_200, Window(start, start + HOUR))

    assert found.timestamps == [start, start + 1_200, start + 2_400]


def test_the_end_of_the_window_is_exclusive() -> None:
    start = floor(NOW, HOUR)
    minutes = values(CPU, "Sum", 60, Window(start, start + 420))

    assert max(minutes) == start + 360
    assert values(CPU, "Sum", 300, Window(start, start + 420))[start + 300] == sum(list(minutes.values())[5:])


def test_a_period_under_a_minute_answers_only_where_the_metric_has_it() -> None:
    fine = Simulated("Custom", "M", period=10, lateness=AT_ONCE)
    account, window = Account([fine, CPU]), Window(NOW - 600, NOW)

    assert len(account.truth(fine, "Sum", 10, window).timestamps) == 60
    assert account.truth(CPU, "Sum", 10, window) == NO_DATAPOINTS
    minutes = account.truth(fine, "Sum", 60, window).values
    tens = account.truth(fine, "Sum", 10, window).values
    assert minutes == [sum(tens[at : at + 6]) for at in range(0, 60, 6)]


def test_an_unknown_metric_has_no_datapoints() -> None:
    other = Metric(Cell("", "eu-west-1"), "AWS/EC2", "CPUUtilization", ())

    assert ACCOUNT.truth(other, "Sum", 60, Window(NOW - HOUR, NOW)) == NO_DATAPOINTS


def test_the_programs_own_metric_finds_the_simulated_one() -> None:
    (metric, *_) = ACCOUNT.in_cell(Cell("prod", "eu-west-1"))
    window = Window(NOW - HOUR, NOW)

    assert ACCOUNT.truth(metric, "Sum", 60, window) == ACCOUNT.truth(CPU, "Sum", 60, window) != NO_DATAPOINTS


def test_a_metric_is_listed_from_fifteen_minutes_after_birth_to_two_weeks_after_its_last_datapoint() -> None:
    born, ended = floor(NOW, HOUR) - 30 * DAY, floor(NOW, HOUR)
    metric = Simulated("N", "M", born=born, ended=ended, density=0.5)
    account = Account([metric])
    last = account.truth(metric, "Sum", 60, Window(ended - DAY, ended)).timestamps[-1]

    def is_listed(now: int) -> bool:
        return list(account.listed(now)) == [metric]

    assert [is_listed(born + after) for after in (899, 900, 30 * DAY)] == [False, True, True]
    assert [is_listed(last + 14 * DAY + after) for after in (-60, 0, 60)] == [True, True, False]
    assert account.last_seen(metric, ended + DAY) == last


def test_the_small_account_has_every_habit() -> None:
    account = small(NOW)
    seen = {metric: account.last_seen(metric, NOW) for metric in account.metrics}

    assert [metric.dimensions[0][1] for metric in account.metrics if seen[metric] is None] == ["i-0c000000000silent"]
    assert {metric.period for metric in account.metrics} == {60, 300, DAY}
    assert len({metric.namespace for metric in account.metrics}) == 6
    assert all(value >= 0 for value in account.truth(account.metrics[0], "p99", HOUR, Window(NOW - DAY, NOW)).values)


def test_a_wide_account_has_that_many_metrics_each_with_its_own_values() -> None:
    account = wide(50)
    window = Window(NOW - HOUR, NOW)
    columns = [tuple(account.truth(metric, "Average", 60, window, NOW).values) for metric in account.metrics]

    assert len(set(columns)) == 50
    assert {len(column) for column in columns} == {60}


def test_two_metrics_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        Account([CPU, CPU])


@pytest.mark.parametrize("wrong", [{"scale": 0.1}, {"samples": 0}, {"repeats": 0}, {"bits": 17}])
def test_a_shape_whose_sums_would_not_be_exact_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"power of two|a slot needs"):
        Shape(**wrong)
