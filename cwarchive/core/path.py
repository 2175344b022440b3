"""Which Graphite path a series goes to: a template filled with safe nodes, and one owner for every path.

Carbon stores a slash as a dot, drops empty nodes, splits on any Unicode space and refuses names over the file system's
255 bytes, each without a word to the sender; so whatever is not a letter, digit, `_` or `-` is replaced here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cwarchive.core.line import LONGEST_PATH
from cwarchive.core.series import Metric, identity

PLACEHOLDERS = ("account", "region", "namespace", "dimensions", "metric", "statistic", "period")
"""What a template may name, beside `dimension.NAME`."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_FIELD = re.compile(r"\{([^{}]*)\}")
_DOT = re.compile(r"\.(?![^{}]*\})")  # not the one in {dimension.NAME}
_LONGEST_NODE = 250
_LONGEST_NODE_OF_MANY = 49  # 30 dimensions of a metric are 60 nodes: then they have to fit a path together
_LONGEST_SUFFIX = 17


@dataclass(frozen=True, slots=True)
class Bound:
    """One statistic of one metric, on its way to a path."""

    metric: Metric
    statistic: str
    period: int

    @property
    def identity(self) -> str:
        """The text that no other statistic of any metric has."""
        return identity(self.metric, self.statistic)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A path as the template gives it: `altered` is the index of the first node whose text had to change, if any."""

    nodes: tuple[str, ...]
    statistic: int
    altered: int | None

    @property
    def path(self) -> str:
        """The nodes with dots between."""
        return ".".join(self.nodes)

    def told_apart(self, text: str, digits: int = 8) -> str:
        """The path once the identity `text` is hashed onto the altered node, never onto the statistic."""
        index = self.altered if self.altered is not None else _before(self.statistic, len(self.nodes))
        nodes = list(self.nodes)
        nodes[index] = _hashed(nodes[index], text, digits, _LONGEST_NODE)
        return ".".join(nodes)


def fields(template: str) -> list[str]:
    """The placeholders a template names, without their braces."""
    return _FIELD.findall(template)


def render(template: str, prefix: str, bound: Bound) -> Rendered:
    """The path of `bound`: prefix, account where it has a name, then the template; empty nodes are dropped."""
    account = bound.metric.cell.account
    whole = (
        f"{prefix}.{{account}}.{template}" if account and "account" not in fields(template) else f"{prefix}.{template}"
    )
    rendered = _rendered(whole, bound, _LONGEST_NODE)
    if len(rendered.path) + _LONGEST_SUFFIX <= LONGEST_PATH:
        return rendered
    return _rendered(whole, bound, _LONGEST_NODE_OF_MANY)


def assign(newcomers: Iterable[tuple[Bound, Rendered]], owners: Mapping[str, str]) -> list[tuple[Bound, str]]:
    """The path of each newcomer, given which identity owns which path.

    An owner keeps its path. Among newcomers that meet on one path the first whose text was unaltered gets it; every
    other gets eight hex digits of its identity's hash on the altered node, sixteen where another identity has come by
    those eight. The order of newcomers does not matter.
    """
    claims: dict[str, list[tuple[bool, str, Bound, Rendered]]] = {}
    for bound, rendered in newcomers:
        claims.setdefault(rendered.path, []).append((rendered.altered is not None, bound.identity, bound, rendered))
    taken: dict[str, str] = {}
    given: list[tuple[Bound, str]] = []
    displaced: list[tuple[bool, str, Bound, Rendered]] = []
    for path, claimants in claims.items():
        claimants.sort(key=_precedence)
        owner = taken[path] = owners.get(path, claimants[0][1])
        given += [(bound, path) for _, text, bound, _ in claimants if text == owner]
        displaced += [claim for claim in claimants if claim[1] != owner]
    for _, text, bound, rendered in sorted(displaced, key=_precedence):
        path = rendered.told_apart(text)
        if owners.get(path, taken.setdefault(path, text)) != text:
            path = rendered.told_apart(text, digits=16)
        given.append((bound, path))
    return given


def candidates(rendered: Rendered, text: str) -> tuple[str, ...]:
    """The paths that the identity `text` may own under this template, likeliest first."""
    return rendered.path, rendered.told_apart(text), rendered.told_apart(text, digits=16)


def _precedence(claim: tuple[bool, str, Bound, Rendered]) -> tuple[bool, str]:
    altered, text, _, _ = claim
    return altered, text


def _rendered(template: str, bound: Bound, longest: int) -> Rendered:
    nodes: list[str] = []
    altered: int | None = None
    statistic = -1
    for part in _DOT.split(template):
        names = fields(part)
        for raw in _filled(part, names, bound):
            safe = _safe(raw, longest)
            if "statistic" in names:
                statistic = len(nodes)
            elif names and safe != raw and altered is None:
                altered = len(nodes)
            nodes.append(safe)
    return Rendered(tuple(nodes), statistic, altered)


def _filled(part: str, names: list[str], bound: Bound) -> Iterable[str]:
    """The nodes of one dotted part of a template, raw; none of them empty."""
    if part == "{dimensions}":
        return [node for pair in bound.metric.dimensions for node in pair if node]
    if part == "{namespace}":
        return [node for node in bound.metric.namespace.split("/") if node]
    text = _FIELD.sub(lambda found: _value(found.group(1), bound), part) if names else part
    return [text] if text else []


_VALUES: Mapping[str, Callable[[Bound], str]] = {
    "account": lambda bound: bound.metric.cell.account,
    "region": lambda bound: bound.metric.cell.region,
    "namespace": lambda bound: bound.metric.namespace,
    "dimensions": lambda bound: "_".join(f"{name}_{value}" for name, value in bound.metric.dimensions),
    "metric": lambda bound: bound.metric.name,
    "statistic": lambda bound: bound.statistic,
    "period": lambda bound: str(bound.period),
}


def _value(field: str, bound: Bound) -> str:
    if field.startswith("dimension."):
        return dict(bound.metric.dimensions).get(field.removeprefix("dimension."), "")
    return _VALUES[field](bound)


def _safe(raw: str, longest: int) -> str:
    node = _UNSAFE.sub("_", raw)
    return node if len(node) <= longest else _hashed(node, raw, 8, longest)


def _hashed(node: str, text: str, digits: int, longest: int) -> str:
    """`node`, cut where it would reach `longest`, with the first hex digits of the hash of `text`."""
    return f"{node[: longest - digits - 2]}_{hashlib.sha256(text.encode()).hexdigest()[:digits]}"


def _before(statistic: int, count: int) -> int:
    """The node before the statistic, else the last one that is not it."""
    if statistic > 0:
        return statistic - 1
    return 1 if statistic == 0 and count > 1 else count - 1
