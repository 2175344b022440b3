"""What to do about a call that never ends: stop waiting for it.

A socket's timeout counts from one received byte to the next, so a server that drips a byte a second passes it for
hours; name resolution has no timeout at all. Neither can be interrupted from outside.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


class OutOfTime(Exception):
    """The call had not returned when its time was over."""


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """What `call` returns or raises, or OutOfTime after `seconds`.

    Then its thread is left behind and its result is never read; it is a daemon, so the process can end without it.
    """
    if seconds <= 0:
        raise OutOfTime("no time is left for the call")
    outcome: Future[Result] = Future()
    threading.Thread(target=_settle, args=(outcome, call), name="cwarchive-aws-call", daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        if outcome.done():
            raise
        raise OutOfTime(f"no result within {seconds:.0f} s") from None


def _settle(outcome: Future[Result], call: Callable[[], Result]) -> None:
    try:
        outcome.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
        outcome.set_exception(error)
