"""Which series a pass is about: what is listed, joined with what is known."""

from __future__ import annotations

from collections.abc import Sequence

from cwarchive.archive.survey import Survey, adopted, listing, provisional, survey
from cwarchive.core.checkpoint import Tracked
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.series import Metric, Series
from cwarchive.core.spec import MetricSpec
from cwarchive.core.window import floor
from cwarchive.errors import AccessError, SourceError
from tests.archive.world import SINCE, World, cpu, cpus, path
from tests.builders import CELL, NOW, a_metric, a_series, a_spec, a_tracked
from tests.memory_store import MemoryStore


def instance(name: str) -> Metric:
    return a_metric(dimensions={"InstanceId": name})


def known(name: str, number: int = 1, statistic: str = "Average", *, failed: bool = False) -> Tracked:
    return a_tracked(series=a_series(instance(name), statistic, path=path(name, statistic)), id=number, failed=failed)


def surveyed(
    listed: Sequence[Metric] = (),
    known: Sequence[Tracked] = (),
    due: Sequence[MetricSpec] = (),
    others: Sequence[MetricSpec] = (),
) -> Survey:
    return survey(listed, known, due, others, {}, NOW)


def members(found: Survey) -> list[str]:
    return [str(member.tracked.series) for member in found.members]


def newcomers(found: Survey) -> list[str]:
    return [newcomer.series.path for newcomer, _ in found.newcomers]


def test_what_is_listed_and_not_known_is_new() -> None:
    found = surveyed([instance("i-1")], [], [a_spec()])

    ((newcomer, spec),) = found.newcomers
    assert newcomer.series == Series(instance("i-1"), "Average", 60, path("i-1"))
    assert (newcomer.since, spec, found.members) == (SINCE, a_spec(), ())


def test_what_is_known_is_no_newcomer_whether_listed_or_not() -> None:
    found = surveyed([instance("i-1")], [known("i-1", 1), known("i-2", 2)], [a_spec()])

    assert [member.tracked.id for member in found.members] == [1, 2]
    assert found.newcomers == ()


def test_another_statistic_of_a_known_metric_is_new() -> None:
    found = surveyed([], [known("i-1")], [a_spec(statistics=["Average", "Sum"])])

    assert newcomers(found) == [path("i-1", "Sum")]


def test_what_no_entry_selects_any_longer_takes_no_part() -> None:
    found = surveyed([instance("i-1")], [known("i-1"), known("i-2", 2)], [a_spec(wanted={"InstanceId": "i-2"})])

    assert [member.tracked.id for member in found.members] == [2]


def test_another_prefix_makes_another_series() -> None:
    found = surveyed([], [known("i-1")], [a_spec(prefix="aws")])

    assert found.members == ()
    assert newcomers(found) == [path("i-1").replace("cloudwatch.", "aws.")]


def test_two_entries_that_select_one_series_make_one_as_the_first_says() -> None:
    first, second = a_spec(settle=60, label="metrics[0]"), a_spec(settle=900, label="metrics[1]")

    found = surveyed([instance("i-1")], [], [first, second])

    assert [spec for _, spec in found.newcomers] == [first]


def test_a_metric_that_is_listed_twice_is_one_newcomer() -> None:
    assert len(surveyed([instance("i-1")] * 2, [], [a_spec()]).newcomers) == 1


def test_a_series_that_failed_takes_part_though_its_entry_is_not_due() -> None:
    other = a_spec(every=DAY)

    found = surveyed([], [known("i-1", failed=True), known("i-2", 2)], [], [other])

    assert [(member.tracked.id, member.spec) for member in found.members] == [(1, other)]


def test_a_series_that_failed_takes_part_once_where_its_entry_is_due() -> None:
    found = surveyed([], [known("i-1", failed=True)], [a_spec()], [a_spec(settle=900)])

    assert [member.spec.settle for member in found.members] == [600]


def test_a_series_that_failed_and_that_no_entry_selects_takes_no_part() -> None:
    found = surveyed([], [known("i-1", failed=True)], [], [a_spec(namespace="AWS/SQS")])

    assert found.members == ()


def test_the_owner_of_a_path_keeps_it_and_a_newcomer_is_told_apart() -> None:
    owner = a_tracked(series=a_series(instance("i/1"), path=path("i_1")))

    found = surveyed([instance("i/1"), instance("i.1")], [owner], [a_spec()])

    (other,) = newcomers(found)
    assert members(found) == [str(owner.series)]
    assert other.startswith("cloudwatch.eu-west-1.AWS.EC2.InstanceId.i_1_")


def test_a_series_that_was_told_apart_is_known_again() -> None:
    store = MemoryStore()
    listed = [instance("i/1"), instance("i.1")]
    first = surveyed(listed, [], [a_spec()])
    adopted(store, first, {}, NOW)

    again = surveyed(list(reversed(listed)), list(store.known(CELL)), [a_spec()])

    assert len(again.members) == 2
    assert again.newcomers == ()


def test_a_path_that_another_cell_owns_is_not_given_away() -> None:
    taken = {path("i-1"): "somebody else"}

    found = survey([instance("i-1"), instance("i-2")], [], [a_spec()], [], {}, NOW, taken)

    assert path("i-2") in newcomers(found)
    assert path("i-1") not in newcomers(found)
    assert len(newcomers(found)) == 2


def test_a_newcomer_of_an_entry_at_work_begins_a_day_before_its_last_discovery() -> None:
    spec = a_spec()
    begun = NOW - 9 * DAY

    found = survey([instance("i-1")], [], [spec], [], {spec.key: begun}, NOW)

    assert found.newcomers[0][0].since == floor(begun - DAY, HOUR)


def test_newcomers_are_stored_with_the_discovery_that_met_them() -> None:
    store = MemoryStore()
    spec = a_spec()

    (member,) = adopted(store, surveyed([instance("i-1")], [], [spec]), {spec.key: CELL}, NOW)

    assert list(store.known(CELL)) == [member.tracked]
    assert store.entry(spec.key).discovered == {CELL: NOW}


def test_what_is_only_planned_has_members_that_no_state_knows() -> None:
    found = surveyed([instance("i-1"), instance("i-2")], [known("i-1")], [a_spec()])

    met = provisional(found)

    assert [member.tracked.id for member in met] == [1, -1]
    assert met[1].owed(NOW).asks[0].window.start == SINCE


def test_every_namespace_is_listed_once_and_in_order() -> None:
    world = World(*cpus(2), specs=[a_spec(namespace="B"), a_spec(), a_spec("x"), a_spec(namespace="A/x")])

    found = listing(world.cloud, world.specs)

    assert world.cloud.listings == [("A/x", "AWS/EC2", "B")]
    assert len(found.metrics) == 2


def test_without_entries_nothing_is_listed() -> None:
    world = World()

    assert listing(world.cloud, []).metrics == ()
    assert world.cloud.listings == []


def test_a_listing_that_failed_holds_nothing_but_the_reason() -> None:
    world = World(cpu())
    for error in (SourceError("cut short"), AccessError("denied")):
        world.cloud.listing_fails = error

        found = listing(world.cloud, world.specs)

        assert (found.metrics, found.failure) == ((), error)
