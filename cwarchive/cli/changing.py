"""What commands that change the state have in common: they ask, may only rehearse, and say whom they wait for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from cwarchive.cli.voice import Voice
from cwarchive.errors import Busy

Command = TypeVar("Command", bound=Callable[..., object])


def changes(command: Command) -> Command:
    """The options of a command that changes the state."""
    command = click.option("--no-wait", is_flag=True, help="Exit 75 where another command is at work.")(command)
    command = click.option("-n", "--dry-run", is_flag=True, help="Say what would be done; change nothing.")(command)
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def agreed(question: str, *, yes: bool, dry_run: bool) -> bool:
    """Whether to go on: asked on a terminal, said with --yes elsewhere; a rehearsal only shows the question."""
    if dry_run:
        click.echo(f"would ask: {question}")
        return False
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"{question} Nothing was changed; off a terminal say --yes")
        click.confirm(question, abort=True)
    return True


def waiting(voice: Voice, *, no_wait: bool) -> Callable[[str], None]:
    """What to do on hearing that another command is at work: say so, or with --no-wait give up (75)."""

    def wait(sentence: str) -> None:
        if no_wait:
            raise Busy(sentence)
        voice.warn("waiting", f"{sentence}; waiting for it to end")

    return wait
