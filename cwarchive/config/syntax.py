"""What the YAML parser complains about, in words for the person who edits the file.

The parser has two dialects, libyaml's and the pure Python one; a complaint is recognised by a part that both share.
"""

from __future__ import annotations

import re

import yaml

from cwarchive.config.words import quoted
from cwarchive.errors import Mistake

_TAB = "a tab is used for indentation; YAML allows only spaces there"
_LAYOUT = "this does not fit the lines above it; look at the indentation, the quotes, the brackets and the colons"

_AT_THE_OPENING = (
    (r"quoted scalar.*unexpected end of stream", "this quote is never closed"),
    (r"flow sequence", 'this "[" is not closed, or a "," is missing between its values'),
    (r"flow mapping", 'this "{" is not closed, or a "," is missing between its keys'),
    (r"simple key", 'a key needs a colon and a space after it, as in "key: value"'),
)
_ESCAPE = "a backslash in double quotes begins an escape; use single quotes"
_AT_THE_PROBLEM = (
    (r"unknown escape|escape (?:sequence|character code)|hexdecimal", _ESCAPE),
    (
        r"mapping values are not allowed",
        'a colon is not expected here; look at the indentation, and put text with ": " in it into quotes',
    ),
    (r"sequence entries are not allowed", 'a list item ("- ") cannot begin here; put it on a line of its own'),
    (
        r"expected '-' indicator|block collection",
        'this is not a list item like those above it; begin it with "- " in the same column',
    ),
    (r"node content", "a value is missing here"),
    (r"anchor|alias", "a name is missing here; put text that begins with & or * into quotes"),
    (r"\btag\b|URI", 'text that begins with "!" is read as a tag; put it into quotes'),
    (r"directive|incompatible YAML", 'a line that begins with "%" is not expected here; put the text into quotes'),
    (r"document start", "the text should have ended here; look at the indentation and the brackets above"),
    (r"block scalar", "a block of text begins with | or > alone, then an indented line"),
)


def complaint(error: yaml.YAMLError, text: str) -> Mistake:
    """One mistake for an exception of the YAML parser while it read `text`."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Mistake(1, 1, "this is not YAML text")
    problem, opening = error.problem_mark, error.context_mark
    said = f"{error.context or ''} {error.problem or ''}"
    if sentence := _character(said, text, problem.line, problem.column):
        return Mistake(problem.line + 1, problem.column + 1, sentence)
    if opening and (sentence := _first(_AT_THE_OPENING, said)):
        return Mistake(opening.line + 1, opening.column + 1, sentence)
    return Mistake(problem.line + 1, problem.column + 1, _first(_AT_THE_PROBLEM, said) or _LAYOUT)


def _character(said: str, text: str, line: int, column: int) -> str | None:
    """A sentence about the very character that stopped the parser."""
    if "found a tab" in said:
        return _TAB
    if "cannot start any token" not in said:
        return None
    character = "".join(text.splitlines()[line : line + 1])[column : column + 1]
    return _TAB if character == "\t" else f"text cannot begin with {quoted(character)}; put it into quotes"


def _first(sentences: tuple[tuple[str, str], ...], said: str) -> str | None:
    return next((sentence for pattern, sentence in sentences if re.search(pattern, said)), None)
