"""The config, from wherever it is, or everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from cwarchive.config.checks import cross_mistakes, suspicions
from cwarchive.config.convert import converted
from cwarchive.config.environment import overridden
from cwarchive.config.find import contents, find, home
from cwarchive.config.glance import fingerprint
from cwarchive.config.loaded import Loaded
from cwarchive.config.mistakes import in_order, translated
from cwarchive.config.models import Document
from cwarchive.config.nodes import Place, Tree, read_tree
from cwarchive.config.sources import Sources
from cwarchive.config.text import decoded
from cwarchive.config.values import Config
from cwarchive.errors import ConfigError


def load_from(
    path: Path | None, environ: Mapping[str, str], display: str | None = None, folder: Path = Path()
) -> Config:
    """The config in `path`, or in the first usual place that has one; `folder` is the working directory.

    `display` replaces the path in messages. Raises ConfigError with every mistake, or where there is no such file.
    """
    return converted(read(path, environ, display, folder), home(environ))


def read(path: Path | None, environ: Mapping[str, str], display: str | None = None, folder: Path = Path()) -> Loaded:
    """As `load_from`, before the document becomes plain values."""
    found = find(path, environ, folder)
    source = display or str(found.path)
    written = contents(found.path, source)
    tree = read_tree(decoded(written, source), source)
    overrides = overridden(_top_level(tree), environ)
    sources = Sources(source, tree, overrides.variables)
    mistakes = [*tree.mistakes, *overrides.mistakes]
    try:
        document = Document.model_validate(overrides.data)
    except ValidationError as error:
        raise ConfigError(source, in_order([*mistakes, *translated(error, overrides.data, sources)])) from error
    mistakes += cross_mistakes(document, sources)
    if mistakes:
        raise ConfigError(source, in_order(mistakes))
    assert isinstance(overrides.data, dict)
    warnings = (*found.warnings, *overrides.warnings, *suspicions(document))
    seen = fingerprint(found.path, written, environ)
    return Loaded(document, overrides.data, sources, found.path, warnings, seen)


def _top_level(tree: Tree) -> object:
    """The data of the file: a bare list is the list of metrics, keys that begin with `x-` are the operator's own."""
    if isinstance(tree.data, list):
        tree.values = {("metrics", *path): place for path, place in tree.values.items()}
        tree.keys = {("metrics", *path): place for path, place in tree.keys.items()}
        tree.values[()] = Place(1, 1)
        return {"metrics": tree.data}
    if isinstance(tree.data, dict):
        return {key: value for key, value in tree.data.items() if not key.startswith("x-")}
    return tree.data
