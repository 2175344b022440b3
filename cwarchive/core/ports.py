"""What the loop needs from outside: a source, a sink and a store; each promise here is a test that all of them pass."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cwarchive.core.batch import Request
from cwarchive.core.checkpoint import Gap, Tracked
from cwarchive.core.conditions import Remembered
from cwarchive.core.gaps import GapRecord
from cwarchive.core.series import Cell, Datapoints, Metric, Series


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why one series of an otherwise sound answer waits for the next run."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A sound answer to one request: a column pair or the reason against it for each query, in the request's order.

    `date` is the time in epoch seconds at which AWS says it answered (None if it did not say); `calls` counts pages.
    """

    columns: tuple[Datapoints | Unanswered, ...]
    date: int | None = None
    calls: int = 1


class Source(Protocol):
    """CloudWatch in one cell; several threads may ask at once."""

    def discover(self, namespaces: Collection[str]) -> Iterator[Metric]:
        """Yield every metric listed in `namespaces`; ending without an exception means that the last page was read.

        Raises AccessError, Unreachable or SourceError.
        """

    def fetch(self, request: Request) -> Answer:
        """Answer `request` whole: all pages read, every query accounted for, or raise.

        In a sound answer each series is whole or nothing: its last status was Complete, its columns have one length,
        its values are finite, its times ascend on the period's grid inside the window. Raises SourceError for an
        answer that is not sound, Refused where CloudWatch rejects the request, AccessError, Unreachable, and ClockError
        where AWS refuses this machine's time.
        """


class Sink(Protocol):
    """A Graphite receiver."""

    def probe(self) -> None:
        """Return only if the receiver takes a connection and lets it go; else raise DeliveryError."""

    def deliver(self, lines: Iterable[bytes]) -> None:
        """Return only when the receiver has read every byte of every block; else raise DeliveryError."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A series that the state does not know yet, and where its archive begins (epoch seconds)."""

    series: Series
    since: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a pass did, added up commit by commit."""

    series: int = 0
    datapoints: int = 0
    requests: int = 0
    billed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class EntryPass:
    """When an entry last began a whole pass, and when its last complete discovery in a cell began; epoch seconds.

    `billed` is how many metrics that pass was billed for, None where that is not known.
    """

    last_pass: int | None
    discovered: Mapping[Cell, int]
    billed: int | None = None


@dataclass(frozen=True, slots=True)
class Validated:
    """The config that was last found sound: its fingerprint, and of each entry the key and how often (s) it is due."""

    fingerprint: str
    entries: tuple[tuple[str, int], ...]


class Marks(Protocol):
    """How far everything is archived, and when; raises StateError where the state cannot be trusted."""

    def entry(self, key: str) -> EntryPass:
        """What is remembered of the entry with this key; an empty EntryPass if nothing."""

    def known(self, cell: Cell) -> Iterator[Tracked]:
        """Every series of `cell`, in the order in which they were met; also those that are parked or forgotten."""

    def newest_mark(self) -> int | None:
        """The newest mark of all series, in epoch seconds."""

    def waiting(self) -> int:
        """How many series failed when they were last asked, and wait for the next run; forgotten ones do not."""


class Memory(Marks, Protocol):
    """All that the state remembers; raises StateError where it cannot be trusted."""

    def total(self) -> int:
        """How many series there are, without those that were forgotten."""

    def begun(self) -> int:
        """How many of them are archived at all: their mark has moved beyond their `since`."""

    def untold(self) -> list[Gap]:
        """The gaps that nobody was told of or acknowledged yet, those of runs that were killed included."""

    def unacknowledged(self, told_before: int | None = None) -> list[Gap]:
        """The gaps that nobody has acknowledged; given an instant, those not told since then."""

    def all_gaps(self) -> list[GapRecord]:
        """Every gap that was ever noticed, with its series, in the order in which they were."""

    def conditions(self) -> Mapping[str, Remembered]:
        """The conditions that were there when last looked, by key, in their order."""

    def validated(self) -> Validated | None:
        """The config that was last found sound, if one was."""


class Store(Memory, Protocol):
    """Where checkpoints live; each method that writes is one durable transaction, or raises StateError.

    Marks move forwards only, whoever saves what: `rewind` alone takes them back. Nothing read before it may be saved
    after it.
    """

    def begin(self, command: str, now: int) -> int:
        """Write the start of a run before AWS is asked, so that a full disk costs nothing; return its id."""

    def adopt(
        self,
        newcomers: Sequence[Newcomer],
        discovered: Mapping[str, Cell],
        now: int,
        changed: Sequence[Tracked] = (),
    ) -> list[Tracked]:
        """Store the `since` of every newcomer with the time of the discoveries (entry key -> cell) that met them.

        With them go the periods, cuts, checkpoints and flags of series that the discoveries `changed`; nothing else
        of a series ever changes.
        """

    def announce(self, tracked: Sequence[Tracked]) -> None:
        """Store `committed`, the cuts and the flags of these series before their first byte is delivered."""

    def record(self, run: int, tracked: Sequence[Tracked], gaps: Sequence[Gap], figures: Figures) -> None:
        """Store marks, flags, gaps and figures after the receipt."""

    def end(
        self,
        run: int,
        passed: Mapping[str, int],
        tracked: Sequence[Tracked],
        exit_code: int,
        now: int,
        billed: Mapping[str, int] = {},
    ) -> None:
        """Store re-sent marks, which entries made their pass (key -> when it began), and how the run ended.

        `billed` says for how many metrics (key -> count); of entries that did not make their pass it does not count.
        """

    def tell(self, gaps: Sequence[Gap], now: int) -> None:
        """Store that these gaps have been told, once they have been."""

    def acknowledge(self, gaps: Sequence[Gap], now: int) -> int:
        """Store that somebody knows of these gaps; return of how many nobody did before."""

    def remember(self, conditions: Sequence[Remembered]) -> None:
        """Store these conditions in place of all that were there."""

    def remember_validated(self, validated: Validated) -> None:
        """Store which config was found sound, in place of the one before."""

    def rewind(self, ids: Collection[int], to: int) -> int:
        """Take the marks of these series back to `to` (epoch seconds), see `core.rewind`; return how many moved."""

    def forget(self, ids: Collection[int], now: int) -> int:
        """Give these series up and keep where they stand; return how many were not forgotten before."""
