"""What an operator may change in a state: gaps acknowledged, copies put back, series sent again or left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from cwarchive.app.places import known, known_to, located, opened
from cwarchive.config.values import Config
from cwarchive.core.checkpoint import Tracked
from cwarchive.core.cost import usd
from cwarchive.core.gaps import GapGroup
from cwarchive.core.spec import Pattern
from cwarchive.edges.lockfile import StateLock
from cwarchive.edges.sqlite import backup_state, restore_state


def acknowledge(config: Config, environ: Mapping[str, str], groups: Iterable[GapGroup], now: int) -> int:
    """Store that somebody knows of these gaps; return of how many nobody did before."""
    with opened(config, environ) as store:
        return store.acknowledge([record.gap for group in groups for record in group.records], now)


def backup(config: Config, environ: Mapping[str, str], target: Path) -> None:
    """Copy the state to `target`, whole; raises StateError, also where something is there."""
    backup_state(located(config, environ), target)


def restore(config: Config, environ: Mapping[str, str], source: Path, now: int) -> Path | None:
    """Put `source` in the place of the state; return where the state before is kept, if there was one."""
    path = located(config, environ)
    if not path.exists():
        return restore_state(source, path, now=now)
    with StateLock(path):
        return restore_state(source, path, now=now)


def matching(config: Config, environ: Mapping[str, str], glob: str) -> int:
    """How many series have a path that matches `glob`."""
    return len(_matched(known(config, environ), glob))


def rewind_price(config: Config, environ: Mapping[str, str], glob: str, to: int) -> tuple[int, float]:
    """How many series a rewind to `to` (epoch seconds) would send again, and about what that costs in US dollars."""
    behind = [tracked for tracked in _matched(known(config, environ), glob) if tracked.checkpoint.mark > to]
    return len(behind), usd(len({tracked.series.metric for tracked in behind}))


def rewind(config: Config, environ: Mapping[str, str], glob: str, to: int) -> int:
    """Lower the marks of the series whose path matches `glob` to `to`; return how many moved."""
    with opened(config, environ) as store:
        return store.rewind([tracked.id for tracked in _matched(known_to(store, config), glob)], to)


def forget(config: Config, environ: Mapping[str, str], glob: str, now: int) -> int:
    """Leave the series alone whose path matches `glob`; return how many were not before."""
    with opened(config, environ) as store:
        return store.forget([tracked.id for tracked in _matched(known_to(store, config), glob)], now)


def _matched(tracked: Iterable[Tracked], glob: str) -> list[Tracked]:
    pattern = Pattern(glob)
    return [one for one in tracked if pattern.matches(one.series.path)]
