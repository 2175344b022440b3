"""The little of a config that a run needs to see that nothing is due: where the state is, and whether it has changed.

Validating costs more than all else of such a run, so a config that was validated once is known by its fingerprint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cwarchive import __version__
from cwarchive.config.find import VARIABLE, contents, find, home
from cwarchive.config.nodes import read_tree
from cwarchive.config.text import decoded

PREFIX = "CWARCHIVE_"


@dataclass(frozen=True, slots=True)
class Sight:
    """A config that was not validated: its fingerprint, and its state file (None: the usual places decide)."""

    fingerprint: str
    state: Path | None


def sight(path: Path | None, environ: Mapping[str, str], folder: Path = Path()) -> Sight:
    """The config that `load` would read; raises ConfigError where there is none or it is no YAML."""
    found = find(path, environ, folder).path
    written = contents(found, str(found))
    tree = read_tree(decoded(written, str(found)), str(found))
    data: object = tree.data
    said = data.get("state", "auto") if isinstance(data, dict) else "auto"
    state: object = environ.get("CWARCHIVE_STATE", said)
    place = state_file(state, found.parent, home(environ)) if isinstance(state, str) else None
    return Sight(fingerprint(found, written, environ), place)


def fingerprint(path: Path, written: bytes, environ: Mapping[str, str]) -> str:
    """The same only while file, place, environment and version say the same."""
    ours = sorted((name, text) for name, text in environ.items() if name.startswith(PREFIX) and name != VARIABLE)
    seen = repr((__version__, str(path.absolute()), ours, environ.get("HOME"))).encode()
    return hashlib.sha256(seen + b"\n" + written).hexdigest()


def state_file(written: str, folder: Path, home: Path) -> Path | None:
    """The state file that a config in `folder` names; None where the usual places decide."""
    if written == "auto":
        return None
    if written == "~" or written.startswith("~/"):
        return home / written[2:]
    return folder / written
