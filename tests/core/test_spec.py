from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from cwarchive.core.spec import Pattern
from tests.builders import a_spec, an_exclusion, patterns


@pytest.mark.parametrize(
    ("text", "value", "meant"),
    [
        ("CPU", "CPU", True),
        ("CPU", "CPUs", False),
        ("CPU", "cpu", False),
        ("a.c", "abc", False),
        ("Network*", "NetworkIn", True),
        ("Network*", "Network", True),
        ("Network*", "network", False),
        ("Network*", "MyNetwork", False),
        ("*In", "NetworkIn", True),
        ("*In", "NetworkInX", False),
        ("i-?", "i-1", True),
        ("i-?", "i-12", False),
        ("i-[12]", "i-2", True),
        ("i-[!12]", "i-2", False),
        ("*", "", True),
        ("*", "app/alb/1\n2", True),
        ("a*", "a\nb", True),
        ("*b", "a\nb\n", False),
        ("[", "[", True),
        ("/etw/", "NetworkIn", True),
        ("/etx/", "NetworkIn", False),
        ("/^Net/", "NetworkIn", True),
        ("/^Net$/", "NetworkIn", False),
        ("/net/", "NetworkIn", False),
        ("/(?i)net/", "NetworkIn", True),
        ("/a|b/", "xbx", True),
        ("//", "//", True),
        ("//", "x", False),
        ("/", "/", True),
        ("/aws/lambda", "/aws/lambda", True),
        ("/aws/lambda*", "/aws/lambda/f", True),
    ],
)
def test_a_name_is_whole_a_glob_is_whole_and_case_sensitive_a_regex_searches(
    text: str, value: str, meant: bool
) -> None:
    assert Pattern(text).matches(value) is meant


@pytest.mark.parametrize(
    ("text", "exact"), [("CPU", True), ("a.c", True), ("C*", False), ("C?", False), ("/C/", False)]
)
def test_only_a_plain_name_is_exact(text: str, exact: bool) -> None:
    assert Pattern(text).exact is exact


def test_a_regex_that_is_none_is_refused_when_the_pattern_is_made() -> None:
    with pytest.raises(re.error):
        Pattern("/(/")


def test_patterns_are_equal_by_their_text() -> None:
    assert Pattern("a*") == Pattern("a*") != Pattern("b*")
    assert len({Pattern("a*"), Pattern("a*")}) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "AWS/RDS"},
        {"metrics": patterns("Disk*")},
        {"dimensions": ()},
        {"exclude": (an_exclusion("Disk*"),)},
        {"statistics": ("Sum",)},
        {"period": 300},
        {"prefix": "other"},
        {"template": "{metric}"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_entry_that_selects_other_series_is_another_entry_to_the_state(change: dict[str, Any]) -> None:
    assert replace(a_spec(), **change).key != a_spec().key


@pytest.mark.parametrize(
    "change",
    [
        {"every": 60},
        {"settle": 0},
        {"lookback": 60},
        {"initial_lookback": 60},
        {"label": "metrics[7]"},
        {"accounts": ("prod",)},
        {"regions": ("us-east-1",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_entry_that_selects_the_same_series_keeps_its_key(change: dict[str, Any]) -> None:
    assert replace(a_spec(), **change).key == a_spec().key


def test_any_dimension_set_and_no_dimension_are_different_entries() -> None:
    assert a_spec(wanted=None).key != a_spec(wanted={}).key


def test_a_key_does_not_depend_on_the_process() -> None:
    assert " at 0x" not in a_spec("Network*", wanted={"InstanceId": "/^i-/"}).key
