"""Which values a key may have while its feature is not built: the default and the off value."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from cwarchive.config.scalars import JsonSchema

NOT_BUILT = "not_built"
"""The type of a validation error for a feature that this version does not have."""


def not_built(remedy: str, name: str = "") -> PydanticCustomError:
    """The error for a value whose feature is not built; `name` is the feature's where it is not the key's."""
    return PydanticCustomError(NOT_BUILT, NOT_BUILT, {"remedy": remedy, "name": name})


@dataclass(frozen=True, slots=True)
class Only:
    """An annotation for a key whose feature is not built yet: its default and its off value, and nothing else.

    Building the feature means removing the annotation.
    """

    accepted: tuple[object, ...] = ()
    write: str | None = None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as usual, then refuse what is not built."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        """Show editors only what works."""
        if not self.accepted:
            return {"not": {}}
        spellings = ["none" if value is None else value for value in self.accepted]
        return {"enum": spellings + (["no", "off"] if False in self.accepted else [])}

    def _check(self, value: object) -> object:
        if value not in self.accepted:
            raise not_built(f"leave it out, or write {self.write}" if self.write else "leave it out")
        return value
