"""How a command is asked to stop: a signal lets the batch at hand finish, a second one or five seconds end it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE = 5.0
"""Seconds for the batch at hand once a signal came; container engines kill after ten."""
TICK = 1.0
"""Seconds between two alarms. Python handles a signal only between two steps of its main thread: one that comes just
before that thread begins to wait would be handled when the wait is over, which an alarm interrupts."""


class Stopped(BaseException):
    """The command was ended by a signal; the state is consistent, what was not recorded is sent again."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(f"stopped by signal {number}")


class Stopping:
    """Whether a command should stop: after SIGTERM or SIGINT, or once its time is used up (seconds, None: never)."""

    def __init__(self, max_runtime: float | None = None) -> None:
        self._deadline = None if max_runtime is None else time.monotonic() + max_runtime
        self._signal: int | None = None
        self._patience_ends = 0.0

    def asked(self) -> bool:
        """Whether to stop before the next batch."""
        late = self._deadline is not None and time.monotonic() >= self._deadline
        return late or self._signal is not None

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than until a stop is asked."""
        until = time.monotonic() + seconds
        while not self.asked() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))

    def exit_code(self) -> int | None:
        """130 or 143 once a signal came, else None."""
        return None if self._signal is None else 128 + self._signal

    @contextmanager
    def listening(self) -> Iterator[Stopping]:
        """Handle SIGTERM and SIGINT (also as process 1, which has no default handlers) while the block runs."""
        handlers = (
            (signal.SIGTERM, self._on_signal),
            (signal.SIGINT, self._on_signal),
            (signal.SIGALRM, self._on_alarm),
        )
        before = {number: signal.signal(number, handler) for number, handler in handlers}
        timer = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        try:
            yield self
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.setitimer(signal.ITIMER_REAL, *timer)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._signal is not None:
            raise Stopped(self._signal)
        self._signal, self._patience_ends = number, time.monotonic() + GRACE

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        if self._signal is not None and time.monotonic() >= self._patience_ends:
            raise Stopped(self._signal)
