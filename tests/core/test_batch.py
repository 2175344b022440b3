"""How asks share requests: by example, and by property over any plans."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.batch import DATAPOINTS, QUERIES, Batch, Query, batches
from cwarchive.core.plan import Ask, SeriesPlan
from cwarchive.core.series import Metric
from cwarchive.core.window import Window
from tests.builders import a_batch, a_metric, a_piece, a_series, a_series_plan, a_tracked, a_window, an_ask

HOUR = 3_600


def plans_of(
    metrics: Iterable[Metric], statistics: Sequence[str] = ("Average",), asks: Sequence[Ask] = (), danger: int = 1_000
) -> list[SeriesPlan]:
    """A plan for each statistic of each metric, all owing the same."""
    named = [(metric, statistic) for metric in metrics for statistic in statistics]
    return [
        a_series_plan(a_tracked(series=a_series(metric, statistic), id=number), asks or (an_ask(),), danger=danger)
        for number, (metric, statistic) in enumerate(named, 1)
    ]


def many_metrics(count: int) -> list[Metric]:
    return [a_metric(dimensions={"InstanceId": f"i-{number:05}"}) for number in range(count)]


def sizes(plans: Iterable[SeriesPlan]) -> list[int]:
    return [len(batch.pieces) for batch in batches(plans)]


# --- limits ---


def test_no_plan_makes_no_batch() -> None:
    assert list(batches([])) == []
    assert list(batches([a_series_plan()])) == []


def test_a_request_holds_five_hundred_queries() -> None:
    assert sizes(plans_of(many_metrics(1_001))) == [500, 500, 1]


def test_a_request_holds_as_many_series_as_fit_the_estimated_datapoints() -> None:
    day = an_ask(a_window(0, 14 * 86_400))

    assert sizes(plans_of(many_metrics(11), asks=[day])) == [5, 5, 1]  # 20,160 datapoints each


def test_one_window_over_the_limit_still_travels_alone() -> None:
    wide = an_ask(a_window(0, 60 * (DATAPOINTS + 1)))

    assert sizes(plans_of(many_metrics(2), asks=[wide])) == [1, 1]


def test_a_request_may_be_full_to_the_last_datapoint() -> None:
    exact = an_ask(a_window(0, 60 * (DATAPOINTS // 500)))

    (batch, rest) = batches(plans_of(many_metrics(501), asks=[exact]))

    assert batch.request.datapoints == 500 * (DATAPOINTS // 500) <= DATAPOINTS
    assert len(rest.pieces) == 1


# --- a metric's statistics together ---

FIVE = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")


def test_a_metric_that_does_not_fit_whole_begins_the_next_request() -> None:
    three = ("Average", "Maximum", "p99")

    (first, second) = batches(plans_of(many_metrics(167), three))

    assert len(first.pieces) == 498
    assert {piece.tracked.series.metric for piece in second.pieces} == {many_metrics(167)[-1]}


def test_more_than_five_statistics_of_a_metric_go_in_fives() -> None:
    eleven = tuple(f"p{number}" for number in range(10, 21))
    filler = plans_of(many_metrics(492))

    (first, second) = batches([*filler, *plans_of([a_metric("Other")], eleven)])

    assert (len(first.pieces), len(second.pieces)) == (497, 6)


def test_statistics_that_lag_differently_still_travel_together() -> None:
    urgent, calm = plans_of([a_metric()], ("Average", "Sum"))
    between = plans_of(many_metrics(1), danger=5)
    mixed = [a_series_plan(urgent.tracked, urgent.asks, danger=1), *between, a_series_plan(calm.tracked, calm.asks)]

    (batch,) = batches(mixed)

    assert [piece.tracked.series.statistic for piece in batch.pieces] == ["Average", "Sum", "Average"]
    assert batch.metrics == 2


def test_metrics_that_read_alike_are_told_apart() -> None:
    one, other = a_metric("C D", (), namespace="A B"), a_metric("D", (), namespace="A B C")

    (batch,) = batches(plans_of([one, other], ("Average", "Sum")))

    assert batch.metrics == 2
    assert [len(half.pieces) for half in batch.halves()] == [2, 2]


# --- order ---


def test_oldest_danger_goes_first() -> None:
    late = plans_of([a_metric("Late")], asks=[an_ask(a_window(0))], danger=-5)
    calm = plans_of([a_metric("Calm")], asks=[an_ask(a_window(HOUR))], danger=9)

    told = [batch.pieces[0].tracked.series.metric.name for batch in batches([*calm, *late])]

    assert told == ["Late", "Calm"]


def test_within_a_full_window_oldest_danger_goes_first() -> None:
    late = plans_of([a_metric("Late")], danger=-5)

    first, _ = batches([*plans_of(many_metrics(500)), *late])

    assert first.pieces[0].tracked.series.metric.name == "Late"


def test_series_with_different_windows_or_periods_do_not_share_a_request() -> None:
    asks = [an_ask(a_window(0)), an_ask(a_window(HOUR)), an_ask(a_window(0), period=300)]
    plans = [plan for ask in asks for plan in plans_of(many_metrics(2), asks=[ask])]

    assert sizes(plans) == [2, 2, 2]


# --- the request, and its halves ---


def test_a_batch_asks_its_pieces_in_their_order() -> None:
    batch = a_batch(a_piece(statistic="Sum"), a_piece(a_metric("Other"), statistic="p99"))

    assert batch.request.queries == (Query(a_metric(), "Sum"), Query(a_metric("Other"), "p99"))
    assert (batch.request.window, batch.request.period) == (a_window(), 60)
    assert batch.request.datapoints == 120


@pytest.mark.parametrize("count", [2, 3, 7, 500])
def test_halves_hold_every_piece_once_and_neither_is_empty(count: int) -> None:
    batch = a_batch(*(a_piece(metric) for metric in many_metrics(count)))

    left, right = batch.halves()

    assert left.pieces + right.pieces == batch.pieces
    assert abs(len(left.pieces) - len(right.pieces)) <= 1


def test_halves_do_not_part_the_statistics_of_a_metric() -> None:
    pieces = [a_piece(metric, statistic) for metric in many_metrics(3) for statistic in FIVE]

    left, right = a_batch(*pieces).halves()

    assert (left.metrics, right.metrics) == (1, 2)
    assert (len(left.pieces), len(right.pieces)) == (5, 10)


def test_a_batch_counts_its_metrics() -> None:
    assert a_batch(*(a_piece(a_metric(), statistic) for statistic in FIVE)).metrics == 1


# --- properties ---


@st.composite
def some_plans(draw: st.DrawFn) -> list[SeriesPlan]:
    """Up to a few hundred series that owe up to three windows, out of few windows, so that many are shared."""
    windows = [an_ask(a_window(day * 86_400, seconds)) for day, seconds in ((0, 86_400), (3, HOUR), (9, 15 * 86_400))]
    wide = an_ask(a_window(30 * 86_400, 3_600), period=300)
    plans: list[SeriesPlan] = []
    names = draw(st.lists(st.integers(0, 400), min_size=1, max_size=60, unique=True))
    for name in names:
        for statistic in draw(st.sampled_from((FIVE, FIVE[:1], FIVE[:2], (*FIVE, "p50", "p90", "p99")))):
            number = len(plans) + 1
            tracked = a_tracked(
                series=a_series(many_metrics(1)[0] if name == 0 else a_metric(f"M{name}"), statistic), id=number
            )
            asks = draw(st.sampled_from((windows, windows[:1], windows[1:], [*windows[:2], wide])))
            plans.append(a_series_plan(tracked, asks, danger=draw(st.integers(-2, 2))))
    return draw(st.permutations(plans))


@given(some_plans())
def test_every_ask_travels_exactly_once(plans: list[SeriesPlan]) -> None:
    sent = Counter((piece.tracked.id, piece.ask.window) for batch in batches(plans) for piece in batch.pieces)

    assert sent == Counter((plan.tracked.id, ask.window) for plan in plans for ask in plan.asks)


@given(some_plans())
def test_every_request_keeps_the_limits(plans: list[SeriesPlan]) -> None:
    for batch in batches(plans):
        assert 1 <= len(batch.request.queries) <= QUERIES
        assert batch.request.datapoints <= DATAPOINTS
        assert {(piece.ask.window, piece.ask.period) for piece in batch.pieces} == {
            (batch.request.window, batch.request.period)
        }


@given(some_plans())
def test_the_windows_of_a_series_ascend_over_batches(plans: list[SeriesPlan]) -> None:
    order: dict[int, list[Window]] = defaultdict(list)
    for batch in batches(plans):
        for piece in batch.pieces:
            order[piece.tracked.id].append(piece.ask.window)

    assert all(former.end <= latter.start for windows in order.values() for former, latter in pairwise(windows))


@given(some_plans())
def test_up_to_five_statistics_of_a_metric_are_one_neighbourhood_of_one_request(plans: list[SeriesPlan]) -> None:
    requests: dict[tuple[Metric, Window, int], list[int]] = defaultdict(list)
    ordinals = {(plan.tracked.id, ask.window): ordinal for plan in plans for ordinal, ask in enumerate(plan.asks)}
    for batch in batches(plans):
        together = Counter(
            (piece.tracked.series.metric, piece.ask.window, ordinals[piece.tracked.id, piece.ask.window])
            for piece in batch.pieces
        )
        for key, count in together.items():
            requests[key].append(count)
        assert batch.metrics == len({piece.tracked.series.metric for piece in batch.pieces})

    for (_, window, _), counts in requests.items():
        whole = min(5, DATAPOINTS // window.slots(60), QUERIES)
        assert len(counts) <= -(-sum(counts) // whole)


@given(some_plans())
def test_the_order_of_plans_changes_nothing_but_ties(plans: list[SeriesPlan]) -> None:
    assert list(batches(plans)) == list(batches(list(reversed(plans))))


def test_batches_are_made_one_after_another() -> None:
    made = batches(plans_of(many_metrics(1_200)))

    assert isinstance(next(made), Batch)
