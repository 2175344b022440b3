"""The command line: arguments in, exit code out."""

from __future__ import annotations

from collections.abc import Sequence

from cwarchive.cli.boundary import guarded
from cwarchive.cli.voice import Setting


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (the process's own arguments by default) and return its exit code; prints, never raises."""
    setting = Setting()

    def command() -> object:
        from cwarchive.cli.commands import cwarchive

        words = None if arguments is None else list(arguments)
        return cwarchive.main(args=words, standalone_mode=False, obj=setting)

    return guarded(command, setting)
