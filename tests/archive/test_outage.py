"""Outages and changed periods, hour by hour: nothing that CloudWatch still has is lost, and no slot stands twice.

What is archived are sums, since over a slot that stands at two periods a sum shows it at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from cwarchive.archive.passes import Outcome
from cwarchive.core.plan import MARGIN
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import Window, ceil, floor
from tests.archive.world import SETTLED, SINCE, World, cpu, path
from tests.builders import a_spec

PATH = path(statistic="Sum")
SPEC = a_spec(statistics=["Sum"])


def archive(*, minute: int = 0) -> World:
    """An archive that has been at work for some hours; its marks stand at this minute of five."""
    world = World(cpu(), specs=[SPEC])
    world.now += -SETTLED % 300 + minute * 60
    for _ in range(4):
        world.run(HOUR)
    assert world.checkpoint().mark % 300 == minute * 60
    return world


def hours(world: World, count: int) -> list[Outcome]:
    return [world.run(HOUR) for _ in range(count)]


def by_hour(datapoints: dict[int, float], start: int, end: int) -> dict[int, float]:
    """The sums of the whole hours from `start` to `end`."""
    sums: Counter[int] = Counter()
    for at, value in datapoints.items():
        if ceil(start, HOUR) <= at < floor(end, HOUR):
            sums[floor(at, HOUR)] += value  # type: ignore[assignment]
    return dict(sums)


def minutes(world: World, start: int = SINCE) -> dict[int, float]:
    """Every minute that CloudWatch has ever published, up to the mark."""
    return world.truth("i-1", Window(start, world.checkpoint().mark), 60)


def seam(world: World) -> int:
    """Where minutes begin again: ten minutes inside CloudWatch's horizon, on five minutes."""
    return ceil(world.now - 15 * DAY + MARGIN, 300)


@pytest.mark.parametrize("pause", [3 * HOUR, 3 * DAY, 14 * DAY])
def test_after_an_outage_within_the_horizon_every_minute_is_there_and_nothing_is_told(pause: int) -> None:
    world = archive()

    outcomes = [world.run(pause), *hours(world, 3)]

    assert [outcome.exit_code for outcome in outcomes] == [0, 0, 0, 0]
    assert world.store.gaps == []
    assert world.shown(PATH) == {at: value for at, value in minutes(world).items() if at >= world.checkpoint().since}


@pytest.mark.parametrize("minute", [0, 3])
def test_after_twenty_days_what_lost_its_minutes_is_there_at_five(minute: int) -> None:
    world = archive(minute=minute)
    mark = world.checkpoint().mark

    world.run(20 * DAY)

    shown, since, first = world.shown(PATH), world.checkpoint().since, ceil(mark, 300)
    fine, coarse = minutes(world), world.truth("i-1", Window(first, seam(world)), 300)
    assert {at: value for at, value in shown.items() if at < mark} == {
        at: value for at, value in fine.items() if since <= at < mark
    }
    assert {at: value for at, value in shown.items() if mark <= at < seam(world)} == coarse
    assert {at: value for at, value in shown.items() if at >= seam(world)} == {
        at: value for at, value in fine.items() if at >= seam(world)
    }


@pytest.mark.parametrize("minute", [0, 3])
def test_after_twenty_days_the_resolution_is_told_once_and_the_hours_that_follow_tell_nothing(minute: int) -> None:
    world = archive(minute=minute)
    mark = world.checkpoint().mark
    unproven = world.checkpoint().verified

    first = world.run(20 * DAY)
    horizon = seam(world)
    later = hours(world, 30)

    assert first.exit_code == 4
    assert [outcome.exit_code for outcome in later] == [0] * 30
    assert world.gaps("resolution") == [(mark, horizon)]
    assert world.gaps("unverified") == [(unproven, mark)]
    assert world.gaps("lost") == []


@pytest.mark.parametrize("minute", [0, 3])
def test_the_sums_of_hours_over_the_seam_are_those_of_cloudwatch(minute: int) -> None:
    world = archive(minute=minute)
    mark = world.checkpoint().mark

    world.run(20 * DAY)
    hours(world, 30)

    end = world.checkpoint().mark
    shown, published = by_hour(world.shown(PATH), SINCE + 5 * HOUR, end), by_hour(minutes(world), SINCE + 5 * HOUR, end)
    differing = {hour for hour in published if shown[hour] != published[hour]}
    assert differing == ({floor(mark, HOUR)} if minute else set())
    assert all(shown[hour] <= published[hour] for hour in differing)


def test_after_five_hundred_days_the_archive_goes_on_at_the_horizon_and_names_what_is_lost() -> None:
    world = archive()
    mark = world.checkpoint().mark

    first = world.run(500 * DAY)
    now = world.now
    later = hours(world, 3)

    horizon = ceil(now - 455 * DAY + MARGIN, HOUR)
    five, one = ceil(now - 63 * DAY + MARGIN, HOUR), ceil(now - 15 * DAY + MARGIN, 300)
    assert [first.exit_code, *[outcome.exit_code for outcome in later]] == [4, 0, 0, 0]
    assert world.gaps("lost") == [(mark, horizon)]
    assert world.gaps("resolution") == [(horizon, five), (five, one)]
    shown = [at for at in world.shown(PATH) if at >= mark]
    assert shown == [
        *range(horizon, five, HOUR),
        *range(five, one, 300),
        *range(one, world.checkpoint().mark, 60),
    ]
    end = world.checkpoint().mark
    assert by_hour(world.shown(PATH), five - DAY, end) == by_hour(minutes(world, five - DAY), five - DAY, end)


def test_a_second_outage_tells_only_its_own() -> None:
    world = archive()
    world.run(20 * DAY)
    hours(world, 3)
    mark, told = world.checkpoint().mark, len(world.store.gaps)

    outcome = world.run(20 * DAY)

    assert outcome.exit_code == 4
    assert {gap.kind for gap in world.store.gaps[told:]} == {"resolution", "unverified"}
    assert world.gaps("resolution")[1] == (mark, seam(world))
    assert [outcome.exit_code for outcome in hours(world, 5)] == [0] * 5


@pytest.mark.parametrize(
    ("seconds", "aged", "codes"), [(10, [], [4, 0, 0, 0, 0, 0]), (600, [4_800], [4, 4, 0, 0, 0, 0])]
)
def test_what_ages_out_between_two_sendings_of_one_pass_is_named_and_told_once(
    seconds: int, aged: list[int], codes: list[int]
) -> None:
    world = archive()
    mark, unproven = world.checkpoint().mark, world.checkpoint().verified
    at = world.now + 20 * DAY
    world.now = at - (at + MARGIN) % 300 - 20 * DAY  # so that the horizon moves on a second later
    begun = world.now + 20 * DAY
    world.cloud.trouble = lambda _: setattr(world, "now", world.now + seconds * (begun <= world.now < begun + 1_200))

    outcomes = [world.run(20 * DAY), *hours(world, 5)]

    horizon = ceil(begun - 15 * DAY + MARGIN, 300)
    assert [outcome.exit_code for outcome in outcomes] == codes
    assert world.gaps("resolution") == [(mark, horizon), *[(horizon, horizon + late) for late in aged]]
    assert world.gaps("unverified") == [(unproven, mark)]


def test_a_month_of_short_and_long_outages_doubles_nothing() -> None:
    world = archive(minute=3)
    lost: list[int] = []

    for pause in (HOUR, 16 * DAY, 15 * DAY, 5 * HOUR, 15 * DAY + HOUR, HOUR):
        lost.append(floor(world.checkpoint().mark, 300))
        world.run(pause)

    shown, published = (
        by_hour(world.shown(PATH), SINCE + 5 * HOUR, world.now),
        by_hour(minutes(world), SINCE, world.now),
    )
    differing = {hour for hour in shown if shown[hour] != published[hour]}
    assert differing <= {floor(at, HOUR) for at in lost}
    assert all(shown[hour] <= published[hour] for hour in differing)


# --- a period that changes ---


@pytest.mark.parametrize(
    ("before", "after"), [(60, 300), (300, 60), (60, 86_400), (86_400, 60), (300, 86_400), (60, 420)]
)
@pytest.mark.parametrize("outage", [HOUR, 3 * DAY])
def test_a_period_that_changes_under_one_path_loses_and_doubles_nothing(before: int, after: int, outage: int) -> None:
    world = World(cpu(), specs=[replace(SPEC, period=before, lookback=ceil(3 * HOUR, before))])
    hours(world, 30)
    world.specs = (replace(SPEC, period=after, lookback=ceil(3 * HOUR, after)),)
    world.run(outage)
    hours(world, 72)

    (tracked,) = world.store.series.values()
    changed = tracked.cuts[-1].at
    assert tracked.series.period == after
    assert world.store.gaps == []
    first = ceil(tracked.checkpoint.since, before)
    old = world.truth("i-1", Window(first, floor(changed, before)), before)
    new = world.truth("i-1", Window(ceil(changed, after), tracked.checkpoint.mark), after)
    assert world.shown(PATH) == old | new
    if changed % before == changed % after == 0:
        assert sum(world.shown(PATH).values()) == sum(minutes(world, first).values())


def test_a_period_that_changes_back_and_forth_doubles_nothing() -> None:
    world = archive()
    for period in (300, 60, 86_400, 60, 300):
        world.specs = (replace(SPEC, period=period, lookback=ceil(3 * HOUR, period)),)
        hours(world, 7)
    hours(world, 72)

    assert world.store.gaps == []
    since = world.checkpoint().since
    assert sum(world.shown(PATH).values()) == sum(minutes(world, since).values())


def test_what_a_change_of_period_has_yet_to_reach_is_still_in_time_after_an_outage() -> None:
    world = archive()
    world.specs = (replace(SPEC, period=86_400, lookback=86_400),)
    world.run(HOUR)

    world.run(13 * DAY)

    assert world.store.gaps == []
    since, mark = world.checkpoint().since, world.checkpoint().mark
    assert mark == floor(world.now - 600, DAY)
    assert sum(world.shown(PATH).values()) == sum(minutes(world, since).values())
