"""What can go wrong, sorted by what to do about it.

    CwarchiveError
        ConfigError      the operator edits the file                              78
        AccessError      credentials or permissions: the operator acts at AWS     77
        SourceError      CloudWatch gave no sound answer: the batch waits          3
            Unreachable      AWS was not reached, or throttled throughout          75
            Refused          CloudWatch rejects one of these queries for good       3
        DeliveryError    Graphite takes no data: the pass ends                    75
        ClockError       clocks disagree: nothing is recorded                     75
        StateError       the state cannot be read, written or trusted             74
            NetworkFileSystem    it lies where other hosts could open it as well   78
        LockHeld         another command is at work on the same state              0
        Busy             as LockHeld, and this command was told not to wait              75
        CoverageError    a mark would pass data that nobody delivered: a bug       1

Exceptions of boto3, sockets, sqlite3 and pydantic never leave the module that uses the library.
"""

from __future__ import annotations

from dataclasses import dataclass


class CwarchiveError(Exception):
    """Anything that cwarchive tells the operator in one sentence; `exit_code` is what the process returns."""

    exit_code = 1


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing wrong in a config file: 1-based line and column, and a sentence that says what is allowed."""

    line: int
    column: int
    sentence: str


class ConfigError(CwarchiveError):
    """The operator edits the file; every mistake is told at once, in file order."""

    exit_code = 78

    def __init__(self, source: str, mistakes: tuple[Mistake, ...]) -> None:
        self.source = source
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(self.lines()))

    def lines(self) -> list[str]:
        """One line for each mistake, `file:line:column: sentence` (no position when line is 0), then the count."""
        count = len(self.mistakes)
        told = [
            f"{self.source}:{m.line}:{m.column}: {m.sentence}" if m.line else f"{self.source}: {m.sentence}"
            for m in self.mistakes
        ]
        return [*told, f"{count} mistake{'s' * (count != 1)} in {self.source}; nothing was run"]


class AccessError(CwarchiveError):
    """Credentials or permissions: the operator acts at AWS."""

    exit_code = 77


class SourceError(CwarchiveError):
    """CloudWatch gave no sound answer; what was asked waits for the next run."""

    exit_code = 3


class Unreachable(SourceError):
    """AWS could not be reached, or throttled every attempt."""

    exit_code = 75


class Refused(SourceError):
    """CloudWatch rejects the request itself: asking again in the same words is useless."""


class DeliveryError(CwarchiveError):
    """Graphite takes no data; the pass ends, nothing unproven is recorded."""

    exit_code = 75


class ClockError(CwarchiveError):
    """The local clock and AWS, or the local clock and the state, disagree; nothing is recorded."""

    exit_code = 75


class StateError(CwarchiveError):
    """The state cannot be read, written or trusted; it is left as it is."""

    exit_code = 74


class NetworkFileSystem(StateError):
    """The state lies where another host could open it as well: the operator moves it, or allows it."""

    exit_code = 78


class LockHeld(CwarchiveError):
    """Another command is at work on the same state."""

    exit_code = 0


class Busy(CwarchiveError):
    """Another command is at work on the same state, and this one was told not to wait."""

    exit_code = 75


class CoverageError(CwarchiveError):
    """A mark would have passed time that nobody delivered: a bug in cwarchive."""

    exit_code = 1
