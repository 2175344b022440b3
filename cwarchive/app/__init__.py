"""The one place that knows every concrete class: from a config to a pass that ran, or to what a reader wants to see."""

from __future__ import annotations

from cwarchive.app.correct import acknowledge, backup, forget, matching, restore, rewind, rewind_price
from cwarchive.app.look import checked_state, gap_groups, standing
from cwarchive.app.places import known, located, placed
from cwarchive.app.run import Options, Ran, rehearsal, run, stuck_holder

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
    "placed",
    "rehearsal",
    "restore",
    "rewind",
    "rewind_price",
    "run",
    "standing",
    "stuck_holder",
]
