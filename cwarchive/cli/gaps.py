"""`cwarchive gaps`: what is lost for good, by cause and interval, and that somebody knows of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from cwarchive.cli.changing import waiting
from cwarchive.cli.help import SETTINGS
from cwarchive.cli.loading import loaded
from cwarchive.core.words import counted, instant

if TYPE_CHECKING:
    from cwarchive.cli.voice import Setting
    from cwarchive.core.gaps import GapGroup

SHOWN = 20
"""Series named of one gap; `--json` names all."""


@click.command(context_settings=SETTINGS)
@click.option("--ack", metavar="ID", multiple=True, help="Acknowledge the gap of this ID, or all; may be repeated.")
@click.option("-n", "--dry-run", is_flag=True, help="With --ack: say what would be acknowledged; change nothing.")
@click.option("--no-wait", is_flag=True, help="With --ack: exit 75 where another command is at work.")
@click.option("--json", "as_json", is_flag=True, help="A document for scripts, every series named.")
@click.pass_obj
def gaps(setting: Setting, *, ack: Sequence[str], dry_run: bool, no_wait: bool, as_json: bool) -> int:
    """Every permanent gap: an ID for each cause and interval, the series within.

    An acknowledged gap is no longer told and no longer makes `status` exit 4; it stays listed. Exit codes: 0, or 2 for
    an ID that no gap has.
    """
    from cwarchive import app

    config = loaded(setting)
    found = app.gap_groups(config, os.environ)
    if ack:
        chosen = _chosen(found, frozenset(ack))
        if dry_run:
            click.echo(f"would acknowledge {counted(sum(group.unacknowledged for group in chosen), 'gap')}")
            return 0
        wait = waiting(setting.voice, no_wait=no_wait)
        known = app.acknowledge(config, os.environ, chosen, int(time.time()), wait)
        click.echo(f"{counted(known, 'gap')} acknowledged")
        return 0
    click.echo(json.dumps(_document(found)) if as_json else "\n".join(_lines(found)))
    return 0


def _chosen(found: Sequence[GapGroup], ids: frozenset[str]) -> Sequence[GapGroup]:
    if unknown := sorted(ids - {"all", *(group.id for group in found)}):
        raise click.BadParameter(f"no gap has the ID {', '.join(unknown)}; without --ack they are listed")
    return [group for group in found if group.id in ids or "all" in ids]


def _lines(found: Sequence[GapGroup]) -> Iterator[str]:
    for group in found:
        open_ = f"{group.unacknowledged} unacknowledged" if group.unacknowledged else "acknowledged"
        held = counted(len(group.records), "series", "series")
        interval = f"{instant(group.window.start)} to {instant(group.window.end)}"
        yield f"{group.id}  {group.kind:<10}  {interval}  {held}, {open_}"
        yield from (f"         {record.series.path}  ({record.series})" for record in group.records[:SHOWN])
        if len(group.records) > SHOWN:
            yield f"         and {len(group.records) - SHOWN:,} more; --json names them"
    if not found:
        yield "no permanent gap"


def _document(found: Sequence[GapGroup]) -> dict[str, object]:
    return {
        "schema": 1,
        "gaps": [
            {
                "id": group.id,
                "kind": group.kind,
                "start": group.window.start,
                "end": group.window.end,
                "unacknowledged": group.unacknowledged,
                "series": [{"path": record.series.path, "series": str(record.series)} for record in group.records],
            }
            for group in found
        ],
    }
