"""A Graphite receiver for the demo and the tests: a real carbon-cache, or where there is none a small stand-in.

It listens on loopback only, stores below one folder, and what it stored is read from its whisper files slot by slot.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import whisper

from cwarchive.core.series import NO_DATAPOINTS, Datapoints
from cwarchive.core.window import floor
from cwarchive.demo.schemas import ARCHIVES, storage_aggregation, storage_schemas
from cwarchive.errors import DeliveryError

HOST = "127.0.0.1"
_PATIENCE = 15.0
_TRIES = 3
_POLL = 0.02
_SLOT = struct.Struct("!Ld")
_PORTS = ("LINE_RECEIVER_PORT", "PICKLE_RECEIVER_PORT", "CACHE_QUERY_PORT")
_SETTINGS = {
    "LINE_RECEIVER_INTERFACE": HOST,
    "PICKLE_RECEIVER_INTERFACE": HOST,
    "CACHE_QUERY_INTERFACE": HOST,
    "MAX_CREATES_PER_MINUTE": "inf",
    "MAX_UPDATES_PER_SECOND": "inf",
    "WHISPER_SPARSE_CREATE": "True",
    "ENABLE_TAGS": "False",
    "LOG_UPDATES": "False",
}


class Graphite:
    """A receiver that stores below `folder`, running from `with` or `start` until `stop` or `kill`.

    It may be started again: port and stored data stay. `settings` are further lines of carbon.conf's [cache];
    `receiver` is "carbon-cache", "stand-in", or "" for carbon-cache where it is installed. `archives` are whisper's
    retentions. Raises DeliveryError where the receiver does not come up or does not store in time.
    """

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str] | None = None, receiver: str = "", archives: str = ARCHIVES
    ) -> None:
        self.folder = folder
        self.settings = dict(settings or {})
        self.archives = archives
        self.receiver_name = receiver or ("stand-in" if carbon_cache() is None else "carbon-cache")
        self.host, self.ports = HOST, _free_ports(len(_PORTS))
        self.log = folder / "receiver.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._has_run = False

    @property
    def whisper_folder(self) -> Path:
        """Where the whisper files are."""
        return self.folder / "storage" / "whisper"

    @property
    def port(self) -> int:
        """The plaintext port."""
        return self.ports[0]

    @property
    def query_port(self) -> int:
        """The port of carbon's cache query protocol; the stand-in has none."""
        return self.ports[2]

    @property
    def pid(self) -> int | None:
        """The process id while the receiver was started and not ended."""
        return None if self._process is None else self._process.pid

    def start(self) -> Self:
        """Start the receiver and return once it takes connections."""
        self.whisper_folder.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES if not self._has_run else 1):
            self._launch()
            if self._comes_up():
                self._has_run = True
                return self
            if not self._has_run:  # between finding a port free and binding it, another process may have been faster
                self.ports = _free_ports(len(_PORTS))
        raise DeliveryError(f"{self.receiver_name} does not take connections; see {self.log}")

    def stop(self, number: int = signal.SIGTERM, patience: float = _PATIENCE) -> int | None:
        """End the receiver by signal `number`, after `patience` seconds by SIGKILL; its exit code, None if not running.

        A carbon-cache that is idle does not flush what arrived in its last second.
        """
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(number)
        try:
            return process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait(patience)

    def kill(self) -> int | None:
        """End the receiver by SIGKILL."""
        return self.stop(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def paths(self) -> list[str]:
        """Every stored path, sorted; the receiver's own figures are left out."""
        files = self.whisper_folder.rglob("*.wsp")
        paths = (".".join(file.relative_to(self.whisper_folder).with_suffix("").parts) for file in files)
        return sorted(path for path in paths if not path.startswith("carbon.agents."))

    def file(self, path: str) -> Path:
        """The whisper file of `path`."""
        return self.whisper_folder.joinpath(*path.split(".")).with_suffix(".wsp")

    def read(self, path: str, start: int, end: int, step: int | None = None) -> Datapoints:
        """What the archive of `step` seconds (None: the finest) holds of `path` in `[start, end)`, nothing derived."""
        if not self.file(path).exists():
            return NO_DATAPOINTS
        archives = _archives(self.file(path))
        archive = next((one for one in archives if step in {None, one["secondsPerPoint"]}), None)
        if archive is None:
            raise ValueError(f"{path} has no archive of {step} s")
        with self.file(path).open("rb") as file:
            file.seek(archive["offset"])
            content = file.read(archive["size"])
        slots = sorted(slot for slot in _SLOT.iter_unpack(content) if slot[0] and start <= slot[0] < end)
        return Datapoints([slot[0] for slot in slots], [slot[1] for slot in slots])

    def wait_for(self, path: str, timestamp: int, patience: float = _PATIENCE) -> None:
        """Return once `path` holds the slot of `timestamp` in the archive that a point of that age is written to.

        Raises DeliveryError after `patience` seconds.
        """
        missing = f"{self.receiver_name} did not store {path} at {timestamp} within {patience:.0f} s; see {self.log}"
        _until(lambda: self._holds(path, timestamp), missing, patience)

    def _holds(self, path: str, timestamp: int) -> bool:
        age = int(time.time()) - timestamp
        try:
            archives = _archives(self.file(path))
        except (OSError, whisper.CorruptWhisperFile):  # not there yet, or only begun
            return False
        step = next((archive["secondsPerPoint"] for archive in archives if archive["retention"] >= age), None)
        return step is not None and bool(self.read(path, floor(timestamp, step), timestamp + 1, step).timestamps)

    def _launch(self) -> None:
        command = self._carbon() if self.receiver_name == "carbon-cache" else self._stand_in()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,
            )

    def _comes_up(self) -> bool:
        """Whether the process just launched takes connections; if not, it is ended."""
        try:
            _until(
                lambda: self._has_ended() or self._connects(), f"{self.receiver_name} does not listen; see {self.log}"
            )
        except BaseException:
            self.kill()
            raise
        if ended := self._has_ended():
            self.kill()
        return not ended

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _connects(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1.0):
            return True
        return False

    def _carbon(self) -> list[str]:
        script = carbon_cache()
        if script is None:
            raise DeliveryError("carbon is not installed: pip install 'cwarchive[demo]' on Python 3.11")
        conf = self.folder / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        ports = zip(
            ("LINE_RECEIVER_PORT", "PICKLE_RECEIVER_PORT", "CACHE_QUERY_PORT"), map(str, self.ports), strict=True
        )
        settings = _SETTINGS | dict(ports) | self.settings
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        (conf / "carbon.conf").write_text(f"[cache]\n{lines}", encoding="utf-8")
        (conf / "storage-schemas.conf").write_text(storage_schemas(self.archives), encoding="utf-8")
        (conf / "storage-aggregation.conf").write_text(storage_aggregation(), encoding="utf-8")
        options = ("--nodaemon", f"--pidfile={self.folder / 'carbon.pid'}", f"--config={conf / 'carbon.conf'}")
        (self.folder / "carbon.pid").unlink(missing_ok=True)
        return [sys.executable, str(script), *options, "start"]

    def _stand_in(self) -> list[str]:
        where = ("--host", self.host, "--port", str(self.port), "--folder", str(self.whisper_folder))
        return [sys.executable, "-m", "cwarchive.demo.receiver", *where, "--archives", self.archives]

    def _environment(self) -> dict[str, str]:
        package_root = str(Path(__file__).parents[2])
        paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
        return os.environ | {
            "GRAPHITE_ROOT": str(self.folder),
            "GRAPHITE_CONF_DIR": str(self.folder / "conf"),
            "GRAPHITE_STORAGE_DIR": str(self.folder / "storage"),
            "PYTHONPATH": os.pathsep.join(paths),
        }


def carbon_cache() -> Path | None:
    """The carbon-cache.py of the `carbon` package in this Python's environment, or None."""
    beside = Path(sys.executable).with_name("carbon-cache.py")
    try:
        files = importlib.metadata.files("carbon") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    installed = [Path(str(file.locate())) for file in files if file.name == "carbon-cache.py"]
    return next((script for script in (beside, *installed) if script.exists()), None)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as sockets:
        opened = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for one in opened:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in opened]


def _until(holds: Callable[[], bool], otherwise: str, patience: float = _PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            raise DeliveryError(otherwise)
        time.sleep(_POLL)


def _archives(file: Path) -> list[dict[str, Any]]:
    """Offset, size and secondsPerPoint of each archive, finest first."""
    return list((whisper.info(str(file)) or {"archives": []})["archives"])
