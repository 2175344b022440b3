"""Whether a glance at the state is enough to know that nothing is due."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cwarchive.core.ports import Validated
from cwarchive.core.retention import HOUR
from cwarchive.core.standing import Glance

SLOT = 1_699_999_200
GLANCE = Glance(Validated("abc", (("cpu", HOUR), ("disk", 6 * HOUR))), {"cpu": SLOT, "disk": SLOT, "old": 0}, 0)


def test_nothing_is_due_while_every_entry_has_made_its_pass_in_this_slot() -> None:
    assert GLANCE.nothing_due("abc", SLOT + HOUR - 1)
    assert not GLANCE.nothing_due("abc", SLOT + HOUR)


@pytest.mark.parametrize(
    ("glance", "fingerprint"),
    [
        pytest.param(GLANCE, "abd", id="another config"),
        pytest.param(replace(GLANCE, validated=None), "abc", id="no config"),
        pytest.param(replace(GLANCE, waiting=1), "abc", id="a series waits"),
        pytest.param(replace(GLANCE, last_passes={"cpu": SLOT}), "abc", id="an entry without a pass"),
        pytest.param(replace(GLANCE, last_passes={"cpu": SLOT, "disk": SLOT - 6 * HOUR}), "abc", id="an entry is due"),
    ],
)
def test_something_may_be_due_as_soon_as_anything_says_so(glance: Glance, fingerprint: str) -> None:
    assert not glance.nothing_due(fingerprint, SLOT)
