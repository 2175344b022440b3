"""A pass as an operator sees it: what is archived, what is asked again, what waits, and which exit code tells it."""

from __future__ import annotations

import pytest

from cwarchive.archive.passes import Limits
from cwarchive.core.cost import USD_PER_METRIC
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import Window, floor
from cwarchive.errors import AccessError, ClockError, DeliveryError, Refused, SourceError, Unreachable
from tests.archive.world import SETTLED, SINCE, World, cpu, cpus, of_many_periods, path
from tests.builders import NOW, a_spec
from tests.fake_cloudwatch import always, in_turn, naming, nothing

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def in_order(world: World) -> list[int]:
    """The marks of series that were met in this order."""
    return [tracked.checkpoint.mark for tracked in world.store.series.values()]


# --- what is archived ---


def test_the_first_pass_archives_everything_from_since_to_the_last_settled_period() -> None:
    world = World()

    outcome = world.run()

    assert outcome.exit_code == 0
    assert world.shown(path()) == world.truth("i-1", Window(SINCE, SETTLED))
    assert len(world.shown(path())) == (SETTLED - SINCE) // 60
    assert (world.checkpoint().since, world.checkpoint().mark) == (SINCE, SETTLED)
    assert outcome.since == SINCE


def test_the_second_pass_repeats_the_first_and_the_third_does_not() -> None:
    world = World()
    for _ in range(3):
        world.run(HOUR)

    first, second, third = (request.window for request in world.cloud.requests)
    assert second.start == first.start == SINCE + HOUR
    assert third.start == first.end - 3 * HOUR


def test_every_statistic_of_an_entry_goes_to_a_path_of_its_own() -> None:
    world = World(specs=[a_spec(statistics=["Sum", "p99"])])

    world.run()

    assert {name for name, _ in world.graphite.newest()} == {path(statistic="Sum"), path(statistic="p99")}
    assert world.store.runs[1].figures.billed == 1


def test_a_metric_without_data_is_archived_too() -> None:
    world = World(cpu("i-1"), cpu("i-2", density=0.001))

    world.run()

    assert world.marks() == {SETTLED}


def test_a_pass_adds_up_what_it_did() -> None:
    world = World(*cpus(3), specs=[a_spec(statistics=["Sum", "Average"])])

    (tally,) = world.run().tallies

    figures = world.store.runs[1].figures
    each = (SETTLED - SINCE) // 60
    assert (tally.asked, tally.answered, tally.datapoints, tally.requests, tally.billed) == (6, 6, 6 * each, 1, 3)
    assert (figures.series, figures.datapoints, figures.requests, figures.billed, figures.failed) == (
        6,
        6 * each,
        1,
        3,
        0,
    )


def test_a_series_with_several_windows_counts_once() -> None:
    world = World(*cpus(2))
    world.run()
    world.watched.clear()

    (tally,) = world.run(20 * DAY).tallies

    assert len(world.cloud.requests) == 1 + 2 + 2
    assert (tally.asked, tally.answered) == (2, 2)
    assert world.store.runs[2].figures.series == 2
    assert world.watched == [(0, 2), (2, 2)]


# --- when an entry is due ---


def test_an_entry_is_due_once_in_each_utc_slot() -> None:
    world = World(specs=[a_spec(every=HOUR)])
    world.now = floor(NOW, HOUR) + HOUR - 60

    outcomes = []
    for _ in range(5):
        outcomes.append(world.idle)
        world.run()
        world.now += 20 * 60

    assert outcomes == [False, False, True, True, False]
    assert len(world.cloud.requests) == 3


def test_a_pass_in_which_nothing_is_due_asks_nobody_and_ends_well() -> None:
    world = World()
    world.run()

    outcome = world.run(60)

    assert (outcome.exit_code, outcome.tallies) == (0, ())
    assert (len(world.cloud.requests), len(world.cloud.listings)) == (1, 1)


def test_only_the_entries_that_are_due_are_asked() -> None:
    hourly = a_spec(wanted={"InstanceId": "i-1"}, every=HOUR)
    daily = a_spec(wanted={"InstanceId": "i-2"}, every=DAY)
    world = World(cpu("i-1"), cpu("i-2"), specs=[hourly, daily])
    world.run()

    world.run(HOUR)

    assert len(world.cloud.asked("i-1")) == 2
    assert len(world.cloud.asked("i-2")) == 1


def test_a_daily_metric_is_asked_once_a_day() -> None:
    world = World(cpu(period=DAY), specs=[a_spec(period=DAY, lookback=DAY, initial_lookback=5 * DAY)])

    for _ in range(50):
        world.run(HOUR)

    assert len(world.cloud.requests) == 3
    assert len(world.cloud.listings) == 50


def test_a_clock_more_than_a_day_behind_the_newest_mark_asks_nobody() -> None:
    world = World()
    world.run(5 * DAY)
    before = world.store.series.copy()

    outcome = world.run(-2 * DAY)

    assert outcome.exit_code == 75
    assert isinstance(outcome.ended, ClockError)
    assert (len(world.cloud.requests), len(world.cloud.listings)) == (1, 1)
    assert world.store.series == before


def test_a_clock_less_than_a_day_behind_the_newest_mark_owes_nothing() -> None:
    world = World(specs=[a_spec(every=60)])
    world.run()

    outcome = world.run(600 - DAY)

    assert outcome.exit_code == 0
    assert len(world.cloud.requests) == 1


# --- discovery ---


def test_a_new_instance_is_met_by_the_next_pass() -> None:
    world = World(cpu("i-1"), cpu("i-2", born=NOW + 900))
    world.run()

    outcome = world.run(2 * HOUR)

    assert outcome.exit_code == 0
    assert world.shown(path("i-2")) == world.truth("i-2", Window(SINCE, SETTLED + 2 * HOUR))
    assert len(world.shown(path("i-2"))) > 60


def test_an_instance_born_during_an_outage_loses_nothing() -> None:
    born = floor(NOW + 2 * HOUR, 60)
    world = World(cpu("i-1"), cpu("i-2", born=born), specs=[a_spec(initial_lookback=HOUR)])
    world.run()

    outcome = world.run(5 * DAY)

    assert outcome.since == floor(NOW - DAY, HOUR)
    assert min(world.shown(path("i-2"))) == born
    assert world.shown(path("i-2")) == world.truth("i-2", Window(born, SETTLED + 5 * DAY))


def test_an_instance_met_while_the_process_died_keeps_its_since() -> None:
    world = World(specs=[a_spec(initial_lookback=HOUR)])
    world.store.dies_before = "announce"
    world.dies()

    world.run(5 * DAY)

    assert world.checkpoint().since == floor(NOW - HOUR, HOUR)
    assert min(world.shown(path())) == floor(NOW - HOUR, HOUR)


def test_a_discovery_that_was_not_stored_dates_nothing() -> None:
    world = World(cpu("i-1"), cpu("i-2", born=NOW + 900), specs=[a_spec(initial_lookback=HOUR)])
    world.run()
    world.store.dies_before = "adopt"
    world.dies(after=2 * HOUR)

    outcome = world.run(5 * DAY)

    assert outcome.since == floor(NOW - DAY, HOUR)


def test_a_metric_that_is_no_longer_listed_is_asked_on() -> None:
    world = World(cpu("i-1"), cpu("i-2"))
    world.run()
    world.cloud.account = World(cpu("i-1")).account

    world.run(HOUR)

    assert len(world.cloud.asked("i-2")) == 2
    assert world.marks() == {SETTLED + HOUR}


def test_a_failed_listing_stops_no_known_series_and_leaves_the_entry_due() -> None:
    world = World(cpu("i-1"), cpu("i-2", born=NOW + 900))
    world.run()
    world.cloud.listing_fails = SourceError("CloudWatch failed to answer ListMetrics")

    outcome = world.run(HOUR)

    assert outcome.exit_code == 3
    assert world.marks() == {SETTLED + HOUR}
    assert not world.idle
    world.cloud.listing_fails = None
    assert world.run(60).exit_code == 0
    assert set(world.marks()) == {SETTLED + HOUR + 60}
    assert len(world.store.series) == 2


def test_what_a_failed_listing_did_list_begins_no_series() -> None:
    world = World()
    world.cloud.listing_fails = SourceError("CloudWatch failed to answer ListMetrics")

    outcome = world.run()

    assert outcome.exit_code == 3
    assert world.store.series == {}
    assert world.store.entry(world.specs[0].key).discovered == {}


def test_a_failed_listing_does_not_date_the_discovery() -> None:
    world = World(cpu("i-1"), cpu("i-2", born=NOW + 2 * HOUR), specs=[a_spec(initial_lookback=HOUR)])
    world.run()
    world.cloud.listing_fails = SourceError("CloudWatch failed to answer ListMetrics")
    world.run(4 * DAY)
    world.cloud.listing_fails = None

    assert world.run(DAY).since == floor(NOW - DAY, HOUR)


def test_a_listing_that_tells_of_a_wrong_clock_begins_no_series() -> None:
    world = World()
    world.cloud.listing_fails = ClockError("this machine's clock is 3600 s ahead of AWS's: correct it")

    outcome = world.run()

    assert outcome.exit_code == 75
    assert world.store.series == {}


def test_an_entry_that_selects_nothing_is_named_whenever_it_was_looked_for() -> None:
    typo = a_spec("CPUUtilisation", label="metrics[1]", every=2 * HOUR)
    world = World(specs=[a_spec(), typo])

    outcomes = [world.run(HOUR * ordinal) for ordinal in (0, 1, 1)]

    assert [outcome.exit_code for outcome in outcomes] == [0, 0, 0]
    assert [outcome.unmatched for outcome in outcomes] == [(typo,), (typo,), ()]


def test_an_entry_whose_series_another_selects_first_does_select_something() -> None:
    world = World(specs=[a_spec(), a_spec("CPU*", label="metrics[1]")])

    assert world.run().unmatched == ()


def test_an_entry_is_not_told_to_select_nothing_while_nothing_could_be_listed() -> None:
    typo = a_spec("CPUUtilisation")
    world = World(specs=[typo])
    world.cloud.listing_fails = SourceError("CloudWatch failed to answer ListMetrics")

    first = world.run()
    world.cloud.listing_fails = None

    assert first.unmatched == ()
    assert world.run(60).unmatched == (typo,)


# --- metrics that have died ---


def daily_passes(world: World, days: int) -> None:
    for _ in range(days):
        world.run(DAY)


def test_a_metric_that_has_died_is_no_longer_asked_and_its_mark_goes_on() -> None:
    world = World(cpu("i-1"), cpu("i-2", ended=NOW))
    world.run()
    daily_passes(world, 16)
    asked = len(world.cloud.asked("i-2"))

    daily_passes(world, 3)

    assert len(world.cloud.asked("i-2")) == asked
    assert len(world.cloud.asked("i-1")) == 1 + 16 + 3
    assert world.tracked("i-2").parked
    assert world.checkpoint("i-2").mark == floor(world.now - 4 * HOUR, 60)
    assert world.store.gaps == []


def test_a_failed_listing_parks_nothing() -> None:
    world = World(cpu("i-1"), cpu("i-2", ended=NOW))
    world.run()
    daily_passes(world, 13)
    world.cloud.listing_fails = SourceError("CloudWatch failed to answer ListMetrics")

    daily_passes(world, 6)

    assert not world.tracked("i-2").parked
    assert len(world.cloud.asked("i-2")) == len(world.cloud.asked("i-1")) == 20


def test_a_metric_that_lives_again_is_archived_from_where_it_rested() -> None:
    world = World(cpu("i-1"), cpu("i-2", ended=NOW))
    world.run()
    daily_passes(world, 20)
    rested = world.checkpoint("i-2").mark
    world.cloud.account = World(cpu("i-1"), cpu("i-2", born=world.now)).account

    daily_passes(world, 2)

    assert not world.tracked("i-2").parked
    metric = world.tracked("i-2").series.metric
    alive = world.cloud.account.truth(metric, "Average", 60, Window(rested, SETTLED + 22 * DAY))
    assert len(alive.timestamps) > 2_800
    assert alive.timestamps == [at for at in sorted(world.shown(path("i-2"))) if at >= rested]


# --- limits ---


def test_beyond_the_limit_of_series_new_ones_wait_and_known_ones_go_on() -> None:
    world = World(*cpus(2))
    world.run()
    world.limits = Limits(max_series=3)
    world.cloud.account = World(*cpus(5)).account

    outcome = world.run(HOUR)

    assert outcome.exit_code == 3
    assert outcome.tallies[0].crowded == {"metrics[0]": 2}
    assert sorted(in_order(world)) == [SINCE] * 2 + [SETTLED + HOUR] * 3


def test_a_series_that_waits_for_the_limit_keeps_its_since() -> None:
    world = World(*cpus(3))
    world.limits = Limits(max_series=1)
    world.run()
    world.limits = Limits()

    world.run(5 * DAY)

    assert {tracked.checkpoint.since for tracked in world.store.series.values()} == {SINCE}
    assert world.marks() == {SETTLED + 5 * DAY}


def test_a_pass_spends_no_more_than_its_limit_and_the_entries_stay_due() -> None:
    world = World(specs=of_many_periods(5))
    world.limits = Limits(usd_per_run=3 * USD_PER_METRIC)

    outcome = world.run()

    assert (outcome.tallies[0].billed, outcome.judged) == (3, False)
    assert not world.idle
    assert world.run(60).tallies[0].billed == 3


# --- series that fail ---


def test_a_series_without_an_answer_waits_and_the_others_advance() -> None:
    world = World(*cpus(3))
    world.cloud.unanswered = {"i-001": "CloudWatch answered InternalError"}

    outcome = world.run()

    assert outcome.exit_code == 3
    assert outcome.tallies[0].failures == {"CloudWatch answered InternalError": 1}
    assert [world.checkpoint(f"i-{n:03}").mark for n in range(3)] == [SETTLED, SINCE, SETTLED]
    assert world.tracked("i-001").failed
    assert world.shown(path("i-001")) == {}


def test_a_series_that_failed_is_due_at_once_and_alone() -> None:
    world = World(*cpus(3))
    world.cloud.unanswered = {"i-001": "CloudWatch answered InternalError"}
    world.run()
    world.cloud.unanswered = {}
    idle = world.idle

    outcome = world.run(120)

    assert not idle
    assert outcome.exit_code == 0
    assert [str(query.metric) for query in world.cloud.requests[-1].queries] == [
        "AWS/EC2 CPUUtilization InstanceId=i-001"
    ]
    assert world.shown(path("i-001")) == world.truth("i-001", Window(SINCE, SETTLED + 120))
    assert world.idle


def test_a_series_that_fails_again_stays_due() -> None:
    world = World(*cpus(2))
    world.cloud.unanswered = {"i-001": "CloudWatch answered InternalError"}
    world.run()

    outcome = world.run(120)

    assert outcome.exit_code == 3
    assert not world.idle


def test_a_series_that_failed_is_not_asked_on_in_the_pass() -> None:
    world = World(*cpus(2))
    world.run()
    world.cloud.unanswered = {"i-001": "CloudWatch answered InternalError"}

    outcome = world.run(20 * DAY)

    coarse, *others = world.cloud.requests[1:]
    assert (coarse.period, len(coarse.queries)) == (300, 2)
    assert {str(query.metric)[-5:] for request in others for query in request.queries} == {"i-000"}
    assert world.checkpoint("i-001").mark == SETTLED
    assert sum(outcome.tallies[0].failures.values()) == 1


def test_a_refused_series_does_not_cost_the_others() -> None:
    world = World(*cpus(100))
    world.cloud.trouble = naming("i-037", Refused("CloudWatch refuses GetMetricData"))

    outcome = world.run()

    assert outcome.exit_code == 3
    assert outcome.tallies[0].failures == {"CloudWatch refuses GetMetricData": 1}
    assert [tracked.series.path for tracked in world.store.series.values() if tracked.failed] == [path("i-037")]
    assert sum(tracked.checkpoint.mark == SETTLED for tracked in world.store.series.values()) == 99


def test_a_failure_that_passes_is_nobodys_news() -> None:
    world = World(*cpus(3))
    world.cloud.trouble = in_turn(SourceError("CloudWatch's answer is not JSON"))

    outcome = world.run()

    assert (outcome.exit_code, world.marks()) == (0, {SETTLED})


# --- cells ---


def two_regions() -> World:
    world = World(*cpus(2), specs=[a_spec(regions=[IRELAND, VIRGINIA])])
    assert [cell.region for cell in world.clouds] == [IRELAND, VIRGINIA]
    return world


def marks_in(world: World, region: str) -> set[int]:
    return {t.checkpoint.mark for t in world.store.series.values() if t.series.metric.cell.region == region}


@pytest.mark.parametrize("refused", [IRELAND, VIRGINIA])
def test_one_cell_that_refuses_does_not_stop_the_others(refused: str) -> None:
    world = two_regions()
    (other,) = {IRELAND, VIRGINIA} - {refused}
    cloud = next(cloud for cell, cloud in world.clouds.items() if cell.region == refused)
    cloud.trouble = always(AccessError("cloudwatch:GetMetricData is not allowed"))

    outcome = world.run()

    assert outcome.exit_code == 3
    assert marks_in(world, other) == {SETTLED}
    assert marks_in(world, refused) == {SINCE}
    assert not world.idle


def test_one_cell_without_credentials_does_not_stop_the_others() -> None:
    world = two_regions()
    world.without_access = set(list(world.clouds)[:1])

    outcome = world.run()

    assert outcome.exit_code == 3
    assert marks_in(world, VIRGINIA) == {SETTLED}
    assert not world.idle


def test_all_cells_refused_is_told_as_such() -> None:
    world = two_regions()
    for cloud in world.clouds.values():
        cloud.trouble = always(AccessError("cloudwatch:GetMetricData is not allowed"))

    outcome = world.run()

    assert outcome.exit_code == 77
    assert [len(cloud.requests) for cloud in world.clouds.values()] == [1, 1]
    assert [sum(tally.failures.values()) for tally in outcome.tallies] == [2, 2]


def test_all_cells_without_credentials_are_told_as_refused() -> None:
    world = two_regions()
    world.without_access = set(world.clouds)

    assert world.run().exit_code == 77


def test_listings_refused_in_all_cells_are_told_as_refused() -> None:
    world = two_regions()
    for cloud in world.clouds.values():
        cloud.listing_fails = AccessError("cloudwatch:ListMetrics is not allowed")

    assert world.run().exit_code == 77


def test_listings_refused_where_known_series_go_on_are_some_that_failed() -> None:
    world = two_regions()
    world.run()
    for cloud in world.clouds.values():
        cloud.listing_fails = AccessError("cloudwatch:ListMetrics is not allowed")

    assert world.run(HOUR).exit_code == 3
    assert world.marks() == {SETTLED + HOUR}


def test_credentials_that_expire_on_the_way_leave_the_rest_of_the_cell_alone() -> None:
    world = World(specs=of_many_periods(5))
    world.cloud.trouble = in_turn(None, None, AccessError("the AWS credentials have expired"))

    outcome = world.run()

    assert outcome.exit_code == 3
    assert len(world.cloud.requests) == 3
    assert outcome.tallies[0].failures == {"the AWS credentials have expired": 3}


def test_a_cell_that_nothing_reaches_is_given_up_after_three_batches() -> None:
    world = World(specs=of_many_periods(6))
    world.cloud.trouble = always(Unreachable("AWS cannot be reached"))

    outcome = world.run()

    assert outcome.exit_code == 75
    assert len(world.cloud.requests) == 3
    assert outcome.tallies[0].failures == {"AWS cannot be reached": 6}
    assert not world.idle


def test_batches_out_of_reach_are_counted_in_a_row() -> None:
    out = Unreachable("AWS cannot be reached")
    world = World(specs=of_many_periods(6))
    world.cloud.trouble = in_turn(out, out, None, out, out, None)

    outcome = world.run()

    assert outcome.exit_code == 3
    assert len(world.cloud.requests) == 6
    assert outcome.tallies[0].failures == {"AWS cannot be reached": 4}


def test_a_small_cell_that_nothing_reaches_is_out_of_reach_too() -> None:
    world = World(*cpus(2))
    world.cloud.trouble = always(Unreachable("CloudWatch throttled GetMetricData"))

    outcome = world.run()

    assert outcome.exit_code == 75
    assert outcome.tallies[0].failures == {"CloudWatch throttled GetMetricData": 2}


def test_one_cell_out_of_reach_does_not_stop_the_others() -> None:
    world = two_regions()
    world.cloud.trouble = always(Unreachable("AWS cannot be reached"))

    assert world.run().exit_code == 3
    assert marks_in(world, VIRGINIA) == {SETTLED}


def test_a_cell_given_up_half_way_through_its_windows_counts_every_series_once() -> None:
    world = World(specs=of_many_periods(4))
    world.run()
    out = Unreachable("AWS cannot be reached")
    world.cloud.trouble = in_turn(None, None, None, out, out, out)

    outcome = world.run(20 * DAY)

    assert outcome.tallies[0].failures == {"AWS cannot be reached": 4}
    assert outcome.tallies[0].answered == 3


def test_two_regions_may_share_a_template_that_does_not_tell_them_apart() -> None:
    spec = a_spec(regions=[IRELAND, VIRGINIA], template="{namespace}.{dimensions}.{metric}.{statistic}")
    world = World(specs=[spec])

    world.run()

    assert len({tracked.series.path for tracked in world.store.series.values()}) == 2
    assert world.marks() == {SETTLED}


# --- Graphite ---


def test_graphite_is_probed_before_aws_is_asked_anything() -> None:
    world = World()
    world.graphite.down = True

    outcome = world.run()

    assert outcome.exit_code == 75
    assert isinstance(outcome.ended, DeliveryError)
    assert (world.cloud.requests, world.cloud.listings) == ([], [])
    assert not world.idle


def test_a_failed_delivery_leaves_the_marks_though_part_of_it_arrived() -> None:
    world = World()
    world.graphite.breaks_after = 1

    outcome = world.run()

    assert outcome.exit_code == 75
    assert world.shown(path()) != {}
    assert world.marks() == {SINCE}
    assert not world.idle


def test_a_receiver_that_is_found_stopping_after_the_receipt_proves_nothing() -> None:
    world = World()
    world.cloud.trouble = lambda _: setattr(world.graphite, "probe_fails", True)

    outcome = world.run()

    assert outcome.exit_code == 75
    assert world.shown(path()) != {}
    assert world.marks() == {SINCE}


def test_graphite_that_fails_after_part_was_delivered_is_no_total_failure() -> None:
    world = World(specs=of_many_periods(3))
    world.graphite.breaks_after = 3

    outcome = world.run()

    assert outcome.exit_code == 3
    assert isinstance(outcome.ended, DeliveryError)
    assert in_order(world) == [SETTLED, SINCE, SINCE]
    assert len(world.cloud.requests) == 2


def test_what_was_not_receipted_is_fetched_anew() -> None:
    world = World()
    world.graphite.breaks_after = 1
    world.run()
    world.graphite.breaks_after = None

    outcome = world.run(60)

    assert outcome.exit_code == 0
    assert len(world.cloud.requests) == 2
    assert world.shown(path()) == world.truth("i-1", Window(SINCE, SETTLED + 60))


# --- clocks ---


@pytest.mark.parametrize("off", [301, -301])
def test_a_clock_that_differs_from_awss_records_nothing(off: int) -> None:
    world = World()
    world.cloud.date_off = off

    outcome = world.run()

    assert outcome.exit_code == 75
    assert isinstance(outcome.ended, ClockError)
    assert world.marks() == {SINCE}
    assert world.graphite.newest() == {}


def test_a_clock_five_minutes_off_is_taken() -> None:
    world = World()
    world.cloud.date_off = 300

    assert world.run().exit_code == 0


def test_a_clock_that_is_found_wrong_on_the_way_is_no_partial_success() -> None:
    world = World(specs=of_many_periods(3))
    world.cloud.trouble = in_turn(None, ClockError("AWS refuses the time of this machine's clock: correct it"))

    outcome = world.run()

    assert outcome.exit_code == 75
    assert in_order(world) == [SETTLED, SINCE, SINCE]


# --- being stopped ---


def test_a_pass_that_is_stopped_ends_between_batches_and_keeps_what_it_has() -> None:
    world = World(specs=of_many_periods(3))
    world.stop = lambda: len(world.cloud.requests) == 1
    world.signal = 143

    outcome = world.run()

    assert outcome.exit_code == 143
    assert len(world.cloud.requests) == 1
    assert in_order(world) == [SETTLED, SINCE, SINCE]
    assert not world.idle


def test_a_pass_that_was_stopped_is_taken_up_where_it_ended() -> None:
    world = World(specs=of_many_periods(3))
    world.stop = lambda: len(world.cloud.requests) == 1
    world.run()
    world.stop = lambda: False
    world.cloud.trouble = nothing

    assert world.run().exit_code == 0
    assert len(world.cloud.requests) == 3
