"""The effective config, key by key, and where each value came from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cwarchive.config.inherited import HOLDERS, holder, lookback, value
from cwarchive.config.loaded import Loaded
from cwarchive.config.models import Defaults, Document, Section, is_list, section
from cwarchive.config.nodes import Path
from cwarchive.config.sources import DEFAULT
from cwarchive.config.times import duration_text
from cwarchive.config.values import Config, Setting
from cwarchive.config.words import escaped

_SAFE = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*\Z")

UNSAID: dict[Path, str] = {
    ("regions",): "the ambient region",
    ("limits", "datapoints_per_second"): "80 % of AWS's quotas",
}
"""What it means when a key without a default is left out, where that is worth a line."""


def settings(config: Config) -> list[Setting]:
    """Every setting that holds, sections first, then what each entry selects and inherits."""
    loaded = config.written
    assert isinstance(loaded, Loaded), "only a config that was read from a file has settings"
    return [*_section(loaded, Document, ()), *_entries(loaded)]


def _section(loaded: Loaded, model: type[Section], path: Path) -> Iterator[Setting]:
    for name, about in model.model_fields.items():
        below, here = section(about.annotation), (*path, name)
        if below is not None and not is_list(about.annotation):
            yield from _section(loaded, below, here)
        elif here != ("metrics",) and (text := _text(loaded, here)) is not None:
            yield Setting(_dotted(here), text, loaded.sources.origin(here))


def _entries(loaded: Loaded) -> Iterator[Setting]:
    document = loaded.document
    for index, entry in enumerate(document.metrics):
        for key in ("namespace", "metrics", "dimensions", "exclude"):
            if key in entry.model_fields_set:
                path: Path = ("metrics", index, key)
                yield Setting(_dotted(path), _text(loaded, path) or "", loaded.sources.origin(path))
        for key in (*Defaults.model_fields, *HOLDERS):
            yield _inherited(loaded, index, key)


def _inherited(loaded: Loaded, index: int, key: str) -> Setting:
    document = loaded.document
    path = holder(document, index, key)
    text, origin = _text(loaded, path) or "", loaded.sources.origin(path)
    if key == "lookback" and (rounded := lookback(document, index)) != value(document, index, key):
        text, origin = duration_text(rounded), f"{origin}, rounded up to whole periods"
    return Setting(_dotted(("metrics", index, key)), text, origin)


def _text(loaded: Loaded, path: Path) -> str | None:
    """The value at `path` as it is written, or as its default would be; None for a key without either."""
    written: Any = loaded.data
    model: type[Section] = Document
    default: object = None
    for part in path:
        written = written[part] if isinstance(part, int) else (written.get(part) if isinstance(written, dict) else None)
        if isinstance(part, str):
            about = model.model_fields[part]
            default, model = about.default, section(about.annotation) or model
    if loaded.sources.origin(path) != DEFAULT and written is not None:
        return spelled(written)
    return UNSAID.get(path) if default is None else spelled(default)


def spelled(data: object) -> str:
    """Data as one line of YAML; text that YAML might read otherwise in double quotes."""
    if isinstance(data, dict):
        return "{" + ", ".join(f"{key}: {spelled(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(map(spelled, data)) + "]"
    written = str(data)
    return written if _SAFE.match(written) else escaped(written)


def _dotted(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
