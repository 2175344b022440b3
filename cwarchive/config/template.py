"""Which path templates are allowed: Graphite nodes of literal text and placeholders."""

from __future__ import annotations

import re
from typing import Annotated

from cwarchive.config.built import not_built
from cwarchive.config.scalars import Scalar, word, wrong
from cwarchive.config.words import choices, did_you_mean, quoted
from cwarchive.core.path import PLACEHOLDERS, fields

DIMENSION = "dimension."
NOT_BUILT = ("label",)
_NODES = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_TOKEN = re.compile(r"\{([^{}]*)\}|([{}])|([^{}]+)")
_ALLOWED = "use letters, digits, _ and -, in nodes joined by single dots"
LONGEST = 1_000


def _prefix(value: object) -> str:
    written = word(value)
    if len(written) > LONGEST or not _NODES.match(written):
        raise wrong(f"{quoted(written)} is not a Graphite prefix; {_ALLOWED}")
    return written


def _template(value: object) -> str:
    written = word(value)
    for name, brace, literal in _TOKEN.findall(written):
        if brace:
            raise wrong(f'a "{brace}" in {quoted(written)} has no partner')
        if not literal:
            _check_placeholder(name)
        elif not re.match(r"[A-Za-z0-9_.-]+\Z", literal):
            raise wrong(f"{quoted(literal)} cannot stand in a path; {_ALLOWED}")
    if len(written) > LONGEST or not _NODES.match(_TOKEN.sub(lambda token: token[3] or "x", written)):
        raise wrong(f"{quoted(written)} has an empty node; {_ALLOWED}")
    return written


def _check_placeholder(name: str) -> None:
    if name in NOT_BUILT or name.startswith("tag."):
        raise not_built("leave it out of the path", f"{{{name}}}")
    if name in PLACEHOLDERS or (name.startswith(DIMENSION) and name != DIMENSION):
        return
    written, known = f"{{{name}}}", [f"{{{each}}}" for each in (*PLACEHOLDERS, "dimension.NAME")]
    raise wrong(f"unknown placeholder {quoted(written)}; " + did_you_mean(written, known, f"use {choices(known)}"))


def dimensions_named(template: str) -> list[str]:
    """The dimensions that a template names one by one."""
    named = (field for field in fields(template) if field.startswith(DIMENSION))
    return [field.removeprefix(DIMENSION) for field in named]


Prefix = Annotated[str, Scalar(_prefix, {"type": "string", "pattern": r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"})]
Template = Annotated[str, Scalar(_template, {"type": "string", "pattern": r"^([A-Za-z0-9_.-]|\{[^{}]+\})+$"})]
