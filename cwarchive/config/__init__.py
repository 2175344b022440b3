"""The config file: found, read with positions, checked whole, and turned into plain values.

Importing this package, or its values, costs nothing: YAML and the validator are imported when a file is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cwarchive.config.glance import Sight
    from cwarchive.config.values import Config, Setting


def load(path: Path | None, environ: Mapping[str, str], display: str | None = None) -> Config:
    """The config in `path`, else in the first usual place that has one; raises ConfigError with every mistake.

    `environ` overrides what the file says; `display` replaces the path in messages.
    """
    from cwarchive.config.loading import load_from

    return load_from(path, environ, display)


def sight(path: Path | None, environ: Mapping[str, str]) -> Sight:
    """Where the config's state is, and its fingerprint, without validating it; raises ConfigError."""
    from cwarchive.config.glance import sight as seen

    return seen(path, environ)


def effective(config: Config) -> list[Setting]:
    """Every setting that holds in `config`: (key, value as it would be written, origin)."""
    from cwarchive.config.settings import settings

    return settings(config)


def json_schema() -> dict[str, Any]:
    """A JSON Schema of the config file, for editors."""
    from cwarchive.config.schema import schema

    return schema()
