"""A simulated CloudWatch and real boto3 clients that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import boto3
import pytest
from botocore.config import Config
from mypy_boto3_cloudwatch import CloudWatchClient

from cwarchive.demo.account import Account
from cwarchive.demo.faults import Fault
from cwarchive.demo.server import Simulation
from cwarchive.demo.simulated import Simulated

NOW = 1_790_000_040
"""A whole minute, no whole hour."""

Connect = Callable[..., CloudWatchClient]
Serve = Callable[..., Simulation]


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    return boto3.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a simulation of these metrics (or this account) with these faults."""
    with ExitStack() as running:

        def start(account: Account | Simulated, *faults: Fault, now: int = NOW) -> Simulation:
            whole = Account([account]) if isinstance(account, Simulated) else account
            return running.enter_context(Simulation(whole, now, faults))

        yield start


@pytest.fixture
def connect(session: boto3.Session) -> Iterator[Connect]:
    """A client that asks once and gives up after a second."""
    with ExitStack() as opened:

        def open_client(simulation: Simulation, attempts: int = 1, **more: Any) -> CloudWatchClient:
            config = Config(retries={"mode": "standard", "total_max_attempts": attempts}, read_timeout=1)
            client: CloudWatchClient = session.client("cloudwatch", endpoint_url=simulation.url, config=config, **more)
            opened.enter_context(closing(client))
            return client

        yield open_client
