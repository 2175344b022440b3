"""`cwarchive state`: look through, copy, put back and correct what the archive remembers."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cwarchive.cli.loading import loaded
from cwarchive.cli.types import MOMENT
from cwarchive.core.words import counted, instant, price

if TYPE_CHECKING:
    from cwarchive.cli.voice import Setting


@click.group()
def state() -> None:
    """The state: marks, gaps and runs. What changes it asks first; off a terminal it needs --yes."""


@state.command()
@click.pass_obj
def check(setting: Setting) -> int:
    """Look through the whole state: structure, checksums, marks in order. Exit codes: 0 sound, 74 not."""
    from cwarchive import app

    path, report = app.checked_state(loaded(setting), os.environ)
    for finding in report.findings:
        click.echo(finding)
    click.echo(f"{path}: {'sound' if report.sound else counted(len(report.findings), 'finding')}")
    return 0 if report.sound else 74


@state.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(setting: Setting, file: Path) -> int:
    """Copy the state to FILE, whole and consistent, also while a run is at work; never overwrites."""
    from cwarchive import app

    app.backup(loaded(setting), os.environ, file)
    return 0


@state.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def restore(setting: Setting, file: Path, *, yes: bool) -> int:
    """Put the backup FILE in the place of the state, which is kept beside it; what came after it is sent again."""
    from cwarchive import app

    config = loaded(setting)
    _agreed(f"put {file} in the place of the state?", yes=yes)
    kept = app.restore(config, os.environ, file, int(time.time()))
    click.echo(f"restored; the state before is kept as {kept}" if kept else "restored; there was no state before")
    return 0


@state.command()
@click.option("--to", "moment", type=MOMENT, required=True, metavar="TIME", help="2026-11-01T00:00Z, or an age: 3d.")
@click.option("--only", metavar="GLOB", default="*", help="Only series whose path matches.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def rewind(setting: Setting, *, moment: int, only: str, yes: bool) -> int:
    """Lower the marks, so that the next run sends the span since TIME again; shows the price."""
    from cwarchive import app

    config = loaded(setting)
    cost = app.rewind_price(config, os.environ, only, moment, int(time.time()))
    series = counted(cost.series, "series", "series")
    if cost.beyond:
        lost = f"CloudWatch no longer answers that far back for {cost.beyond:,} of them: that becomes a gap, not data"
        setting.voice.warn("beyond retention", lost)
    _agreed(f"send {series} again from {instant(moment)} on, for about {price(cost.usd)}?", yes=yes)
    done = app.rewind(config, os.environ, only, moment)
    click.echo(f"{counted(done, 'series', 'series')} will be sent again from {instant(moment)} on by the next run")
    return 0


@state.command()
@click.argument("glob")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(setting: Setting, glob: str, *, yes: bool) -> int:
    """Leave series alone whose path matches GLOB; matched again by an entry, a series resumes at its old mark."""
    from cwarchive import app

    config = loaded(setting)
    count = app.matching(config, os.environ, glob)
    _agreed(f"forget {counted(count, 'series', 'series')}?", yes=yes)
    click.echo(f"{counted(app.forget(config, os.environ, glob, int(time.time())), 'series', 'series')} forgotten")
    return 0


def _agreed(question: str, *, yes: bool) -> None:
    """Go on only if the operator agrees: asked on a terminal, said with --yes elsewhere."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Nothing was changed; off a terminal say --yes")
    click.confirm(question, abort=True)
