"""The one place that knows every concrete class: from a config to a pass that ran, or to what a reader wants to see.

Each name is imported when it is first used, since a run that finds nothing due must not pay for what it does not need.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cwarchive.app.correct import acknowledge, backup, forget, matching, outlived, restore, rewind, rewind_price
    from cwarchive.app.idle import nothing_due
    from cwarchive.app.look import checked_state, gap_groups, standing
    from cwarchive.app.passing import Options, Ran, rehearsal, run, stuck_holder
    from cwarchive.app.places import known, located, placed

__all__ = [
    "Options",
    "Ran",
    "acknowledge",
    "backup",
    "checked_state",
    "forget",
    "gap_groups",
    "known",
    "located",
    "matching",
    "nothing_due",
    "outlived",
    "placed",
    "rehearsal",
    "restore",
    "rewind",
    "rewind_price",
    "run",
    "standing",
    "stuck_holder",
]

_ROOMS = {
    "correct": ("acknowledge", "backup", "forget", "matching", "outlived", "restore", "rewind", "rewind_price"),
    "idle": ("nothing_due",),
    "look": ("checked_state", "gap_groups", "standing"),
    "places": ("known", "located", "placed"),
    "passing": ("Options", "Ran", "rehearsal", "run", "stuck_holder"),
}


def __getattr__(name: str) -> object:
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(f"cwarchive.app.{room}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
