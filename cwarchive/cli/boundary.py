"""The one place where an exception becomes a sentence and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

import click

from cwarchive.cli.stopping import Stopped
from cwarchive.cli.voice import Setting, Unheard, Voice
from cwarchive.errors import ConfigError, CwarchiveError

USAGE, BUG, INTERRUPTED = 2, 1, 130


def guarded(command: Callable[[], object], setting: Setting) -> int:
    """The exit code of `command`: the int it returns, else what its exception means to the operator."""
    try:
        return _code(command, setting)
    finally:
        _let_go(sys.stdout)
        _let_go(sys.stderr)


def _code(command: Callable[[], object], setting: Setting) -> int:
    try:
        result = command()
        if sys.stdout is not None:  # closed by the caller, as with `>&-`
            sys.stdout.flush()
    except (click.exceptions.Exit, Stopped, Unheard) as end:
        return end.exit_code
    except click.ClickException as mistake:
        with suppress(OSError):
            mistake.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except CwarchiveError as error:
        return told(error, setting.voice)
    except (BrokenPipeError, SystemExit):
        # The reader of our output went away (`| head`), which click makes an exit of its own: nobody is left to tell.
        return 0
    except OSError as error:
        return _unwritten(error, setting.voice) if _is_full(error) else _bug(setting.voice)
    except Exception:  # noqa: BLE001  whatever else arrives here is a bug, and said to be one
        return _bug(setting.voice)
    return result if isinstance(result, int) else 0


def told(error: CwarchiveError, voice: Voice) -> int:
    """Say `error` on stderr and return its exit code; a bug of ours is told as one."""
    if error.exit_code == BUG:
        return _bug(voice)
    with suppress(Unheard, OSError):  # the code tells also where nobody reads stderr
        if isinstance(error, ConfigError) and not voice.as_json:
            click.echo("\n".join(error.lines()), err=True)
        else:
            voice.error("failed", str(error), exit_code=error.exit_code)
    return error.exit_code


def _is_full(error: OSError) -> bool:
    """Whether a stream, not a file, could not be written because its disk is full or fails."""
    return error.filename is None and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}


def _unwritten(error: OSError, voice: Voice) -> int:
    """Say on stderr that stdout could not be written."""
    with suppress(Unheard):
        voice.error("unwritten", f"standard output could not be written: {error.strerror}")
    return Unheard.exit_code


def _let_go(stream: TextIO | None) -> None:
    """What a broken stream still holds goes nowhere: Python must not fail on it at its end, with a code of its own."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _bug(voice: Voice) -> int:
    from cwarchive import __version__

    traceback.print_exc()
    kind, error, _ = sys.exc_info()
    name = kind.__name__ if kind else "error"
    sentence = f"this is a bug in cwarchive {__version__}: {name}: {error}; please report it with the lines above"
    voice.error("bug", sentence, exit_code=BUG)
    return BUG
