"""The life of an archive, drawn at random: late data, failures, deaths and outages lose nothing without a word.

After every step, for each series: what the mark has passed and was published in time stands in Graphite with its final
value, or lies in a recorded gap. A datapoint is in time when it is final no later than settle + lookback after its
period closes; one that is final within settle must stand there as soon as the mark has passed it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cwarchive.core.checkpoint import Checkpoint, Tracked
from cwarchive.core.plan import MARGIN
from cwarchive.core.retention import DAY, HOUR, coarser, kept_for
from cwarchive.core.window import Window, ceil, floor
from cwarchive.demo.account import Account
from cwarchive.demo.simulated import AT_ONCE, Lateness, Simulated
from cwarchive.errors import AccessError, Refused, SourceError, Unreachable
from tests.archive.world import Died, World, cpu
from tests.builders import NOW, a_spec
from tests.fake_cloudwatch import Trouble, in_turn, naming, nothing

PERIOD = 21 * 60
"""Kept for 15 days like a minute, with few datapoints; after that CloudWatch answers every 6,300 s."""

COARSE = coarser(PERIOD) or 0
EVERY, SETTLE, LOOKBACK = 60, 600, 6 * PERIOD
ALLOWED = SETTLE + LOOKBACK
"""Seconds after the end of its period within which a datapoint is in time."""

FORGOTTEN = kept_for(PERIOD) - MARGIN - COARSE
"""The age from which a datapoint may be out of reach at its period."""

BORN, DIES = NOW + 40 * HOUR, NOW + 20 * HOUR

JUST_IN_TIME = Lateness(delay=0, spread=0, settles=0, stragglers=0.2, straggle=ALLOWED)
CORRECTED = Lateness(delay=0, spread=300, settles=300, stragglers=0.3, straggle=ALLOWED - 600)
METRICS = (
    cpu("prompt", period=PERIOD),
    cpu("late", period=PERIOD, lateness=JUST_IN_TIME),
    cpu("corrected", period=PERIOD, lateness=CORRECTED, density=0.7),
    cpu("died", period=PERIOD, ended=DIES, lateness=AT_ONCE),
    cpu("born", period=PERIOD, born=BORN, lateness=AT_ONCE),
)
ACCOUNT = Account(METRICS)
SPEC = a_spec(statistics=["Sum"], period=PERIOD, every=EVERY, settle=SETTLE, lookback=LOOKBACK)
SHORT = (0, 60, PERIOD, PERIOD, 2 * PERIOD, 1_800, HOUR, HOUR, 2 * HOUR, 5 * HOUR)
LONG = (DAY, 14 * DAY, 16 * DAY, 20 * DAY, 66 * DAY)
PAUSES = st.builds(int.__add__, st.sampled_from(2 * SHORT + LONG), st.integers(0, PERIOD))
NAMES = st.sampled_from([str(metric.dimensions[0][1]) for metric in METRICS])


class Final(NamedTuple):
    """A datapoint as it ends up, and when."""

    at: int
    value: float
    settled: int


class Archive(RuleBasedStateMachine):
    """Passes of every kind over one world, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(*METRICS, specs=[SPEC])
        self.discovered_before_birth = False
        self.before: dict[int, Checkpoint] = {}
        self.reads: defaultdict[int, list[int]] = defaultdict(list)
        self.checked: dict[int, tuple[int, int]] = {}

    # --- what happens ---

    @rule(pause=PAUSES)
    def a_pass_goes_well(self, pause: int) -> None:
        assert self._pass(pause + EVERY) in {0, 4}

        end = floor(self.world.now - SETTLE, PERIOD)
        assert {t.checkpoint.mark for t in self.world.store.series.values() if not t.parked} == {end}
        assert not any(tracked.failed for tracked in self.world.store.series.values())

    @rule(pause=PAUSES, left_out=st.sets(NAMES, min_size=1, max_size=3), only_coarse=st.booleans())
    def some_series_are_not_answered(self, pause: int, left_out: set[str], only_coarse: bool) -> None:
        reasons = dict.fromkeys(left_out, "CloudWatch answered InternalError")
        if only_coarse:
            self._pass(pause, lambda r: setattr(self.world.cloud, "unanswered", reasons if r.period != PERIOD else {}))
        else:
            self._pass(pause, lambda _: setattr(self.world.cloud, "unanswered", reasons))

    @rule(
        pause=PAUSES,
        name=NAMES,
        error=st.sampled_from(
            [Refused("no"), SourceError("not JSON"), Unreachable("throttled"), AccessError("expired")]
        ),
    )
    def one_metric_makes_requests_fail(self, pause: int, name: str, error: SourceError | AccessError) -> None:
        self._pass(pause, naming(name, error))

    @rule(
        pause=PAUSES, sound=st.integers(0, 2), error=st.sampled_from([Unreachable("throttled"), AccessError("expired")])
    )
    def the_cell_fails_on_the_way(self, pause: int, sound: int, error: SourceError | AccessError) -> None:
        self._pass(pause, in_turn(*[None] * sound, *[error] * 50))

    @rule(pause=PAUSES)
    def nothing_can_be_listed(self, pause: int) -> None:
        self.world.cloud.listing_fails = SourceError("CloudWatch failed to answer ListMetrics")
        self._pass(pause)

    @rule(pause=PAUSES, off=st.sampled_from((-400, 400)))
    def the_clock_is_wrong(self, pause: int, off: int) -> None:
        self.world.cloud.date_off = off
        self._pass(pause)

    @rule(pause=PAUSES)
    def graphite_is_down(self, pause: int) -> None:
        self.world.graphite.down = True
        self._pass(pause)

    @rule(pause=PAUSES, blocks=st.integers(0, 4))
    def graphite_breaks_off(self, pause: int, blocks: int) -> None:
        self.world.graphite.breaks_after = self.world.graphite.blocks + blocks
        self._pass(pause)

    @rule(pause=PAUSES)
    def graphite_is_found_stopping_after_the_receipt(self, pause: int) -> None:
        self._pass(pause, lambda _: setattr(self.world.graphite, "probe_fails", True))

    @rule(pause=PAUSES, write=st.sampled_from(("adopt", "announce", "record", "record", "end")), happened=st.booleans())
    def the_process_dies(self, pause: int, write: str, happened: bool) -> None:
        if happened:
            self.world.store.dies_after = write
        else:
            self.world.store.dies_before = write
        self._pass(pause)

    @rule(pause=PAUSES, requests=st.integers(0, 2))
    def the_process_is_stopped(self, pause: int, requests: int) -> None:
        enough = len(self.world.cloud.requests) + requests
        self.world.stop = lambda: len(self.world.cloud.requests) >= enough
        self._pass(pause)

    # --- what holds ---

    @invariant()
    def no_mark_moves_back(self) -> None:
        for tracked in self.world.store.series.values():
            now, before = tracked.checkpoint, self.before.get(tracked.id, tracked.checkpoint)
            assert now.since == before.since
            assert (now.mark, now.verified, now.committed) >= (before.mark, before.verified, before.committed)
            assert now.verified >= before.verified
            assert now.committed >= before.committed
            self.before[tracked.id] = now

    @invariant()
    def what_the_mark_has_passed_is_in_graphite_or_in_a_gap(self) -> None:
        for tracked in self.world.store.series.values():
            mark, reread_from = tracked.checkpoint.mark, tracked.checkpoint.verified - LOOKBACK
            prompt, in_time = self.checked.get(tracked.id, (tracked.checkpoint.since, tracked.checkpoint.since))
            self._covered(tracked, prompt, mark, SETTLE)
            self._covered(tracked, in_time, reread_from, ALLOWED)
            self.checked[tracked.id] = (max(prompt, mark), max(in_time, reread_from))

    @invariant()
    def what_is_born_under_an_entry_at_work_is_archived_from_its_birth(self) -> None:
        for tracked in self.world.store.series.values():
            if "born" in tracked.series.path and self.discovered_before_birth:
                assert tracked.checkpoint.since <= BORN

    @invariant()
    def a_gap_is_recorded_only_where_cloudwatch_has_forgotten(self) -> None:
        for gap in self.world.store.gaps:
            assert gap.window.end <= self.world.now - FORGOTTEN

    def teardown(self) -> None:
        """At the end all of it is looked at once more, and that nothing was archived finer and coarser at once."""
        for tracked in self.world.store.series.values():
            checkpoint = tracked.checkpoint
            self._covered(tracked, checkpoint.since, checkpoint.mark, SETTLE)
            self._covered(tracked, checkpoint.since, checkpoint.verified - LOOKBACK, ALLOWED)
            coarsened = self._gaps(tracked, "resolution")
            fine = [at for path, at in self.world.graphite.received if path == tracked.series.path and at % COARSE]
            assert not [at for at in fine for window in coarsened if window.start <= at < window.end], tracked

    # --- how it is done ---

    def _pass(self, pause: int, trouble: Trouble = nothing) -> int | None:
        """One pass after a while, with this trouble and what is broken already; then everything is in order again."""
        world = self.world
        marks = {tracked.id: tracked.checkpoint.mark for tracked in world.store.series.values()}
        world.cloud.trouble = trouble
        try:
            code: int | None = world.run(pause).exit_code
        except Died:
            code = None
        self._repair()
        for tracked in world.store.series.values():
            if tracked.checkpoint.mark > marks.get(tracked.id, tracked.checkpoint.since):
                self.reads[tracked.id].append(world.now)
        discovered = world.store.entry(SPEC.key).discovered.values()
        self.discovered_before_birth |= any(begun < BORN for begun in discovered)
        return code

    def _repair(self) -> None:
        world = self.world
        world.cloud.trouble, world.cloud.unanswered = nothing, {}
        world.cloud.listing_fails, world.cloud.date_off = None, 0
        world.graphite.down = world.graphite.probe_fails = False
        world.graphite.breaks_after = None
        world.store.dies_before = world.store.dies_after = ""
        world.stop = lambda: False

    def _covered(self, tracked: Tracked, start: int, end: int, within: int) -> None:
        """What begins in [start, end) and is final so many seconds after its period closes stands in Graphite."""
        received, path = self.world.graphite.received, tracked.series.path
        missing = [
            final
            for final in finals(tracked, start, end)
            if received.get((path, final.at), [None])[-1] != final.value
            and final.settled <= final.at + PERIOD + within
            and not self._forgotten_before_it_was_final(tracked, final)
        ]
        gaps = [gap for gap in self._gaps(tracked) if missing and gap.start < end and start < gap.end]
        for final in missing:
            assert any(window.start <= final.at < window.end for window in gaps), (tracked, final)

    def _forgotten_before_it_was_final(self, tracked: Tracked, final: Final) -> bool:
        """Whether no run succeeded between the moment it was final and the moment CloudWatch forgot it."""
        if final.settled <= final.at + PERIOD + SETTLE:
            return False
        reads = self.reads[tracked.id]
        first = bisect_left(reads, final.settled)
        return first < len(reads) and reads[first] - final.at > FORGOTTEN

    def _gaps(self, tracked: Tracked, kind: str = "") -> list[Window]:
        gaps = self.world.store.gaps
        return [gap.window for gap in gaps if gap.series_id == tracked.id and kind in gap.kind]


def finals(tracked: Tracked, start: int, end: int) -> list[Final]:
    """The datapoints of a series that begin in [start, end), as they end up."""
    metric = ACCOUNT.find(tracked.series.metric)
    assert metric is not None
    days = range(floor(start, DAY), end, DAY)
    return [final for day in days for final in finals_of_day(metric, day) if start <= final.at < end]


@lru_cache(3_000)
def finals_of_day(metric: Simulated, day: int) -> tuple[Final, ...]:
    held = ACCOUNT.truth(metric, "Sum", PERIOD, Window(ceil(day, PERIOD), day + DAY))
    return tuple(Final(at, value, ACCOUNT.settled_at(metric, at)) for at, value in zip(*held, strict=True))


TestArchive = Archive.TestCase
TestArchive.settings = settings(stateful_step_count=20)
