"""The command inside this process, on a stage, with what it says taken down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cwarchive.cli import main
from tests.stage import SECRET, Heard, Stage

Say = Callable[..., Heard]
"""Run the command with these words, on the stage's config."""


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        for name, value in stage.environment.items():
            monkeypatch.setenv(name, value)
        yield stage


@pytest.fixture
def say(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Say:
    def say(*words: str, config: str | None = None) -> Heard:
        code = main(["-c", config or str(stage.config), *words])
        out, err = capsys.readouterr()
        assert SECRET not in out + err
        assert "Traceback" not in out + err
        return Heard(code, out, err)

    return say
