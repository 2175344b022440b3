"""What the words after an option mean: durations, and lists of exit codes."""

from __future__ import annotations

import re

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


DURATION = Duration()
