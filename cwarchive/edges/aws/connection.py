"""The boto3 client of one cell: its settings, its region, and the decoding of the two answers that count."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from cwarchive import __version__
from cwarchive.edges.aws.answer import METRICS, RESULTS, document

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_cloudwatch import CloudWatchClient

DOCUMENT = "cwarchive.document"
"""Where the checked JSON document stands in a response; absent where botocore did not call the hook."""


def region_in_use() -> str | None:
    """The region that environment or profile name; AWS_REGION first, as in AWS's other tools, which boto3 ignores."""
    return os.environ.get("AWS_REGION") or boto3.session.Session().region_name


def client(region: str, threads: int, attempts: int) -> CloudWatchClient:
    """A client for `threads` threads with the default chain of credentials, which decodes answers by `document`."""
    made = boto3.session.Session(region_name=region).client("cloudwatch", config=_config(threads, attempts))
    for operation, key in (("GetMetricData", RESULTS), ("ListMetrics", METRICS)):
        made.meta.events.register(
            f"before-parse.cloudwatch.{operation}", _decoder(key), unique_id=f"cwarchive-{operation}"
        )
    return made


def _config(threads: int, attempts: int) -> Config:
    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=threads,
        tcp_keepalive=True,
        # Costs as much as decoding the answer; what is asked is built in one place and tested there.
        parameter_validation=False,
        user_agent_extra=f"cwarchive/{__version__}",
    )


def _decoder(key: str) -> Callable[..., None]:
    def decode(
        response_dict: dict[str, Any],
        customized_response_dict: dict[str, Any],
        operation_model: OperationModel,
        **_: object,
    ) -> None:
        """Check and decode a 200 body in place of botocore, whose own parser costs 40 times as much.

        What is raised here passes through botocore untouched. Errors, and protocols other than JSON, are left to it.
        """
        if response_dict["status_code"] >= 300 or operation_model.service_model.resolved_protocol != "json":
            return
        customized_response_dict[DOCUMENT] = document(response_dict["headers"], response_dict["body"], key)
        response_dict["body"] = b"{}"

    return decode
