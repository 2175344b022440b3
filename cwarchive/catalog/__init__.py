"""What is known of AWS's namespaces: at which period a metric is published, and when its datapoints are final."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from importlib import resources
from typing import Any

from cwarchive.core.retention import HOUR
from cwarchive.core.spec import MetricSpec, Rhythm

FINE = 300
"""A native period up to this many seconds counts for nothing: asking 60 s of a 5-minute metric misses nothing."""


def published(spec: MetricSpec) -> Callable[[str], Rhythm | None]:
    """The rhythm at which each metric of the entry's namespace is published, by metric name; None where unknown.

    A settle above an hour stands as a lookback instead, unless the lookback was said: datapoints appear early and are
    corrected, not withheld.
    """
    return partial(_rhythm, spec)


def _rhythm(spec: MetricSpec, metric: str) -> Rhythm | None:
    entry = _timing().get(spec.namespace)
    if entry is None:
        return None
    period, settle = entry["metrics"].get(metric, (entry["period"], entry["settle"]))
    late = settle > HOUR and "lookback" in spec.unsaid
    return Rhythm(
        period=period if period > FINE else spec.period,
        settle=0 if late else settle,
        lookback=max(settle, spec.lookback) if late else spec.lookback,
    )


@cache
def _timing() -> dict[str, dict[str, Any]]:
    text = resources.files(__name__).joinpath("timing.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found
