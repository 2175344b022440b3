"""Where the state of a simulated archive lives between two commands, and the backups that are made of it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Protocol

from cwarchive.core.ports import Store
from tests.memory_store import MemoryStore


class Home(Protocol):
    """Every `open` is a later command's look at the same state."""

    def open(self) -> Store: ...

    def close(self) -> None: ...

    def back_up(self) -> Callable[[], None]:
        """Make a backup; what is returned puts it in place."""


class InMemory:
    """The state as what a dictionary holds."""

    def __init__(self) -> None:
        self._store = MemoryStore()

    def open(self) -> Store:
        return self._store

    def close(self) -> None:
        """Nothing is open."""

    def back_up(self) -> Callable[[], None]:
        backup = pickle.dumps(self._store)

        def put_in_place() -> None:
            self._store = pickle.loads(backup)

        return put_in_place
