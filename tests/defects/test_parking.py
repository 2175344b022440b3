"""That a series rests only on the word of a whole listing, and of one recent enough to vouch for all of its silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cwarchive.archive.survey import survey
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import floor
from cwarchive.errors import SourceError
from tests.archive.world import World, cpu
from tests.builders import NOW, a_checkpoint, a_series, a_spec, a_tracked

SILENT = replace(
    a_tracked(
        a_checkpoint(floor(NOW, HOUR) - HOUR),
        series=a_series(path="cloudwatch.eu-west-1.AWS.EC2.InstanceId.i-0abc.CPUUtilization.Average"),
    ),
    empty=True,
)


def test_a_silent_series_that_a_whole_listing_does_not_name_rests() -> None:
    found = survey([], [SILENT], [a_spec()], [], {}, NOW, complete=True)

    assert found.members == ()
    assert [tracked.parked for tracked in found.changed] == [True]


def test_a_listing_that_failed_parks_nothing() -> None:
    found = survey([], [SILENT], [a_spec()], [], {}, NOW, complete=False)

    assert [member.tracked for member in found.members] == [SILENT]
    assert found.changed == ()


def test_a_series_that_may_have_lived_and_died_since_its_mark_is_asked() -> None:
    long_ago = replace(SILENT, checkpoint=a_checkpoint(floor(NOW - 15 * DAY, HOUR)))

    found = survey([], [long_ago], [a_spec()], [], {}, NOW, complete=True)

    assert [member.tracked for member in found.members] == [long_ago]


@pytest.mark.parametrize(("failure", "rests"), [(None, True), (SourceError("page 2 is missing"), False)])
def test_a_pass_parks_what_is_silent_only_if_it_has_read_the_whole_listing(
    failure: SourceError | None, rests: bool
) -> None:
    world = World(cpu(ended=NOW - 14 * DAY + 2 * HOUR))
    world.run()
    assert not world.tracked().parked

    world.cloud.listing_fails = failure
    world.run(after=4 * HOUR)

    assert world.tracked().parked == rests
