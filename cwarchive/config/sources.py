"""Where each value of a config came from: a place in the file, an environment variable, or a default."""

from __future__ import annotations

from dataclasses import dataclass, field

from cwarchive.config.nodes import Path, Place, Tree
from cwarchive.errors import Mistake

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Sources:
    """The file's name and tree, and the environment variable behind each value that one overrides."""

    source: str
    tree: Tree
    variables: dict[Path, str] = field(default_factory=dict)

    def mistake(self, path: Path, sentence: str, *, at_key: bool = False) -> Mistake:
        """A mistake at the value of `path`, or at its key; where it has no place of its own, at what holds it."""
        if variable := self.variables.get(path):
            return Mistake(0, 0, f"{variable}: {sentence}")
        place = (self.tree.keys.get(path) if at_key else None) or self._value(path)
        return Mistake(place.line, place.column, sentence)

    def origin(self, path: Path) -> str:
        """`default`, `file:line` or the variable's name."""
        if variable := self.variables.get(path):
            return variable
        if place := self.tree.keys.get(path) or self.tree.values.get(path):
            return f"{self.source}:{place.line}"
        return DEFAULT

    def _value(self, path: Path) -> Place:
        while path not in self.tree.values and path:
            path = path[:-1]
        return self.tree.values.get(path, Place(1, 1))
