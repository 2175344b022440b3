"""`cwarchive demo`: the main job without an AWS account, shown and compared with the truth."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING

import click

from cwarchive.cli.help import SETTINGS
from cwarchive.cli.stopping import Stopped
from cwarchive.errors import CwarchiveError

if TYPE_CHECKING:
    from cwarchive.demo.story import Compared, Told

BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 24


@click.command(context_settings=SETTINGS)
@click.option("--folder", metavar="DIR", help="Keep the files here; default a new temporary folder.")
def demo(folder: str | None) -> int:
    """Archive a simulated CloudWatch account into a real Graphite, twice, and compare every point with the truth.

    Leaves nothing running and prints where the files are. Exit codes: 0 all points agree, 1 they do not.
    """
    story = _story()
    place = Path(folder) if folder else Path(tempfile.mkdtemp(prefix="cwarchive-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    if any(place.iterdir()):
        raise click.UsageError(f"{place} is not empty; the demo begins in an empty folder")
    _end_on_signals()
    told = story.perform(place, int(time.time()), click.echo)
    _show(told)
    return 0 if told.agrees else 1


def _end_on_signals() -> None:
    """Leave nothing running when the demo is ended: what it started is ended as the exception passes."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise Stopped(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def _story() -> ModuleType:
    try:
        from cwarchive.demo import story
    except ModuleNotFoundError as error:
        raise MissingExtra(f"the demo needs {error.name}: pip install 'cwarchive[demo]'") from error
    return story


class MissingExtra(CwarchiveError):
    """What the demo needs is not installed."""

    exit_code = 2


def _show(told: Told) -> None:
    """What was archived, by metric, with a picture of each series' last day; then the comparison."""
    for metric, statistics in groupby(told.compared, key=lambda series: series.tracked.series.path.rpartition(".")[0]):
        click.echo(metric)
        for series in statistics:
            count = f"{series.equal:,} of {len(series.archived.timestamps):,} equal"
            click.echo(f"    {series.tracked.series.statistic:<12}{count:>22}  {picture(series)}")
    totals = [sum(getattr(s, name) for s in told.compared) for name in ("equal", "missing", "different", "surplus")]
    click.echo(
        f"{totals[0]:,} archived datapoints equal what CloudWatch answers; "
        f"{totals[1]:,} missing, {totals[2]:,} different, {totals[3]:,} surplus"
    )
    click.echo(f"the account counted {told.billed_by_account} billed metrics; stored by {told.receiver}")
    click.echo(f"files: {told.folder} (config, state, whisper files); nothing is left running")


def picture(series: Compared) -> str:
    """The mean of each hour of the archived last day, as block characters; a dot where an hour holds nothing."""
    timestamps, values = series.archived
    if not timestamps:
        return ""
    end = timestamps[-1] // 3_600 + 1
    hours: list[list[float]] = [[] for _ in range(_WIDTH)]
    for timestamp, value in zip(timestamps, values, strict=True):
        if (place := _WIDTH - end + timestamp // 3_600) >= 0:
            hours[place].append(value)
    return blocks([sum(hour) / len(hour) if hour else None for hour in hours])


def blocks(values: Sequence[float | None]) -> str:
    """Values as block characters between their least and their greatest; a dot for None."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join("·" if value is None else BARS[int((value - low) * scale)] for value in values)
