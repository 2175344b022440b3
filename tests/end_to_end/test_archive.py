"""The main job as cron does it: a process for each run, every archived point equal to what CloudWatch answers."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from cwarchive.demo.accounts import small
from cwarchive.demo.graphite import Graphite
from cwarchive.demo.server import Simulation
from tests.stage import HOUR, finished, keys, known, start, truth

pytestmark = pytest.mark.end_to_end

CONFIG = """\
graphite: {port: PORT}
regions: [us-east-1]
metrics:
  - namespace: AWS/EC2
    metrics: [CPUUtilization, "Network*"]
    dimensions: {InstanceId: "*"}
    exclude: [{metrics: ["/In$/"]}]
    statistics: [Average, Maximum, p99]
  - namespace: AWS/ApplicationELB
    statistics: [Sum, SampleCount]
    path: "elb.{dimension.LoadBalancer}.{metric}.{statistic}"
  - {namespace: AWS/SQS, statistics: [Sum], period: 300}
  - {namespace: AWS/S3, period: 1d, settle: 0, lookback: 4d, initial_lookback: 5d}
  - {namespace: Shop Floor/Line 1, statistics: [Minimum], prefix: factory}
"""


def test_every_point_is_in_whisper_as_cloudwatch_answers_it_and_every_request_is_accounted_for(tmp_path: Path) -> None:
    now = int(time.time()) // HOUR * HOUR - HOUR // 2  # noqa: TID251  carbon stores by its own clock
    account = small(now)
    config = tmp_path / "cwarchive.yaml"
    with Simulation(account, now) as simulation, Graphite(tmp_path / "graphite") as graphite:
        config.write_text(CONFIG.replace("PORT", str(graphite.port)) + f"state: {tmp_path / 'state.sqlite'}\n")

        for moment in (now - 3 * HOUR, now):
            simulation.now = moment
            heard = finished(start("-q", "run", folder=tmp_path, more=keys(simulation.url), now=moment))
            assert heard == (0, "", "")

        archived = known(config)
        assert len(archived) == 2 * 3 + 3 * 2 + 2 + 1 + 1
        for path, tracked in archived.items():
            expected = truth(account, tracked, now)
            assert expected, path
            graphite.wait_for(path, max(expected))
            stored = graphite.read(path, tracked.checkpoint.since, now)
            assert dict(zip(*stored, strict=True)) == expected, path
        assert graphite.paths() == sorted(archived)

        status = json.loads(finished(start("status", "--json", folder=tmp_path, now=now)).out)
        assert sum(run["billed_metrics"] for run in status["last_runs"]) == simulation.billed
        assert sum(run["requests"] for run in status["last_runs"]) == simulation.calls["GetMetricData"]
