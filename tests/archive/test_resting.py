"""Metrics that die, come back, or do both while nobody looks: what is asked of them, and that nothing is lost."""

from __future__ import annotations

from cwarchive.archive.passes import idle
from cwarchive.archive.survey import survey
from cwarchive.core.cost import billed_metrics
from cwarchive.core.plan import MARGIN
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import Window, ceil
from tests.archive.world import SINCE, World, cpu, path
from tests.builders import NOW, a_metric, a_series, a_spec, a_tracked

EVERY = 6 * HOUR
SPEC = a_spec(every=EVERY)
DEAD, ALIVE = "i-dead", "i-alive"


def passes(world: World, time: int) -> None:
    for _ in range(time // EVERY):
        world.run(EVERY)


def billed(world: World) -> int:
    return sum(map(billed_metrics, world.cloud.requests))


def at_rest(*others: str) -> World:
    """An archive three weeks after a metric of it died."""
    world = World(cpu(DEAD, ended=NOW), *map(cpu, others), specs=[SPEC])
    world.run()
    passes(world, 21 * DAY)
    assert world.tracked(DEAD).parked
    return world


def test_a_metric_that_died_three_weeks_ago_costs_nothing_any_more() -> None:
    world = at_rest(ALIVE)
    before, dead = billed(world), len(world.cloud.asked(DEAD))

    passes(world, 2 * DAY)

    assert billed(world) - before == 2 * DAY // EVERY
    assert len(world.cloud.asked(DEAD)) == dead
    assert world.store.gaps == []


def test_a_metric_is_asked_as_long_as_it_is_listed() -> None:
    world = World(cpu(DEAD, ended=NOW), specs=[SPEC])
    world.run()

    passes(world, 13 * DAY)

    assert len(world.cloud.asked(DEAD)) == 1 + 13 * DAY // EVERY
    assert not world.tracked(DEAD).parked


def test_an_archive_of_which_all_rests_goes_well_and_asks_nothing() -> None:
    world = at_rest()
    before = billed(world)

    outcome = world.run(EVERY)

    assert (outcome.exit_code, outcome.unmatched) == (0, ())
    assert billed(world) == before
    assert idle(world.store, world.specs, world.now, every_entry=False)


def test_a_metric_that_comes_back_loses_nothing() -> None:
    world = at_rest(ALIVE)
    born = world.now - 5 * HOUR
    world.cloud.account = World(cpu(DEAD, born=born), cpu(ALIVE)).account

    passes(world, 2 * DAY)

    tracked = world.tracked(DEAD)
    metric, mark = tracked.series.metric, tracked.checkpoint.mark
    again = world.cloud.account.truth(metric, "Average", 60, Window(ceil(born, 60), mark))
    shown = {at: value for at, value in world.shown(path(DEAD)).items() if at >= NOW}
    assert shown == dict(zip(*again, strict=True))
    assert not tracked.parked
    assert world.store.gaps == []


def test_what_a_dead_metric_left_is_all_there() -> None:
    world = at_rest()

    assert world.shown(path(DEAD)) == world.truth(DEAD, Window(SINCE, NOW))


def test_a_metric_that_died_while_nothing_ran_is_not_taken_for_silent() -> None:
    world = World(cpu(DEAD, ended=NOW + 2 * DAY), cpu(ALIVE), specs=[SPEC])
    passes(world, 2 * EVERY)
    mark = world.checkpoint(DEAD).mark

    outcome = world.run(20 * DAY)

    last = NOW + 2 * DAY
    assert outcome.exit_code == 4
    assert not world.tracked(DEAD).parked
    coarse = world.truth(DEAD, Window(ceil(mark, 300), ceil(last, 300)), 300)
    assert {at: value for at, value in world.shown(path(DEAD)).items() if at >= mark} == coarse
    assert len(coarse) == (ceil(last, 300) - ceil(mark, 300)) // 300 > 400
    ends = {gap.window.end for gap in world.store.gaps if gap.series_id == world.tracked(DEAD).id}
    assert max(ends) == ceil(last, 300)  # the gap ends with the data, not at the horizon


def test_a_metric_at_rest_that_lived_and_died_while_nothing_ran_is_asked() -> None:
    world = at_rest(ALIVE)
    born = world.now + 2 * DAY
    world.cloud.account = World(cpu(DEAD, born=born, ended=born + DAY), cpu(ALIVE)).account

    world.run(20 * DAY)

    shown = [at for at in world.shown(path(DEAD)) if at >= NOW]
    assert len(shown) == DAY // 300 + 1  # it was not born on five minutes
    assert born - 300 < min(shown) <= born
    assert not world.tracked(DEAD).parked


def test_a_metric_at_rest_that_lived_shortly_within_the_horizon_is_asked_at_its_own_period() -> None:
    world = at_rest(ALIVE)
    born = world.now + 5 * DAY
    world.cloud.account = World(cpu(DEAD, born=born, ended=born + HOUR), cpu(ALIVE)).account

    world.run(19 * DAY + 12 * HOUR)

    lived = {at for at in world.shown(path(DEAD)) if at >= NOW}
    assert lived == set(range(ceil(born, 60), ceil(born + HOUR, 60), 60))
    assert born > world.now - 15 * DAY + MARGIN


# --- by period and by entry ---


def test_a_series_that_failed_is_asked_although_nobody_lists_it() -> None:
    tracked = a_tracked(series=a_series(a_metric(), path=path("i-0abc")), failed=True)

    found = survey([], [tracked], [a_spec()], [], {}, NOW)

    assert [member.tracked for member in found.members] == [tracked]


def test_a_daily_metric_at_rest_wakes_with_whole_days() -> None:
    spec = a_spec(period=DAY, lookback=4 * DAY, every=DAY, initial_lookback=5 * DAY)
    world = World(cpu(DEAD, period=DAY, ended=NOW), specs=[spec])
    for _ in range(30):
        world.run(DAY)
    assert world.tracked(DEAD).parked
    asked = len(world.cloud.requests)
    world.cloud.account = World(cpu(DEAD, period=DAY, born=world.now)).account

    for _ in range(5):
        world.run(DAY)

    assert len(world.cloud.requests) > asked
    assert len([at for at in world.shown(path(DEAD)) if at > NOW + 20 * DAY]) >= 3
    assert world.store.gaps == []


def test_an_entry_whose_metrics_all_rest_still_selects_something() -> None:
    world = at_rest()

    assert world.run(EVERY).unmatched == ()


def test_a_period_that_changes_while_a_series_rests_counts_once_it_wakes() -> None:
    world = at_rest()
    world.specs = (a_spec(every=EVERY, period=300),)
    passes(world, DAY)
    assert world.tracked(DEAD).series.period == 300
    rested = len(world.cloud.requests)
    born = world.now
    world.cloud.account = World(cpu(DEAD, born=born)).account

    passes(world, 2 * DAY)

    requests = world.cloud.requests[rested:]
    assert requests
    shown = sorted(at for at in world.shown(path(DEAD)) if at >= NOW)
    cut = world.tracked(DEAD).cuts[-1].at
    assert shown == [*range(ceil(born, 60), cut, 60), *range(max(cut, born // 300 * 300), world.checkpoint().mark, 300)]
