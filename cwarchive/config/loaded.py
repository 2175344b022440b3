"""What is known of a config once it is validated, before it becomes plain values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cwarchive.config.models import Document
from cwarchive.config.sources import Sources


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document without mistakes, its data as written, where each value came from, its file and fingerprint."""

    document: Document
    data: dict[str, object]
    sources: Sources
    path: Path
    warnings: tuple[str, ...]
    fingerprint: str
