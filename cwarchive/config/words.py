"""How values, near matches and choices are put into sentences."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

LONGEST_SHOWN = 60
_BARE = re.compile(r"-?[0-9][0-9.]{0,17}\Z")


def shown(text: str) -> str:
    """A value in the operator's own spelling: a number as it is, other text in double quotes, cut when long."""
    return text if _BARE.match(text) else quoted(text)


def quoted(text: str) -> str:
    """Text in double quotes, on one line, cut when long; nothing in it can reach a terminal unescaped."""
    return escaped(text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…")


def escaped(text: str) -> str:
    """Text in double quotes, on one line, whole."""
    return json.dumps(text, ensure_ascii=not text.isprintable()).replace("\x7f", "\\u007f")


def nearest(text: str, known: Iterable[str]) -> str | None:
    """The known word that `text` was probably meant to be, whatever its case; None if none is near."""
    if len(text) > LONGEST_SHOWN:
        return None
    words = {word.lower(): word for word in known}
    matches = difflib.get_close_matches(text.lower(), words, n=1)
    return words[matches[0]] if matches else None


def did_you_mean(text: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean "X"?` where one of the known words is near, else `otherwise`."""
    near = nearest(text, known)
    return f"did you mean {quoted(near)}?" if near and near != text else otherwise


def choices(words: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
