"""What is known of AWS's namespaces: in step with its source, shipped, quick, and nothing that would lose data."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from cwarchive import catalog
from cwarchive.catalog import FINE, build, published
from cwarchive.core.retention import DAY, HOUR, kept_for
from cwarchive.core.spec import MetricSpec, Rhythm
from tests.builders import a_spec

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "docs" / "catalog" / "cloudwatch-metrics.json"
NOTHING_SAID = frozenset({"period", "settle", "lookback"})


def source() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SOURCE.read_text(encoding="utf-8"))
    return found


def shipped() -> dict[str, Any]:
    text = resources.files(catalog).joinpath("timing.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def entry(namespace: str, *, unsaid: frozenset[str] = NOTHING_SAID, **said: int) -> MetricSpec:
    spec = replace(a_spec(namespace=namespace, **said), unsaid=unsaid)  # type: ignore[arg-type]
    return replace(spec, published=published(spec))


def test_what_is_shipped_is_in_step_with_its_source() -> None:
    text = resources.files(catalog).joinpath("timing.json").read_text(encoding="utf-8")

    assert text == build.rendered(source())


def test_every_namespace_and_every_metric_of_its_own_timing_is_shipped() -> None:
    told = shipped()
    for namespace in source()["namespaces"]:
        found = told[namespace["namespace"]]
        for metric in namespace["metrics"]:
            period, settle = found["metrics"].get(metric["name"], (found["period"], found["settle"]))
            assert period == metric.get("period", namespace["period"])
            assert settle == metric.get("settle", namespace["settle"])


def test_only_what_differs_from_its_namespace_is_kept_of_a_metric() -> None:
    metrics = [{"name": "x", "settle": 2}, {"name": "y"}]
    small = {"namespaces": [{"namespace": "B", "period": 60, "settle": 1, "metrics": metrics}]}

    assert build.timing(small) == {"B": {"period": 60, "settle": 1, "metrics": {"x": [60, 2]}}}
    assert json.loads(build.rendered(small)) == build.timing(small)


def test_whatever_is_known_fits_below_what_cloudwatch_keeps() -> None:
    for namespace, found in shipped().items():
        spec = entry(namespace)
        for metric in ("", *found["metrics"]):
            rhythm = spec.rhythm(metric)
            assert rhythm.period in {60, *range(FINE + 60, DAY + 1, 60)}, (namespace, metric)
            assert rhythm.lookback >= rhythm.period
            assert rhythm.lookback % rhythm.period == 0
            assert rhythm.settle + rhythm.lookback + spec.every + rhythm.period < kept_for(rhythm.period) - DAY


def test_settle_and_lookback_reach_at_least_as_far_as_a_metric_is_known_to_be_late() -> None:
    for namespace, found in shipped().items():
        for metric, (_, settle) in {"": (0, found["settle"]), **found["metrics"]}.items():
            for unsaid in (NOTHING_SAID, NOTHING_SAID - {"lookback"}, NOTHING_SAID - {"period"}):
                rhythm = entry(namespace, unsaid=unsaid).rhythm(metric)
                assert rhythm.settle + rhythm.lookback >= settle, (namespace, metric)


def test_a_period_of_five_minutes_counts_for_nothing() -> None:
    assert entry("AWS/EC2").rhythm("CPUUtilization").period == 60
    assert entry("AWS/EC2", period=300).rhythm("CPUUtilization").period == 300


def test_a_daily_metric_that_comes_late_is_read_again_for_days_and_not_waited_for() -> None:
    assert entry("AWS/S3").rhythm("BucketSizeBytes") == Rhythm(DAY, 0, 4 * DAY)
    assert entry("AWS/S3").rhythm("AllRequests") == Rhythm(60, 900, 3 * HOUR)


def test_where_the_lookback_was_said_a_late_metric_is_waited_for() -> None:
    said = NOTHING_SAID - {"lookback"}

    assert entry("AWS/S3", unsaid=said, lookback=3 * HOUR).rhythm("BucketSizeBytes") == Rhythm(DAY, 4 * DAY, DAY)


def test_a_default_lookback_that_reaches_further_stays() -> None:
    assert entry("AWS/S3", lookback=9 * DAY).rhythm("BucketSizeBytes").lookback == 9 * DAY


def test_of_a_namespace_of_ones_own_nothing_is_known() -> None:
    assert published(a_spec(namespace="Shop/Machines"))("Load") is None
    assert entry("Shop/Machines").rhythm("Load") == Rhythm(60, 600, 3 * HOUR)


def test_looking_up_costs_next_to_nothing() -> None:
    spec = entry("AWS/EC2")
    spec.rhythm("CPUUtilization")

    began = time.process_time()
    for _ in range(10_000):
        spec.rhythm("CPUUtilization")

    assert time.process_time() - began < 0.5


def test_nothing_is_read_before_something_is_looked_up() -> None:
    code = "import cwarchive.catalog as c; print(c._timing.cache_info().currsize)"

    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert told.stdout == "0\n"


def test_the_wheel_takes_whatever_lies_in_the_package() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        build_options = tomllib.load(file)["tool"]["hatch"]["build"]

    assert build_options["targets"]["wheel"] == {"packages": ["cwarchive"]}
    assert set(build_options) == {"targets"}
    ignored = subprocess.run(
        ["git", "-C", ROOT, "check-ignore", "cwarchive/catalog/timing.json"],
        capture_output=True,
        text=True,
        check=False,
    )  # hatch leaves out what git ignores
    assert ignored.stdout == ""
