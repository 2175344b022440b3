"""A batch on its way through a source that fails: what is asked again, what is set aside, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from cwarchive.archive.fetch import Fetched, fetch
from cwarchive.core.batch import Batch
from cwarchive.core.window import Window
from cwarchive.demo.account import Account
from cwarchive.errors import AccessError, ClockError, Refused, SourceError, Unreachable
from tests.archive.world import cpus
from tests.builders import CELL, NOW, a_piece, an_ask
from tests.fake_cloudwatch import FakeCloudWatch, Trouble, always, in_turn, naming

ACCOUNT = Account(cpus(100))
ASK = an_ask(Window(NOW - NOW % 3_600 - 3_600, NOW - NOW % 3_600))


def a_batch(count: int, statistics: Sequence[str] = ("Average",)) -> Batch:
    metrics = ACCOUNT.in_cell(CELL)[:count]
    pieces = [a_piece(metric, statistic, ASK) for metric in metrics for statistic in statistics]
    return Batch(tuple(pieces))


def fetched(count: int, trouble: Trouble, statistics: Sequence[str] = ("Average",)) -> tuple[Fetched, FakeCloudWatch]:
    cloud = FakeCloudWatch(ACCOUNT, lambda: NOW, CELL)
    cloud.trouble = trouble
    return fetch(cloud, a_batch(count, statistics), lambda: NOW), cloud


def waiting(found: Fetched) -> list[str]:
    return [str(piece.tracked.series.metric)[-5:] for piece, _ in found.waiting]


def test_a_sound_answer_needs_one_request() -> None:
    found, cloud = fetched(10, in_turn())

    assert (len(found.answered), found.waiting, found.requests, found.billed) == (10, [], 1, 10)
    assert found.skews == [0]
    assert len(cloud.requests) == 1


def test_each_column_comes_with_its_own_piece() -> None:
    found, _ = fetched(10, in_turn())

    for piece, column in found.answered:
        series = piece.tracked.series
        assert column == ACCOUNT.truth(series.metric, series.statistic, 60, ASK.window)


def test_an_unsound_answer_is_asked_again_in_the_same_words() -> None:
    found, cloud = fetched(10, in_turn(SourceError("not JSON")))

    assert len(found.answered) == 10
    assert cloud.requests[0] == cloud.requests[1]
    assert (found.requests, len(cloud.requests)) == (2, 2)


def test_an_answer_that_stays_unsound_is_halved_until_the_bad_metric_stands_alone() -> None:
    found, cloud = fetched(100, naming("i-041", SourceError("not JSON")))

    assert waiting(found) == ["i-041"]
    assert {reason for _, reason in found.waiting} == {"not JSON"}
    assert len(found.answered) == 99
    assert len(cloud.requests) <= 2 + 2 * math.ceil(math.log2(100))


def test_a_refused_request_is_halved_at_once() -> None:
    found, cloud = fetched(100, naming("i-041", Refused("no")))

    assert waiting(found) == ["i-041"]
    assert len(cloud.requests[1].queries) == 50
    assert len(cloud.requests) <= 1 + 2 * math.ceil(math.log2(100))


def test_several_bad_metrics_are_all_found() -> None:
    bad = {"i-000", "i-001", "i-049", "i-050", "i-099"}
    troubles = [naming(name, Refused("no")) for name in sorted(bad)]

    found, _ = fetched(100, lambda request: next(filter(None, (trouble(request) for trouble in troubles)), None))

    assert set(waiting(found)) == bad
    assert len(found.answered) == 95


def test_the_statistics_of_a_metric_are_never_halved() -> None:
    found, cloud = fetched(2, naming("i-001", Refused("no")), ("Sum", "Average", "p99"))

    assert waiting(found) == ["i-001"] * 3
    assert {len(request.queries) for request in cloud.requests} == {6, 3}
    assert found.billed == 2 + 1 + 1


@pytest.mark.parametrize("error", [AccessError("denied"), Unreachable("throttled")])
def test_where_asking_is_useless_nothing_more_is_asked(error: AccessError | Unreachable) -> None:
    found, cloud = fetched(10, always(error))

    assert len(cloud.requests) == 1
    assert {reason for _, reason in found.waiting} == {str(error)}
    assert len(found.waiting) == 10
    assert (found.refused or found.unreached) is error


def test_access_lost_while_halving_leaves_the_rest_unasked_and_keeps_what_was_answered() -> None:
    found, cloud = fetched(8, in_turn(Refused("no"), None, AccessError("expired")))

    assert [len(request.queries) for request in cloud.requests] == [8, 4, 4]
    assert len(found.answered) == 4
    assert [reason for _, reason in found.waiting] == ["expired"] * 4


@pytest.mark.parametrize("error", [AccessError("expired"), Unreachable("throttled")])
def test_the_second_half_is_not_asked_where_the_first_found_that_asking_is_useless(
    error: AccessError | Unreachable,
) -> None:
    found, cloud = fetched(8, in_turn(Refused("no"), error))

    assert [len(request.queries) for request in cloud.requests] == [8, 4]
    assert [reason for _, reason in found.waiting] == [str(error)] * 8


def test_no_piece_is_answered_and_waiting_or_neither() -> None:
    found, _ = fetched(37, in_turn(SourceError("a"), SourceError("b"), Refused("c"), None, SourceError("d")))

    pieces = [piece for piece, _ in found.answered] + [piece for piece, _ in found.waiting]
    assert sorted(str(piece.tracked.series.metric) for piece in pieces) == sorted(map(str, ACCOUNT.in_cell(CELL)[:37]))


def test_a_series_that_was_not_answered_waits_with_its_reason() -> None:
    cloud = FakeCloudWatch(ACCOUNT, lambda: NOW, CELL)
    cloud.unanswered = {"i-003": "CloudWatch answered Forbidden"}

    found = fetch(cloud, a_batch(5), lambda: NOW)

    assert [(str(piece.tracked.series.metric)[-5:], reason) for piece, reason in found.waiting] == [
        ("i-003", "CloudWatch answered Forbidden")
    ]
    assert found.requests == 1


def test_a_wrong_clock_is_no_matter_of_one_batch() -> None:
    with pytest.raises(ClockError):
        fetched(10, always(ClockError("correct it")))
