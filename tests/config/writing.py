"""Configs for tests: written to a file of their own, loaded as the program loads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cwarchive.config import load
from cwarchive.config.values import Config
from cwarchive.errors import ConfigError

ONE_ENTRY = "metrics:\n  - namespace: AWS/EC2\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "cwarchive.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str, **environ: str) -> Config:
    return load(written(folder, text), environ, display="cwarchive.yaml")


def refused(folder: Path, text: str, **environ: str) -> list[str]:
    """The mistakes, as they are told."""
    with pytest.raises(ConfigError) as told:
        loaded(folder, text, **environ)
    return told.value.lines()[:-1]
