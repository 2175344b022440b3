"""How an archive stands and what is lost of it, read without writing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from cwarchive.app.places import located
from cwarchive.catalog import published
from cwarchive.config.values import Config
from cwarchive.core.gaps import GapGroup, grouped
from cwarchive.core.status import Status, month_start, status
from cwarchive.edges.sqlite import Report, check_state, read_gaps, read_summary


def standing(config: Config, environ: Mapping[str, str], now: int) -> Status:
    """How the archive of `config` stands at `now` (epoch seconds); reads the state without writing to it."""
    path = located(config, environ)
    specs = [replace(spec, published=published(spec)) for spec in config.specs]
    return status(read_summary(path, month_start(now)), specs, now, config.limits.usd_per_month)


def gap_groups(config: Config, environ: Mapping[str, str]) -> tuple[GapGroup, ...]:
    """Every permanent gap, grouped by cause and interval; reads the state without writing to it."""
    return grouped(read_gaps(located(config, environ)))


def checked_state(config: Config, environ: Mapping[str, str]) -> tuple[Path, Report]:
    """Where the state is, and what is wrong with it, if anything."""
    path = located(config, environ)
    return path, check_state(path)
