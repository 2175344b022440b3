"""A TCP server on loopback with any manners: one that reads to the end as receivers do, or one that breaks off."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
PATIENCE = 20.0
"""Seconds that a test waits for what must come; only a failure takes so long."""


@dataclass
class Connection:
    """One connection that a server took: its bytes so far, and how it ended (None: in order)."""

    sock: socket.socket
    stopping: threading.Event
    stream: bytearray = field(default_factory=bytearray)
    broken: OSError | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def read(self, most: int) -> bool:
        """Read once; False at the end of the stream."""
        part = self.sock.recv(most)
        self.stream += part
        return bool(part)

    def read_all(self) -> None:
        while self.read(65_536):
            pass

    def read_exactly(self, count: int) -> None:
        while len(self.stream) < count and self.read(count - len(self.stream)):
            pass


Manners = Callable[[Connection], None]


class LineServer:
    """A TCP server on a free loopback port; `manners` decides how it treats a connection, which is then closed."""

    def __init__(self, manners: Manners = Connection.read_all, *, port: int = 0, buffer: int | None = None) -> None:
        self._manners = manners
        self._stopping = threading.Event()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._listener.bind((LOOPBACK, port))
        self._listener.listen()
        self.port = int(self._listener.getsockname()[1])
        self.connections: list[Connection] = []
        self._met = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def streams(self) -> list[bytes]:
        """The bytes of each connection, in the order in which they were taken."""
        return [bytes(connection.stream) for connection in self.connections]

    def first(self) -> Connection:
        """The first connection, as soon as it is there."""
        self._met.wait(PATIENCE)
        return self.connections[0]

    def refuse(self) -> None:
        """Take no new connection; those that are open go on."""
        if not self._stopping.is_set():
            self._stopping.set()
            with socket.create_connection((LOOPBACK, self.port)):
                pass
            self._threads[0].join(PATIENCE)
            self._listener.close()

    def stop(self) -> None:
        """Take no new connection and wait until the open ones are over."""
        self.refuse()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._stopping.is_set():
                sock.close()
                return
            connection = Connection(sock, self._stopping)
            self.connections.append(connection)
            self._met.set()
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: Connection) -> None:
        try:
            self._manners(connection)
        except OSError as error:
            connection.broken = error
        finally:
            connection.sock.close()
            connection.over.set()
