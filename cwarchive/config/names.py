"""Names that other systems define: statistics, regions, namespaces, dimensions, hosts, URLs, files."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from cwarchive.config.built import not_built
from cwarchive.config.scalars import JsonSchema, Scalar, text, word, wrong
from cwarchive.config.words import did_you_mean, nearest, quoted, shown
from cwarchive.core.statistic import BASIC, is_statistic


def _statistic(value: object) -> str:
    written = text(value)
    if is_statistic(written):
        return written
    otherwise = f"use {', '.join(BASIC)}, or an extended one such as p99 or TM(2%:98%)"
    raise wrong(f"unknown statistic {quoted(written)}; " + _meant(written, otherwise))


def _meant(written: str, otherwise: str) -> str:
    """`P99` and `tm(2%:98%)` are extended statistics in the wrong case; other words are near a basic one or none."""
    for cased in (written.lower(), written.upper()):
        if is_statistic(cased):
            return f"did you mean {quoted(cased)}?"
    return did_you_mean(written, BASIC, otherwise)


_EXTENDED_SCHEMA: JsonSchema = {"type": "string", "pattern": r"^([a-z]{1,2}[0-9.]+|[A-Z]{2}\(.*\)|IQM)$"}
Statistic = Annotated[str, Scalar(_statistic, {"anyOf": [{"enum": list(BASIC)}, _EXTENDED_SCHEMA]})]

_HOST = re.compile(r"[^\s/:@\[\]]+\Z")


def _host(value: object) -> str:
    written = word(value)
    if not _HOST.match(written) and not _ipv6(written):
        raise wrong(f"{quoted(written)} is not a host; write a name or address, with the port as a key of its own")
    return written


def _ipv6(written: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(written))
    except ValueError:
        return False


Host = Annotated[str, Scalar(_host, {"type": "string", "minLength": 1, "pattern": r"^[^\s/@\[\]]+$"})]

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+\Z")


def _region(value: object) -> str:
    written = text(value)
    if written == "all":
        raise not_built("write the names of the regions", "regions: all")
    if not _REGION.match(written):
        near = nearest(written.replace("_", "-"), _COMMON_REGIONS)
        raise wrong(f"{shown(written)} is not a region; " + (f"did you mean {quoted(near)}?" if near else _AS_REGION))
    return written


_AS_REGION = "write its name, such as us-east-1"
_COMMON_REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1")

Region = Annotated[str, Scalar(_region, {"type": "string", "pattern": r"^[a-z]{2,}(-[a-z]+)+-\d+$"})]

LONGEST_NAME = 255
"""Characters of a namespace, metric name or dimension name. Source: PutMetricData, CloudWatch API reference."""


def _namespace(value: object) -> str:
    written = word(value)
    if written.startswith(":") or any(sign in written for sign in "*?"):
        raise wrong(f"{quoted(written)} is not a CloudWatch namespace; write one name in full, such as AWS/EC2")
    return _short(written)


def _dimension_name(value: object) -> str:
    return _short(word(value))


def _short(written: str) -> str:
    if len(written) > LONGEST_NAME:
        raise wrong(f"{quoted(written)} has {len(written)} characters; CloudWatch allows {LONGEST_NAME}")
    return written


_NAME_SCHEMA: JsonSchema = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
Namespace = Annotated[str, Scalar(_namespace, {**_NAME_SCHEMA, "pattern": r"^[^:*?][^*?]*$"})]
DimensionName = Annotated[str, Scalar(_dimension_name, _NAME_SCHEMA)]

_URL = re.compile(r"https?://[^\s/]+(/\S*)?\Z")


def _url(value: object) -> str:
    written = word(value)
    if not _URL.match(written):
        raise wrong(f"{quoted(written)} is not a URL; write one that begins with https:// or http://")
    return written


Url = Annotated[str, Scalar(_url, {"type": "string", "pattern": "^https?://"})]

_ARCHIVES = re.compile(r"[1-9]\d*[smhdwy]?:[1-9]\d*[smhdwy]?(,\s*[1-9]\d*[smhdwy]?:[1-9]\d*[smhdwy]?)*\Z")


def _archives(value: object) -> str:
    written = word(value)
    if not _ARCHIVES.match(written):
        raise wrong(f'{quoted(written)} is not a list of archives; write step:length, such as "60s:20d,300s:70d"')
    return re.sub(r"\s", "", written)


Archives = Annotated[str, Scalar(_archives, {"type": "string"})]


def _state(value: object) -> str:
    written = word(value)
    if re.match(r"postgres(ql)?://", written):
        raise not_built("write auto or the path of a file", "state: postgresql")
    if "://" in written or written.endswith("/"):
        raise wrong(f"{quoted(written)} is not a state file; write auto or the path of a file")
    return written


State = Annotated[str, Scalar(_state, {"type": "string", "pattern": r"^(?!.*://).*[^/]$"})]
