"""A rehearsal: it tells what the next pass asks, and asks nothing but ListMetrics."""

from __future__ import annotations

import pytest

from cwarchive.archive.passes import idle
from cwarchive.archive.rehearse import Nothing, rehearse
from cwarchive.core.cost import billed_metrics
from cwarchive.core.retention import DAY, HOUR
from cwarchive.errors import AccessError, CwarchiveError, SourceError, Unreachable
from tests.archive.world import SETTLED, SINCE, World, cpu, cpus, of_many_periods
from tests.builders import CELL, NOW, a_spec


def test_a_rehearsal_asks_only_for_listings_and_writes_nothing() -> None:
    world = World(*cpus(3))

    rehearse(world.store, world.work, NOW)

    assert (world.cloud.requests, len(world.cloud.listings)) == ([], 1)
    assert (world.journal, world.store.series) == ([], {})


@pytest.mark.parametrize("pause", [0, HOUR, 20 * DAY], ids=["first", "next", "after an outage"])
def test_what_is_rehearsed_is_what_the_pass_then_asks(pause: int) -> None:
    world = World(*cpus(3), cpu("i-new", born=NOW + 900), specs=[a_spec(statistics=["Sum", "p99"])])
    if pause:
        world.run()
    world.now += pause
    begun = len(world.cloud.requests)

    (ask,) = rehearse(world.store, world.work, world.now)
    (tally,) = world.run().tallies

    requests = world.cloud.requests[begun:][: ask.requests]
    assert ask.series == tally.asked
    assert ask.billed == sum(map(billed_metrics, requests))
    assert ask.datapoints == sum(request.datapoints for request in requests)
    assert tally.requests == ask.requests * (2 if pause == 20 * DAY else 1)
    assert ask.new == (2 if pause else 6)


def test_without_a_state_everything_is_new() -> None:
    world = World(*cpus(3), specs=of_many_periods(2))

    (ask,) = rehearse(Nothing(), world.work, NOW)

    assert (ask.cell, ask.new, ask.series, ask.requests, ask.billed) == (CELL, 6, 6, 2, 6)
    assert ask.datapoints == 3 * ((SETTLED - SINCE) // 60 + (SETTLED - SINCE) // 120)


def test_each_cell_is_told_by_itself() -> None:
    world = World(specs=[a_spec(regions=["eu-west-1", "us-east-1"])])

    assert [ask.cell.region for ask in rehearse(world.store, world.work, NOW)] == ["eu-west-1", "us-east-1"]


@pytest.mark.parametrize("kind", [SourceError, Unreachable, AccessError])
def test_a_rehearsal_that_cannot_list_is_none(kind: type[SourceError | AccessError]) -> None:
    world = World()
    world.cloud.listing_fails = kind("no")

    with pytest.raises(CwarchiveError) as raised:
        rehearse(world.store, world.work, NOW)
    assert raised.value is world.cloud.listing_fails


def test_a_state_that_does_not_exist_remembers_nothing() -> None:
    nothing = Nothing()

    assert (list(nothing.known(CELL)), nothing.newest_mark(), nothing.waiting()) == ([], None, 0)
    assert nothing.entry("any").last_pass is None
    assert not idle(nothing, [a_spec()], NOW, every_entry=False)
