"""What selects metrics: names, globs and regexes, alone or in lists, and dimensions with such values."""

from __future__ import annotations

import re
import warnings
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from cwarchive.config.names import DimensionName
from cwarchive.config.scalars import Scalar, text, wrong
from cwarchive.config.shapes import filled_list, mapping
from cwarchive.config.words import quoted
from cwarchive.core.spec import Pattern

LONGEST = 1_000


def _pattern(value: object) -> Pattern:
    written = text(value)
    if not written:
        raise wrong('"" matches nothing; write a name, a glob such as "i-*", or a /regex/')
    if len(written) > LONGEST:
        raise wrong(f"{quoted(written)} has {len(written)} characters; a name, glob or regex may have {LONGEST}")
    return _compiled(written)


def _compiled(written: str) -> Pattern:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Pattern(written)
    except (re.error, OverflowError, RecursionError) as error:
        reason = str(error) if isinstance(error, re.error) else "it is too large"
        raise wrong(f"the regex {quoted(written)} does not compile: {reason}") from error


def _one_or_list(value: object) -> object:
    return filled_list("i-0abc")(value) if isinstance(value, list) else [value]


def _not_empty(value: dict[str, Any]) -> dict[str, Any]:
    if not value:
        raise wrong("the mapping is empty; write at least one dimension, or leave the key out")
    return value


_TEXTUAL: dict[str, Any] = {"type": ["string", "number", "boolean"]}

PatternText = Annotated[Pattern, Scalar(_pattern, {**_TEXTUAL, "minLength": 1, "maxLength": LONGEST})]
Patterns = Annotated[tuple[PatternText, ...], BeforeValidator(filled_list("CPUUtilization"))]
Values = Annotated[
    tuple[PatternText, ...],
    BeforeValidator(_one_or_list),
    WithJsonSchema({"anyOf": [_TEXTUAL, {"type": "array", "items": _TEXTUAL, "minItems": 1}]}),
]
DimensionPatterns = Annotated[dict[DimensionName, Values], BeforeValidator(mapping)]
SomeDimensionPatterns = Annotated[DimensionPatterns, AfterValidator(_not_empty)]
