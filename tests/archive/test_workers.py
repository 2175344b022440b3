"""Threads that fetch: how many, what is under way, and that nothing they raise is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from cwarchive.archive.fetch import Fetched
from cwarchive.archive.workers import Workers
from cwarchive.core.batch import Batch
from tests.archive.world import World, of_many_periods
from tests.builders import a_batch, a_piece
from tests.fake_cloudwatch import always

PATIENCE = 10
"""Seconds after which a thread that should have come is missed."""


def numbered(number: int) -> Batch:
    return a_batch(a_piece(number=number))


def ids(fetched: Fetched) -> int:
    return fetched.requests


def answering(batch: Batch) -> Fetched:
    return Fetched(requests=batch.pieces[0].tracked.id)


def raising(error: BaseException) -> Callable[[Batch], Fetched]:
    def work(batch: Batch) -> Fetched:
        raise error

    return work


def test_no_more_threads_are_at_work_than_allowed() -> None:
    workers = Workers(2, answering)

    workers.start(numbered(1), {1})
    one = workers.full
    workers.start(numbered(2), {2})

    assert (one, workers.full) == (False, True)


def test_what_is_under_way_is_busy_until_its_result_is_handed_out() -> None:
    workers = Workers(3, answering)
    workers.start(numbered(1), {1, 7})
    workers.start(numbered(2), {2})
    assert workers.busy == {1, 7, 2}

    results: list[Fetched] = []
    while workers.busy:
        results += workers.finished()

    assert sorted(map(ids, results)) == [1, 2]
    assert not workers.full


def test_a_slow_batch_does_not_hold_up_the_others() -> None:
    gate = threading.Event()

    def work(batch: Batch) -> Fetched:
        if batch.pieces[0].tracked.id == 1:
            assert gate.wait(PATIENCE)
        return answering(batch)

    workers = Workers(2, work)
    workers.start(numbered(1), {1})
    workers.start(numbered(2), {2})

    first = [ids(fetched) for fetched in workers.finished()]
    gate.set()
    second = [ids(fetched) for fetched in workers.finished()]

    assert (first, second) == ([2], [1])


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt(), SystemExit(3)])
def test_whatever_a_thread_raises_is_raised_where_its_result_is_asked_for(error: BaseException) -> None:
    workers = Workers(1, raising(error))
    workers.start(numbered(1), {1})

    with pytest.raises(type(error)) as raised:
        list(workers.finished())

    assert raised.value is error
    assert workers.busy == set()


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt()])
def test_a_bug_in_a_thread_ends_the_pass_and_records_nothing_of_that_batch(error: BaseException) -> None:
    world = World(specs=of_many_periods(3), threads=4)
    world.cloud.trouble = always(error)

    with pytest.raises(type(error)):
        world.run()

    assert world.graphite.newest() == {}
    assert all(tracked.checkpoint.mark == tracked.checkpoint.since for tracked in world.store.series.values())


def test_a_thread_never_keeps_a_process_alive() -> None:
    kinds: list[bool] = []

    def work(batch: Batch) -> Fetched:
        kinds.append(threading.current_thread().daemon)
        return answering(batch)

    workers = Workers(1, work)
    workers.start(numbered(1), {1})
    list(workers.finished())

    assert kinds == [True]
