"""The JSON Schema agrees with the validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cwarchive.config import json_schema
from tests.config.test_bad_configs import BAD
from tests.config.test_good_configs import ALL_DEFAULTS, EXAMPLE
from tests.config.writing import ONE_ENTRY, loaded

BAD_TO_EDITORS = [
    "accept_schema_true",
    "accounts_empty",
    "accounts_named",
    "acknowledge_unknown",
    "allow_network_fs",
    "archives_other",
    "bare_list_with_mistake",
    "batch_lines_zero",
    "creates_per_minute_set",
    "defaults_unknown_key",
    "dimension_value_empty_list",
    "dimensions_list",
    "entry_empty",
    "every_compound",
    "every_week",
    "exclude_mapping",
    "host_url",
    "lines_per_second_set",
    "list_is_scalar",
    "max_series_zero",
    "metrics_empty",
    "metrics_mapping",
    "metrics_missing",
    "namespace_empty",
    "namespace_glob",
    "namespace_missing",
    "naming_tags",
    "only_a_word",
    "path_space",
    "period_90",
    "period_zero",
    "ping_success",
    "port_text",
    "port_too_large",
    "prefix_double_dot",
    "readback_folder",
    "region_zone",
    "regions_empty",
    "requests_negative",
    "rollups_always",
    "scalar_is_list",
    "section_is_text",
    "serve_listen",
    "service",
    "settle_negative",
    "state_postgresql",
    "statistic_avg",
    "statistic_case",
    "statistics_empty",
    "timeout_zero",
    "unknown_key_in_entry",
    "unknown_key_in_graphite",
    "unknown_section",
    "usd_per_run_negative",
]

GOOD_TO_EDITORS = [
    ONE_ENTRY,
    ALL_DEFAULTS,
    EXAMPLE.read_text(encoding="utf-8"),
    "- namespace: AWS/EC2\n",
    "- {namespace: A, period: 300, every: 90s, settle: 0, dimensions: {a: [b, 5], c: no}, statistics: [p99.9]}\n",
    "x-mine: [1]\nregions: [us-gov-west-1]\nlimits: {usd_per_run: none, requests_per_second: 2.5}\n" + ONE_ENTRY,
    "graphite: {port: 2103, path: '{region}.x-{dimension.A}.{metric}', creates_per_minute: 0}\n" + ONE_ENTRY,
]


def _validator() -> Any:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    return jsonschema.Draft202012Validator(json_schema())


@pytest.mark.parametrize("text", GOOD_TO_EDITORS)
def test_an_editor_finds_no_fault_with_what_loads(tmp_path: Path, text: str) -> None:
    loaded(tmp_path, text)

    assert list(_validator().iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize("name", BAD_TO_EDITORS)
def test_an_editor_marks_what_does_not_load(name: str) -> None:
    data = yaml.safe_load((BAD / f"{name}.yaml").read_text(encoding="utf-8"))

    assert not _validator().is_valid(data)


def test_every_key_is_described_and_none_defaults_to_null() -> None:
    for name, section in json_schema()["$defs"].items():
        for key, about in section["properties"].items():
            assert about["description"], f"{name}.{key}"
            assert about.get("default", "") is not None, f"{name}.{key}"
