"""What becomes of series whose path template changes: they go on elsewhere, from where they began."""

from __future__ import annotations

from dataclasses import replace

from cwarchive.core.retention import HOUR
from tests.archive.world import World
from tests.builders import a_spec


def test_a_series_on_a_new_path_begins_where_it_began_on_the_old_one() -> None:
    world = World()
    world.run()
    begun = {tracked.checkpoint.since for tracked in world.store.series.values()}
    for _ in range(30):
        world.run(HOUR)
    world.specs = (replace(a_spec(), prefix="elsewhere"),)

    outcome = world.run(HOUR)

    old, new = sorted(world.store.series.values(), key=lambda tracked: tracked.id)
    assert new.series.path.startswith("elsewhere.")
    assert {old.checkpoint.since, new.checkpoint.since} == begun
    assert outcome.tallies[0].renamed == [new.series.path]
    assert old.forgotten
    moved = {at: values[-1] for (path, at), values in world.graphite.received.items() if path == new.series.path}
    kept = {at: values[-1] for (path, at), values in world.graphite.received.items() if path == old.series.path}
    assert kept.items() <= moved.items()


def test_a_series_that_is_new_is_not_called_renamed() -> None:
    world = World()

    assert world.run().tallies[0].renamed == []
