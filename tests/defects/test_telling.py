"""That a gap counts as told only once it has been: whoever dies while telling it tells it again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cwarchive import app
from cwarchive.config import load
from tests.stage import DAY, HOUR, Stage


class Interrupted(Exception):
    """Nobody has read a word."""


def test_a_gap_that_nobody_read_is_told_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Stage(tmp_path) as stage:
        for name, value in stage.environment.items():
            monkeypatch.setenv(name, value)
        _run(stage)
        stage.now += 16 * DAY

        with pytest.raises(Interrupted):
            _run(stage, interrupted=True)

        stage.now += HOUR
        told = _run(stage).outcome
        assert told is not None
        assert {gap.kind for gap in told.gaps} >= {"resolution"}


def _run(stage: Stage, *, interrupted: bool = False) -> app.Ran:
    def report(ran: app.Ran) -> None:
        if interrupted:
            raise Interrupted

    return app.run(load(stage.config, {}), os.environ, app.Options(clock=lambda: stage.now), report)
