"""The main job on a stage: a simulated account, a real Graphite, two runs with new data between, all compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cwarchive import app
from cwarchive.archive.passes import Outcome
from cwarchive.config import load
from cwarchive.config.values import Config
from cwarchive.core.checkpoint import Tracked
from cwarchive.core.retention import HOUR
from cwarchive.core.series import Datapoints
from cwarchive.core.telling import summary
from cwarchive.core.window import Window, ceil, floor
from cwarchive.core.words import instant
from cwarchive.demo.account import Account
from cwarchive.demo.accounts import small
from cwarchive.demo.graphite import Graphite
from cwarchive.demo.server import Simulation

REGION = "us-east-1"

CONFIG = """\
graphite: {{host: {host}, port: {port}}}
state: state.sqlite
regions: [us-east-1]
metrics:
  - namespace: AWS/EC2
    metrics: [CPUUtilization, "Network*"]
    dimensions: {{InstanceId: "*"}}
    statistics: [Average, Maximum, p99]
  - namespace: AWS/ApplicationELB
    statistics: [Sum, SampleCount, Average]
  - namespace: AWS/SQS
    statistics: [Sum]
  - namespace: AWS/Lambda
    statistics: [Sum, Maximum]
  - {{namespace: AWS/S3, statistics: [Average], period: 1d, settle: 0, lookback: 4d, initial_lookback: 5d}}
  - {{namespace: Shop Floor/Line 1, statistics: [Minimum, Average]}}
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """One series: what Graphite holds, and how it differs from what CloudWatch answers."""

    tracked: Tracked
    archived: Datapoints
    equal: int
    missing: int
    different: int
    surplus: int

    @property
    def agrees(self) -> bool:
        """Whether Graphite holds exactly what CloudWatch answers."""
        return not (self.missing or self.different or self.surplus)


@dataclass(frozen=True, slots=True)
class Told:
    """What the demo reached, as far as it came: the stage, the runs in order, the comparison."""

    folder: Path
    receiver: str
    endpoint: str
    runs: tuple[tuple[int, Outcome], ...]
    compared: tuple[Compared, ...]
    billed_by_account: int

    @property
    def agrees(self) -> bool:
        """Whether both runs succeeded, something was archived, and all of it equals the truth."""
        done = all(outcome.exit_code == 0 for _, outcome in self.runs)
        return done and any(series.equal for series in self.compared) and all(s.agrees for s in self.compared)


def perform(folder: Path, now: int, say: Callable[[str], None]) -> Told:
    """Run the demo in `folder` around `now` (epoch seconds); nothing is left running. `say` hears of each step.

    Carbon stores by its own clock, so the simulated account's clock stands a little behind `now`.
    """
    second = floor(now, HOUR) - HOUR // 2
    moments = (second - 3 * HOUR, second)
    account = small(second)
    with ExitStack() as stage:
        simulation = stage.enter_context(Simulation(account, moments[0]))
        graphite = stage.enter_context(Graphite(folder))
        stage.enter_context(_as_if_at_aws(simulation.url))
        say(f"simulated CloudWatch account at {simulation.url}")
        say(f"{graphite.receiver_name} at {graphite.host}:{graphite.port}")
        config = _config(folder, graphite)
        runs = tuple(_run(config, simulation, moment, say) for moment in moments)
        compared = tuple(_compared(config, account, graphite, second))
        return Told(folder, graphite.receiver_name, simulation.url, runs, compared, simulation.billed)


def _config(folder: Path, graphite: Graphite) -> Config:
    path = folder / "cwarchive.yaml"
    path.write_text(CONFIG.format(host=graphite.host, port=graphite.port), encoding="utf-8")
    return load(path, {})


def _run(config: Config, simulation: Simulation, moment: int, say: Callable[[str], None]) -> tuple[int, Outcome]:
    simulation.now = moment
    ran = app.run(config, {}, app.Options(clock=lambda: moment), lambda _: None)
    if ran.outcome is None:
        raise AssertionError("an entry of the demo is always due")
    say(f"run at {instant(moment)}: {summary(ran.outcome.tallies)}")
    for _, sentence in ran.sentences:
        say(f"  {sentence}")
    return moment, ran.outcome


def _compared(config: Config, account: Account, graphite: Graphite, now: int) -> Iterator[Compared]:
    """Every series against what CloudWatch answers at `now`, from where its archive begins to its mark."""
    for tracked in app.known(config, {}):
        metric, period = tracked.series.metric, tracked.series.period
        begin = ceil(tracked.checkpoint.since, period)
        span = Window(begin, max(begin + period, tracked.checkpoint.mark))
        truth = account.truth(metric, tracked.series.statistic, period, span, now)
        if truth.timestamps:
            graphite.wait_for(tracked.series.path, truth.timestamps[-1])
        yield comparison(tracked, graphite.read(tracked.series.path, span.start, span.end), truth)


def comparison(tracked: Tracked, archived: Datapoints, truth: Datapoints) -> Compared:
    """How `archived` differs from `truth`, point by point."""
    held, true = (dict(zip(*columns, strict=True)) for columns in (archived, truth))
    equal = sum(1 for timestamp, value in true.items() if held.get(timestamp) == value)
    missing = len(true.keys() - held.keys())
    surplus = len(held.keys() - true.keys())
    return Compared(tracked, archived, equal, missing, len(true) - equal - missing, surplus)


@contextmanager
def _as_if_at_aws(url: str) -> Iterator[None]:
    """Point boto3 at `url` with made-up credentials while the block runs."""
    stage: Mapping[str, str] = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_") or name in stage}
    for name in before:
        del os.environ[name]
    os.environ.update(stage)
    try:
        yield
    finally:
        for name in stage:
            os.environ.pop(name, None)
        os.environ.update(before)
