"""What an operator may change in a state: gaps acknowledged, copies put back, series sent again or left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cwarchive.app.places import known, known_to, located, locked, opened
from cwarchive.config.values import Config
from cwarchive.core.checkpoint import Tracked
from cwarchive.core.cost import usd
from cwarchive.core.gaps import GapGroup
from cwarchive.core.retention import kept_for
from cwarchive.core.spec import Pattern
from cwarchive.edges.sqlite import backup_state, read_summary, restore_state, state_exists

Wait = Callable[[str], None]
"""Hears which command must be waited for; may raise instead."""


def acknowledge(config: Config, environ: Mapping[str, str], groups: Iterable[GapGroup], now: int, wait: Wait) -> int:
    """Store that somebody knows of these gaps; return of how many nobody did before."""
    with opened(config, environ, wait) as store:
        return store.acknowledge([record.gap for group in groups for record in group.records], now)


def backup(config: Config, environ: Mapping[str, str], target: Path) -> None:
    """Copy the state to `target`, whole; raises StateError, also where something is there."""
    backup_state(located(config, environ), target)


def restore(config: Config, environ: Mapping[str, str], source: Path, now: int, wait: Wait) -> Path | None:
    """Put `source` in the place of the state; return where the state before is kept, if there was one."""
    path = located(config, environ)
    if not state_exists(path):
        return restore_state(source, path, now=now)
    with locked(path, wait):
        return restore_state(source, path, now=now)


def outlived(source: Path, now: int) -> int:
    """How many kinds of series in the backup `source` stand where CloudWatch no longer answers at their period."""
    standings = read_summary(source, now).standings
    return sum(s.oldest_mark is not None and now - s.oldest_mark > kept_for(s.period) for s in standings)


def matching(config: Config, environ: Mapping[str, str], glob: str) -> int:
    """How many series have a path that matches `glob`."""
    return len(_matched(known(config, environ), glob))


@dataclass(frozen=True, slots=True)
class Price:
    """What a rewind comes to: series sent again, US dollars, and how many go back beyond what CloudWatch answers."""

    series: int
    usd: float
    beyond: int


def rewind_price(config: Config, environ: Mapping[str, str], glob: str, to: int, now: int) -> Price:
    """What a rewind to `to` (epoch seconds) would send again, and about what that costs."""
    chosen = _matched(known(config, environ), glob)
    behind = [tracked for tracked in chosen if tracked.checkpoint.mark > max(to, tracked.checkpoint.since)]
    beyond = sum(to < now - kept_for(tracked.series.period) for tracked in behind)
    return Price(len(behind), usd(len({tracked.series.metric for tracked in behind})), beyond)


def rewind(config: Config, environ: Mapping[str, str], glob: str, to: int, wait: Wait) -> int:
    """Lower the marks of the series whose path matches `glob` to `to`; return how many moved."""
    with opened(config, environ, wait) as store:
        return store.rewind([tracked.id for tracked in _matched(known_to(store, config), glob)], to)


def forget(config: Config, environ: Mapping[str, str], glob: str, now: int, wait: Wait) -> int:
    """Leave the series alone whose path matches `glob`; return how many were not before."""
    with opened(config, environ, wait) as store:
        return store.forget([tracked.id for tracked in _matched(known_to(store, config), glob)], now)


def _matched(tracked: Iterable[Tracked], glob: str) -> list[Tracked]:
    pattern = Pattern(glob)
    return [one for one in tracked if pattern.matches(one.series.path)]
