"""Which environment variables override the file: `CWARCHIVE_GRAPHITE__HOST` is `graphite.host`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cwarchive.config.find import VARIABLE
from cwarchive.config.models import Document, Section, is_list, section
from cwarchive.config.nodes import Path
from cwarchive.config.words import nearest
from cwarchive.errors import Mistake

PREFIX = "CWARCHIVE_"
NESTED = "__"


@dataclass(slots=True)
class Overrides:
    """The file's data with what the environment says, the variable behind each value, and what is wrong."""

    data: object
    variables: dict[Path, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def overridden(data: object, environ: Mapping[str, str]) -> Overrides:
    """`data` (which is left as it is) with every scalar that a variable names set to the variable's text."""
    result = Overrides(data)
    known, lists = dict(_variables(Document, ())), dict(_variables(Document, (), lists=True))
    ours = (name for name in environ if name.startswith(PREFIX) and name != VARIABLE)
    for name in sorted(ours):
        if name in known:
            _apply(result, name, known[name], environ[name])
        elif name in lists:
            result.mistakes.append(Mistake(0, 0, f"{name} names a list; a variable sets one value, so use the file"))
        elif NESTED in name:
            remedy = _meant(name, known) or "no key of the config has this name; unset it"
            result.mistakes.append(Mistake(0, 0, f"unknown environment variable {name}; {remedy}"))
        elif meant := _near_miss(name, known):
            result.warnings.append(f"the environment variable {name} is ignored; did you mean {meant}?")
    return result


def _variables(model: type[Section], path: Path, *, lists: bool = False) -> Iterator[tuple[str, Path]]:
    """Every variable that may stand for one value, or for a list, with the path of the key."""
    for name, about in model.model_fields.items():
        below = section(about.annotation)
        if below is not None and not is_list(about.annotation):
            yield from _variables(below, (*path, name), lists=lists)
        elif is_list(about.annotation) == lists:
            yield PREFIX + NESTED.join(str(part) for part in (*path, name)).upper(), (*path, name)


def _apply(result: Overrides, name: str, path: Path, text: str) -> None:
    data = _with(result.data, path, text)
    if data is not None:
        result.data = data
        result.variables[path] = name


def _with(data: object, path: Path, text: str) -> object | None:
    """A copy of `data` with one value set; None where the file has something else in the place of a section."""
    if not path:
        return text
    if data is not None and not isinstance(data, dict):
        return None
    key, *rest = path
    mapping = data or {}
    changed = _with(mapping.get(key), tuple(rest), text)
    return None if changed is None else {**mapping, key: changed}


def _meant(name: str, known: Mapping[str, Path]) -> str | None:
    near = nearest(name.removeprefix(PREFIX), (each.removeprefix(PREFIX) for each in known))
    return f"did you mean {PREFIX}{near}?" if near else None


def _near_miss(name: str, known: Mapping[str, Path]) -> str | None:
    """The variable that `name` is but for the number of its underscores."""
    bare = name.replace("_", "")
    return next((each for each in known if each.replace("_", "") == bare), None)
