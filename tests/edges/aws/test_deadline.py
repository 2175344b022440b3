"""That a call is waited for no longer than its deadline, and that nothing else about it changes."""

from __future__ import annotations

import threading

import pytest

from cwarchive.edges.aws.deadline import OutOfTime, within


def test_what_the_call_returns_comes_back() -> None:
    assert within(60, lambda: 7) == 7


@pytest.mark.parametrize("error", [ValueError("x"), TimeoutError("its own"), KeyboardInterrupt()])
def test_what_the_call_raises_comes_back(error: BaseException) -> None:
    def fails() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        within(60, fails)

    assert raised.value is error


def test_a_call_that_does_not_end_is_left_behind() -> None:
    released = threading.Event()
    ended = threading.Event()

    def hangs() -> None:
        released.wait()
        ended.set()

    with pytest.raises(OutOfTime):
        within(0.01, hangs)

    assert not ended.is_set()
    released.set()
    assert ended.wait(60)


def test_a_thread_left_behind_does_not_hold_up_the_end_of_the_process() -> None:
    released = threading.Event()
    daemons: list[bool] = []

    def hangs() -> None:
        daemons.append(threading.current_thread().daemon)
        released.wait()

    with pytest.raises(OutOfTime):
        within(0.1, hangs)
    released.set()

    assert daemons == [True]


def test_without_time_left_the_call_is_not_begun() -> None:
    begun: list[bool] = []

    with pytest.raises(OutOfTime):
        within(0, lambda: begun.append(True))

    assert begun == []
