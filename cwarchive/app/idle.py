"""Whether a run has anything to do, seen at a glance: no config is validated and no library of AWS is loaded for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cwarchive.config import sight
from cwarchive.edges.sqlite import read_due, state_exists, state_path


def nothing_due(path: Path | None, environ: Mapping[str, str], now: int) -> bool:
    """Whether a pass at `now` (epoch seconds) would do nothing, beyond doubt; raises ConfigError."""
    named = path or Path(environ.get("CWARCHIVE_CONFIG", "."))
    if not named.is_file() and not named.is_dir():  # a pipe can be read only once
        return False
    seen = sight(path, environ)
    state = seen.state or state_path(environ)
    if not state_exists(state):
        return False
    glance = read_due(state)
    return glance is not None and glance.nothing_due(seen.fingerprint, now)
