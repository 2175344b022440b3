"""The port `Memory` on a SQLite file: what the state remembers, each row believed only with its checksum."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cwarchive.core.checkpoint import Gap, Tracked
from cwarchive.core.conditions import Remembered
from cwarchive.core.gaps import GapRecord
from cwarchive.core.ports import EntryPass, Validated
from cwarchive.core.series import Cell
from cwarchive.edges.sqlite.failures import Damaged, translated
from cwarchive.edges.sqlite.rows import (
    as_condition,
    as_gap,
    as_gap_record,
    as_tracked,
    as_validated,
    checked,
)
from cwarchive.edges.sqlite.schema import Step
from cwarchive.edges.sqlite.session import Session

CHUNK = 5_000
"""Series read at a time: no statement stays open between them, so that the caller may write while it reads."""

CHECKPOINTS = "SELECT series_id, since, mark, verified, committed, cuts, flags, crc FROM checkpoint"

GAP_RECORDS = """
    SELECT series_id, start, "end", kind, told, acknowledged, gap.crc, noticed,
           series.id, account, region, namespace, metric, dimensions, statistic, period, path, series.crc
    FROM gap LEFT JOIN series ON series.id = series_id ORDER BY gap.id
"""

VALIDATED = "SELECT fingerprint, entries, crc FROM validated"

WAITING = "SELECT count(*) FROM checkpoint WHERE (flags & 9) = 1"  # as the index says it

TRACKED = """
    SELECT id, account, region, namespace, metric, dimensions, statistic, period, path, series.crc,
           since, mark, verified, committed, cuts, flags, checkpoint.crc
    FROM series LEFT JOIN checkpoint ON series_id = id
"""

_KNOWN = f"{TRACKED} WHERE account = ? AND region = ? AND id > ? ORDER BY id LIMIT ?"

_TOTAL = "SELECT count(*) FROM checkpoint WHERE (flags & 8) = 0"

_GAPS = 'SELECT series_id, start, "end", kind, told, acknowledged, crc FROM gap WHERE acknowledged IS NULL'


class SqliteMemory(Session):
    """What the state at `path` remembers."""

    def __init__(self, path: Path, patience: float, steps: Sequence[Step]) -> None:
        super().__init__(path, patience, steps)
        self._indexes_trusted = False

    def entry(self, key: str) -> EntryPass:
        """What is remembered of the entry with this key; an empty EntryPass if nothing."""
        passes = self._rows("SELECT last_pass, billed FROM entry WHERE key = ?", key)
        discovered = self._rows("SELECT account, region, at FROM discovery WHERE key = ?", key)
        last, billed = passes[0] if passes else (None, None)
        return EntryPass(last, {Cell(account, region): at for account, region, at in discovered}, billed)

    def known(self, cell: Cell) -> Iterator[Tracked]:
        """Every series of `cell`, in the order in which they were met; also those that are parked or forgotten."""
        self._trust_indexes()
        last = 0
        while rows := self._rows(_KNOWN, *cell, last, CHUNK):
            last = rows[-1][0]
            with translated(self._path):
                chunk = [as_tracked(cell, row) for row in rows]
            yield from chunk

    def newest_mark(self) -> int | None:
        """The newest mark of all series, in epoch seconds."""
        rows = self._rows(f"{CHECKPOINTS} ORDER BY mark DESC LIMIT 1")
        with translated(self._path):
            return next((int(checked("checkpoint", row[:7], row[7])[2]) for row in rows), None)

    def waiting(self) -> int:
        """How many series failed when they were last asked, and wait for the next run; forgotten ones do not."""
        return self._count(WAITING)

    def total(self) -> int:
        """How many series there are, without those that were forgotten."""
        return self._count(_TOTAL)

    def begun(self) -> int:
        """How many of them are archived at all: their mark has moved beyond their `since`."""
        return self._count(f"{_TOTAL} AND mark > since")

    def untold(self) -> list[Gap]:
        """The gaps that nobody was told of or acknowledged yet, those of runs that were killed included."""
        return self._gaps(f"{_GAPS} AND told IS NULL ORDER BY id")

    def unacknowledged(self, told_before: int | None = None) -> list[Gap]:
        """The gaps that nobody has acknowledged; given an instant, those not told since then."""
        if told_before is None:
            return self._gaps(f"{_GAPS} ORDER BY id")
        return self._gaps(f"{_GAPS} AND (told IS NULL OR told < ?) ORDER BY id", told_before)

    def all_gaps(self) -> list[GapRecord]:
        """Every gap that was ever noticed, with its series, in the order in which they were."""
        with translated(self._path):
            return [as_gap_record(row) for row in self._rows(GAP_RECORDS)]

    def conditions(self) -> Mapping[str, Remembered]:
        """The conditions that were there when last looked, by key, in their order."""
        rows = self._rows("SELECT key, sentence, began, told, crc FROM condition ORDER BY rowid")
        with translated(self._path):
            return {row[0]: as_condition(row) for row in rows}

    def validated(self) -> Validated | None:
        """The config that was last found sound, if one was."""
        with translated(self._path):
            return next((as_validated(row) for row in self._rows(VALIDATED)), None)

    def _gaps(self, query: str, *values: object) -> list[Gap]:
        with translated(self._path):
            return [as_gap(row) for row in self._rows(query, *values)]

    def _trust_indexes(self) -> None:
        """Check once, before series are read, that no index misses one: it would silently be archived no more."""
        if self._indexes_trusted:
            return
        with translated(self._path):
            answer = str(self._rows("PRAGMA integrity_check(1)")[0][0])
            if answer != "ok":
                raise Damaged(answer.splitlines()[-1])
        self._indexes_trusted = True
