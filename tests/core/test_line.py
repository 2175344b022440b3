"""The bytes on the wire, read back as carbon reads them."""

from __future__ import annotations

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.line import LONGEST_PATH, blocks, finite, is_path, lines
from cwarchive.core.series import NO_DATAPOINTS, Datapoints
from tests.fakes import Point, parse

T = 1_750_000_020


def test_a_line_is_path_value_time_and_a_newline() -> None:
    assert lines("a.b-c.p99_9", Datapoints([T, T + 60], [1.5, -0.25])) == (
        b"a.b-c.p99_9 1.5 1750000020\na.b-c.p99_9 -0.25 1750000080\n"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, b"0.0"),
        (-0.0, b"-0.0"),
        (0.1, b"0.1"),
        (1 / 3, b"0.3333333333333333"),
        (1e16, b"1e+16"),
        (5e-324, b"5e-324"),
        (sys.float_info.max, b"1.7976931348623157e+308"),
        (7, b"7"),
        (10**30, b"1" + b"0" * 30),
    ],
)
def test_a_value_is_the_shortest_decimal_that_reads_back_equal(value: float, written: bytes) -> None:
    assert lines("a", Datapoints([T], [value])) == b"a %s 1750000020\n" % written


def test_no_datapoints_make_no_lines() -> None:
    assert lines("a", NO_DATAPOINTS) == b""


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        pytest.param(10**400, id="10**400"),
        pytest.param(-(10**400), id="-10**400"),
        True,
    ],
)
@pytest.mark.parametrize("others", [[], [1.0], [sys.float_info.max, sys.float_info.max]])
def test_a_value_that_carbon_would_drop_or_that_poisons_roll_ups_is_refused(value: float, others: list[float]) -> None:
    values = [*others, value]

    assert not finite(values)
    with pytest.raises(ValueError, match=r"a datapoint of a\.b has no finite value"):
        lines("a.b", Datapoints([T + 60 * n for n in range(len(values))], values))


def test_infinities_that_cancel_are_refused() -> None:
    assert not finite([math.inf, -math.inf])


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([sys.float_info.max] * 3, id="the sum overflows"),
        pytest.param([-sys.float_info.max] * 3, id="the sum overflows below"),
        pytest.param([10**308, 10**308], id="the sum of integers is beyond every float"),
        pytest.param([10**308, 1.5, sys.float_info.max], id="mixed"),
        pytest.param([], id="none"),
    ],
)
def test_huge_values_are_finite(values: list[float]) -> None:
    assert finite(values)


@pytest.mark.parametrize("timestamp", [0, -1, -T, 2**32, T * 1_000])
def test_a_time_that_costs_carbon_a_whole_write_is_refused(timestamp: int) -> None:
    with pytest.raises(ValueError, match="no time in 32 bits"):
        lines("a.b", Datapoints([T, timestamp], [1.0, 2.0]))


def test_the_last_time_that_fits_is_written() -> None:
    assert lines("a", Datapoints([2**32 - 1], [1.0])) == b"a 1.0 4294967295\n"


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError):
        lines("a", Datapoints([T], [1.0, 2.0]))
    with pytest.raises(ValueError):
        lines("a", Datapoints([T, T + 60], [1.0]))


@pytest.mark.parametrize("path", ["a", "a.b", "A-1._.z_", "0", "a" * LONGEST_PATH])
def test_a_path_of_safe_nodes_is_one(path: str) -> None:
    assert is_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        ".a",
        "a.",
        "a..b",
        "a b",
        "a\n",
        "a\tb",
        "a/b",
        "a%sb",
        "a%%b",
        "é",
        "٣",
        "a;b=c",
        "a\u00a0b",
        "a" * 3_901,
    ],
)
def test_a_path_that_carbon_would_change_drop_or_split_is_refused(path: str) -> None:
    assert not is_path(path)
    with pytest.raises(ValueError, match="not a Graphite path"):
        lines(path, Datapoints([T], [1.0]))


paths = st.from_regex(r"[A-Za-z0-9_-]{1,8}(\.[A-Za-z0-9_-]{1,8}){0,3}", fullmatch=True)
values = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64)
points = st.lists(st.tuples(st.integers(1, 2**32 - 1), values), max_size=20).map(
    lambda drawn: Datapoints([timestamp for timestamp, _ in drawn], [value for _, value in drawn])
)
columns_strategy = st.lists(st.tuples(paths, points), max_size=6)


def read_back(columns: list[tuple[str, Datapoints]]) -> list[Point]:
    return [
        Point(path, timestamp, float(value))
        for path, datapoints in columns
        for timestamp, value in zip(*datapoints, strict=True)
    ]


@given(paths, points)
def test_carbon_reads_back_the_same_path_value_and_time(path: str, datapoints: Datapoints) -> None:
    assert list(parse(lines(path, datapoints))) == read_back([(path, datapoints)])


@given(columns_strategy, st.integers(1, 30))
def test_blocks_hold_every_line_in_order_and_none_is_over_the_limit(
    columns: list[tuple[str, Datapoints]], most: int
) -> None:
    made = list(blocks(columns, most))

    assert list(parse(b"".join(made))) == read_back(columns)
    assert all(1 <= block.count(b"\n") <= most and block.endswith(b"\n") for block in made)


@given(columns_strategy, st.integers(1, 30))
def test_only_the_last_block_is_not_full(columns: list[tuple[str, Datapoints]], most: int) -> None:
    *full, last = [block.count(b"\n") for block in blocks(columns, most)] or [0]

    assert full == [most] * len(full)
    assert last <= most


def test_a_series_runs_over_blocks_and_the_next_begins_where_it_ends() -> None:
    long = Datapoints([T + 60 * number for number in range(3)], [0.0, 1.0, 2.0])

    assert list(blocks([("a", long), ("b", Datapoints([T], [9.0]))], 2)) == [
        b"a 0.0 1750000020\na 1.0 1750000080\n",
        b"a 2.0 1750000140\nb 9.0 1750000020\n",
    ]


def test_a_bad_series_is_met_before_its_block_is_handed_on() -> None:
    made = blocks([("a", Datapoints([T], [1.0])), ("b", Datapoints([T], [math.nan]))], 500)

    with pytest.raises(ValueError, match="a datapoint of b"):
        next(made)
