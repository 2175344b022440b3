"""The command group: options that stand before every command, and commands imported only when they are called."""

from __future__ import annotations

import importlib

import click

from cwarchive import __version__
from cwarchive.cli.help import SETTINGS
from cwarchive.cli.voice import DEBUG, QUIET, Setting, Voice

COMMANDS = {
    "run": "One incremental pass over every entry that is due; silent on success.",
    "check": "Validate the config, offline.",
    "status": "Series, marks, lag, time to loss, last runs.",
    "gaps": "What is lost for good, by cause and interval; acknowledge it.",
    "state": "Check, back up, restore, rewind or forget what the archive remembers.",
    "demo": "The main job without an AWS account: simulated CloudWatch, real carbon.",
}
"""Name and one line of help; each lives in the module of its name beside this one."""


class _Lazily(click.Group):
    """A group that imports a command's module when the command is called, so that `--version` stays quick."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"cwarchive.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; it looks for near matches only among commands that are imported already."""
        from difflib import get_close_matches  # only a mistake needs it

        if words[0] not in COMMANDS and (near := get_close_matches(words[0], COMMANDS, 1)):
            context.fail(f"No such command '{words[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(context, words)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001  click's call
    if wanted and not context.resilient_parsing:
        click.echo(f"cwarchive {__version__}")
        context.exit()


@click.group(cls=_Lazily, context_settings=SETTINGS)
@click.option("-c", "--config", metavar="FILE", help="The config; else $CWARCHIVE_CONFIG, ./cwarchive.yaml and so on.")
@click.option("-v", "--verbose", count=True, help="Say what was done; twice for everything.")
@click.option("-q", "--quiet", is_flag=True, help="Errors only.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="Form of messages on stderr.")
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
@click.pass_obj
def cwarchive(setting: Setting, config: str | None, verbose: int, *, quiet: bool, log_format: str) -> None:
    """Archive AWS CloudWatch metrics in Graphite: every datapoint, incrementally, with proof."""
    setting.config = config
    setting.voice = Voice(QUIET if quiet else min(verbose, DEBUG), as_json=log_format == "json")
