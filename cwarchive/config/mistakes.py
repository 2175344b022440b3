"""What validation found, in sentences of ours at places in the file; no wording of the library gets through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cwarchive.config.built import NOT_BUILT
from cwarchive.config.models import Document, Section, section
from cwarchive.config.nodes import Path
from cwarchive.config.scalars import SENTENCE, kind
from cwarchive.config.sources import Sources
from cwarchive.config.words import choices, did_you_mean, quoted
from cwarchive.errors import Mistake

NEEDED = {
    "metrics": 'list what to archive, such as "metrics: [{namespace: AWS/EC2}]"',
    "namespace": "write the CloudWatch namespace, such as AWS/EC2",
}
"""What to write for each key that has no default."""

_OTHER_FORMS = ("service", "expression")
"""Keys that an entry has in the place of a namespace."""


def translated(error: ValidationError, data: object, sources: Sources) -> list[Mistake]:
    """One mistake for each thing that validation of `data` found."""
    found = error.errors(include_url=False, include_input=True)
    return [_mistake(details, sources) for details in found if not _beside_the_point(details, data)]


def _mistake(details: ErrorDetails, sources: Sources) -> Mistake:
    path, kind_ = details["loc"], details["type"]
    context: Mapping[str, str] = details.get("ctx", {})
    if path and path[-1] == "[key]":
        return sources.mistake(path[:-1], context.get(SENTENCE, _OTHERWISE), at_key=True)
    if kind_ == SENTENCE:
        return sources.mistake(path, context[SENTENCE])
    if kind_ == NOT_BUILT:
        return sources.mistake(path, _not_built(path, context))
    if kind_ == "extra_forbidden":
        return sources.mistake(path, _unknown(path), at_key=True)
    if kind_ == "missing":
        return sources.mistake(path[:-1], f"missing key {quoted(str(path[-1]))}; {NEEDED[str(path[-1])]}")
    if kind_ == "model_type":
        return sources.mistake(path, f'expected the list "metrics" and other keys, found {kind(details["input"])}')
    return sources.mistake(path, _OTHERWISE)


_OTHERWISE = "this value is not understood here"


def _not_built(path: Path, context: Mapping[str, str]) -> str:
    key = next(str(part) for part in reversed(path) if isinstance(part, str))
    remedy = 'write "namespace" in its place' if key in _OTHER_FORMS else context["remedy"]
    return f"{quoted(context['name'] or key)} is not built yet in this version; {remedy}"


def _unknown(path: Path) -> str:
    known = keys_at(path[:-1])
    return f"unknown key {quoted(str(path[-1]))}; " + did_you_mean(str(path[-1]), known, f"use {choices(known)}")


def keys_at(path: Path) -> list[str]:
    """The keys that the section at `path` knows."""
    model: type[Section] = Document
    for name in (part for part in path if isinstance(part, str)):
        model = section(model.model_fields[name].annotation) or model
    return list(model.model_fields)


def _beside_the_point(details: ErrorDetails, data: object) -> bool:
    """Whether a namespace is missing only because the entry is of another form."""
    if details["type"] != "missing" or details["loc"][-1] != "namespace":
        return False
    entry: object = data
    for part in details["loc"][:-1]:
        entry = entry[part]  # type: ignore[index]
    return isinstance(entry, dict) and any(form in entry for form in _OTHER_FORMS)


def in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """Each mistake once, in file order."""
    return tuple(sorted(set(mistakes)))
