"""A few threads that fetch batches ahead of delivery: bounded in number, and not waited for when a process ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Set

from cwarchive.archive.fetch import Fetched
from cwarchive.core.batch import Batch


class Workers:
    """Run `work` on batches in at most `most` daemon threads, and hand the results to the thread that asks."""

    def __init__(self, most: int, work: Callable[[Batch], Fetched]) -> None:
        self._most, self._work = most, work
        self._results: queue.SimpleQueue[tuple[frozenset[int], Fetched | BaseException]] = queue.SimpleQueue()
        self._running: set[frozenset[int]] = set()

    @property
    def full(self) -> bool:
        """Whether no further batch may be started."""
        return len(self._running) >= self._most

    @property
    def busy(self) -> Set[int]:
        """The ids that are under way."""
        return frozenset().union(*self._running)

    def start(self, batch: Batch, ids: Set[int]) -> None:
        """Begin `batch`; its `ids` are busy until its result was handed out."""
        key = frozenset(ids)
        self._running.add(key)
        threading.Thread(target=self._one, args=(key, batch), daemon=True).start()

    def finished(self) -> Iterator[Fetched]:
        """Wait for one result, then yield it and whatever else has finished; what a thread raised is raised here."""
        yield self._taken(block=True)
        while not self._results.empty():
            yield self._taken(block=False)

    def _one(self, key: frozenset[int], batch: Batch) -> None:
        try:
            result: Fetched | BaseException = self._work(batch)
        except BaseException as error:  # noqa: BLE001  raised again in the thread that asks for results
            result = error
        self._results.put((key, result))

    def _taken(self, *, block: bool) -> Fetched:
        key, result = self._results.get(block=block)
        self._running.discard(key)
        if isinstance(result, BaseException):
            raise result
        return result
