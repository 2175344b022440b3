"""How one value is read from raw text: words, numbers, switches, and what is said when it is not allowed.

Every parser takes what stands in the file (text, None, a list or a dict) and raises `wrong(sentence)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from cwarchive.config.words import choices, did_you_mean, quoted, shown

SENTENCE = "sentence"
"""The type of a validation error that carries a sentence of ours."""

JsonSchema = dict[str, Any]


def wrong(sentence: str) -> PydanticCustomError:
    """The error to raise for a value that is not allowed; the text reaches the operator as it is."""
    return PydanticCustomError(SENTENCE, "{sentence}", {"sentence": sentence})


@dataclass(frozen=True, slots=True)
class Scalar:
    """An annotation: values are read by `parse`, editors learn `schema`."""

    parse: Callable[[object], object]
    schema: JsonSchema

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate by `parse` alone."""
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        """Show `schema` to editors."""
        return dict(self.schema)


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def text(value: object) -> str:
    """Any text on one line."""
    if value is None:
        raise wrong("a value is missing here; write one, or leave the key out")
    if not isinstance(value, str):
        raise wrong(f"expected one value, found {kind(value)}")
    if _CONTROL.search(value):
        raise wrong(f"{quoted(value)} has a line break or control character in it")
    return value


def kind(value: object) -> str:
    """What stands in the file, as a noun."""
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "nothing" if value is None else shown(str(value))


def word(value: object) -> str:
    """Text that is not empty and has no space around it."""
    written = text(value)
    if not written:
        raise wrong('"" is empty; write a value, or leave the key out')
    if written != written.strip():
        raise wrong(f"{quoted(written)} begins or ends with a space; remove it")
    return written


Word = Annotated[str, Scalar(word, {"type": "string", "minLength": 1})]

_WHOLE = re.compile(r"(?:0|[1-9][0-9]{0,14})\Z")
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?\Z")


def whole(least: int, most: int | None = None, *, words: tuple[str, ...] = ()) -> Scalar:
    """A whole number from `least` to `most`, or one of some words, which stay words."""
    limits = f"from {least} to {most}" if most is not None else f"from {least} up"
    allowed = "".join(f"{each}, or " for each in words) + f"a whole number {limits}"

    def parse(value: object) -> int | str:
        written = text(value)
        if written in words:
            return written
        if not _WHOLE.match(written) or int(written) < least or (most is not None and int(written) > most):
            raise wrong(f"{shown(written)} is not allowed here; use {allowed}")
        return int(written)

    bounds = {"minimum": least} | ({} if most is None else {"maximum": most})
    pattern = "^(" + "|".join(["[0-9]+", *words]) + ")$"
    return Scalar(parse, {"type": ["integer", "string"], "pattern": pattern, **bounds})


def number(*, none: bool = False) -> Scalar:
    """A finite decimal number above 0; with `none`, that word for no limit, which reads as None."""
    allowed = "a number above 0, such as 40 or 2.5" + (", or none" if none else "")

    def parse(value: object) -> float | None:
        written = text(value)
        if none and written == "none":
            return None
        if not _NUMBER.match(written) or not float(written) > 0:
            raise wrong(f"{shown(written)} is not allowed here; use {allowed}")
        return float(written)

    pattern = r"^([0-9]+(\.[0-9]+)?" + ("|none" if none else "") + ")$"
    return Scalar(parse, {"type": ["number", "string"], "exclusiveMinimum": 0, "pattern": pattern})


def choice(*words: str, off: str | None = None) -> Scalar:
    """One of some words; `no`, `false` and `off` read as the word `off` where that is one of them."""

    def parse(value: object) -> str:
        written = text(value)
        if off is not None and written.lower() in OFF:
            return off
        if written not in words:
            raise wrong(f"unknown value {quoted(written)}; " + did_you_mean(written, words, f"use {choices(words)}"))
        return written

    return Scalar(parse, {"enum": [*words, *([False, *OFF[:2]] if off else [])]})


_TRUE = ("yes", "on", "true")
OFF = ("no", "off", "false")


def _switch(value: object) -> bool:
    written = text(value)
    if written.lower() not in _TRUE + OFF:
        raise wrong(f"{shown(written)} is neither true nor false")
    return written.lower() in _TRUE


Switch = Annotated[bool, Scalar(_switch, {"enum": [True, False, *_TRUE, *OFF]})]
