"""Durations and periods: how they are written, and which of them CloudWatch knows."""

from __future__ import annotations

import re
from typing import Annotated

from cwarchive.config.built import not_built
from cwarchive.config.scalars import JsonSchema, Scalar, text, wrong
from cwarchive.config.words import choices, shown
from cwarchive.core.retention import DAY, HORIZON

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": DAY}
_DURATION = re.compile(r"(0|[1-9][0-9]{0,11})([smhd]?)\Z")
_DURATION_SCHEMA: JsonSchema = {"type": ["integer", "string"], "pattern": "^(0|[1-9][0-9]*)[smhd]?$"}


def seconds(value: object) -> int:
    """The seconds of `90s`, `10m`, `3h`, `15d` or `90`; at most as long as CloudWatch keeps anything."""
    written = text(value)
    match = _DURATION.match(written)
    if match is None:
        raise wrong(f"{shown(written)} is not a duration; write 90s, 10m, 3h, 15d or whole seconds")
    length = int(match[1]) * UNITS[match[2] or "s"]
    if length > HORIZON:
        raise wrong(f"{shown(written)} is too long; CloudWatch keeps datapoints for {duration_text(HORIZON)}")
    return length


def duration_text(length: int) -> str:
    """Seconds in the largest unit that divides them: 10800 as `3h`."""
    unit = next(name for name, size in reversed(UNITS.items()) if length % size == 0)
    return f"{length // UNITS[unit]}{unit}"


def _some_seconds(value: object) -> int:
    length = seconds(value)
    if not length:
        raise wrong(f"{shown(text(value))} is too short; write at least 1s")
    return length


Duration = Annotated[int, Scalar(_some_seconds, {**_DURATION_SCHEMA, "minimum": 1})]
DurationOrZero = Annotated[int, Scalar(seconds, {**_DURATION_SCHEMA, "minimum": 0})]


def _settle(value: object) -> int:
    if value == "auto":
        raise not_built("write a duration such as 10m", "settle: auto")
    return seconds(value)


Settle = Annotated[int, Scalar(_settle, {**_DURATION_SCHEMA, "minimum": 0})]

SHORT_PERIODS = (1, 5, 10, 20, 30)
"""Seconds. Source: the Period of a MetricStat, CloudWatch API reference."""


def _period(value: object) -> int:
    length = seconds(value)
    if length in SHORT_PERIODS or (0 < length <= DAY and length % 60 == 0):
        return length
    allowed = f"use {choices(map(str, SHORT_PERIODS))} seconds, or a multiple of 60 up to {DAY}"
    raise wrong(f"{shown(text(value))} is not a CloudWatch period; {allowed}")


Period = Annotated[
    int,
    Scalar(
        _period,
        {
            "anyOf": [
                {"enum": list(SHORT_PERIODS)},
                {"type": "integer", "multipleOf": 60, "minimum": 60, "maximum": DAY},
                {"type": "string", "pattern": "^[1-9][0-9]*[smhd]?$"},
            ]
        },
    ),
]
