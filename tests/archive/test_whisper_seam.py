"""The seam of an outage in a real whisper file: hours across it are what CloudWatch has, never twice that."""

from __future__ import annotations

from pathlib import Path

import whisper

from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import Window, ceil, floor
from cwarchive.demo.simulated import Lateness
from tests.archive.test_outage import PATH, archive
from tests.archive.world import SINCE, World, cpu, path
from tests.builders import a_spec

ARCHIVES = "60s:20d,300s:70d,1h:10y"


def test_hourly_sums_over_the_seam_of_a_long_outage_are_those_of_cloudwatch(tmp_path: Path) -> None:
    world, file = archive(), str(tmp_path / "sum.wsp")
    archives = [whisper.parseRetentionDef(part) for part in ARCHIVES.split(",")]
    whisper.create(file, archives, xFilesFactor=0.0, aggregationMethod="sum")
    written = _write(file, world, {})

    for pause in (20 * DAY, *[HOUR] * 6):
        world.run(pause)
        written = _write(file, world, written)

    shown = _hours(file, world.now)
    published = world.truth("i-1", Window(floor(SINCE, HOUR), floor(world.now, HOUR)), HOUR)
    begin, end = ceil(world.checkpoint().since, HOUR), floor(world.checkpoint().mark, HOUR)
    assert end - begin > 20 * DAY
    assert {at: shown.get(at) for at in range(begin, end, HOUR)} == {
        at: published[at] for at in range(begin, end, HOUR)
    }


def test_what_comes_late_by_up_to_settle_and_lookback_is_archived_all_the_same() -> None:
    spec = a_spec(statistics=["Sum"])
    bound = spec.settle + spec.lookback
    late = Lateness(delay=0, spread=0, settles=0, stragglers=0.2, straggle=bound)
    world = World(cpu(lateness=late), specs=[spec])
    for _ in range(60):
        world.run(HOUR)

    seen = Window(world.checkpoint().since, floor(world.now - bound - 2 * HOUR, 60))
    published = world.truth("i-1", seen, 60)
    shown = {at: value for at, value in world.shown(path(statistic="Sum")).items() if seen.start <= at < seen.end}
    assert len(published) > 2 * 1_440
    assert shown == published


def _write(file: str, world: World, written: dict[int, float]) -> dict[int, float]:
    """Give whisper what this pass has sent, at the time of the pass."""
    sent = {at: values[-1] for (path_, at), values in world.graphite.received.items() if path_ == PATH}
    fresh = sorted((at, value) for at, value in sent.items() if written.get(at) != value)
    whisper.update_many(file, fresh, now=world.now)
    return sent


def _hours(file: str, now: int) -> dict[int, float]:
    (start, end, step), values = whisper.fetch(file, now - 40 * DAY, now, now=now, archiveToSelect=HOUR)
    return {at: value for at, value in zip(range(start, end, step), values, strict=True) if value is not None}
