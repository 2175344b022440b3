"""A row of the state and the value it stands for; what was changed by anything but cwarchive is never taken as one.

SQLite finds damage in its own structure, not in the numbers it holds, so rows that steer the archive carry a checksum.
"""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

from cwarchive.core.checkpoint import Checkpoint, Cut, Gap, Tracked
from cwarchive.core.conditions import Remembered
from cwarchive.core.gaps import GapRecord
from cwarchive.core.ports import Figures, Validated
from cwarchive.core.series import Cell, Metric, Series
from cwarchive.core.standing import RunRecord
from cwarchive.core.window import Window
from cwarchive.edges.sqlite.failures import Damaged

Row = tuple[Any, ...]
"""A row as sqlite3 gives it: int, str or None, and anything at all once the file is damaged."""

NO_CUTS = ""

_as_json = json.JSONEncoder(separators=(",", ":")).encode  # json.dumps makes an encoder for each call
_from_json = json.JSONDecoder().raw_decode  # nor is white space looked for in what was written here


def checksum(*columns: object) -> int:
    """The CRC-32 of the columns. ascii() and not repr(): what repr() prints depends on Python's version of Unicode."""
    return crc32(ascii(columns).encode())


def checked(what: str, columns: Row, found: object) -> Row:
    """The columns, if their checksum is `found`; else raises Damaged."""
    if checksum(*columns) != found:
        raise Damaged(f"the checksum of {what} {columns[0]} contradicts it")
    return columns


def series_columns(number: int, series: Series) -> Row:
    """id, account, region, namespace, metric, dimensions, statistic, period, path."""
    metric = series.metric
    dimensions = _as_json(metric.dimensions)
    described = (metric.namespace, metric.name, dimensions, series.statistic, series.period, series.path)
    return (number, *metric.cell, *described)


def checkpoint_columns(tracked: Tracked) -> dict[str, int | str]:
    """The columns of a checkpoint in their order."""
    at = tracked.checkpoint
    return {
        "id": tracked.id,
        "since": at.since,
        "mark": at.mark,
        "verified": at.verified,
        "committed": at.committed,
        "cuts": _as_json([[cut.at, cut.period] for cut in tracked.cuts]) if tracked.cuts else NO_CUTS,
        "flags": tracked.failed | tracked.empty << 1 | tracked.parked << 2 | tracked.forgotten << 3,
    }


def gap_columns(gap: Gap) -> dict[str, int | str]:
    """What names a gap."""
    return {"id": gap.series_id, "start": gap.window.start, "end": gap.window.end, "kind": gap.kind}


def validated_columns(validated: Validated) -> Row:
    """fingerprint, entries."""
    return validated.fingerprint, _as_json(validated.entries)


def as_tracked(cell: Cell, row: Row) -> Tracked:
    """The series of a row of nine columns and their checksum, then six columns of its checkpoint and theirs."""
    number, _, _, namespace, name, dimensions, statistic, period, path = checked("series", row[:9], row[9])
    _, since, mark, verified, committed, cuts, flags = checked("checkpoint", (number, *row[10:16]), row[16])
    at = Checkpoint(since=since, mark=mark, verified=verified, committed=committed)
    series = Series(Metric(cell, namespace, name, _as_dimensions(dimensions)), statistic, period, path)
    if not flags and cuts == NO_CUTS:  # nearly every series
        return Tracked(number, series, at)
    failed, empty, parked, forgotten = (bool(flags & bit) for bit in (1, 2, 4, 8))
    return Tracked(number, series, at, as_cuts(cuts), failed, empty, parked, forgotten)


def as_cuts(text: str) -> tuple[Cut, ...]:
    """The cuts of a checkpoint's column."""
    return () if text == NO_CUTS else tuple(Cut(at, period) for at, period in _from_json(text)[0])


def as_gap(row: Row) -> Gap:
    """The gap of a row (series_id, start, end, kind, told, acknowledged, checksum)."""
    number, start, end, kind, _, _ = checked("gap of series", row[:6], row[6])
    return Gap(number, Window(start, end), kind)


def as_gap_record(row: Row) -> GapRecord:
    """The gap of a row as `as_gap` takes it, followed by `noticed`, nine columns of its series and their checksum."""
    gap, series = as_gap(row[:7]), _as_series(checked("series", row[8:17], row[17]))
    return GapRecord(gap, series, noticed=row[7], told=row[4], acknowledged=row[5])


def as_condition(row: Row) -> Remembered:
    """The condition of a row (key, sentence, began, told, checksum)."""
    return Remembered(*checked("condition", row[:4], row[4]))


def as_validated(row: Row) -> Validated:
    """The config of a row (fingerprint, entries, checksum)."""
    fingerprint, entries = checked("config", row[:2], row[2])
    return Validated(fingerprint, tuple(map(tuple, _from_json(entries)[0])))


def as_run(row: Row) -> RunRecord:
    """The run of a row of eight columns and five figures."""
    number, command, pid, host, started, progress, ended, exit_code, *figures = row
    return RunRecord(number, command, pid, host, started, progress, ended, exit_code, Figures(*figures))


def _as_series(columns: Row) -> Series:
    _, account, region, namespace, name, dimensions, statistic, period, path = columns
    metric = Metric(Cell(account, region), namespace, name, _as_dimensions(dimensions))
    return Series(metric, statistic, period, path)


def _as_dimensions(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(map(tuple, _from_json(text)[0]))
