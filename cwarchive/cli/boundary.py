"""The one place where an exception becomes a sentence and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

import click

from cwarchive.cli.stopping import Stopped
from cwarchive.cli.voice import Setting, Unheard, Voice
from cwarchive.errors import ConfigError, CwarchiveError

USAGE, BUG, INTERRUPTED, UNHEARD = 2, 1, 130, 141


def guarded(command: Callable[[], object], setting: Setting) -> int:
    """The exit code of `command`: the int it returns, else what its exception means to the operator."""
    try:
        result = command()
        if sys.stdout is not None:  # closed by the caller, as with `>&-`
            sys.stdout.flush()
    except click.exceptions.Exit as request:
        return request.exit_code
    except click.ClickException as mistake:
        with suppress(BrokenPipeError):
            mistake.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Stopped as stopped:
        return stopped.exit_code
    except CwarchiveError as error:
        return told(error, setting.voice)
    except Unheard:
        return UNHEARD
    except (BrokenPipeError, SystemExit):
        # The reader of our output went away (`| head`), which click makes an exit of its own: nothing is left to tell
        # it, and Python must not try at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001  whatever else arrives here is a bug, and said to be one
        return _bug(setting.voice)
    return result if isinstance(result, int) else 0


def told(error: CwarchiveError, voice: Voice) -> int:
    """Say `error` on stderr and return its exit code; a bug of ours is told as one."""
    if error.exit_code == BUG:
        return _bug(voice)
    with suppress(Unheard, BrokenPipeError):  # the code tells also where nobody reads stderr
        if isinstance(error, ConfigError) and not voice.as_json:
            click.echo("\n".join(error.lines()), err=True)
        else:
            voice.error("failed", str(error), exit_code=error.exit_code)
    return error.exit_code


def _bug(voice: Voice) -> int:
    from cwarchive import __version__

    traceback.print_exc()
    kind, error, _ = sys.exc_info()
    name = kind.__name__ if kind else "error"
    sentence = f"this is a bug in cwarchive {__version__}: {name}: {error}; please report it with the lines above"
    voice.error("bug", sentence, exit_code=BUG)
    return BUG
