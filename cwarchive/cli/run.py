"""`cwarchive run`: one incremental pass, and what it says of itself."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cwarchive.cli.help import SETTINGS
from cwarchive.cli.loading import loaded
from cwarchive.cli.progress import on_terminal, progress
from cwarchive.cli.stopping import Stopping
from cwarchive.cli.types import DURATION, ExitCodes
from cwarchive.errors import LockHeld

if TYPE_CHECKING:
    from cwarchive.app import Ran
    from cwarchive.cli.voice import Setting, Voice


@click.command(context_settings=SETTINGS)
@click.option("--all", "every_entry", is_flag=True, help="Every entry, due or not.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be asked and its price; ask only ListMetrics.")
@click.option(
    "--max-runtime", type=DURATION, metavar="TIME", help="Stop cleanly between batches after this time (50m)."
)
@click.option("--expect-state", is_flag=True, help="Refuse (74) to begin a new state where the file is missing.")
@click.option(
    "--ok", type=ExitCodes(), default=frozenset(), metavar="CODES", help="Codes (3,4) to exit 0 with, once told."
)
@click.pass_obj
def run(
    setting: Setting,
    *,
    every_entry: bool,
    dry_run: bool,
    max_runtime: int | None,
    expect_state: bool,
    ok: frozenset[int],
) -> int:
    """One incremental pass over every entry that is due.

    Silent on success, for cron; with -v one line of summary. Exit codes: 0 done, 3 some series wait for the next run,
    4 a permanent gap was told, 74 state, 75 temporary, 77 credentials, 78 configuration.
    """
    if not every_entry and not dry_run and _nothing_due(setting):
        setting.voice.inform("nothing due", "nothing is due")
        return 0
    from cwarchive import app
    from cwarchive.core.telling import rehearsed

    config = loaded(setting, warn=False)
    stopping = Stopping(max_runtime)
    with stopping.listening(), progress(setting.voice, "series") as watch:
        options = app.Options(
            every_entry=every_entry,
            expect_state=expect_state,
            stop=stopping.asked,
            signal=stopping.exit_code,
            watch=watch,
            pause=stopping.pause,
            tell_everything=on_terminal(setting.voice),
        )
        if dry_run:
            click.echo("\n".join(rehearsed(app.rehearsal(config, os.environ, options))))
            return 0
        try:
            ran = app.run(config, os.environ, options, lambda ran: _tell(ran, setting.voice))
        except LockHeld as held:
            setting.voice.inform("lock held", str(held))
            if stuck := app.stuck_holder(config, os.environ, options):
                setting.voice.warn("stuck", stuck)
            return 0
    if ran.outcome is None:
        setting.voice.inform("nothing due", "nothing is due")
        return 0
    return 0 if ran.outcome.exit_code in ok else ran.outcome.exit_code


def _nothing_due(setting: Setting) -> bool:
    """Whether state and config say at a glance that nothing is due: a cron job asks that each few minutes."""
    from cwarchive.app.idle import nothing_due

    return nothing_due(None if setting.config is None else Path(setting.config), os.environ, int(time.time()))


def _tell(ran: Ran, voice: Voice) -> None:
    """Say what the operator must know of a pass."""
    from cwarchive.core.telling import first_run, summary

    outcome = ran.outcome
    assert outcome is not None
    if ran.first and outcome.since is not None:
        voice.warn("first run", first_run(str(ran.state.absolute()), outcome.since))
    for kind, sentence in ran.sentences:
        (voice.warn if kind in _NO_ERROR else voice.error)(kind, sentence)
    (voice.warn if on_terminal(voice) else voice.inform)("pass", summary(outcome.tallies))


_NO_ERROR = {"config", "unmatched", "over", "renamed"}
