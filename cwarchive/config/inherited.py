"""What holds for one entry: its own keys, then `defaults`, `graphite` and the top level."""

from __future__ import annotations

from typing import Any

from cwarchive.config.models import Document, Entry
from cwarchive.config.nodes import Path
from cwarchive.core.window import ceil

HOLDERS = {"prefix": ("graphite",), "path": ("graphite",), "regions": (), "accounts": ()}
"""Where a key that an entry lacks is looked up, if not in `defaults`."""


def holder(document: Document, index: int, key: str) -> Path:
    """The path of the value that holds for entry `index`, whether it is written there or a default."""
    if key in document.metrics[index].model_fields_set:
        return ("metrics", index, key)
    return (*HOLDERS.get(key, ("defaults",)), key)


def value(document: Document, index: int, key: str) -> Any:  # noqa: ANN401  its type is the key's
    """The value that holds for entry `index`."""
    held: Any = document
    for part in holder(document, index, key):
        held = held[part] if isinstance(part, int) else getattr(held, part)
    return held


def said(document: Document, index: int, key: str) -> bool:
    """Whether the config says `key` for entry `index`, in the entry or in `defaults`."""
    return key in document.metrics[index].model_fields_set or key in document.defaults.model_fields_set


def lookback(document: Document, index: int) -> int:
    """The lookback of entry `index` in seconds.

    One that stands beside a period of its own is taken as it is; one from elsewhere is rounded up to whole periods.
    """
    return ceil(value(document, index, "lookback"), value(document, index, "period"))


def own(entry: Entry, key: str) -> Any:  # noqa: ANN401  its type is the key's
    """What the entry itself says, None if nothing."""
    return getattr(entry, key) if key in entry.model_fields_set else None
