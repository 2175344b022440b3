"""What a YAML text says: plain data of raw scalar text, and where each key and each value stands.

Scalars stay text, so that the account id 012345670123 keeps its zero and `no` stays a word; only an empty value, `~`
and `null` become None (YAML 1.2, core schema). Aliases are counted each time they are used, so that a few lines cannot
stand for a billion values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from cwarchive.config.syntax import complaint
from cwarchive.config.words import quoted
from cwarchive.errors import ConfigError, Mistake

LOADER: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST_VALUES = 200_000
DEEPEST = 32

Path = tuple[str | int, ...]
"""The keys and list indexes that lead to a value."""

_NULLS = {"", "~", "null", "Null", "NULL"}
_YAML_TAG = "tag:yaml.org,2002:"
_TAGS = {None, "!", *(_YAML_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq"))}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something begins: line and column, from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Tree:
    """The data of a file (dict, list, str or None, nested), the place of each value and key, and what is wrong."""

    data: object = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Node:
    """A composed node: `text` for a scalar, else `children`; those of a mapping are key, value, key, value."""

    kind: str
    place: Place
    text: str = ""
    plain: bool = False
    children: list[_Node] = field(default_factory=list)
    open: bool = False

    @property
    def null(self) -> bool:
        return self.kind == "text" and self.plain and self.text in _NULLS

    @property
    def pairs(self) -> Iterator[tuple[_Node, _Node]]:
        return zip(self.children[::2], self.children[1::2], strict=True)


def read_tree(text: str, source: str) -> Tree:
    """The tree of a YAML text; raises ConfigError where it is not YAML, or too large or deep to be a config."""
    tree = Tree()
    try:
        root = _composed(text, tree.mistakes)
        if root is None:
            raise _UnreadableError(Mistake(1, 1, 'the file is empty; it needs at least the list "metrics"'))
        _Walk(tree).add(root, (), 0)
    except _UnreadableError as unreadable:
        raise ConfigError(source, (*tree.mistakes, unreadable.mistake)) from unreadable.__cause__
    tree.mistakes = list(dict.fromkeys(tree.mistakes))
    return tree


class _UnreadableError(Exception):
    """The text cannot be read any further."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.sentence)
        self.mistake = mistake


def _composed(text: str, mistakes: list[Mistake]) -> _Node | None:
    composer = _Composer(mistakes)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            composer.take(event)
    except yaml.YAMLError as error:
        raise _UnreadableError(complaint(error, text)) from error
    return composer.root


class _Composer:
    """Builds nodes from parser events; stops at the first event past a limit, so memory stays bounded."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.root: _Node | None = None
        self._mistakes = mistakes
        self._open: list[_Node] = []
        self._anchors: dict[str, _Node] = {}
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.CollectionEndEvent):
            self._open.pop().open = False
        elif isinstance(event, yaml.AliasEvent):
            self._attach(self._aliased(event))
        elif isinstance(event, yaml.NodeEvent):
            self._begin(event)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise _UnreadableError(_mistake(event, "a second document begins here; a config is one document"))

    def _begin(self, event: yaml.NodeEvent) -> None:
        node = self._node(event)
        self._count += 1
        if self._count > MOST_VALUES:
            raise _UnreadableError(_mistake(event, _TOO_MANY))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._attach(node)
        if node.open:
            self._open.append(node)
        if len(self._open) > DEEPEST:
            raise _UnreadableError(_mistake(event, _TOO_DEEP))

    def _node(self, event: yaml.NodeEvent) -> _Node:
        place = _place(event)
        if isinstance(event, yaml.ScalarEvent):
            self._check_tag(event, event.tag)
            return _Node("text", place, text=event.value, plain=event.implicit[0] or event.tag == _YAML_TAG + "null")
        assert isinstance(event, yaml.CollectionStartEvent)
        self._check_tag(event, event.tag)
        kind = "list" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
        return _Node(kind, place, open=True)

    def _check_tag(self, event: yaml.Event, tag: str | None) -> None:
        if tag not in _TAGS:
            written = str(tag).replace(_YAML_TAG, "!!")
            self._mistakes.append(_mistake(event, f"the tag {quoted(written)} means nothing here; remove it"))

    def _aliased(self, event: yaml.AliasEvent) -> _Node:
        name = str(event.anchor)
        node = self._anchors.get(name)
        if node is None:
            sentence = f'the alias *{name} has no anchor &{name} above it; put text that begins with "*" into quotes'
            raise _UnreadableError(_mistake(event, sentence))
        if node.open:
            raise _UnreadableError(
                _mistake(event, f"the alias *{name} stands inside its own anchor; it would never end")
            )
        return node

    def _attach(self, node: _Node) -> None:
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node


class _Walk:
    """Expands nodes into data and places."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._count = 0

    def add(self, root: _Node, path: Path, depth: int) -> None:
        self._tree.data = self._value(root, path, depth)

    def _value(self, node: _Node, path: Path, depth: int) -> object:
        self._visit(node, depth)
        self._tree.values[path] = node.place
        if node.kind == "text":
            return None if node.null else node.text
        if node.kind == "list":
            return [self._value(child, (*path, index), depth + 1) for index, child in enumerate(node.children)]
        return self._mapping(node, path, depth)

    def _mapping(self, node: _Node, path: Path, depth: int) -> dict[str, object]:
        data: dict[str, object] = {}
        for name, (key, value) in self._merged(node, depth).items():
            self._tree.keys[(*path, name)] = key.place
            data[name] = self._value(value, (*path, name), depth + 1)
        return data

    def _merged(self, node: _Node, depth: int) -> dict[str, tuple[_Node, _Node]]:
        """The pairs of a mapping by key: its own, then what `<<` brings and is not there yet."""
        own: dict[str, tuple[_Node, _Node]] = {}
        for key, value in node.pairs:
            self._visit(key, depth)
            if key.kind != "text":
                self._wrong(key, 'a key must be text; put text that begins with "{" or "[" into quotes')
            elif key.text in own:
                self._wrong(key, f"{quoted(key.text)} is given twice")
            else:
                own[key.text] = (key, value)
        merge = own.get("<<")
        if merge is None or not merge[0].plain:
            return own
        del own["<<"]
        for mapping in self._merge_sources(merge[1]):
            for name, pair in self._merged(mapping, depth + 1).items():
                own.setdefault(name, pair)
        return own

    def _merge_sources(self, node: _Node) -> list[_Node]:
        sources = node.children if node.kind == "list" else [node]
        for wrong in (source for source in sources if source.kind != "mapping"):
            self._wrong(wrong, '"<<" takes a mapping or a list of mappings, such as "<<: *name"')
        return [source for source in sources if source.kind == "mapping"]

    def _visit(self, node: _Node, depth: int) -> None:
        self._count += 1
        if self._count > MOST_VALUES:
            raise _UnreadableError(Mistake(node.place.line, node.place.column, _TOO_MANY))
        if depth > DEEPEST:
            raise _UnreadableError(Mistake(node.place.line, node.place.column, _TOO_DEEP))

    def _wrong(self, node: _Node, sentence: str) -> None:
        self._tree.mistakes.append(Mistake(node.place.line, node.place.column, sentence))


_TOO_MANY = f"the file has more than {MOST_VALUES:,} values (an alias counts each time it is used); divide it"
_TOO_DEEP = f"values are nested more than {DEEPEST} deep here; a config is flatter than that"


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _mistake(event: yaml.Event, sentence: str) -> Mistake:
    place = _place(event)
    return Mistake(place.line, place.column, sentence)
