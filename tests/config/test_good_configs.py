"""What a config without mistakes becomes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cwarchive.config.values import Graphite, Limits
from cwarchive.core.spec import Exclusion, MetricSpec, Pattern
from tests.config.writing import ONE_ENTRY, loaded

EXAMPLE = Path(__file__).resolve().parents[2] / "config" / "cwarchive.example.yaml"

ALL_DEFAULTS = """
graphite:
  host: 127.0.0.1
  port: 2003
  prefix: cloudwatch
  path: "{region}.{namespace}.{dimensions}.{metric}.{statistic}"
  naming: path
  readback: auto
  archives: "60s:20d,300s:70d,1h:10y"
  acknowledge: auto
  batch_lines: 500
  creates_per_minute: auto
  lines_per_second: 0
  accept_schema: false
  timeout: 30s
state: auto
accounts:
  - {}
defaults:
  {statistics: [Average], period: 60s, every: 1h, settle: 10m, lookback: 3h, initial_lookback: 1d, rollups: auto}
metrics:
  - namespace: AWS/EC2
limits: {usd_per_run: 5.00, usd_per_month: 50.00, max_series: 100000, requests_per_second: 40}
serve: {listen: "127.0.0.1:9877"}
self_metrics: off
ping: {}
allow_network_fs: false
"""


def test_one_namespace_is_enough_and_everything_else_has_its_default(tmp_path: Path) -> None:
    config = loaded(tmp_path, ONE_ENTRY)

    assert config.source == "cwarchive.yaml"
    assert config.graphite == Graphite("127.0.0.1", 2003, "cloudwatch", 500, 30, "auto")
    assert config.limits == Limits(100_000, 40.0, None, 5.0, 50.0)
    assert config.state is None
    assert config.regions is None
    assert config.warnings == ()
    assert config.specs == (
        MetricSpec(
            label="metrics[0]",
            namespace="AWS/EC2",
            metrics=(),
            dimensions=None,
            exclude=(),
            statistics=("Average",),
            period=60,
            every=3_600,
            settle=600,
            lookback=10_800,
            initial_lookback=86_400,
            prefix="cloudwatch",
            template="{region}.{namespace}.{dimensions}.{metric}.{statistic}",
            accounts=("",),
            regions=(),
            unsaid=frozenset({"period", "settle", "lookback"}),
        ),
    )


def test_every_key_may_be_written_with_its_default(tmp_path: Path) -> None:
    written, unwritten = loaded(tmp_path, ALL_DEFAULTS), loaded(tmp_path, ONE_ENTRY)

    assert written.specs[0].unsaid == frozenset()
    assert replace(written, specs=unwritten.specs) == unwritten
    assert replace(written.specs[0], unsaid=unwritten.specs[0].unsaid) == unwritten.specs[0]


@pytest.mark.parametrize(
    "text",
    [
        "graphite: {readback: none, creates_per_minute: 0, lines_per_second: 0, accept_schema: no, naming: path}\n",
        "limits: {usd_per_run: none, usd_per_month: none}\n",
        "limits: {usd_per_run: 5, usd_per_month: 50.0}\n",
        "defaults: {rollups: off}\n",
        "defaults: {rollups: no}\n",
        "defaults: {rollups: False}\n",
        "accounts: [{linked_accounts: false}]\n",
        "self_metrics: none\n",
        "self_metrics:\nping:\nserve:\ngraphite:\nlimits:\ndefaults:\n",
        "allow_network_fs: off\n",
    ],
)
def test_what_is_not_built_takes_its_off_value(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text + ONE_ENTRY).specs == loaded(tmp_path, ONE_ENTRY).specs


def test_the_example_that_people_copy_has_no_mistake(tmp_path: Path) -> None:
    config = loaded(tmp_path, EXAMPLE.read_text(encoding="utf-8"))

    assert [spec.namespace for spec in config.specs] == [
        "AWS/EC2",
        "AWS/ApplicationELB",
        "AWS/ApplicationELB",
        "AWS/S3",
    ]
    assert config.specs[0].statistics == ("Average", "Maximum")
    assert config.specs[0].period == 300
    assert config.specs[3].lookback == 3 * 86_400


def test_the_settings_that_the_example_shows_are_the_defaults(tmp_path: Path) -> None:
    config, bare = loaded(tmp_path, EXAMPLE.read_text(encoding="utf-8")), loaded(tmp_path, ONE_ENTRY)

    assert (config.graphite, config.limits, config.state) == (bare.graphite, bare.limits, bare.state)
    assert config.specs[1].every == bare.specs[0].every
    assert config.specs[1].settle == bare.specs[0].settle
    assert config.specs[1].initial_lookback == bare.specs[0].initial_lookback


def test_an_entry_selects_by_names_globs_regexes_and_lists(tmp_path: Path) -> None:
    (spec,) = loaded(
        tmp_path,
        """
metrics:
  - namespace: AWS/EC2
    metrics: [CPUUtilization, "Network*", /^Disk/]
    dimensions: {Z: [a, b], A: "*", InstanceId: no}
    exclude:
      - {dimensions: {InstanceId: "i-0123*"}}
      - {metrics: [NetworkIn]}
""",
    ).specs

    assert spec.metrics == (Pattern("CPUUtilization"), Pattern("Network*"), Pattern("/^Disk/"))
    assert spec.dimensions == (
        ("A", (Pattern("*"),)),
        ("InstanceId", (Pattern("no"),)),
        ("Z", (Pattern("a"), Pattern("b"))),
    )
    assert spec.exclude == (
        Exclusion((), (("InstanceId", (Pattern("i-0123*"),)),)),
        Exclusion((Pattern("NetworkIn"),), ()),
    )


def test_no_dimensions_is_not_the_same_as_any_dimensions(tmp_path: Path) -> None:
    none, any_ = loaded(tmp_path, "metrics: [{namespace: A, dimensions: {}}, {namespace: A}]\n").specs

    assert none.dimensions == ()
    assert any_.dimensions is None


def test_an_entry_goes_before_defaults_and_those_before_what_is_built_in(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """
graphite: {prefix: top.level}
regions: [eu-west-1, us-gov-west-1, eu-west-1]
defaults: {statistics: [Sum], every: 2h, settle: 0}
metrics:
  - namespace: A
  - {namespace: B, statistics: [p99, p99, Sum], every: 600, settle: 90s, regions: [cn-north-1], prefix: mine, path: x}
""",
    )
    first, second = config.specs

    assert (first.statistics, first.every, first.settle, first.period) == (("Sum",), 7_200, 0, 60)
    assert (first.prefix, first.regions) == ("top.level", ("eu-west-1", "us-gov-west-1"))
    assert (second.statistics, second.every, second.settle) == (("p99", "Sum"), 600, 90)
    assert (second.prefix, second.template, second.regions) == ("mine", "x", ("cn-north-1",))
    assert (first.label, second.label) == ("metrics[0]", "metrics[1]")
    assert config.regions == ("eu-west-1", "us-gov-west-1")


def test_a_bare_list_is_the_list_of_metrics(tmp_path: Path) -> None:
    assert loaded(tmp_path, "- namespace: AWS/EC2\n") == loaded(tmp_path, ONE_ENTRY)


def test_one_number_sets_both_quotas_of_datapoints(tmp_path: Path) -> None:
    assert loaded(tmp_path, "limits: {datapoints_per_second: 9000}\n" + ONE_ENTRY).limits.datapoints_per_second == 9_000


@pytest.mark.parametrize(
    ("written", "seconds"), [("1", 1), ("30s", 30), ("60", 60), ("7m", 420), ("1h", 3_600), ("1d", 86_400)]
)
def test_a_period_is_read_in_every_unit(tmp_path: Path, written: str, seconds: int) -> None:
    assert loaded(tmp_path, f"metrics: [{{namespace: A, period: {written}}}]\n").specs[0].period == seconds


def test_an_inherited_lookback_is_rounded_up_to_whole_periods(tmp_path: Path) -> None:
    entries = "metrics: [{namespace: A, period: 1d}, {namespace: B, period: 7m}, {namespace: C}]\n"

    built_in = loaded(tmp_path, entries).specs
    from_defaults = loaded(tmp_path, "defaults: {lookback: 2h}\n" + entries).specs

    assert [spec.lookback for spec in built_in] == [86_400, 26 * 420, 10_800]
    assert [spec.lookback for spec in from_defaults] == [86_400, 18 * 420, 7_200]


def test_the_state_is_found_from_the_config_not_from_the_working_folder(tmp_path: Path) -> None:
    assert loaded(tmp_path, "state: var/state.sqlite\n" + ONE_ENTRY).state == tmp_path / "var/state.sqlite"
    assert loaded(tmp_path, "state: /srv/state.sqlite\n" + ONE_ENTRY).state == Path("/srv/state.sqlite")
    assert loaded(tmp_path, "state: ~/state.sqlite\n" + ONE_ENTRY, HOME="/home/me").state == Path(
        "/home/me/state.sqlite"
    )


@pytest.mark.parametrize("host", ["graphite", "graphite.example.com", "10.0.0.1", "::1", "2001:db8::1"])
def test_a_host_is_a_name_or_an_address(tmp_path: Path, host: str) -> None:
    assert loaded(tmp_path, f"graphite: {{host: '{host}'}}\n" + ONE_ENTRY).graphite.host == host


def test_two_periods_are_fine_where_no_path_can_be_shared(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """
metrics:
  - {namespace: A, metrics: [x]}
  - {namespace: A, metrics: [y], period: 5m}
  - {namespace: A, metrics: [x], period: 5m, statistics: [Sum]}
  - {namespace: A, metrics: [x], period: 5m, path: "{namespace}.{metric}.{period}"}
  - {namespace: A, metrics: [x], period: 5m, prefix: coarse}
  - {namespace: B, metrics: [x], period: 5m}
  - {namespace: A, metrics: [x], period: 5m, dimensions: {D: "*"}}
  - {namespace: A, metrics: [x], period: 5m, regions: [eu-west-1]}
""",
    )

    assert len(config.specs) == 8
