"""Gaps of one cause and interval are one, under one short name."""

from __future__ import annotations

import hashlib

from cwarchive.core.checkpoint import Gap
from cwarchive.core.gaps import GapGroup, GapRecord, gap_id, grouped
from cwarchive.core.series import Cell, Metric, Series
from cwarchive.core.window import Window

EARLY, LATE = Window(0, 3_600), Window(3_600, 7_200)


def a_record(number: int, window: Window = EARLY, kind: str = "lost", acknowledged: int | None = None) -> GapRecord:
    metric = Metric(Cell("", "us-east-1"), "AWS/EC2", "CPUUtilization", ())
    series = Series(metric, "Average", 60, f"path.{9 - number}")
    return GapRecord(Gap(number, window, kind), series, noticed=9_000, told=None, acknowledged=acknowledged)


def test_a_name_is_seven_hex_digits_of_cause_and_interval() -> None:
    assert gap_id("lost", EARLY) == hashlib.sha256(b"lost 0 3600").hexdigest()[:7]
    assert len({gap_id(kind, window) for kind in ("lost", "resolution") for window in (EARLY, LATE)}) == 4


def test_gaps_of_one_cause_and_interval_are_one_group_with_their_series_by_path() -> None:
    first, second, third = (a_record(number) for number in (1, 2, 3))

    assert grouped([second, first, third]) == (GapGroup("lost", EARLY, (third, second, first)),)


def test_groups_follow_each_other_in_time_and_then_by_cause() -> None:
    records = [a_record(1, LATE), a_record(2, EARLY, "resolution"), a_record(3, EARLY), a_record(4, Window(0, 60))]

    groups = grouped(records)

    assert [(group.window, group.kind) for group in groups] == [
        (Window(0, 60), "lost"), (EARLY, "lost"), (EARLY, "resolution"), (LATE, "lost")
    ]  # fmt: skip
    assert [group.id for group in groups] == [gap_id(group.kind, group.window) for group in groups]


def test_a_group_counts_what_nobody_has_acknowledged() -> None:
    (group,) = grouped([a_record(1), a_record(2, acknowledged=0), a_record(3)])

    assert group.unacknowledged == 2


def test_without_gaps_there_is_no_group() -> None:
    assert grouped([]) == ()
