"""How an archive stands: healthy, unproven, late or with gaps, how far behind, and how long until data is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cwarchive.core.cost import usd
from cwarchive.core.money import effective_every, monthly_usd
from cwarchive.core.retention import TIERS, kept_for
from cwarchive.core.spec import MetricSpec
from cwarchive.core.standing import RunRecord, Standing, StateSummary

HEALTHY, UNPROVEN, LATE, GAPS = "healthy", "unproven", "late", "gaps"
EXIT_CODES = {HEALTHY: 0, UNPROVEN: 0, LATE: 3, GAPS: 4}


@dataclass(frozen=True, slots=True)
class Status:
    """What an operator asks of an archive at `now`; times and spans in seconds, money in US dollars.

    `late` are the standings whose oldest mark is behind by more than their entries allow. Lags are those of the
    series that is furthest behind, None while there is none. `time_to_loss` is by the period CloudWatch stores.
    """

    now: int
    verdict: str
    summary: StateSummary
    late: tuple[Standing, ...]
    lag: int | None
    verified_lag: int | None
    time_to_loss: Mapping[int, int | None]
    effective_every: int
    month_usd: float
    month_limit: float | None
    month_projected: float

    @property
    def exit_code(self) -> int:
        """0 healthy or unproven, 3 late, 4 unacknowledged gaps."""
        return EXIT_CODES[self.verdict]


def status(summary: StateSummary, specs: Sequence[MetricSpec], now: int, usd_per_month: float | None = None) -> Status:
    """How the archive that `summary` describes stands, for the entries `specs` and what a month may cost.

    Without read-back nothing is verified, so what is on time is unproven, never healthy.
    """
    wanted = {spec.namespace for spec in specs}
    standings = tuple(standing for standing in summary.standings if standing.namespace in wanted)
    every = effective_every(specs, summary.billed_by_entry, usd_per_month)
    specs = [replace(spec, every=seconds) for spec, seconds in zip(specs, every, strict=True)]
    late = tuple(standing for standing in standings if _behind(standing, now) > _allowed(standing, specs))
    marks = [standing.oldest_mark for standing in standings if standing.oldest_mark is not None]
    verified = [standing.oldest_verified for standing in standings if standing.oldest_verified is not None]
    return Status(
        now=now,
        verdict=_verdict(summary, late),
        summary=summary,
        late=late,
        lag=now - min(marks) if marks else None,
        verified_lag=now - min(verified) if verified else None,
        time_to_loss={period: _time_to_loss(standings, kept, now) for period, kept in TIERS[1:]},
        effective_every=min(every, default=0),
        month_usd=usd(summary.billed),
        month_limit=usd_per_month,
        month_projected=sum(monthly_usd(specs, summary.billed_by_entry, every)),
    )


def month_start(now: int) -> int:
    """The first second of the UTC month of `now`; AWS bills by UTC months."""
    return int(datetime.fromtimestamp(now, tz=UTC).replace(day=1, hour=0, minute=0, second=0).timestamp())


def document(found: Status) -> dict[str, object]:
    """The status as the JSON document that scripts read; fields are added, never changed, within a schema."""
    standings, gaps = found.summary.standings, found.summary.gaps
    return {
        "schema": 1,
        "now": found.now,
        "verdict": found.verdict,
        "effective_every_seconds": found.effective_every,
        "series": {
            "total": sum(standing.series for standing in standings),
            "parked": sum(standing.parked for standing in standings),
            "waiting": sum(standing.waiting for standing in standings),
            "failed": sum(standing.failed for standing in standings),
        },
        "lag_seconds": found.lag,
        "verified_lag_seconds": found.verified_lag,
        "time_to_loss_seconds": {str(period): left for period, left in found.time_to_loss.items()},
        "gaps": {
            "open": 0,
            "permanent": sum(gap.permanent for gap in gaps),
            "unacknowledged": sum(gap.unacknowledged for gap in gaps),
        },
        "last_runs": [_run(record) for record in found.summary.runs],
        "month": {
            "usd": round(found.month_usd, 6),
            "limit_usd": found.month_limit,
            "projected_usd": round(found.month_projected, 6),
        },
        "marks": [
            {
                "account": standing.cell.account,
                "region": standing.cell.region,
                "namespace": standing.namespace,
                "period": standing.period,
                "series": standing.series,
                "failed": standing.failed,
                "oldest_mark": standing.oldest_mark,
                "oldest_verified_mark": standing.oldest_verified,
            }
            for standing in standings
        ],
    }


def _behind(standing: Standing, now: int) -> int:
    """How far the series that is furthest behind is; 0 where all are parked."""
    return 0 if standing.oldest_mark is None else now - standing.oldest_mark


def _allowed(standing: Standing, specs: Iterable[MetricSpec]) -> int:
    """How far behind the slowest entry of this namespace and period may be; what no entry selects is never late."""
    entries = [spec for spec in specs if spec.namespace == standing.namespace]
    slowest = (_settle(spec) + 2 * spec.every + standing.period for spec in entries)
    return max(slowest, default=_EVER)


def _settle(spec: MetricSpec) -> int:
    """The longest settle of the metrics that an entry names, as far as it names any."""
    names = [pattern.text for pattern in spec.metrics if pattern.exact]
    return max(spec.rhythm(name).settle for name in names or [""])


_EVER = 1 << 40
"""Seconds; longer than anything is kept."""


def _verdict(summary: StateSummary, late: Sequence[Standing]) -> str:
    if any(gap.unacknowledged for gap in summary.gaps):
        return GAPS
    if late:
        return LATE
    return UNPROVEN


def _time_to_loss(standings: Iterable[Standing], kept: int, now: int) -> int | None:
    left = (kept - _behind(s, now) for s in standings if kept_for(s.period) == kept and s.oldest_mark is not None)
    return min(left, default=None)


def _run(record: RunRecord) -> dict[str, object]:
    return {
        "command": record.command,
        "started": record.started,
        "ended": record.ended,
        "exit_code": record.exit_code,
        "series": record.figures.series,
        "datapoints": record.figures.datapoints,
        "requests": record.figures.requests,
        "billed_metrics": record.figures.billed,
        "failed": record.figures.failed,
    }
