"""`cwarchive status`: am I losing data, when would I, what is behind, what does it cost."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from cwarchive.cli.help import SETTINGS
from cwarchive.cli.loading import loaded

if TYPE_CHECKING:
    from cwarchive.cli.voice import Setting
    from cwarchive.core.status import Status


@click.command(context_settings=SETTINGS)
@click.option("--json", "as_json", is_flag=True, help="A document for scripts.")
@click.pass_obj
def status(setting: Setting, *, as_json: bool) -> int:
    """Series, marks, lag, time to loss and last runs, read from the state without writing to it.

    Exit codes: 0 healthy or unproven, 3 late, 4 unacknowledged gaps, 74 where there is no readable state.
    """
    from cwarchive import app
    from cwarchive.core.status import document

    found = app.standing(loaded(setting), os.environ, int(time.time()))
    click.echo(json.dumps(document(found)) if as_json else "\n".join(_lines(found)))
    return found.exit_code


def _lines(found: Status) -> Iterator[str]:
    from cwarchive.core.words import counted, instant, price, span

    summary = found.summary
    total = sum(standing.series for standing in summary.standings)
    yield f"{found.verdict}: {_REASONS[found.verdict] if total else _nothing_yet(found)}"
    limit = "" if found.month_limit is None else f", limit {price(found.month_limit)}"
    month = f"{price(found.month_usd)} this month, about {price(found.month_projected)} in 30 days{limit}"
    yield f"{counted(total, 'series', 'series')}, {month}"
    for period, left in found.time_to_loss.items():
        if left is not None:
            yield (
                f"time to loss of {period} s datapoints: {span(left)}" if left > 0 else f"losing {period} s datapoints"
            )
    for standing in summary.standings:
        place = f"{standing.cell} {standing.namespace} {standing.period}s"
        failed = f", {standing.failed} waiting for the next run" if standing.failed else ""
        late = ", LATE" if standing in found.late else ""
        resting = f", {standing.parked} parked" if standing.parked else ""
        mark = standing.oldest_mark
        behind = "" if mark is None else f", mark {instant(mark)}, lag {span(found.now - mark)}"
        yield f"  {place}: {counted(standing.series, 'series', 'series')}{resting}{behind}{failed}{late}"
    for gap in summary.gaps:
        yield f"permanent gaps ({gap.kind}): {gap.permanent}, {gap.unacknowledged} unacknowledged"
    for run in summary.runs[:5]:
        ended = "at work" if run.ended is None else "killed" if run.exit_code is None else f"exit {run.exit_code}"
        yield f"  {instant(run.started)} {run.command}: {ended}, {counted(run.figures.datapoints, 'datapoint')}"
    if summary.stale:
        yield "the newest commits could not be read: the folder is read-only and the last command did not end cleanly"


def _nothing_yet(found: Status) -> str:
    ended = [run.exit_code for run in found.summary.runs if run.exit_code is not None]
    return f"nothing is archived yet; the last run ended with {ended[0]}" if ended else "nothing is archived yet"


_REASONS = {
    "healthy": "on time, and found in Graphite",
    "unproven": "on time; delivery is receipted, but nothing was read back from Graphite",
    "late": "some series are further behind than their entries allow",
    "gaps": "some data is lost; nobody has acknowledged that yet",
}
