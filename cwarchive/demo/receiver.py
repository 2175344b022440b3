"""A small Graphite line receiver that stores in whisper files, for where carbon cannot be installed.

It reads a connection to its end before it closes it, as carbon does, but writes before it closes: what was receipted
is on disk. Run as `python -m cwarchive.demo.receiver --port PORT --folder FOLDER`.
"""

from __future__ import annotations

import argparse
import signal
import socket
import socketserver
import struct
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import cast

import whisper

from cwarchive.core.line import finite, is_path
from cwarchive.demo.schemas import ARCHIVES, method

Points = dict[str, list[tuple[int, float]]]
"""Path -> (timestamp, value) in the order of arrival."""

_AT_ONCE = 1 << 20


class Storage:
    """Whisper files below a folder, one write at a time."""

    def __init__(self, folder: Path, archives: str) -> None:
        self._folder = folder
        self._archives = [whisper.parseRetentionDef(archive) for archive in archives.split(",")]
        self._lock = Lock()

    def write(self, points: Points, now: int) -> None:
        """Store `points` as if they were written at `now` (epoch seconds); creates the files that are missing."""
        with self._lock:
            for path, column in points.items():
                file = self._folder.joinpath(*path.split(".")).with_suffix(".wsp")
                if not file.exists():
                    file.parent.mkdir(parents=True, exist_ok=True)
                    whisper.create(str(file), self._archives, 0, method(path), sparse=True)
                whisper.update_many(str(file), column, now=now)

    def rest(self) -> None:
        """Wait for the write that is under way, and allow no other."""
        self._lock.acquire()


def parsed(lines: Iterable[bytes]) -> Points:
    """The points of these lines; a line that carbon would drop, or store under another name, is dropped."""
    points: Points = {}
    for line in lines:
        try:
            path, value, timestamp = line.decode("ascii").split()
            point = (int(float(timestamp)), float(value))
        except (ValueError, OverflowError):
            continue
        if is_path(path) and finite([point[1]]) and point[0] > 0:
            points.setdefault(path, []).append(point)
    return points


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], storage: Storage) -> None:
        self.storage = storage
        super().__init__(address, _Connection)


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Read to the end of the stream; a last line without a newline is dropped, as carbon does.

        A process that ends before all is written resets the connection: an orderly end would pass for a receipt.
        """
        storage = cast("_Server", self.server).storage
        self._on_close(reset=True)
        while lines := self.rfile.readlines(_AT_ONCE):
            whole = lines if lines[-1].endswith(b"\n") else lines[:-1]
            storage.write(parsed(whole), int(time.time()))
        self._on_close(reset=False)

    def _on_close(self, *, reset: bool) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))


def main(arguments: list[str] | None = None) -> None:
    """Receive until SIGINT or SIGTERM; print the port once it listens."""
    parser = argparse.ArgumentParser(prog="python -m cwarchive.demo.receiver", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--folder", type=Path, required=True, help="where the whisper files are")
    parser.add_argument("--archives", default=ARCHIVES, help="default: %(default)s")
    options = parser.parse_args(arguments)
    storage = Storage(options.folder, options.archives)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    with _Server((options.host, options.port), storage) as server:
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        try:
            server.serve_forever(0.05)
        finally:
            storage.rest()


def _leave(*_: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
