"""Whether something is a list or a mapping where the config needs one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from cwarchive.config.scalars import OFF, JsonSchema, kind, wrong
from cwarchive.config.words import LONGEST_SHOWN, escaped

_SIMPLE = re.compile(r"[A-Za-z0-9./-]+\Z")


def filled_list(example: str) -> Callable[[object], object]:
    """A check that something is a list with at least one value; `example` is one value as it would be written."""

    def check(value: object) -> object:
        if isinstance(value, str) and not example.startswith("{"):
            written = value if _SIMPLE.match(value) else escaped(value)
            raise wrong(f"expected a list, found one value; write [{written[:LONGEST_SHOWN]}]")
        if not isinstance(value, list):
            raise wrong(f"expected a list such as [{example}], found {kind(value)}")
        if not value:
            raise wrong(f"the list is empty; write at least one value, such as [{example}]")
        return value

    return check


def mapping(value: object) -> object:
    """A check that something is a mapping."""
    if not isinstance(value, dict):
        raise wrong(f'expected a mapping of keys and values, found {kind(value)}; write "key: value" lines')
    return value


def mapping_or_nothing(value: object) -> object:
    """As `mapping`; a section whose keys are all commented out keeps its defaults."""
    return {} if value is None else mapping(value)


@dataclass(frozen=True, slots=True)
class OrOff:
    """An annotation for a section that does nothing unless something is in it: `off` and its like are allowed, too."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read the words as an empty mapping."""
        return core_schema.no_info_before_validator_function(_mapping_or_off, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        """Show editors both forms."""
        return {"anyOf": [handler(core), {"enum": [False, "none", *OFF]}]}


def _mapping_or_off(value: object) -> object:
    return {} if isinstance(value, str) and value.lower() in ("none", *OFF) else mapping_or_nothing(value)


def some_list(example: str, *words: str) -> Callable[[object], object]:
    """As `filled_list`; some words may stand alone in the place of a list."""
    check = filled_list(example)
    return lambda value: [value] if value in words else check(value)
