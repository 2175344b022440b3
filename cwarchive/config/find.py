"""Which config file is meant, and its bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cwarchive.config.text import LARGEST
from cwarchive.errors import ConfigError, Mistake

VARIABLE = "CWARCHIVE_CONFIG"
NAME = "cwarchive.yaml"


@dataclass(frozen=True, slots=True)
class Found:
    """The file to read, and what to warn of on the way to it."""

    path: Path
    warnings: tuple[str, ...] = ()


def find(path: Path | None, environ: Mapping[str, str], folder: Path) -> Found:
    """The file that is named, or the first of the usual ones that exists; raises ConfigError if none does.

    `folder` is the working directory. A config there is skipped where others may write it: whoever writes it decides
    which files and hosts this user's run touches.
    """
    if named := path or _path(environ.get(VARIABLE)):
        return Found(named)
    here = folder / NAME
    warnings: tuple[str, ...] = ()
    if _exists(here):
        if not others_may_write(folder):
            return Found(here)
        warnings = (f"{here} is skipped: others may write in its folder; name it with -c if it is yours",)
    usual = usual_places(environ)
    if found := next((place for place in usual if _exists(place)), None):
        return Found(found, warnings)
    looked = ", ".join(str(place) for place in (here, *usual))
    skipped = " (that one is skipped: others may write in its folder)" if warnings else ""
    sentence = f"no config file; looked for {looked}{skipped}; name one with -c FILE or {VARIABLE}"
    raise ConfigError(NAME, (Mistake(0, 0, sentence),))


def usual_places(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where a config is looked for after the working directory."""
    base = _path(environ.get("XDG_CONFIG_HOME"))
    if base is None or not base.is_absolute():
        base = home(environ) / ".config"
    return (base / "cwarchive" / NAME, Path("/etc/cwarchive") / NAME)


def home(environ: Mapping[str, str]) -> Path:
    """The user's home folder; `~` itself where the system knows none, as for a made-up user in a container."""
    return _path(environ.get("HOME")) or Path(os.path.expanduser("~"))  # noqa: PTH111  Path.home() would raise


def others_may_write(folder: Path) -> bool:
    """Whether somebody else than root and the owner can put a file into `folder`.

    A group with the number of its user is by convention that user's own.
    """
    about = folder.stat()
    by_group = about.st_mode & stat.S_IWGRP and about.st_gid != about.st_uid
    return bool(about.st_mode & stat.S_IWOTH or by_group)


def contents(path: Path, source: str) -> bytes:
    """The bytes of a config, at most one more than is allowed; raises ConfigError where they cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(source, (Mistake(0, 0, _unreadable(error)),)) from error
    except ValueError as error:
        raise ConfigError(source, (Mistake(0, 0, "this is not the name of a file"),)) from error


def _unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file; look at the path given with -c or " + VARIABLE
    if isinstance(error, IsADirectoryError):
        return f"this is a folder; name the file in it, such as {NAME}"
    if isinstance(error, PermissionError):
        return "this user may not read the file; change its owner or mode"
    return f"the file cannot be read: {error.strerror or error}"


def _exists(place: Path) -> bool:
    return os.path.exists(place)  # noqa: PTH110  Path.exists() raises where a folder may not be searched


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
