"""What the words after an option mean: durations, and lists of exit codes."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

import click

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Duration(click.ParamType[int]):
    """90s, 10m, 3h, 15d, or whole seconds; the value is in seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds that `value` means."""
        found = re.fullmatch(r"(\d+)([smhd]?)", str(value))
        if found is None:
            self.fail(f'"{value}" is not a duration; write 90s, 10m, 3h, 15d, or whole seconds', param, ctx)
        return int(found[1]) * _UNITS[found[2]]


class ExitCodes(click.ParamType[frozenset[int]]):
    """Exit codes, separated by commas."""

    name = "codes"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[int]:
        """The codes that `value` lists; only those that tell of data, never a broken set-up."""
        if isinstance(value, frozenset):
            return value
        words = str(value).split(",")
        if any(word not in {"3", "4", "75"} for word in words):
            self.fail(f'"{value}": --ok takes 3, 4 and 75, separated by commas', param, ctx)
        return frozenset(map(int, words))


class Moment(click.ParamType[int]):
    """A time in UTC (2026-11-01, 2026-11-01T06:00Z), or an age (3d); the value is in epoch seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The epoch seconds that `value` means."""
        text = str(value)
        if re.fullmatch(r"\d+[smhd]", text):
            return int(time.time()) - DURATION.convert(text, param, ctx)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f'"{text}" is not a time; write 2026-11-01, 2026-11-01T06:00Z, or an age such as 3d', param, ctx)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


DURATION = Duration()
MOMENT = Moment()
