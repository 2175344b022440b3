"""What a command says on stderr: messages for people or JSON lines for machines, as loud as was asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import click

QUIET, NORMAL, VERBOSE, DEBUG = -1, 0, 1, 2


@dataclass(frozen=True, slots=True)
class Voice:
    """How loud (-1 errors only, 0 what matters, 1 a summary, 2 everything) and in which form messages are told."""

    loudness: int = NORMAL
    as_json: bool = False

    def error(self, event: str, sentence: str, **fields: object) -> None:
        """Say what went wrong; always told."""
        self._say("error", event, sentence, fields)

    def warn(self, event: str, sentence: str, **fields: object) -> None:
        """Say what the operator should know although the command goes on; not with -q."""
        if self.loudness >= NORMAL:
            self._say("warning", event, sentence, fields)

    def inform(self, event: str, sentence: str, **fields: object) -> None:
        """Say what was done; with -v."""
        if self.loudness >= VERBOSE:
            self._say("info", event, sentence, fields)

    def _say(self, level: str, event: str, sentence: str, fields: dict[str, object]) -> None:
        told = {"level": level, "event": event, "message": sentence, **fields}
        try:
            click.echo(json.dumps(told) if self.as_json else f"cwarchive: {sentence}", err=True)
        except OSError as error:
            raise Unheard(sentence) from error


class Unheard(Exception):
    """A message found nobody at the other end of stderr; what it tells does not count as told."""

    exit_code = 141


@dataclass(slots=True)
class Setting:
    """What was said before the command: which config file, and how to speak."""

    config: str | None = None
    voice: Voice = field(default_factory=Voice)
