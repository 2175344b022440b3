"""The columns of a series as lines of Graphite's plaintext protocol, one formatting operation for each block.

A line is `path value timestamp`, single spaces, newline at the end of every line: one bad line can make carbon drop
its neighbours, so nothing unchecked reaches the wire. Values are written as the shortest decimal that reads back equal.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

from cwarchive.core.series import Datapoints

_PATH = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_NUMBERS = frozenset((float, int))  # True would be written as a word, which carbon drops
_LATEST = 2**32 - 1
_LARGEST = 1.7976931348623157e308

LONGEST_PATH = 3_900
"""Bytes: carbon drops lines over 16,384 bytes and file systems refuse paths over 4,096."""


def is_path(text: str) -> bool:
    """Whether carbon stores `text` under exactly this name: no empty node, no byte that it would change."""
    return len(text) <= LONGEST_PATH and _PATH.match(text) is not None


def lines(path: str, datapoints: Datapoints) -> bytes:
    """The lines of one series; raises ValueError where a value is not finite, a time not in 32 bits, a path unsafe.

    A time outside of 1 to 2**32 - 1 costs the neighbours too: whisper fails on the whole write.
    """
    timestamps, values = datapoints
    count = len(timestamps)
    if not count:
        return b""
    if not is_path(path):
        raise ValueError(f"not a Graphite path: {path!r}")
    if min(timestamps) <= 0 or max(timestamps) > _LATEST or not finite(values):
        raise ValueError(f"a datapoint of {path} has no finite value or no time in 32 bits")
    flat: list[float] = [0.0] * (2 * count)
    flat[::2] = values
    flat[1::2] = timestamps
    return ((path + " %r %d\n") * count % tuple(flat)).encode("ascii")


def finite(values: list[float]) -> bool:
    """Whether every value is a finite number that a double holds; the sum decides, unless large values overflow it."""
    if not _NUMBERS.issuperset(map(type, values)):
        return False
    try:
        return math.isfinite(sum(values)) or all(map(math.isfinite, values))
    except OverflowError:
        return all(-_LARGEST <= value <= _LARGEST for value in values)


def blocks(columns: Iterable[tuple[str, Datapoints]], most: int) -> Iterator[bytes]:
    """The lines of many (path, datapoints) in blocks of at most `most` lines, each block whole."""
    block: list[bytes] = []
    room = most
    for path, (timestamps, values) in columns:
        start = 0
        while start < len(timestamps):
            stop = min(len(timestamps), start + room)
            block.append(lines(path, Datapoints(timestamps[start:stop], values[start:stop])))
            room -= stop - start
            start = stop
            if not room:
                yield b"".join(block)
                block, room = [], most
    if block:
        yield b"".join(block)
