"""How an archive stands: on time, late or with gaps, and how long until CloudWatch forgets what is not archived."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.spec import MetricSpec, Rhythm
from cwarchive.core.standing import GapCount, Standing, StateSummary
from cwarchive.core.status import Status, document, month_start, status
from tests.builders import CELL, NOW, a_spec


def standing(
    behind: int | None = 600, *, namespace: str = "AWS/EC2", period: int = 60, parked: int = 0, waiting: int = 0
) -> Standing:
    """Ten series, the one furthest behind by so many seconds; None: all rest."""
    mark = None if behind is None else NOW - behind
    verified = None if mark is None else mark - HOUR
    return Standing(CELL, namespace, period, 10, 0, mark, verified, parked, waiting)


def stands(*standings: Standing, specs: Iterable[MetricSpec] = (), gaps: Iterable[GapCount] = ()) -> Status:
    return status(StateSummary(standings, tuple(gaps), (), billed=720_000), list(specs) or [a_spec()], NOW)


ALLOWED = 600 + 2 * HOUR + 60
"""Settle, twice `every`, a period."""


def test_an_archive_on_time_is_unproven() -> None:
    found = stands(standing(ALLOWED))

    assert (found.verdict, found.exit_code, found.late) == ("unproven", 0, ())


def test_a_series_behind_by_more_than_its_entry_allows_is_late() -> None:
    late = standing(ALLOWED + 1)

    found = stands(late, standing(period=300))

    assert (found.verdict, found.exit_code, found.late) == ("late", 3, (late,))


@pytest.mark.parametrize(("unacknowledged", "code"), [(1, 4), (0, 3)])
def test_gaps_that_nobody_has_acknowledged_weigh_more_than_lateness(unacknowledged: int, code: int) -> None:
    found = stands(standing(ALLOWED + 1), gaps=[GapCount("lost", 5, unacknowledged)])

    assert found.exit_code == code


def test_series_that_rest_are_never_late_and_lose_nothing() -> None:
    found = stands(standing(None, parked=10))

    assert (found.verdict, found.lag, found.verified_lag) == ("unproven", None, None)
    assert set(found.time_to_loss.values()) == {None}


def test_an_empty_archive_is_not_late() -> None:
    found = stands()

    assert (found.verdict, found.lag, found.effective_every) == ("unproven", None, HOUR)


def test_the_lag_is_that_of_the_series_furthest_behind() -> None:
    found = stands(standing(700), standing(900), standing(None))

    assert (found.lag, found.verified_lag) == (900, 900 + HOUR)


def test_the_slowest_entry_of_a_namespace_and_the_period_decide_what_is_late() -> None:
    entries = [a_spec("A", every=60), a_spec("B", every=DAY), a_spec(namespace="AWS/SQS", every=9 * DAY)]

    assert stands(standing(600 + 2 * DAY + 60), specs=entries).late == ()
    assert stands(standing(600 + 2 * DAY + 61), specs=entries).late != ()
    assert stands(standing(600 + 2 * DAY + 300, period=300), specs=entries).late == ()


def test_what_no_entry_selects_any_longer_is_never_late() -> None:
    assert stands(standing(400 * DAY, namespace="AWS/SQS")).late == ()


def test_what_is_final_later_than_the_defaults_have_it_is_not_late_for_that() -> None:
    def published(metric: str) -> Rhythm:
        return Rhythm(60, 2_640 if metric == "ConsumedLCUs" else 1_500, 3 * HOUR)

    unsaid = frozenset({"settle"})
    whole = replace(a_spec(every=60), unsaid=unsaid, published=published)
    named = replace(a_spec("ConsumedLCUs", "Requests", every=60), unsaid=unsaid, published=published)

    assert stands(standing(1_500 + 120 + 60), specs=[whole]).late == ()
    assert stands(standing(1_500 + 120 + 61), specs=[whole]).late != ()
    assert stands(standing(2_640 + 120 + 60), specs=[named]).late == ()


def test_time_to_loss_is_by_what_cloudwatch_keeps() -> None:
    found = stands(standing(DAY), standing(3 * DAY, period=420), standing(DAY, period=900), standing(0, period=86_400))

    assert found.time_to_loss == {60: 12 * DAY, 300: 62 * DAY, 3_600: 455 * DAY}


def test_months_begin_at_midnight_utc() -> None:
    assert month_start(NOW) == NOW - 14 * DAY - 15 * HOUR - 400
    assert month_start(month_start(NOW)) == month_start(NOW)


def test_the_document_adds_up_what_rests_and_what_waits() -> None:
    found = document(stands(standing(parked=2, waiting=3), standing(None, parked=10)))

    assert found["series"] == {"total": 20, "parked": 12, "waiting": 3, "failed": 0}
    assert found["lag_seconds"] == 600
    assert [marks["oldest_mark"] for marks in _marks(found)] == [NOW - 600, None]
    assert found["month"] == {"usd": 7.2, "limit_usd": None, "projected_usd": 0.0}


def _marks(found: dict[str, object]) -> list[dict[str, object]]:
    marks = found["marks"]
    assert isinstance(marks, list)
    return marks
