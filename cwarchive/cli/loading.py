"""The config of a command, with its warnings told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cwarchive.cli.voice import Setting
    from cwarchive.config.values import Config


def loaded(setting: Setting, *, warn: bool = True) -> Config:
    """Find and read the config; raises ConfigError with every mistake at once. Its warnings are told, if `warn`."""
    from cwarchive.config import load

    config = load(None if setting.config is None else Path(setting.config), os.environ)
    for warning in config.warnings if warn else ():
        setting.voice.warn("config warning", warning)
    return config
