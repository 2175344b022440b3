"""`cwarchive check`: validate the config, offline, and say that it was offline."""

from __future__ import annotations

import click

from cwarchive.cli.help import SETTINGS
from cwarchive.cli.loading import loaded
from cwarchive.cli.voice import Setting
from cwarchive.core.words import counted


@click.command(context_settings=SETTINGS)
@click.option("--show", is_flag=True, help="Print the effective config with each value's origin.")
@click.pass_obj
def check(setting: Setting, *, show: bool) -> int:
    """Validate the config without asking AWS or Graphite.

    Exit codes: 0 valid, 78 mistakes, each told at its file:line:column.
    """
    config = loaded(setting)
    if show:
        from cwarchive.config import effective

        for key, value, origin in effective(config):
            click.echo(f"{key}: {value}  # {origin}")
        return 0
    entries = counted(len(config.specs), "entry", "entries")
    click.echo(f"{config.source}: valid, {entries}; checked offline: AWS and Graphite were not asked")
    return 0
