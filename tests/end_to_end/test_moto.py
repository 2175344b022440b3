"""An AWS that is not ours: moto's server, reached through nothing but AWS_ENDPOINT_URL, into a real Graphite."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import boto3
import pytest

from cwarchive.demo.graphite import Graphite
from tests.end_to_end.moto_server import MotoServer
from tests.stage import HOUR, finished, keys, known, start

pytestmark = pytest.mark.end_to_end

CONFIG = """\
graphite: {port: PORT}
state: state.sqlite
regions: [us-east-1]
metrics:
  - namespace: AWS/EC2
    statistics: [Average, Maximum, SampleCount]
    every: 60s
    settle: 10m
    lookback: 5m
    initial_lookback: 1h
"""
"""Ten lines."""

SETTLE, LOOKBACK = 600, 300
STEP = 120
"""Seconds between two runs; moto dates its answers by the real clock, from which a run's may differ by 300 s."""

STATISTICS: dict[str, Callable[[int], float]] = {
    "Average": lambda number: 1.5 * number,
    "Maximum": lambda number: 2.0 * number,
    "SampleCount": lambda _: 2.0,
}
"""What CloudWatch makes of two values, a number and its double."""

PATH = "cloudwatch.us-east-1.AWS.EC2.InstanceId.i-0abc.CPUUtilization"


def test_three_runs_archive_what_was_put_and_ask_again_only_what_is_not_proven(tmp_path: Path) -> None:
    now = int(time.time()) // 60 * 60  # noqa: TID251  carbon stores by its own clock
    config = tmp_path / "cwarchive.yaml"
    with MotoServer() as moto, Graphite(tmp_path / "graphite") as graphite:
        config.write_text(CONFIG.replace("PORT", str(graphite.port)))
        put = _put(moto.url, range(now - 2 * HOUR, now - SETTLE, 60))

        for moment in (now - STEP, now, now + STEP):
            heard = finished(start("run", folder=tmp_path, more=keys(moto.url), now=moment + 1))
            assert (heard.code, heard.out) == (0, ""), heard.err
            assert heard.err.startswith("cwarchive: first run: ") == (moment < now)
            assert heard.err.count("\n") == (moment < now)

        since = (now - STEP - HOUR) // HOUR * HOUR
        first, second, third = moto.windows()
        assert first == (since, now - STEP - SETTLE)
        assert second == (since, now - SETTLE), "nothing was sent twice yet"
        assert third == (first[1] - LOOKBACK, now + STEP - SETTLE)

        marks = {(tracked.checkpoint.since, tracked.checkpoint.mark) for tracked in known(config).values()}
        assert marks == {(since, now + STEP - SETTLE)}
        archived = {instant: number for instant, number in put.items() if instant >= since}
        for statistic, of in STATISTICS.items():
            path = f"{PATH}.{statistic}"
            graphite.wait_for(path, max(archived))
            stored = dict(zip(*graphite.read(path, since, now), strict=True))
            assert stored == {instant: of(number) for instant, number in archived.items()}


def _put(url: str, instants: range) -> dict[int, int]:
    """Put two values for each instant, n and 2 n, and return n for each."""
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name="us-east-1")
    put = {instant: number + 1 for number, instant in enumerate(instants)}
    data = [
        {
            "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": "i-0abc"}],
            "Timestamp": instant,
            "Value": value,
        }
        for instant, number in put.items()
        for value in (number, 2 * number)
    ]
    with closing(session.client("cloudwatch", endpoint_url=url)) as client:
        for first in range(0, len(data), 500):
            client.put_metric_data(Namespace="AWS/EC2", MetricData=data[first : first + 500])  # type: ignore[arg-type]
    return put
