"""The effective config, and where each value came from."""

from __future__ import annotations

from pathlib import Path

from cwarchive.config import effective
from cwarchive.config.models import Defaults, Entry
from cwarchive.config.values import Setting
from tests.config.writing import ONE_ENTRY, loaded

TEXT = """graphite:
  host: graphite
regions: [us-east-1]
defaults:
  every: 30m
metrics:
  - namespace: AWS/EC2
    dimensions: {InstanceId: "*"}
    period: 1d
"""


def _by_key(folder: Path, text: str, **environ: str) -> dict[str, tuple[str, str]]:
    return {key: (value, origin) for key, value, origin in effective(loaded(folder, text, **environ))}


def test_every_value_tells_where_it_came_from(tmp_path: Path) -> None:
    told = _by_key(tmp_path, TEXT, CWARCHIVE_GRAPHITE__PORT="2103")

    assert told["graphite.host"] == ("graphite", "cwarchive.yaml:2")
    assert told["graphite.port"] == ("2103", "CWARCHIVE_GRAPHITE__PORT")
    assert told["graphite.prefix"] == ("cloudwatch", "default")
    assert told["graphite.path"] == ('"{region}.{namespace}.{dimensions}.{metric}.{statistic}"', "default")
    assert told["limits.datapoints_per_second"] == ("80 % of AWS's quotas", "default")


def test_an_entry_tells_what_it_inherits(tmp_path: Path) -> None:
    told = _by_key(tmp_path, TEXT)

    assert told["metrics[0].dimensions"] == ('{InstanceId: "*"}', "cwarchive.yaml:8")
    assert told["metrics[0].period"] == ("1d", "cwarchive.yaml:9")
    assert told["metrics[0].every"] == ("30m", "cwarchive.yaml:5")
    assert told["metrics[0].regions"] == ("[us-east-1]", "cwarchive.yaml:3")
    assert told["metrics[0].settle"] == ("10m", "default")
    assert told["metrics[0].lookback"] == ("1d", "default, rounded up to whole periods")


def test_without_regions_the_ambient_one_is_told(tmp_path: Path) -> None:
    assert _by_key(tmp_path, ONE_ENTRY)["regions"] == ("the ambient region", "default")


def test_a_section_without_anything_in_it_still_tells_its_defaults(tmp_path: Path) -> None:
    told = _by_key(tmp_path, "graphite:\nlimits: {}\n" + ONE_ENTRY)

    assert told["graphite.timeout"] == ("30s", "default")
    assert told["limits.max_series"] == ("100000", "default")


def test_a_bare_list_tells_its_lines(tmp_path: Path) -> None:
    assert Setting("metrics[0].namespace", "AWS/EC2", "cwarchive.yaml:1") in effective(
        loaded(tmp_path, "- namespace: AWS/EC2\n")
    )


def test_any_key_of_defaults_may_stand_in_an_entry() -> None:
    assert set(Defaults.model_fields) < set(Entry.model_fields)
    for name, about in Defaults.model_fields.items():
        assert Entry.model_fields[name].metadata == about.metadata
        assert Entry.model_fields[name].annotation == about.annotation
