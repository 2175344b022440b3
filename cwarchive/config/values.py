"""What the program knows once its config is read: plain values, without a trace of the file's syntax."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from cwarchive.core.spec import MetricSpec

Acknowledge = Literal["auto", "eof", "none"]
"""How a delivery is acknowledged; auto decides by what the receiver does."""


@dataclass(frozen=True, slots=True)
class Graphite:
    """The receiver: `timeout` in seconds; `batch_lines` lines a connection."""

    host: str
    port: int
    prefix: str
    batch_lines: int
    timeout: int
    acknowledge: Acknowledge


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be asked: series in all; requests and estimated datapoints a second in each cell.

    `datapoints_per_second` None means 80 % of each of CloudWatch's two quotas, for recent and for older windows.
    """

    max_series: int
    requests_per_second: float
    datapoints_per_second: int | None
    usd_per_run: float | None
    usd_per_month: float | None


class Setting(NamedTuple):
    """One key of the effective config, its value as it would be written, and where the value came from."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Config:
    """A config without mistakes.

    `state` None means that the usual places decide; `regions` None means the ambient region. Each spec carries the
    regions and accounts that hold for it: () for the ambient region, ("",) for the ambient account. `fingerprint`
    changes with whatever may change the config's meaning. `written` is the document that the values came from, kept for
    the list of settings.
    """

    source: str
    graphite: Graphite
    state: Path | None
    regions: tuple[str, ...] | None
    specs: tuple[MetricSpec, ...]
    limits: Limits
    warnings: tuple[str, ...] = ()
    fingerprint: str = field(default="", repr=False, compare=False)
    written: object = field(default=None, repr=False, compare=False)
