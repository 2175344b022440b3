"""What every `Store` promises, in memory and in SQLite: what one command wrote is what a later one reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.checkpoint import Checkpoint, Cut, Gap, Tracked, advance, announce
from cwarchive.core.conditions import Remembered
from cwarchive.core.gaps import GapRecord
from cwarchive.core.ports import EntryPass, Figures, Newcomer, Store, Validated
from cwarchive.core.series import Cell, Metric, Series
from cwarchive.core.window import Window
from cwarchive.edges.sqlite import SqliteStore, create_state
from cwarchive.errors import StateError
from tests.memory_store import MemoryStore

HOUR = 3_600
START = 1_699_999_200
HERE, THERE = Cell("", "us-east-1"), Cell("prod", "eu-central-1")


class Home(Protocol):
    """Where a store lives: every `open` is a later command's look at the same state."""

    def open(self) -> Store: ...


Save = Callable[[Store, Tracked], None]


class InMemory:
    def __init__(self) -> None:
        self._store = MemoryStore()

    def open(self) -> Store:
        return self._store


class OnDisk:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "state.sqlite"
        self._store: SqliteStore | None = None
        create_state(self._path)

    def open(self) -> Store:
        self.close()
        self._store = SqliteStore(self._path, clock=lambda: START)
        return self._store

    def close(self) -> None:
        if self._store is not None:
            self._store.close()


@pytest.fixture(params=["memory", "sqlite"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    if request.param == "memory":
        yield InMemory()
    else:
        place = OnDisk(tmp_path)
        yield place
        place.close()


def newcomer(path: str, cell: Cell = HERE, since: int = START) -> Newcomer:
    metric = Metric(cell, "AWS/EC2", "CPUUtilization", (("Name", 'übung "1"'), ("Zone", path)))
    return Newcomer(Series(metric, "Average", 60, path), since)


def adopt(store: Store, *paths: str) -> list[Tracked]:
    return store.adopt([newcomer(path) for path in paths], {}, START)


def delivered(tracked: Tracked, hours: int) -> Tracked:
    mark = tracked.checkpoint.mark
    return replace(tracked, checkpoint=advance(tracked.checkpoint, Window(mark, mark + hours * HOUR)))


def recorded(store: Store, *tracked: Tracked, gaps: Sequence[Gap] = ()) -> None:
    store.record(store.begin("run", START), tracked, gaps, Figures())


def test_an_empty_state_knows_nothing(home: Home) -> None:
    store = home.open()

    assert list(store.known(HERE)) == []
    assert store.newest_mark() is None
    assert store.waiting() == 0
    assert (store.total(), store.begun()) == (0, 0)
    assert store.untold() == store.unacknowledged() == []
    assert store.all_gaps() == []
    assert store.entry("cpu") == EntryPass(None, {}, None)
    assert store.conditions() == {}
    assert store.validated() is None


def test_a_newcomer_is_known_from_then_on_with_its_identity_and_its_since(home: Home) -> None:
    adopted = home.open().adopt([newcomer("a", since=START), newcomer("b", since=START + HOUR)], {}, START)

    assert list(home.open().known(HERE)) == adopted
    assert [tracked.series for tracked in adopted] == [newcomer("a").series, newcomer("b").series]
    assert [tracked.checkpoint for tracked in adopted] == [
        Checkpoint(since, since, since, since) for since in (START, START + HOUR)
    ]


def test_series_are_known_in_the_order_in_which_they_were_met(home: Home) -> None:
    adopt(home.open(), "z", "a")
    adopt(home.open(), "m")

    assert [tracked.series.path for tracked in home.open().known(HERE)] == ["z", "a", "m"]


def test_a_cell_knows_only_its_own_series(home: Home) -> None:
    home.open().adopt([newcomer("a", HERE), newcomer("b", THERE), newcomer("c", HERE)], {}, START)

    assert [tracked.series.path for tracked in home.open().known(HERE)] == ["a", "c"]
    assert [tracked.series.path for tracked in home.open().known(THERE)] == ["b"]
    assert list(home.open().known(Cell("prod", "us-east-1"))) == []


def test_a_discovery_is_remembered_for_its_entry_and_cell(home: Home) -> None:
    home.open().adopt([], {"cpu": HERE, "disk": HERE}, START)
    home.open().adopt([], {"cpu": THERE}, START + 1)
    home.open().adopt([], {"disk": HERE}, START + 2)

    assert home.open().entry("cpu") == EntryPass(None, {HERE: START, THERE: START + 1})
    assert home.open().entry("disk") == EntryPass(None, {HERE: START + 2})


def test_newcomers_and_the_discovery_that_met_them_are_stored_together_or_not_at_all(home: Home) -> None:
    adopt(home.open(), "taken")

    with pytest.raises(StateError):
        home.open().adopt([newcomer("new"), newcomer("taken")], {"cpu": HERE}, START)

    assert [tracked.series.path for tracked in home.open().known(HERE)] == ["taken"]
    assert home.open().entry("cpu") == EntryPass(None, {})


def test_a_series_that_a_discovery_changed_is_stored_with_it(home: Home) -> None:
    first, second, third = adopt(home.open(), "a", "b", "c")
    coarser = replace(second.series, period=300)
    changed = replace(delivered(second, 2), series=coarser, cuts=(Cut(START, 60), Cut(START + HOUR, 300)), parked=True)

    (new,) = home.open().adopt([newcomer("new")], {"cpu": HERE}, START + 9, changed=[changed, third])

    assert list(home.open().known(HERE)) == [first, changed, third, new]
    assert home.open().entry("cpu").discovered == {HERE: START + 9}


def test_the_marks_of_a_changed_series_never_move_backwards(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    recorded(home.open(), delivered(tracked, 3))

    home.open().adopt([], {}, START, changed=[replace(delivered(tracked, 1), empty=True)])

    assert list(home.open().known(HERE)) == [replace(delivered(tracked, 3), empty=True)]


def test_a_series_is_never_turned_into_another(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    other = replace(tracked, series=replace(newcomer("b").series, period=300), parked=True)

    with pytest.raises(StateError):
        home.open().adopt([newcomer("new")], {"cpu": HERE}, START, changed=[other])

    assert list(home.open().known(HERE)) == [tracked]


def test_a_changed_series_that_the_state_does_not_know_stores_nothing(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    stranger = replace(tracked, id=tracked.id + 7)

    with pytest.raises(StateError):
        home.open().adopt([newcomer("new")], {"cpu": HERE}, START, changed=[replace(tracked, parked=True), stranger])

    assert list(home.open().known(HERE)) == [tracked]
    assert home.open().entry("cpu") == EntryPass(None, {})


def test_only_a_discovery_changes_the_period_of_a_series(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    coarser = replace(tracked, series=replace(tracked.series, period=300))

    home.open().announce([coarser])
    recorded(home.open(), coarser)
    by_end(home.open(), coarser)

    assert list(home.open().known(HERE)) == [tracked]


def test_what_is_announced_is_committed_before_anything_is_recorded(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    planned = replace(
        tracked,
        checkpoint=announce(tracked.checkpoint, Window(START, START + HOUR)),
        cuts=(Cut(START, 300), Cut(START + HOUR, 60)),
    )

    home.open().announce([planned])

    assert list(home.open().known(HERE)) == [planned]


def test_the_cuts_of_a_series_are_those_that_were_announced_last(home: Home) -> None:
    first, second, third = adopt(home.open(), "a", "b", "c")
    early, late, merged = Cut(START, 300), Cut(START + HOUR, 60), Cut(START, 3_600)

    home.open().announce([replace(third, cuts=(early, late)), replace(first, cuts=(early, late))])
    home.open().announce([replace(third, cuts=(merged,)), second])

    assert [tracked.cuts for tracked in home.open().known(HERE)] == [(early, late), (), (merged,)]


def test_what_is_recorded_leaves_the_cuts_as_they_were_announced(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    announced = replace(tracked, cuts=(Cut(START, 300),))
    home.open().announce([announced])

    recorded(home.open(), delivered(tracked, 1))

    assert list(home.open().known(HERE)) == [delivered(announced, 1)]


def test_a_recorded_mark_is_read_by_the_next_command(home: Home) -> None:
    first, second = adopt(home.open(), "a", "b")
    moved = delivered(second, 3)

    recorded(home.open(), moved)

    assert list(home.open().known(HERE)) == [first, moved]
    assert home.open().newest_mark() == START + 3 * HOUR


def test_a_mark_never_moves_backwards(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    ahead = delivered(tracked, 5)
    recorded(home.open(), ahead)

    recorded(home.open(), delivered(tracked, 2))
    home.open().announce([tracked])

    assert list(home.open().known(HERE)) == [ahead]


def test_a_since_that_a_backfill_lowered_stays_low(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    lowered = replace(tracked, checkpoint=replace(tracked.checkpoint, since=START - HOUR))

    recorded(home.open(), lowered)
    recorded(home.open(), tracked)

    assert list(home.open().known(HERE)) == [lowered]


def test_several_windows_of_one_series_may_be_recorded_at_once(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")

    recorded(home.open(), delivered(tracked, 2), delivered(tracked, 1))

    assert list(home.open().known(HERE)) == [delivered(tracked, 2)]


def test_a_series_that_failed_waits_until_it_succeeds(home: Home) -> None:
    first, second = adopt(home.open(), "a", "b")

    recorded(home.open(), replace(first, failed=True), second)
    waiting, failed = home.open().waiting(), [tracked.failed for tracked in home.open().known(HERE)]
    recorded(home.open(), first)

    assert (waiting, failed) == (1, [True, False])
    assert home.open().waiting() == 0


FLAGS = ("failed", "empty", "parked", "forgotten")


def flagged(tracked: Tracked, *flags: str) -> Tracked:
    failed, empty, parked, forgotten = (flag in flags for flag in FLAGS)
    return replace(tracked, failed=failed, empty=empty, parked=parked, forgotten=forgotten)


def by_record(store: Store, tracked: Tracked) -> None:
    recorded(store, tracked)


def by_end(store: Store, tracked: Tracked) -> None:
    store.end(store.begin("run", START), {}, [tracked], 0, START)


def by_adopt(store: Store, tracked: Tracked) -> None:
    store.adopt([], {}, START, changed=[tracked])


def by_announce(store: Store, tracked: Tracked) -> None:
    store.announce([tracked])


@pytest.mark.parametrize("save", [by_record, by_end, by_adopt, by_announce])
@pytest.mark.parametrize("flag", FLAGS)
def test_each_flag_of_a_series_is_stored_alone_and_taken_back(home: Home, flag: str, save: Save) -> None:
    first, second = adopt(home.open(), "a", "b")

    save(home.open(), flagged(second, flag))
    raised = list(home.open().known(HERE))
    save(home.open(), second)

    assert raised == [first, flagged(second, flag)]
    assert list(home.open().known(HERE)) == [first, second]


def test_the_flags_of_a_series_do_not_hide_each_other(home: Home) -> None:
    adopted = adopt(home.open(), *(f"{number}" for number in range(16)))
    all_of_them = [
        flagged(tracked, *(flag for bit, flag in enumerate(FLAGS) if number >> bit & 1))
        for number, tracked in enumerate(adopted)
    ]

    recorded(home.open(), *all_of_them)

    assert list(home.open().known(HERE)) == all_of_them


def test_a_series_that_was_forgotten_keeps_its_place_and_is_known_as_forgotten(home: Home) -> None:
    first, second = adopt(home.open(), "a", "b")
    moved = delivered(second, 5)
    recorded(home.open(), moved)

    given_up = home.open().forget([second.id], START + HOUR)

    assert given_up == 1
    assert list(home.open().known(HERE)) == [first, replace(moved, forgotten=True)]
    with pytest.raises(StateError):
        adopt(home.open(), "b")


def test_a_series_that_is_matched_again_goes_on_at_its_old_mark(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    moved = delivered(tracked, 5)
    recorded(home.open(), moved)
    home.open().forget([tracked.id], START)

    home.open().adopt([], {"cpu": HERE}, START, changed=[moved])

    assert list(home.open().known(HERE)) == [moved]


def test_a_series_is_forgotten_once(home: Home) -> None:
    adopted = adopt(home.open(), "a", "b")
    ids = [tracked.id for tracked in adopted]

    assert home.open().forget([ids[0], ids[0]], START) == 1
    assert home.open().forget(ids, START) == 1
    assert home.open().forget(ids, START) == 0
    assert home.open().forget([], START) == 0


def test_a_series_that_was_forgotten_no_longer_waits(home: Home) -> None:
    first, second = adopt(home.open(), "a", "b")
    recorded(home.open(), replace(first, failed=True), replace(second, failed=True))

    home.open().forget([first.id], START)
    alone = home.open().waiting()
    recorded(home.open(), replace(second, failed=True, forgotten=True))

    assert (alone, home.open().waiting()) == (1, 0)
    assert [tracked.failed for tracked in home.open().known(HERE)] == [False, True]


@pytest.mark.parametrize("change", ["forget", "rewind"])
def test_a_series_that_the_state_does_not_know_is_neither_forgotten_nor_taken_back(home: Home, change: str) -> None:
    (tracked,) = adopt(home.open(), "a")
    recorded(home.open(), moved := delivered(tracked, 2))

    with pytest.raises(StateError):
        getattr(home.open(), change)([tracked.id, tracked.id + 1], START)

    assert list(home.open().known(HERE)) == [moved]


def test_series_are_counted_without_those_that_were_forgotten(home: Home) -> None:
    first, second, third, fourth = adopt(home.open(), "a", "b", "c", "d")
    recorded(home.open(), delivered(first, 1), delivered(second, 1), replace(third, parked=True))

    counted = home.open().total(), home.open().begun()
    home.open().forget([second.id, fourth.id], START)

    assert counted == (4, 2)
    assert (home.open().total(), home.open().begun()) == (2, 1)


def test_a_series_that_is_taken_back_sends_the_span_again_in_the_next_run(home: Home) -> None:
    first, second, third = adopt(home.open(), "a", "b", "c")
    cuts = (Cut(START, 300), Cut(START + HOUR, 60))
    ahead = replace(delivered(second, 9), cuts=cuts)
    ahead = replace(ahead, checkpoint=replace(ahead.checkpoint, verified=START + 7 * HOUR, committed=START + 10 * HOUR))
    home.open().announce([ahead])
    recorded(home.open(), delivered(third, 1))

    moved = home.open().rewind([second.id, third.id], START + 2 * HOUR)

    back = Checkpoint(START, START + 2 * HOUR, START + 2 * HOUR, START + 10 * HOUR)
    assert moved == 1
    assert list(home.open().known(HERE)) == [first, replace(ahead, checkpoint=back, failed=True), delivered(third, 1)]
    assert home.open().waiting() == 1


def test_a_series_is_taken_back_no_further_than_its_archive_begins(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    recorded(home.open(), delivered(tracked, 4))

    assert home.open().rewind([tracked.id, tracked.id], START - 9 * HOUR) == 1
    assert home.open().rewind([tracked.id], START - 9 * HOUR) == 0

    back = Checkpoint(START, START, START, START + 4 * HOUR)
    assert list(home.open().known(HERE)) == [replace(tracked, checkpoint=back, failed=True)]


def test_a_series_that_was_taken_back_moves_forward_from_there(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    recorded(home.open(), delivered(tracked, 4))
    home.open().rewind([tracked.id], START + HOUR)

    (back,) = home.open().known(HERE)
    recorded(home.open(), replace(delivered(back, 1), failed=False))

    checkpoint = Checkpoint(START, START + 2 * HOUR, START, START + 4 * HOUR)
    assert list(home.open().known(HERE)) == [replace(tracked, checkpoint=checkpoint)]


def test_gaps_stay_when_their_series_is_taken_back(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    told, untold = (Gap(tracked.id, Window(START + n, START + HOUR), "lost") for n in (0, 60))
    recorded(home.open(), delivered(tracked, 4), gaps=[told, untold])
    home.open().tell([told], START)
    home.open().acknowledge([told], START)
    before = home.open().all_gaps()

    home.open().rewind([tracked.id], START)
    recorded(home.open(), gaps=[told])

    assert home.open().all_gaps() == before
    assert home.open().untold() == [untold]


def test_a_gap_is_untold_until_somebody_was_told(home: Home) -> None:
    first, second = adopt(home.open(), "a", "b")
    lost = Gap(first.id, Window(START, START + HOUR), "lost")
    coarse = Gap(second.id, Window(START, START + HOUR), "resolution")

    recorded(home.open(), gaps=[lost, coarse])
    untold = home.open().untold()
    home.open().tell([lost], START)

    assert untold == [lost, coarse]
    assert home.open().untold() == [coarse]


def test_a_gap_that_is_met_again_is_the_same_gap(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    gap = Gap(tracked.id, Window(START, START + HOUR), "unverified")
    recorded(home.open(), gaps=[gap, gap])
    home.open().tell([gap], START)

    recorded(home.open(), gaps=[gap])

    assert home.open().untold() == []


def gaps_of(store: Store, *kinds: str) -> list[Gap]:
    (tracked,) = adopt(store, "a")
    gaps = [Gap(tracked.id, Window(START + HOUR * n, START + HOUR * (n + 1)), kind) for n, kind in enumerate(kinds)]
    recorded(store, gaps=gaps)
    return gaps


def test_a_gap_that_was_acknowledged_needs_no_telling(home: Home) -> None:
    first, second, third = gaps_of(home.open(), "lost", "lost", "resolution")

    met = home.open().acknowledge([first, third], START)

    assert met == 2
    assert home.open().untold() == home.open().unacknowledged() == [second]


def test_a_gap_is_acknowledged_once(home: Home) -> None:
    first, second = gaps_of(home.open(), "lost", "lost")

    assert home.open().acknowledge([first], START) == 1
    assert home.open().acknowledge([first, second, second], START + 1) == 1
    assert home.open().acknowledge([first, second], START + 2) == 0
    assert home.open().acknowledge([], START + 3) == 0
    assert [record.acknowledged for record in home.open().all_gaps()] == [START, START + 1]


def test_a_gap_that_the_state_does_not_know_is_not_acknowledged(home: Home) -> None:
    (gap,) = gaps_of(home.open(), "lost")

    assert home.open().acknowledge([replace(gap, kind="resolution")], START) == 0
    assert home.open().unacknowledged() == [gap]


def test_a_gap_stays_acknowledged_when_it_is_met_or_told_again(home: Home) -> None:
    gaps = gaps_of(home.open(), "lost")
    home.open().acknowledge(gaps, START)

    recorded(home.open(), gaps=gaps)
    home.open().tell(gaps, START + 5)

    (record,) = home.open().all_gaps()
    assert (record.told, record.acknowledged) == (START + 5, START)


def test_gaps_that_were_told_too_long_ago_are_asked_for_by_an_instant(home: Home) -> None:
    never, early, late, known = gaps_of(home.open(), "lost", "lost", "lost", "lost")
    home.open().tell([early, known], START)
    home.open().tell([late], START + 10)
    home.open().acknowledge([known], START)

    found = {before: home.open().unacknowledged(before) for before in (START, START + 1, START + 10, START + 11)}

    assert found == {
        START: [never],
        START + 1: [never, early],
        START + 10: [never, early],
        START + 11: [never, early, late],
    }
    assert home.open().unacknowledged() == [never, early, late]


def test_a_gap_that_is_told_again_was_told_when_it_was_told_last(home: Home) -> None:
    gaps = gaps_of(home.open(), "lost")

    for told in (START, START + 9):
        home.open().tell(gaps, told)

    assert [record.told for record in home.open().all_gaps()] == [START + 9]


def test_a_gap_is_kept_with_its_series_and_the_run_that_noticed_it(home: Home) -> None:
    first, second = adopt(home.open(), "b", "a")
    one, other = (Gap(number, Window(START, START + HOUR), "lost") for number in (second.id, first.id))
    store = home.open()
    store.record(store.begin("run", START + 7), [], [one], Figures())
    store.record(store.begin("run", START + 8), [], [one, other], Figures())

    assert home.open().all_gaps() == [
        GapRecord(one, second.series, START + 7, None, None),
        GapRecord(other, first.series, START + 8, None, None),
    ]


def test_conditions_are_remembered_in_their_order_until_others_take_their_place(home: Home) -> None:
    down = Remembered("graphite", "Graphite is down; größer als 1 \u2009%", START, START + 5)
    late = Remembered("a late archive", "3 series are late", START + 1, START + 1)
    home.open().remember([down, late])

    first = home.open().conditions()
    home.open().remember([replace(late, told=START + 9)])
    second = home.open().conditions()
    home.open().remember([])

    assert list(first.items()) == [("graphite", down), ("a late archive", late)]
    assert second == {"a late archive": replace(late, told=START + 9)}
    assert home.open().conditions() == {}


def test_two_conditions_under_one_key_are_refused_and_the_former_ones_kept(home: Home) -> None:
    former = Remembered("a", "a lasts", START, START)
    home.open().remember([former])

    with pytest.raises(StateError):
        home.open().remember([Remembered("b", "b", START, START), Remembered("b", "c", START, START)])

    assert home.open().conditions() == {"a": former}


def test_the_config_that_was_validated_last_is_remembered(home: Home) -> None:
    first = Validated("abc", (("('AWS/EC2', 'größe')", 3_600), ("disk", 60)))

    home.open().remember_validated(first)
    found = home.open().validated()
    home.open().remember_validated(Validated("def", ()))

    assert found == first
    assert home.open().validated() == Validated("def", ())


def test_nothing_is_recorded_under_a_run_that_was_not_begun(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")

    with pytest.raises(StateError):
        home.open().record(7, [], [], Figures())

    assert list(home.open().known(HERE)) == [tracked]


def test_a_series_that_the_state_does_not_know_is_not_recorded(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    stranger = replace(tracked, id=tracked.id + 1)

    with pytest.raises(StateError):
        recorded(home.open(), delivered(tracked, 1), stranger)

    assert list(home.open().known(HERE)) == [tracked]


def test_runs_have_names_of_their_own(home: Home) -> None:
    assert home.open().begin("run", START) != home.open().begin("run", START)


def test_the_end_of_a_run_stores_resent_marks_and_the_passes_of_its_entries(home: Home) -> None:
    (tracked,) = adopt(home.open(), "a")
    moved = delivered(tracked, 2)
    resent = replace(moved, checkpoint=replace(moved.checkpoint, verified=START + HOUR))
    run = home.open().begin("run", START)
    home.open().record(run, [moved], [], Figures())

    home.open().end(run, {"cpu": START, "disk": START + 1}, [resent], 0, START + 9)

    assert list(home.open().known(HERE)) == [resent]
    assert home.open().entry("cpu").last_pass == START
    assert home.open().entry("disk").last_pass == START + 1
    assert home.open().entry("net").last_pass is None


def test_a_later_pass_of_an_entry_replaces_the_earlier_one(home: Home) -> None:
    for begun in (START, START + HOUR):
        store = home.open()
        store.end(store.begin("run", begun), {"cpu": begun}, [], 0, begun)

    assert home.open().entry("cpu").last_pass == START + HOUR


def test_what_the_last_whole_pass_of_an_entry_was_billed_is_remembered(home: Home) -> None:
    store = home.open()
    run = store.begin("run", START)
    store.end(run, {"cpu": START, "disk": START}, [], 0, START, billed={"cpu": 7, "net": 9})

    assert home.open().entry("cpu") == EntryPass(START, {}, 7)
    assert home.open().entry("disk") == EntryPass(START, {}, None)
    assert home.open().entry("net") == EntryPass(None, {}, None)


def test_a_later_whole_pass_replaces_the_bill_of_the_one_before(home: Home) -> None:
    bills: list[int | None] = []
    for billed in ({"cpu": 5}, {"cpu": 0}, {}):
        store = home.open()
        store.end(store.begin("run", START), {"cpu": START}, [], 0, START, billed=billed)
        bills.append(home.open().entry("cpu").billed)

    assert bills == [5, 0, None]


def test_a_pass_that_was_not_whole_leaves_the_bill_of_the_one_before(home: Home) -> None:
    for passed in ({"cpu": START}, {}):
        store = home.open()
        store.end(store.begin("run", START), passed, [], 0, START, billed={"cpu": 5 + 2 * len(passed)})

    assert home.open().entry("cpu") == EntryPass(START, {}, 7)


def test_series_may_be_recorded_while_the_known_ones_are_read(home: Home) -> None:
    adopted = adopt(home.open(), "a", "b", "c")
    store = home.open()
    run = store.begin("run", START)

    read = []
    for tracked in store.known(HERE):
        read.append(tracked)
        store.record(run, [delivered(tracked, 1)], [], Figures(series=1))

    assert read == adopted
    assert list(home.open().known(HERE)) == [delivered(tracked, 1) for tracked in adopted]


MARKS = st.lists(st.integers(0, 50), min_size=4, max_size=4).map(sorted)


WAYS = st.sampled_from(["record", "announce", "adopt", "end"])


@given(st.lists(st.tuples(MARKS, WAYS), min_size=1, max_size=6))
def test_whatever_is_saved_in_whatever_way_and_order_coverage_only_grows(
    tmp_path_factory: pytest.TempPathFactory, saves: list[tuple[list[int], str]]
) -> None:
    marks = [row for row, _ in saves]
    on_disk = OnDisk(tmp_path_factory.mktemp("state"))
    for home in (InMemory(), on_disk):
        store = home.open()
        (tracked,) = store.adopt([newcomer("a", since=marks[0][0])], {}, START)
        run = store.begin("run", START)
        for (since, verified, mark, committed), way in saves:
            saved = replace(tracked, checkpoint=Checkpoint(since, mark, verified, committed))
            match way:
                case "record":
                    store.record(run, [saved], [], Figures())
                case "announce":
                    store.announce([saved])
                case "adopt":
                    store.adopt([], {}, START, changed=[saved])
                case "end":
                    store.end(run, {}, [saved], 0, START)

        found = next(home.open().known(HERE)).checkpoint

        assert found.since == min(row[0] for row in marks)
        assert (found.verified, found.mark, found.committed) == tuple(max(row[n] for row in marks) for n in (1, 2, 3))
    on_disk.close()
