"""A discovery under a wrong clock: an archive would begin at a wrong time, so it does not count."""

from __future__ import annotations

import pytest

from cwarchive.core.series import Cell
from cwarchive.demo.accounts import small
from cwarchive.demo.server import Simulation
from cwarchive.edges.aws.cloudwatch import CloudWatch
from cwarchive.errors import ClockError

NOW = 1_750_000_000


@pytest.mark.parametrize(("off", "told"), [(400, "400 s ahead of"), (-400, "400 s behind")])
def test_a_discovery_under_a_wrong_clock_is_refused(monkeypatch: pytest.MonkeyPatch, off: int, told: str) -> None:
    with Simulation(small(NOW), NOW) as simulation:
        source = _source(monkeypatch, simulation, off)
        with pytest.raises(ClockError, match=told):
            list(source.discover(["AWS/EC2"]))


def test_a_discovery_under_a_clock_that_is_right_enough_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with Simulation(small(NOW), NOW) as simulation:
        assert list(_source(monkeypatch, simulation, 300).discover(["AWS/EC2"]))


def _source(environment: pytest.MonkeyPatch, simulation: Simulation, off: int) -> CloudWatch:
    environment.setenv("AWS_ENDPOINT_URL", simulation.url)
    environment.setenv("AWS_ACCESS_KEY_ID", "key")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    cell = Cell("", "us-east-1")
    return CloudWatch(cell, requests_per_second=40, datapoints_per_second=None, threads=1, now=lambda: NOW + off)
