"""What GetMetricData costs: billed metrics, and US dollars.

Source: Amazon CloudWatch pricing, 0.01 USD for 1,000 metrics requested; up to five statistics of one metric in one
request count as one.
"""

from __future__ import annotations

from collections import Counter

from cwarchive.core.batch import STATISTICS_BILLED_AS_ONE, Request

USD_PER_METRIC = 0.01 / 1_000


def billed_metrics(request: Request) -> int:
    """How many metrics AWS bills for `request`."""
    statistics = Counter(query.metric for query in request.queries)
    return sum(-(-count // STATISTICS_BILLED_AS_ONE) for count in statistics.values())


def affordable(usd: float) -> int:
    """How many billed metrics `usd` US dollars pay for."""
    return int(usd / USD_PER_METRIC + 1e-6)


def usd(billed: int) -> float:
    """The price of `billed` metrics in US dollars."""
    return billed * USD_PER_METRIC
