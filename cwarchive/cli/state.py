"""`cwarchive state`: look through, copy, put back and correct what the archive remembers."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cwarchive.cli.changing import agreed, changes, waiting
from cwarchive.cli.help import SETTINGS
from cwarchive.cli.loading import loaded
from cwarchive.cli.types import MOMENT
from cwarchive.core.words import counted, instant, price

if TYPE_CHECKING:
    from cwarchive.cli.voice import Setting


@click.group(context_settings=SETTINGS)
def state() -> None:
    """The state: marks, gaps and runs. What changes it asks first; off a terminal it needs --yes."""


@state.command(context_settings=SETTINGS)
@click.option("--json", "as_json", is_flag=True, help="A document for scripts.")
@click.pass_obj
def check(setting: Setting, *, as_json: bool) -> int:
    """Look through the whole state: structure, checksums, marks in order. Exit codes: 0 sound, 74 not."""
    from cwarchive import app

    path, report = app.checked_state(loaded(setting), os.environ)
    if as_json:
        click.echo(json.dumps({"schema": 1, "state": str(path), "sound": report.sound, "findings": [*report.findings]}))
        return 0 if report.sound else 74
    for finding in report.findings:
        click.echo(finding)
    click.echo(f"{path}: {'sound' if report.sound else counted(len(report.findings), 'finding')}")
    return 0 if report.sound else 74


@state.command(context_settings=SETTINGS)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(setting: Setting, file: Path) -> int:
    """Copy the state to FILE, whole and consistent, also while a run is at work; never overwrites."""
    from cwarchive import app

    app.backup(loaded(setting), os.environ, file)
    return 0


@state.command(context_settings=SETTINGS)
@click.argument("file", type=click.Path(path_type=Path))
@changes
@click.pass_obj
def restore(setting: Setting, file: Path, *, yes: bool, dry_run: bool, no_wait: bool) -> int:
    """Put the backup FILE in the place of the state, which is kept beside it; what came after it is sent again."""
    from cwarchive import app

    config = loaded(setting)
    if app.outlived(file, int(time.time())):
        old = f"{file} is older than CloudWatch keeps its datapoints: coarser ones would be sent over those in Graphite"
        setting.voice.warn("old backup", old)
    if not agreed(f"put {file} in the place of the state?", yes=yes, dry_run=dry_run):
        return 0
    kept = app.restore(config, os.environ, file, int(time.time()), waiting(setting.voice, no_wait=no_wait))
    click.echo(f"restored; the state before is kept as {kept}" if kept else "restored; there was no state before")
    return 0


@state.command(context_settings=SETTINGS)
@click.option("--to", "moment", type=MOMENT, required=True, metavar="TIME", help="2026-11-01T00:00Z, or an age: 3d.")
@click.option("--only", metavar="GLOB", default="*", help="Only series whose path matches.")
@changes
@click.pass_obj
def rewind(setting: Setting, *, moment: int, only: str, yes: bool, dry_run: bool, no_wait: bool) -> int:
    """Lower the marks, so that the next run sends the span since TIME again; shows the price."""
    from cwarchive import app

    config = loaded(setting)
    cost = app.rewind_price(config, os.environ, only, moment, int(time.time()))
    series = counted(cost.series, "series", "series")
    if cost.beyond:
        lost = f"CloudWatch no longer answers that far back for {cost.beyond:,} of them: that becomes a gap, not data"
        setting.voice.warn("beyond retention", lost)
    question = f"send {series} again from {instant(moment)} on, for about {price(cost.usd)}?"
    if not agreed(question, yes=yes, dry_run=dry_run):
        return 0
    done = app.rewind(config, os.environ, only, moment, waiting(setting.voice, no_wait=no_wait))
    click.echo(f"{counted(done, 'series', 'series')} will be sent again from {instant(moment)} on by the next run")
    return 0


@state.command(context_settings=SETTINGS)
@click.argument("glob")
@changes
@click.pass_obj
def forget(setting: Setting, glob: str, *, yes: bool, dry_run: bool, no_wait: bool) -> int:
    """Leave series alone whose path matches GLOB; matched again by an entry, a series resumes at its old mark."""
    from cwarchive import app

    config = loaded(setting)
    count = app.matching(config, os.environ, glob)
    if not agreed(f"forget {counted(count, 'series', 'series')}?", yes=yes, dry_run=dry_run):
        return 0
    done = app.forget(config, os.environ, glob, int(time.time()), waiting(setting.voice, no_wait=no_wait))
    click.echo(f"{counted(done, 'series', 'series')} forgotten")
    return 0
