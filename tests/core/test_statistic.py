"""The grammar of statistics, by the examples and the limits of the user guide."""

from __future__ import annotations

import pytest

from cwarchive.core.statistic import BASIC, is_statistic


@pytest.mark.parametrize(
    "text",
    [
        *BASIC,
        "p0",
        "p0.0",
        "p5",
        "p50",
        "p99.9",
        "p99.9999999999",
        "p100",
        "p100.0",
        "tm0",
        "tm90",
        "tm99.5",
        "wm98",
        "tc90",
        "ts90",
        "TM(2%:98%)",
        "TM(10%:90%)",
        "TM(:95%)",
        "TM(5%:)",
        "TM(150:1000)",
        "TM(:0.5)",
        "WM(10%:90%)",
        "WM(80:500)",
        "TC(0.005:0.030)",
        "TC(10%:90%)",
        "TS(80%:)",
        "TS(0:100)",
        "PR(:300)",
        "PR(100:2000)",
        "PR(0.5:)",
        "PR(-10:10)",
        "IQM",
    ],
)
def test_a_statistic_that_cloudwatch_knows(text: str) -> None:
    assert is_statistic(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "average",
        "AVERAGE",
        "Avg",
        "Count",
        "Average ",
        "p",
        "p101",
        "p100.1",
        "p-1",
        "p99.",
        "p.9",
        "p99.12345678901",
        "p99,9",
        "p99%",
        "P99",
        "p٩٩",
        "p99\n",
        " p99",
        "pr90",
        "iqm",
        "IQM(25%:75%)",
        "tm",
        "tm101",
        "TM99",
        "TM()",
        "TM(:)",
        "TM(90%)",
        "TM(10%:90)",
        "TM(10:90%)",
        "TM(10%:101%)",
        "TM(10% : 90%)",
        "TM(10%:90%",
        "tm(10%:90%)",
        "PR",
        "PR()",
        "PR(:)",
        "PR(300)",
        "PR(10%:90%)",
        "PR(1e3:)",
        "PR(:nan)",
        "TC(.005:.03)",
        "WM(5:1:2)",
    ],
)
def test_a_text_that_is_no_statistic(text: str) -> None:
    assert not is_statistic(text)
