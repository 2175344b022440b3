from __future__ import annotations

import pytest

from cwarchive.demo.statistics import summary

SAMPLES = [(float(value), 1) for value in range(1, 9)] + [(90.0, 2)]
"""1 to 8 once, 90 twice: ten samples."""


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("p50", 5.0),
        ("p80", 8.0),
        ("p80.1", 90.0),
        ("p0", 1.0),
        ("tm80", 4.5),
        ("TM(:80%)", 4.5),
        ("IQM", sum([3, 4, 5, 6, 7, 8]) / 6),
        ("TM(2:5)", 4.0),
        ("tc80", 8.0),
        ("TC(5:)", 5.0),
        ("ts80", 36.0),
        ("TS(20%:80%)", 33.0),
        ("wm80", (36 + 16) / 10),
        ("WM(20%:80%)", (6 + 3 + 4 + 5 + 6 + 7 + 8 + 16) / 10),
        ("PR(:8)", 80.0),
        ("PR(8:)", 20.0),
        ("TS(1000:)", None),
    ],
)
def test_an_extended_statistic_of_ten_samples(statistic: str, expected: float | None) -> None:
    assert summary(statistic)(SAMPLES) == expected


def test_what_is_no_extended_statistic_is_refused() -> None:
    with pytest.raises(ValueError, match="median"):
        summary("median")
