"""A progress bar for long work, on a terminal only."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cwarchive.cli.voice import NORMAL, Voice

Watch = Callable[[int, int], None]


def on_terminal(voice: Voice) -> bool:
    """Whether a person is watching stderr."""
    if sys.stderr is None or voice.as_json or voice.loudness < NORMAL:  # None: closed by the caller, as with `2>&-`
        return False
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def progress(voice: Voice, noun: str) -> Iterator[Watch]:
    """A function that is told (done, in all) and moves a bar; it does nothing where nobody watches."""
    if not on_terminal(voice):
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(noun), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(noun, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
