"""A validated document as the values that the program works with."""

from __future__ import annotations

from pathlib import Path

from cwarchive.config.glance import state_file
from cwarchive.config.inherited import lookback, own, said, value
from cwarchive.config.loaded import Loaded
from cwarchive.config.models import Document
from cwarchive.config.values import Config, Graphite, Limits
from cwarchive.core.spec import Dimensions, Exclusion, MetricSpec, Pattern


def converted(loaded: Loaded, home: Path) -> Config:
    """The config of a document without mistakes; a relative state file is beside the config."""
    document = loaded.document
    return Config(
        source=loaded.sources.source,
        graphite=_graphite(document),
        state=state_file(document.state, loaded.path.parent, home),
        regions=_unique(document.regions) or None,
        specs=tuple(_spec(document, index) for index in range(len(document.metrics))),
        limits=_limits(document),
        warnings=loaded.warnings,
        fingerprint=loaded.fingerprint,
        written=loaded,
    )


def _graphite(document: Document) -> Graphite:
    given = document.graphite
    return Graphite(given.host, given.port, given.prefix, given.batch_lines, given.timeout, given.acknowledge)


def _limits(document: Document) -> Limits:
    given = document.limits
    return Limits(
        given.max_series, given.requests_per_second, given.datapoints_per_second, given.usd_per_run, given.usd_per_month
    )


def _spec(document: Document, index: int) -> MetricSpec:
    entry = document.metrics[index]
    dimensions = own(entry, "dimensions")
    return MetricSpec(
        label=f"metrics[{index}]",
        namespace=entry.namespace,
        metrics=own(entry, "metrics") or (),
        dimensions=None if dimensions is None else _dimensions(dimensions),
        exclude=tuple(
            Exclusion(each.metrics or (), _dimensions(each.dimensions or {})) for each in own(entry, "exclude") or ()
        ),
        statistics=_unique(value(document, index, "statistics")),
        period=value(document, index, "period"),
        every=value(document, index, "every"),
        settle=value(document, index, "settle"),
        lookback=lookback(document, index),
        initial_lookback=value(document, index, "initial_lookback"),
        prefix=value(document, index, "prefix"),
        template=value(document, index, "path"),
        accounts=("",),
        regions=_unique(value(document, index, "regions")),
        unsaid=frozenset(key for key in ("period", "settle", "lookback") if not said(document, index, key)),
    )


def _dimensions(given: dict[str, tuple[Pattern, ...]]) -> Dimensions:
    return tuple(sorted(given.items()))


def _unique(values: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values or ()))
