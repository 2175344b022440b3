"""The keys of the config, their types and their defaults.

All keys are known from the start; `Only` marks those whose feature is not built. Defaults are written as an operator
would write them and pass the same validators.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cwarchive.config.built import Only
from cwarchive.config.names import Archives, Host, Namespace, Region, State, Statistic, Url
from cwarchive.config.patterns import DimensionPatterns, Patterns, SomeDimensionPatterns
from cwarchive.config.scalars import Switch, Word, choice, number, whole
from cwarchive.config.shapes import OrOff, filled_list, mapping, mapping_or_nothing, some_list
from cwarchive.config.template import Prefix, Template
from cwarchive.config.times import Duration, DurationOrZero, Period, Settle
from cwarchive.config.values import Acknowledge

DEFAULT_ARCHIVES = "60s:20d,300s:70d,1h:10y"
DEFAULT_LISTEN = "127.0.0.1:9877"

Regions = Annotated[tuple[Region, ...], BeforeValidator(some_list("us-east-1", "all"))]
Statistics = Annotated[tuple[Statistic, ...], BeforeValidator(filled_list("Average"))]
Rollups = Annotated[str, choice("auto", "off", off="off")]


def default(written: object, description: str) -> Any:  # noqa: ANN401  validation gives it the key's type
    """A key with a default, which is written as in a file."""
    return Field(written, description=description)


def absent(description: str) -> Any:  # noqa: ANN401  as above
    """A key without a default: what it means when it is left out is in its description."""
    return Field(None, validate_default=False, description=description)


class Section(BaseModel):
    """A mapping of known keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Graphite(Section):
    """Where datapoints go, and under which paths."""

    host: Host = default("127.0.0.1", "Host of the plaintext receiver.")
    port: Annotated[int, whole(1, 65_535)] = default("2003", "Port of the plaintext receiver.")
    prefix: Prefix = default("cloudwatch", "First nodes of every path.")
    path: Template = default(
        "{region}.{namespace}.{dimensions}.{metric}.{statistic}", "What follows the prefix in every path."
    )
    naming: Annotated[str, choice("path", "tags"), Only(("path",), "path")] = default(
        "path", "Dotted paths, or tagged series."
    )
    readback: Annotated[Word, Only(("auto", "none"), "none")] = default(
        "auto", "Where deliveries are read back: a whisper folder, a render URL, auto or none."
    )
    archives: Annotated[Archives, Only((DEFAULT_ARCHIVES,), DEFAULT_ARCHIVES)] = default(
        DEFAULT_ARCHIVES, "What the storage schemas should hold."
    )
    acknowledge: Annotated[Acknowledge, choice(*get_args(Acknowledge))] = default(
        "auto", "How a delivery is acknowledged; none for receivers that never close."
    )
    batch_lines: Annotated[int, whole(1, 1_000_000)] = default(
        "500", "Lines a connection: 500 for an old relay, 20000 straight into a cache."
    )
    creates_per_minute: Annotated[int | str, whole(0, words=("auto",)), Only(("auto", 0), "0")] = default(
        "auto", "Pace of paths that Graphite does not hold yet; 0 for no limit."
    )
    lines_per_second: Annotated[int, whole(0), Only((0,), "0")] = default("0", "0 for no limit.")
    accept_schema: Annotated[Switch, Only((False,), "false")] = default(
        "false", "Begin new paths although the storage schemas hold less than archives."
    )
    timeout: Duration = default("30s", "Longest time without progress on a connection.")


class Account(Section):
    """An account to read; an empty mapping is that of the ambient credentials."""

    name: Annotated[Word, Only()] = absent("The account's node in paths.")
    role_arn: Annotated[Word, Only()] = absent("The role to assume.")
    external_id: Annotated[Word, Only()] = absent("The external ID of the role's trust policy.")
    profile: Annotated[Word, Only()] = absent("A profile of the AWS configuration.")
    linked_accounts: Annotated[Switch, Only((False,), "false")] = default(
        "false", "Read the source accounts that a monitoring account sees."
    )
    ids: Annotated[dict[str, str], BeforeValidator(mapping), Only()] = absent("Account IDs by name, for {id}.")


Accounts = Annotated[
    tuple[Annotated[Account, BeforeValidator(mapping_or_nothing)], ...], BeforeValidator(filled_list("{}"))
]


class Defaults(Section):
    """What holds for every entry that does not say otherwise."""

    statistics: Statistics = default(["Average"], "Which statistics are archived.")
    period: Period = default("60s", "Seconds between datapoints.")
    every: Duration = default("1h", "How often an entry is due.")
    settle: Settle = default("10m", "How long after a period's end its datapoint counts as final.")
    lookback: Duration = default("3h", "How far behind the mark each pass reads again; whole periods.")
    initial_lookback: DurationOrZero = default("1d", "Where the archive of a new series begins.")
    rollups: Rollups = default("auto", "Whether CloudWatch's own coarse values replace computed ones.")


class Exclusion(Section):
    """Metrics that an entry leaves out: those that match everything said here."""

    metrics: Patterns = absent("Names, globs or /regexes/.")
    dimensions: SomeDimensionPatterns = absent("Values by dimension name.")


class Entry(Section):
    """Metrics of one namespace to archive."""

    namespace: Namespace = Field(description="A CloudWatch namespace, such as AWS/EC2.")
    metrics: Patterns = absent("Names, globs or /regexes/; without the key all that is listed.")
    dimensions: DimensionPatterns = absent(
        "Exactly these dimensions, each with a value, glob, /regex/ or list; {} for none, without the key any."
    )
    exclude: Annotated[
        tuple[Annotated[Exclusion, BeforeValidator(mapping)], ...], BeforeValidator(filled_list("{metrics: [X]}"))
    ] = absent("What is left out.")
    statistics: Statistics = absent("As in defaults.")
    period: Period = absent("As in defaults.")
    every: Duration = absent("As in defaults.")
    settle: Settle = absent("As in defaults.")
    lookback: Duration = absent("As in defaults.")
    initial_lookback: DurationOrZero = absent("As in defaults.")
    rollups: Rollups = absent("As in defaults.")
    regions: Regions = absent("As at the top level.")
    accounts: Accounts = absent("As at the top level.")
    prefix: Prefix = absent("As in graphite.")
    path: Template = absent("As in graphite.")
    service: Annotated[Word, Only()] = absent("A service of the catalog.")
    expression: Annotated[Word, Only()] = absent("A metric math expression.")


class Limits(Section):
    """What a pass may cost and ask."""

    usd_per_run: Annotated[float | None, number(none=True)] = default("5.00", "US dollars a run; none for no limit.")
    usd_per_month: Annotated[float | None, number(none=True)] = default(
        "50.00", "US dollars a month; none for no limit."
    )
    max_series: Annotated[int, whole(1)] = default("100000", "New series are not begun beyond this number.")
    requests_per_second: Annotated[float, number()] = default("40", "Requests a second in each cell.")
    datapoints_per_second: Annotated[int, whole(1)] = absent(
        "Datapoints a second in each cell; without the key 80 % of AWS's two quotas."
    )


class Serve(Section):
    """The sidecar."""

    listen: Annotated[Word, Only((DEFAULT_LISTEN,), DEFAULT_LISTEN)] = default(
        DEFAULT_LISTEN, "Address and port of its pages and metrics."
    )


class SelfMetrics(Section):
    """The archive's own figures, to the same Graphite."""

    prefix: Annotated[Prefix, Only()] = absent("First nodes of their paths.")


class Ping(Section):
    """URLs that are called when a pass ends."""

    success: Annotated[Url, Only()] = absent("Called after success.")
    failure: Annotated[Url, Only()] = absent("Called after failure.")


class Document(Section):
    """A config file of cwarchive."""

    graphite: Annotated[Graphite, BeforeValidator(mapping_or_nothing)] = default({}, "The receiver.")
    state: State = default("auto", "A file, or auto.")
    accounts: Accounts = default([{}], "Accounts to read; without the key that of the ambient credentials.")
    regions: Regions = absent("Regions to read; without the key the ambient region.")
    defaults: Annotated[Defaults, BeforeValidator(mapping_or_nothing)] = default({}, "For every entry.")
    metrics: Annotated[
        tuple[Annotated[Entry, BeforeValidator(mapping)], ...], BeforeValidator(filled_list("{namespace: AWS/EC2}"))
    ] = Field(description="What to archive.")
    limits: Annotated[Limits, BeforeValidator(mapping_or_nothing)] = default({}, "Money and load.")
    serve: Annotated[Serve, BeforeValidator(mapping_or_nothing)] = default({}, "What the sidecar serves.")
    self_metrics: Annotated[SelfMetrics, OrOff()] = default({}, "Default off.")
    ping: Annotated[Ping, OrOff()] = default({}, "Default off.")
    allow_network_fs: Annotated[Switch, Only((False,), "false")] = default(
        "false", "Allow the state on a network file system."
    )


def section(annotation: object) -> type[Section] | None:
    """The section that an annotation holds, alone or in a list; None for scalars and lists of them."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    inner = (section(part) for part in getattr(annotation, "__args__", ()))
    return next((found for found in inner if found), None)


def is_list(annotation: object) -> bool:
    """Whether a key holds many values, in a list or a mapping with keys of the operator's choice."""
    return getattr(annotation, "__origin__", None) in (tuple, dict)
