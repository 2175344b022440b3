"""What a pass says of itself, word for word: what is not as it should be, its summary, and what it would ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from cwarchive.core.checkpoint import Gap
from cwarchive.core.conditions import WEEK, Condition
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.series import Cell
from cwarchive.core.summary import Rehearsal, Tally
from cwarchive.core.telling import conditions, first_run, rehearsed, summary
from cwarchive.core.window import Window
from cwarchive.core.words import price
from cwarchive.errors import AccessError, CwarchiveError, DeliveryError, SourceError, Unreachable
from tests.builders import CELL, NOW, a_spec

HOUR_OF = Window(1_750_000_000 // HOUR * HOUR, 1_750_000_000 // HOUR * HOUR + HOUR)


def told(
    tallies: Iterable[Tally] = (), gaps: Iterable[Gap] = (), *, ended: CwarchiveError | None = None
) -> list[Condition]:
    return list(conditions(list(tallies), list(gaps), [], ended))


def sentences(tallies: Iterable[Tally] = (), gaps: Iterable[Gap] = ()) -> list[str]:
    return [condition.sentence for condition in told(tallies, gaps)]


def test_a_pass_on_which_nothing_was_amiss_has_nothing_to_tell() -> None:
    assert told([Tally(CELL, asked=3, answered=3)]) == []


def test_what_ended_a_pass_is_told_in_its_own_words() -> None:
    (condition,) = told(ended=DeliveryError("Graphite at g:2003 took no data"))

    assert condition == Condition("ended:DeliveryError", "Graphite at g:2003 took no data")


def test_series_that_wait_are_counted_by_their_reasons() -> None:
    tally = Tally(CELL, asked=9, failures=Counter({"CloudWatch answered InternalError": 1, "it was throttled": 2}))

    assert sentences([tally]) == [
        "eu-west-1: 2 series wait for the next run: it was throttled",
        "eu-west-1: 1 series waits for the next run: CloudWatch answered InternalError",
    ]


def test_a_condition_stays_the_same_while_only_its_figures_change() -> None:
    before = Tally(CELL, asked=9, failures=Counter({"HTTP 503 after 31 s": 1}))
    after = Tally(CELL, asked=9, failures=Counter({"HTTP 503 after 28 s": 400}))

    assert [condition.key for condition in told([before])] == [condition.key for condition in told([after])]
    assert sentences([before]) != sentences([after])


def test_one_reason_in_two_cells_is_two_conditions() -> None:
    cells = (CELL, Cell("", "us-east-1"))
    tallies = [Tally(cell, asked=1, failures=Counter({"it was throttled": 1})) for cell in cells]

    assert len({condition.key for condition in told(tallies)}) == 2


def test_a_listing_that_failed_is_told_once() -> None:
    tally = Tally(CELL, unlisted=SourceError("page 2 is missing"), failures=Counter({"page 2 is missing": 4}))

    assert sentences([tally]) == ["eu-west-1: metrics could not be listed: page 2 is missing"]


def test_a_cell_that_asked_nothing_says_why() -> None:
    assert sentences([Tally(CELL, ended=AccessError("no AWS credentials"))]) == [
        "eu-west-1: nothing was asked: no AWS credentials"
    ]


def test_a_cell_that_was_given_up_on_the_way_says_how_many_wait() -> None:
    tally = Tally(CELL, asked=5, ended=Unreachable("throttled"), failures=Counter({"throttled": 3}))

    assert sentences([tally]) == ["eu-west-1: 3 series wait for the next run: throttled"]


def test_new_series_beyond_the_limit_are_counted_with_the_heaviest_entries() -> None:
    tally = Tally(CELL, crowded=Counter({"metrics[0]": 7, "metrics[1]": 1_200, "metrics[2]": 3, "metrics[3]": 90}))

    assert sentences([tally]) == [
        "eu-west-1: 1,300 new series not begun: limits.max_series; metrics[1] (1,200), metrics[3] (90), metrics[0] (7)"
    ]


def test_a_pass_that_was_cut_short_says_how_many_series_are_late() -> None:
    (sentence,) = sentences([Tally(CELL, asked=5, answered=3, late=2)])

    assert sentence == (
        "eu-west-1: 2 series further behind than the entries allow, since this run was cut short: "
        "by limits.usd_per_run, --max-runtime or a signal"
    )


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("lost", "is gone from CloudWatch and was not archived (lost)"),
        (
            "resolution",
            "was archived from coarser datapoints: the finer ones are gone from CloudWatch (resolution)",
        ),
        ("unverified", "was sent once and never proven, and CloudWatch no longer answers it (unverified)"),
    ],
)
def test_permanent_gaps_are_told_weekly_by_cause_and_interval_with_their_count(kind: str, meaning: str) -> None:
    gaps = [Gap(number, HOUR_OF, kind) for number in (1, 2)]

    (condition,) = told(gaps=gaps)

    assert condition.every == WEEK
    assert condition.sentence == (f"permanent gap in 2 series: 2025-06-15T15:00:00Z to 2025-06-15T16:00:00Z {meaning}")


def test_gaps_of_another_interval_or_cause_are_told_apart_in_the_order_of_time() -> None:
    later = Window(HOUR_OF.start + DAY, HOUR_OF.end + DAY)
    gaps = [Gap(1, later, "lost"), Gap(1, HOUR_OF, "resolution"), Gap(2, HOUR_OF, "lost")]

    found = told(gaps=gaps)

    assert [condition.key.split(":")[1] for condition in found] == ["lost", "resolution", "lost"]
    assert len({condition.key for condition in found}) == 3


def test_an_entry_that_selects_nothing_is_told_weekly() -> None:
    spec = a_spec("CPUUtilisation", "Net*", label="metrics[4]")

    (named,) = conditions([], [], [spec], None)
    (unnamed,) = conditions([], [], [a_spec()], None)

    assert (
        named.sentence == "metrics[4]: nothing that AWS/EC2 lists matches CPUUtilisation, Net*; each pass looks again"
    )
    assert unnamed.sentence == "metrics[0]: nothing that AWS/EC2 lists matches any name; each pass looks again"
    assert named.every == WEEK


def test_a_first_run_says_where_the_state_is_and_where_the_archive_begins() -> None:
    assert first_run("/srv/state.sqlite", NOW) == (
        "first run: the state is /srv/state.sqlite; the archive begins at 2025-06-15T15:06:40Z"
    )


def test_a_summary_adds_the_cells_up() -> None:
    tallies = [
        Tally(CELL, answered=1_000, datapoints=60_000, requests=2, billed=500),
        Tally(CELL, answered=1, datapoints=1, requests=1, billed=1, failures=Counter({"throttled": 3})),
    ]

    assert summary(tallies) == (
        f"1,001 series archived, 60,001 datapoints, 3 requests, {price(0.00501)}, 3 series waiting"
    )


def test_a_summary_of_a_pass_without_trouble_names_none() -> None:
    assert summary([Tally(CELL, answered=1, datapoints=1, requests=1, billed=1)]) == (
        f"1 series archived, 1 datapoint, 1 request, {price(0.00001)}"
    )


def test_a_rehearsal_says_what_each_cell_would_be_asked() -> None:
    assert list(rehearsed([Rehearsal(CELL, series=4, new=1, requests=1, datapoints=5_760, billed=2)])) == [
        f"eu-west-1: 4 series (1 new), 1 request, up to 5,760 datapoints, 2 billed metrics, {price(0.00002)}",
        "nothing was fetched, sent or recorded",
    ]


def test_a_rehearsal_of_nothing_says_so() -> None:
    assert list(rehearsed([])) == ["nothing is due; nothing was fetched, sent or recorded"]
