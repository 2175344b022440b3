"""One command for each state: a lock on the state file itself, which ends with its process; there is nothing to delete.

It is the kernel's whole-file lock (flock), which on Linux knows nothing of the byte locks that a database takes on the
same file. The converse needs care: when a process closes *any* descriptor of a file, POSIX drops every byte lock that
it holds there. So the descriptor stays open until the state itself is closed, also while the lock is not held.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from cwarchive.errors import LockHeld, StateError


class StateLock:
    """The lock of the state at `path`; as a block around the state it is taken first and given back last.

    The file must be there. Not for a state on NFS, where Linux turns this lock into a byte lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """This lock, acquired."""
        try:
            self.acquire()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def acquire(self) -> None:
        """Take the lock, before the state is opened; raises LockHeld where another command has it, and StateError."""
        try:
            self._take(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(f"another command is at work on the state {self._path}") from None

    def wait(self) -> None:
        """Take the lock as soon as no other command has it; raises StateError."""
        self._take(fcntl.LOCK_EX)

    def release(self) -> None:
        """Give the lock back and keep the descriptor, so that the state may stay open."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the lock back for good, once the state is closed, whoever else has its descriptor."""
        if self._descriptor is not None:
            self.release()
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, how: int) -> None:
        """Lock the file that bears the name: one that was replaced meanwhile is no longer anybody's state."""
        try:
            while True:
                self._descriptor = self._opened() if self._descriptor is None else self._descriptor
                fcntl.flock(self._descriptor, how)
                if os.path.samestat(os.fstat(self._descriptor), self._path.stat()):
                    return
                self.close()
        except BlockingIOError:
            raise
        except OSError as error:
            raise self._unusable(error) from error

    def _opened(self) -> int:
        return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)

    def _unusable(self, error: OSError) -> StateError:
        if isinstance(error, FileNotFoundError):
            return StateError(f"there is no state at {self._path}")
        return StateError(f"the state {self._path} cannot be locked ({error.strerror}): it belongs to {self._owner()}")

    def _owner(self) -> str:
        for place in (self._path, self._path.parent):
            try:
                return place.owner()
            except (KeyError, OSError):
                continue
        return "another user"
