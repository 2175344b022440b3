"""The state of a simulated archive as a real SQLite file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from cwarchive.core.ports import Store
from cwarchive.edges.sqlite import SqliteStore, create_state


class OnDisk:
    """The state as a SQLite file in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "state.sqlite"
        self._store: SqliteStore | None = None
        self._backups = 0
        create_state(self._path)

    def open(self) -> Store:
        self.close()
        self._store = SqliteStore(self._path, clock=lambda: 0)
        return self._store

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def back_up(self) -> Callable[[], None]:
        self.close()
        self._backups += 1
        backup = self._path.with_suffix(f".{self._backups}")
        shutil.copy(self._path, backup)
        return lambda: self._put_in_place(backup)

    def _put_in_place(self, backup: Path) -> None:
        self.close()
        shutil.copy(backup, self._path)
