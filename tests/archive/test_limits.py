"""Limits on money and on series: what is asked while one holds, that nothing is lost to it, and what tells of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cwarchive.archive.passes import Limits, due_entries
from cwarchive.archive.transfer import Purse
from cwarchive.core.cost import USD_PER_METRIC, billed_metrics, usd
from cwarchive.core.money import MONTH
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import Window, floor
from tests.archive.world import SETTLED, SINCE, World, cpu, cpus, path
from tests.builders import NOW, a_batch, a_metric, a_piece, a_spec

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def billed(world: World) -> int:
    return sum(billed_metrics(request) for cloud in world.clouds.values() for request in cloud.requests)


def metrics(count: int) -> Limits:
    """A limit of so many metrics in a run."""
    return Limits(usd_per_run=count * USD_PER_METRIC)


# --- a run ---


def test_what_is_closest_to_being_lost_is_paid_first() -> None:
    world = World(*cpus(3))
    world.cloud.unanswered = {"i-001": "CloudWatch answered InternalError"}
    for _ in range(3):
        world.run(DAY)
    world.cloud.unanswered = {}
    world.limits = metrics(1)
    before = len(world.cloud.requests)

    world.run(DAY)

    (asked,) = world.cloud.requests[before:]
    assert [str(query.metric) for query in asked.queries] == [str(world.tracked("i-001").series.metric)]


def test_the_cell_that_is_closest_to_losing_data_is_paid_first() -> None:
    world = World(specs=[a_spec(regions=[IRELAND, VIRGINIA])])
    ireland, virginia = world.clouds.values()
    virginia.unanswered = {"CPU": "CloudWatch answered InternalError"}
    world.run()
    virginia.unanswered = {}
    world.limits = metrics(1)
    before = len(ireland.requests), len(virginia.requests)

    world.run(HOUR)

    assert (len(ireland.requests), len(virginia.requests)) == (before[0], before[1] + 1)


def test_a_limit_lower_than_one_request_pays_for_as_much_as_it_can_and_loses_nothing() -> None:
    world = World(*cpus(5))
    world.limits = metrics(2)

    outcomes = [world.run(60 * bool(n)) for n in range(3)]

    assert [outcome.tallies[0].billed for outcome in outcomes] == [2, 2, 2]
    assert all(mark > SINCE for mark in world.marks())
    for tracked in world.store.series.values():
        window = Window(SINCE, tracked.checkpoint.mark)
        assert world.shown(tracked.series.path) == world.truth(tracked.series.path, window)


def test_a_pass_that_its_limit_cut_short_leaves_its_entries_due_and_no_word_where_nothing_is_late() -> None:
    world = World(*cpus(3), specs=[a_spec(initial_lookback=HOUR)])
    world.limits = metrics(2)

    first = world.run()
    idle = world.idle
    second = world.run(60)

    assert (first.exit_code, first.judged, first.tallies[0].late) == (0, False, 0)
    assert not idle
    assert (second.exit_code, second.judged) == (0, False)
    world.limits = metrics(3)
    assert world.run(60).judged


def test_a_pass_that_its_limit_cut_short_is_no_success_where_a_series_is_late() -> None:
    world = World(*cpus(3))
    world.limits = metrics(2)

    outcome = world.run()

    assert (outcome.exit_code, outcome.tallies[0].late) == (3, 1)


def test_a_limit_that_pays_for_nothing_asks_nothing() -> None:
    world = World()
    world.limits = Limits(usd_per_run=0.0)

    outcome = world.run()

    assert world.cloud.requests == []
    assert (outcome.exit_code, outcome.judged) == (3, False)
    assert world.marks() == {SINCE}


def test_a_metric_with_more_than_five_statistics_is_paid_twice_or_not_at_all() -> None:
    statistics = ["Average", "Sum", "Minimum", "Maximum", "p50", "p90"]
    world = World(*cpus(2), specs=[a_spec(statistics=statistics)])
    world.limits = metrics(3)

    world.run()

    assert billed(world) == 2
    assert sorted(tracked.checkpoint.mark for tracked in world.store.series.values()) == [SINCE] * 6 + [SETTLED] * 6


def test_what_repeats_an_outage_is_paid_from_the_same_purse() -> None:
    world = World()
    for _ in range(3):
        world.run(HOUR)
    world.limits = metrics(3)
    before = billed(world)

    outcome = world.run(20 * DAY)

    assert billed(world) - before == outcome.tallies[0].billed == 3
    assert not outcome.judged


def test_a_purse_that_was_too_thin_once_pays_nothing_more() -> None:
    purse = Purse(3)

    assert [purse.pays(2), purse.pays(2), purse.pays(1)] == [True, False, False]
    assert (purse.spend(), purse.spend()) == (1, 0)
    assert Purse().pays(10**9)


@pytest.mark.parametrize(("affordable", "pieces"), [(0, None), (1, 1), (2, 1), (3, 7), (4, 8), (9, 8)])
def test_the_beginning_of_a_batch_bills_no_more_than_was_asked(affordable: int, pieces: int | None) -> None:
    one, six, last = a_metric("One"), a_metric("Six"), a_metric("Last")
    batch = a_batch(a_piece(one), *[a_piece(six, f"p{n}") for n in range(6)], a_piece(last))

    first = batch.first(affordable)

    assert (None if first is None else len(first.pieces)) == pieces
    assert first is None or first.pieces == batch.pieces[:pieces]


# --- time ---


@pytest.mark.parametrize(("behind", "code"), [(HOUR, 0), (DAY, 3)])
def test_a_pass_that_was_stopped_is_no_success_where_a_series_is_late(behind: int, code: int) -> None:
    world = World(specs=[a_spec(initial_lookback=HOUR)])
    world.run()
    world.stop = lambda: True

    outcome = world.run(behind)

    assert (outcome.exit_code, outcome.judged) == (code, False)


def test_a_pass_that_was_stopped_counts_what_is_late_in_cells_that_it_never_came_to() -> None:
    world = World(specs=[a_spec(regions=[IRELAND, VIRGINIA])])
    world.run()
    enough = sum(len(cloud.requests) for cloud in world.clouds.values()) + 1
    world.stop = lambda: sum(len(cloud.requests) for cloud in world.clouds.values()) >= enough

    outcome = world.run(DAY)

    assert [tally.late for tally in outcome.tallies] == [0, 1]
    assert outcome.exit_code == 3


def test_a_pass_that_went_to_its_end_judges_no_lateness() -> None:
    world = World(*cpus(2))
    world.run()
    world.cloud.unanswered = {"i-001": "CloudWatch answered InternalError"}

    assert world.run(DAY).tallies[0].late == 0


# --- a month ---


def monthly(world: World, every: int) -> Limits:
    """A limit on the month at which all metrics of the world can be asked every so many seconds."""
    return Limits(usd_per_month=len(world.account.metrics) * USD_PER_METRIC * MONTH / every)


def test_a_limit_on_the_month_stretches_the_time_between_passes_and_loses_nothing() -> None:
    world = World(*cpus(3))
    world.now = floor(NOW, DAY)
    world.limits = monthly(world, 6 * HOUR)
    since = floor(world.now, HOUR) - DAY

    for _ in range(1 + 4 * 24):
        world.run(HOUR)

    assert billed(world) == 3 * (1 + 4 * 4)
    end = min(world.marks())
    assert end > world.now - 6 * HOUR - 700
    window = Window(since + HOUR, end)
    for number in range(3):
        assert world.shown(path(f"i-00{number}")) == world.truth(f"i-00{number}", window)
    assert world.store.gaps == []


def test_a_limit_on_the_month_holds_also_where_every_cell_is_billed() -> None:
    world = World(*cpus(3), specs=[a_spec(regions=[IRELAND, VIRGINIA])])
    world.limits = replace(monthly(world, 6 * HOUR), usd_per_run=None)

    for _ in range(97):
        world.run(HOUR)

    spent, limit = usd(billed(world)), world.limits.usd_per_month
    assert limit is not None
    assert spent - usd(6) <= limit * 96 * HOUR / MONTH * 1.01


def test_a_limit_on_the_month_holds_for_a_fleet_that_grows_with_every_pass() -> None:
    world = World(cpu(), specs=[a_spec(every=300, initial_lookback=HOUR)])
    world.limits = Limits(usd_per_month=20 * USD_PER_METRIC * MONTH / HOUR)

    for ordinal in range(120):
        world.cloud.account = World(*cpus(12 + ordinal // 4)).account
        world.run(300)

    assert billed(world) <= 20 * 120 * 300 / HOUR + 41


def test_no_limit_on_the_month_is_so_low_that_data_is_lost() -> None:
    world = World()
    world.limits = Limits(usd_per_month=0.000001)
    world.run()

    for _ in range(40):
        world.run(12 * HOUR)

    assert len(world.cloud.requests) == 1 + 40 // 7  # 3.5 days: a quarter of fifteen is 3.75
    assert world.store.gaps == []
    assert world.shown(path()) == world.truth("i-1", Window(SINCE, world.checkpoint().mark))


def test_entries_that_differ_in_where_they_look_keep_their_own_time() -> None:
    hourly, daily = a_spec(), a_spec(regions=[VIRGINIA], every=DAY, label="metrics[1]")
    world = World(specs=[hourly, daily])
    world.now = floor(NOW, DAY) + 60
    world.run()

    assert due_entries(world.store, world.specs, world.now + HOUR, every_entry=False) == (hourly,)
    assert due_entries(world.store, world.specs, world.now + DAY, every_entry=False) == (hourly, daily)


def test_with_all_a_limit_on_the_month_stretches_nothing() -> None:
    world = World()
    world.run()

    due = due_entries(world.store, world.specs, NOW + 1, every_entry=True, usd_per_month=0.000001)

    assert due == world.specs


def test_a_pass_cut_short_is_late_by_the_time_that_the_month_allows() -> None:
    world = World(specs=[a_spec(initial_lookback=HOUR)])
    world.limits = monthly(world, 12 * HOUR)
    world.run()
    world.stop = lambda: True

    assert world.run(20 * HOUR).tallies[0].late == 0
    assert world.run(6 * HOUR).tallies[0].late == 1


# --- how many series ---


def test_known_series_go_on_beyond_the_limit_and_are_counted_in_every_cell() -> None:
    world = World(*cpus(2), specs=[a_spec(regions=[IRELAND, VIRGINIA])])
    world.limits = Limits(max_series=3)

    outcome = world.run()
    later = world.run(HOUR)

    assert (outcome.exit_code, later.exit_code) == (3, 3)
    assert [tally.crowded.total() for tally in later.tallies] == [0, 1]
    assert [tracked.checkpoint.mark for tracked in world.store.series.values()] == [
        *[SETTLED + HOUR] * 3,
        floor(NOW, HOUR) - DAY,
    ]


def test_what_waits_is_counted_by_the_entry_that_selects_it() -> None:
    few, many = a_spec(wanted={"InstanceId": "few-*"}), a_spec(wanted={"InstanceId": "many-*"}, label="metrics[1]")
    world = World(cpu("few-1"), *[cpu(f"many-{n}") for n in range(4)], specs=[few, many])
    world.limits = Limits(max_series=0)

    (tally,) = world.run().tallies

    assert tally.crowded.most_common() == [("metrics[1]", 4), ("metrics[0]", 1)]
    assert world.cloud.requests == []


def test_when_the_limit_is_raised_what_waited_begins_where_it_would_have() -> None:
    world = World(*cpus(2))
    world.limits = Limits(max_series=1)
    world.run()
    world.run(DAY)
    world.limits = Limits(max_series=2)

    outcome = world.run(DAY)

    assert outcome.exit_code == 0
    assert world.shown(path("i-001")) == world.truth("i-001", Window(SINCE, SETTLED + 2 * DAY))
