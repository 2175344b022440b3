"""What a pass writes down and when: announced, delivered, proven, recorded; and what an outage or a death leaves."""

from __future__ import annotations

import pytest

from cwarchive.archive.passes import REPEAT_AFTER
from cwarchive.core.checkpoint import Cut
from cwarchive.core.plan import MARGIN
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import Window, ceil, floor
from cwarchive.errors import AccessError, StateError, Unreachable
from tests.archive.world import SETTLED, SINCE, World, cpu, cpus, of_many_periods, path
from tests.builders import NOW, a_spec
from tests.fake_cloudwatch import in_turn

LATER = 20 * DAY
SEAM = ceil(NOW + LATER - 15 * DAY + MARGIN, 300)
"""The first coarse boundary from which CloudWatch still answers minutes, after an outage of LATER."""


def slots(window: Window, period: int) -> int:
    return window.seconds // period


# --- the order ---


def test_a_mark_is_recorded_after_the_receipt_and_the_receipt_is_proven_by_a_new_connection() -> None:
    world = World()

    world.run()

    assert world.journal == ["begin", "probe", "adopt", "announce", "deliver", "probe", "record", "end"]


def test_each_batch_is_delivered_and_recorded_before_the_next_is_settled() -> None:
    world = World(specs=of_many_periods(2))

    world.run()

    assert world.journal[3:-1] == ["announce", "deliver", "probe", "record"] * 2


def test_a_batch_without_any_answer_bothers_no_receiver() -> None:
    world = World()
    world.cloud.unanswered = {"i-1": "CloudWatch answered InternalError"}

    world.run()

    assert world.journal == ["begin", "probe", "adopt", "record", "end"]


def test_a_failed_delivery_is_announced_and_not_recorded() -> None:
    world = World()
    world.graphite.breaks_after = 1

    world.run()

    assert world.journal == ["begin", "probe", "adopt", "announce", "deliver", "end"]
    assert (world.checkpoint().mark, world.checkpoint().committed) == (SINCE, SETTLED)


def test_a_state_that_cannot_be_written_ends_the_pass_before_aws_is_asked() -> None:
    world = World()
    world.store.full = True

    with pytest.raises(StateError):
        world.run()
    assert (world.cloud.requests, world.cloud.listings, world.graphite.probes) == ([], [], 0)


def test_blocks_hold_as_many_lines_as_the_receiver_is_given() -> None:
    world = World()

    world.run()

    assert world.graphite.blocks == ceil(slots(Window(SINCE, SETTLED), 60), 500) // 500


@pytest.mark.parametrize("threads", [1, 2, 9])
def test_any_number_of_threads_archives_the_same(threads: int) -> None:
    world = World(*cpus(2), specs=of_many_periods(4), threads=threads)
    world.run()
    world.run(20 * DAY)

    for tracked in world.store.series.values():
        end = floor(world.now - 600, tracked.series.period)
        fine = ceil(world.now - 15 * DAY + MARGIN, 300 * tracked.series.period)
        assert tracked.checkpoint.mark == end
        truth = world.truth(f"{tracked.series.path}", Window(fine, end))
        assert {at: value for at, value in world.shown(tracked.series.path).items() if at >= fine} == truth


# --- the process dies ---


@pytest.mark.parametrize("write", ["begin", "adopt", "announce", "record", "end"])
@pytest.mark.parametrize("when", ["dies_before", "dies_after"])
def test_a_pass_that_died_anywhere_loses_nothing(write: str, when: str) -> None:
    world = World(*cpus(3))
    setattr(world.store, when, write)
    world.dies()

    outcome = world.run(HOUR)

    assert outcome.exit_code == 0
    for number in range(3):
        own = path(f"i-{number:03}")
        assert world.shown(own).items() >= world.truth(own, Window(SINCE + HOUR, SETTLED + HOUR)).items()


def test_a_death_between_delivery_and_record_leaves_the_mark_and_what_was_announced() -> None:
    world = World()
    world.store.dies_before = "record"

    world.dies()

    assert len(world.shown(path())) == slots(Window(SINCE, SETTLED), 60)
    assert (world.checkpoint().mark, world.checkpoint().committed) == (SINCE, SETTLED)


def test_what_was_announced_is_asked_again_at_its_period_while_cloudwatch_answers_it() -> None:
    world = World()
    world.store.dies_before = "record"
    world.dies()

    world.run(13 * DAY)

    assert [(request.window.start, request.period) for request in world.cloud.requests] == [(SINCE, 60)] * 2
    assert world.store.gaps == []


def test_what_was_announced_and_forgotten_is_lost_and_never_archived_coarser() -> None:
    world = World()
    world.run()
    world.store.dies_before = "record"
    world.dies(after=HOUR)
    fine = dict(world.shown(path()))

    outcome = world.run(16 * DAY)

    committed = SETTLED + HOUR
    assert outcome.exit_code == 4
    assert world.gaps("lost") == [(SETTLED, committed)]
    coarse_from = ceil(committed, 300)
    assert {at: value for at, value in world.shown(path()).items() if at < coarse_from} == fine
    assert world.gaps("resolution")[0][0] == committed


def test_a_coarser_window_that_died_on_the_way_is_asked_again_at_the_coarser_period() -> None:
    world = World()
    world.run()
    world.store.dies_before = "record"
    world.dies(after=20 * DAY)

    outcome = world.run(HOUR)

    first, again, further, fine = world.cloud.requests[1:5]
    assert again == first
    assert (again.period, further.period, fine.period) == (300, 300, 60)
    assert (further.window.start, fine.window.start) == (SEAM, SEAM + HOUR)
    assert outcome.exit_code == 4
    assert world.gaps("resolution") == [(SETTLED, SEAM), (SEAM, SEAM + HOUR)]


# --- an outage ---


def test_after_twenty_days_the_oldest_five_are_archived_at_five_minutes() -> None:
    world = World()
    world.run()

    outcome = world.run(LATER)

    asked = [(request.window, request.period) for request in world.cloud.requests[1:3]]
    assert asked == [(Window(floor(SETTLED, 300), SEAM), 300), (Window(SEAM, SETTLED + LATER), 60)]
    coarse = Window(ceil(SETTLED, 300), SEAM)
    shown = world.shown(path())
    assert {at: value for at, value in shown.items() if SETTLED <= at < SEAM} == world.truth("i-1", coarse, 300)
    assert {at: value for at, value in shown.items() if at >= SEAM} == world.truth("i-1", Window(SEAM, SETTLED + LATER))
    assert outcome.exit_code == 4
    assert world.marks() == {SETTLED + LATER}


def test_the_bucket_in_which_the_mark_stood_is_a_gap_and_is_not_sent() -> None:
    world = World()
    world.now += 120
    world.run()
    mark = world.checkpoint().mark
    assert mark % 300

    world.run(LATER)

    assert world.gaps("resolution") == [(mark, ceil(world.now - 15 * DAY + MARGIN, 300))]
    assert floor(mark, 300) in world.truth("i-1", Window(SINCE, mark))
    assert world.shown(path())[floor(mark, 300)] == world.truth("i-1", Window(SINCE, mark))[floor(mark, 300)]


def test_an_outage_is_told_once() -> None:
    world = World()
    world.run()

    told = [gap for _ in range(4) for gap in world.run(LATER if world.now == NOW else HOUR).gaps]

    assert [gap.kind for gap in told].count("resolution") == 1
    assert len(told) == len(set(told))
    assert world.gaps("resolution") == [(SETTLED, SEAM)]


def test_an_outage_without_data_is_no_gap() -> None:
    world = World(cpu("i-1", ended=SINCE + HOUR), cpu("i-2"))
    world.run()

    world.run(LATER)

    coarsened = {gap.series_id for gap in world.store.gaps if gap.kind == "resolution"}
    assert coarsened == {world.tracked("i-2").id}


def test_an_outage_leaves_a_cut_where_minutes_end_and_one_where_they_begin_again() -> None:
    world = World()
    world.run()

    world.run(LATER)

    assert world.tracked().cuts == (Cut(SETTLED, 300), Cut(SEAM, 60))


def test_after_an_outage_the_coarser_span_is_read_again_coarser() -> None:
    world = World()
    world.run()
    world.run(LATER)

    world.run(HOUR)

    repeated, after = world.cloud.requests[3:5], world.cloud.requests[5:]
    assert [(request.window.start, request.period) for request in repeated] == [
        (floor(SETTLED, 300) + 300, 300),
        (SEAM, 60),
    ]
    assert {request.period for request in after if request.window.start < SEAM} <= {300}


def test_a_gap_that_a_killed_pass_recorded_is_told_by_the_next() -> None:
    world = World()
    world.run()
    world.store.dies_before = "end"
    world.dies(after=LATER)

    outcome = world.run(HOUR)

    assert outcome.exit_code == 4
    assert "resolution" in {gap.kind for gap in outcome.gaps}


def test_what_was_lost_is_not_told_again_as_unverified() -> None:
    world = World()
    world.run()

    for after in (500 * DAY, HOUR, HOUR, HOUR):
        world.run(after)

    (lost,) = world.gaps("lost")
    assert lost[0] == SETTLED
    assert [gap for gap in world.gaps("unverified") if gap[0] < lost[1]] == [(SINCE, SETTLED)]


def test_what_was_announced_and_lost_is_not_told_again_as_unverified() -> None:
    world = World()
    world.run()
    world.store.dies_before = "record"
    world.dies(after=HOUR)
    world.now = SETTLED + HOUR // 2 + 15 * DAY - MARGIN
    horizon = ceil(world.now - 15 * DAY + MARGIN, 300)

    world.run()
    world.run(HOUR)

    assert world.gaps("lost") == [(SETTLED, horizon)]
    assert not [gap for gap in world.gaps("unverified") if SETTLED <= gap[0] < horizon]


# --- what an outage left at the horizon is sent twice at once ---


def test_after_an_outage_everything_is_sent_twice_in_one_pass_with_a_pause_between() -> None:
    world = World()
    world.run()

    world.run(LATER)

    assert world.pauses == [REPEAT_AFTER]
    sent_twice = {at for (_, at), values in world.graphite.received.items() if at >= ceil(SETTLED, 300) and values[1:]}
    assert sent_twice == {at for at in world.shown(path()) if at >= ceil(SETTLED, 300)}
    assert world.checkpoint().verified == world.checkpoint().mark == SETTLED + LATER


def test_an_ordinary_pass_sends_once() -> None:
    world = World()
    world.run()

    world.run(14 * DAY)

    assert world.pauses == []
    assert len(world.cloud.requests) == 2


def test_a_series_that_failed_is_not_sent_twice_and_stays_failed() -> None:
    world = World(*cpus(2))
    world.run()
    left_out = {"i-001": "CloudWatch answered InternalError"}
    world.cloud.trouble = lambda request: setattr(world.cloud, "unanswered", left_out if request.period == 60 else {})

    world.run(LATER)

    assert world.tracked("i-001").failed
    assert len(world.cloud.asked("i-001")) == len(world.cloud.asked("i-000")) - 2


def test_a_repetition_that_fails_is_no_failure_of_what_is_archived() -> None:
    world = World()
    world.run()
    world.cloud.trouble = in_turn(None, None, Unreachable("AWS cannot be reached"))

    outcome = world.run(LATER)

    assert outcome.exit_code == 4
    assert outcome.tallies[0].failures == {}
    assert (world.checkpoint().verified, world.checkpoint().mark) == (SETTLED, SETTLED + LATER)
    assert not world.tracked().failed


def test_nothing_is_sent_twice_in_a_cell_that_was_given_up() -> None:
    world = World(*cpus(2), specs=of_many_periods(2))
    world.run()
    world.cloud.trouble = in_turn(None, None, None, AccessError("the AWS credentials have expired"))

    outcome = world.run(LATER)

    assert len(world.cloud.requests) == 2 + 4
    assert world.pauses == []
    assert sum(outcome.tallies[0].failures.values()) == 2


def test_graphite_that_fails_in_the_repetition_ends_the_pass_and_proves_nothing() -> None:
    world = World()
    world.run()
    before = world.checkpoint()
    world.cloud.trouble = lambda _: setattr(world.graphite, "down", len(world.pauses) > 0)

    outcome = world.run(LATER)

    assert outcome.exit_code == 4
    assert outcome.ended is not None
    assert (world.checkpoint().verified, world.checkpoint().mark) == (before.verified, SETTLED + LATER)


# --- the re-sent mark ---


def test_the_re_sent_mark_is_where_the_mark_stood_before_a_pass_that_moved_it() -> None:
    world = World()

    marks = []
    for _ in range(3):
        world.run(HOUR)
        marks.append((world.checkpoint().verified, world.checkpoint().mark))

    assert marks == [(SINCE + HOUR, SETTLED + HOUR), (SETTLED + HOUR, SETTLED + 2 * HOUR)] + [
        (SETTLED + 2 * HOUR, SETTLED + 3 * HOUR)
    ]


def test_the_re_sent_mark_moves_only_in_the_last_commit() -> None:
    world = World()
    world.run()
    world.store.dies_before = "end"

    world.dies(after=HOUR)

    assert (world.checkpoint().verified, world.checkpoint().mark) == (SINCE, SETTLED + HOUR)


def test_a_pass_that_graphite_ended_proves_nothing_of_what_it_did_deliver() -> None:
    world = World(specs=of_many_periods(2))
    world.run()
    world.graphite.breaks_after = world.graphite.blocks + 3

    world.run(HOUR)

    assert [tracked.checkpoint.mark for tracked in world.store.series.values()] == [SETTLED + HOUR, floor(SETTLED, 120)]
    assert {tracked.checkpoint.verified for tracked in world.store.series.values()} == {SINCE}


def test_a_series_that_failed_after_its_first_window_keeps_what_that_window_proved() -> None:
    world = World()
    world.run()
    left_out = {"i-1": "CloudWatch answered InternalError"}
    world.cloud.trouble = lambda request: setattr(world.cloud, "unanswered", left_out if request.period == 60 else {})

    outcome = world.run(LATER)

    assert outcome.tallies[0].failures == {"CloudWatch answered InternalError": 1}
    assert (world.checkpoint().verified, world.checkpoint().mark) == (SETTLED, SEAM)
    assert world.tracked().failed
    assert len(world.cloud.requests) == 3


def test_a_series_that_failed_altogether_keeps_its_re_sent_mark() -> None:
    world = World()
    world.run(0)
    world.run(HOUR)
    world.cloud.unanswered = {"i-1": "CloudWatch answered InternalError"}

    world.run(HOUR)

    assert (world.checkpoint().verified, world.checkpoint().mark) == (SETTLED, SETTLED + HOUR)


# --- progress ---


def test_progress_ends_at_the_number_of_series_whatever_their_windows() -> None:
    world = World(*cpus(3), specs=[a_spec(statistics=["Sum", "Average"])])
    world.run()
    world.watched.clear()
    world.cloud.unanswered = {"i-001": "CloudWatch answered InternalError"}

    world.run(70 * DAY)

    assert [asked for _, asked in world.watched] == [6] * len(world.watched)
    done = [done for done, _ in world.watched]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (2, 6)


def test_a_series_counts_its_datapoints_as_sent() -> None:
    world = World()
    world.run()

    (tally,) = world.run(LATER).tallies

    coarse = Window(ceil(SETTLED, 300), SEAM)
    once = slots(coarse, 300) + slots(Window(SEAM, SETTLED + LATER), 60)
    assert tally.datapoints == 2 * once
