"""moto's server application on loopback, with the bodies of what it was asked."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's name
        """Say nothing: what was asked is recorded."""


class MotoServer:
    """moto behind real HTTP at `url`, as its own ThreadedMotoServer runs it; `asked` are the documents it was sent."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._application: Application = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._recorded, threaded=True, request_handler=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def windows(self) -> list[tuple[int, int]]:
        """(start, end) of every GetMetricData, in epoch seconds."""
        return [
            (int(asked["StartTime"]), int(asked["EndTime"])) for operation, asked in self.asked if "Data" in operation
        ]

    def __enter__(self) -> Self:
        get_backend("cloudwatch").reset()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        get_backend("cloudwatch").reset()

    def _recorded(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        if operation in {"ListMetrics", "GetMetricData"}:
            self.asked.append((operation, json.loads(body)))
        return self._application(environ, start_response)
