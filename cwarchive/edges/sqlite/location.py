"""Which file holds the state where the config leaves that open."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

NAME = "state.sqlite"
SYSTEM = Path("/var/lib/cwarchive")


def state_path(environ: Mapping[str, str], system: Path = SYSTEM) -> Path:
    """The state file: under $STATE_DIRECTORY, else under `system` if that is usable, else under the user's own state.

    `system` also counts where a state is seen in it that this user may not write: a second one must not begin.
    """
    if given := environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(given) / NAME
    if _may(system, os.W_OK | os.X_OK) or _may(system / NAME, os.F_OK):
        return system / NAME
    return _own(environ) / "cwarchive" / NAME


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)


def _own(environ: Mapping[str, str]) -> Path:
    """$XDG_STATE_HOME where it is absolute (others are to be ignored, says the XDG base directory specification)."""
    given = Path(environ.get("XDG_STATE_HOME", ""))
    if given.is_absolute():
        return given
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".local" / "state"
