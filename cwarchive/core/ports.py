"""What the loop needs from outside: a source, a sink and a store; each promise here is a test that all of them pass."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cwarchive.core.batch import Request
from cwarchive.core.checkpoint import Gap, Tracked
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
    """CloudWatch in one cell."""

    def discover(self, namespaces: Collection[str]) -> Iterator[Metric]:
        """Yield every metric listed in `namespaces`; ending without an exception means that the last page was read.

        Raises AccessError, Unreachable or SourceError.
        """

    def fetch(self, request: Request) -> Answer:
        """Answer `request` whole: all pages read, every query accounted for, or raise.

        In a sound answer each series is whole or nothing: its last status was Complete, its columns have one length,
        its values are finite, its times ascend on the period's grid inside the window. Raises SourceError for an
        answer that is not sound, Refused where CloudWatch rejects the request, AccessError, Unreachable.
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
    """When an entry last began a pass, and when its last complete discovery in a cell began; epoch seconds."""

    last_pass: int | None
    discovered: Mapping[Cell, int]


class Memory(Protocol):
    """What the state remembers; raises StateError where it cannot be trusted."""

    def entry(self, key: str) -> EntryPass:
        """What is remembered of the entry with this key; an empty EntryPass if nothing."""

    def known(self, cell: Cell) -> Iterator[Tracked]:
        """Every series of `cell`, in the order in which they were met."""

    def newest_mark(self) -> int | None:
        """The newest mark of all series, in epoch seconds."""

    def waiting(self) -> int:
        """How many series failed when they were last asked, and wait for the next run."""

    def untold(self) -> list[Gap]:
        """The gaps that nobody has been told of yet, those of runs that were killed included."""


class Store(Memory, Protocol):
    """Where checkpoints live; each method that writes is one durable transaction, or raises StateError."""

    def begin(self, command: str, now: int) -> int:
        """Write the start of a run before AWS is asked, so that a full disk costs nothing; return its id."""

    def adopt(self, newcomers: Sequence[Newcomer], discovered: Mapping[str, Cell], now: int) -> list[Tracked]:
        """Store the `since` of every newcomer with the time of the discoveries (entry key -> cell) that met them."""

    def announce(self, tracked: Sequence[Tracked]) -> None:
        """Store `committed` and the cuts of these series before their first byte is delivered."""

    def record(self, run: int, tracked: Sequence[Tracked], gaps: Sequence[Gap], figures: Figures) -> None:
        """Store marks, gaps and figures after the receipt; marks never move backwards."""

    def end(self, run: int, passed: Mapping[str, int], tracked: Sequence[Tracked], exit_code: int, now: int) -> None:
        """Store re-sent marks, which entries made their pass (key -> when it began), and how the run ended."""

    def tell(self, gaps: Sequence[Gap], now: int) -> None:
        """Store that these gaps have been told, once they have been."""
