"""How the demo's Graphite stores: longer than CloudWatch's tiers, no quorum for a roll-up, and the method that each
statistic needs, named by the last node of its path.
"""

from __future__ import annotations

ARCHIVES = "60s:20d,300s:70d,1h:10y"

METHODS = {"Sum": "sum", "SampleCount": "sum", "Minimum": "min", "Maximum": "max"}
"""Last node of a path -> whisper's aggregation method; every other is averaged."""


def method(path: str) -> str:
    """The aggregation method of the series at `path`."""
    return METHODS.get(path.rpartition(".")[2], "average")


def storage_schemas(archives: str) -> str:
    """The text of storage-schemas.conf."""
    return f"[everything]\npattern = .*\nretentions = {archives}\n"


def storage_aggregation() -> str:
    """The text of storage-aggregation.conf, whose answers are those of `method`."""
    sections = [_section(node, rf"(^|\.){node}$", how) for node, how in METHODS.items()]
    return "\n".join([*sections, _section("everything", ".*", "average")])


def _section(name: str, pattern: str, how: str) -> str:
    return f"[{name}]\npattern = {pattern}\nxFilesFactor = 0\naggregationMethod = {how}\n"
