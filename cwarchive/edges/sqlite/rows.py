"""A row of the state and the value it stands for; what was changed by anything but cwarchive is never taken as one.

SQLite finds damage in its own structure, not in the numbers it holds, so rows that steer the archive carry a checksum.
"""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

from cwarchive.core.checkpoint import Checkpoint, Cut, Gap, Tracked
from cwarchive.core.ports import Figures
from cwarchive.core.series import Cell, Metric, Series
from cwarchive.core.standing import RunRecord
from cwarchive.core.window import Window

Row = tuple[Any, ...]
"""A row as sqlite3 gives it: int, str or None, and anything at all once the file is damaged."""


NO_CUTS = ""


class Damaged(ValueError):
    """A row whose checksum contradicts its content; the text names the row."""


def checksum(*columns: object) -> int:
    """The CRC-32 of the columns. ascii() and not repr(): what repr() prints depends on Python's version of Unicode."""
    return crc32(ascii(columns).encode())


def checked(what: str, columns: Row, found: object) -> Row:
    """The columns, if their checksum is `found`; else raises Damaged."""
    if checksum(*columns) != found:
        raise Damaged(f"{what} {columns[0]}")
    return columns


def series_columns(number: int, series: Series) -> Row:
    """id, account, region, namespace, metric, dimensions, statistic, period, path."""
    metric = series.metric
    dimensions = json.dumps(metric.dimensions, separators=(",", ":"))
    described = (metric.namespace, metric.name, dimensions, series.statistic, series.period, series.path)
    return (number, *metric.cell, *described)


def checkpoint_columns(tracked: Tracked) -> Row:
    """series_id, since, mark, verified, committed, cuts, failed."""
    at = tracked.checkpoint
    cuts = json.dumps([[cut.at, cut.period] for cut in tracked.cuts]) if tracked.cuts else NO_CUTS
    return (tracked.id, at.since, at.mark, at.verified, at.committed, cuts, int(tracked.failed))


def gap_columns(gap: Gap) -> dict[str, int | str]:
    """What names a gap."""
    return {"id": gap.series_id, "start": gap.window.start, "end": gap.window.end, "kind": gap.kind}


def as_tracked(cell: Cell, row: Row) -> Tracked:
    """The series of a row of nine columns and their checksum, then six columns of its checkpoint and theirs."""
    number, _, _, namespace, name, dimensions, statistic, period, path = checked("series", row[:9], row[9])
    _, since, mark, verified, committed, cuts, failed = checked("checkpoint", (number, *row[10:16]), row[16])
    metric = Metric(cell, namespace, name, tuple((key, value) for key, value in json.loads(dimensions)))
    at = Checkpoint(since=since, mark=mark, verified=verified, committed=committed)
    return Tracked(number, Series(metric, statistic, period, path), at, _as_cuts(cuts), bool(failed))


def _as_cuts(text: str) -> tuple[Cut, ...]:
    return () if text == NO_CUTS else tuple(Cut(at, period) for at, period in json.loads(text))


def as_gap(row: Row) -> Gap:
    """The gap of a row (series_id, start, end, kind, told, acknowledged, checksum)."""
    number, start, end, kind, _, _ = checked("gap of series", row[:6], row[6])
    return Gap(number, Window(start, end), kind)


def as_run(row: Row) -> RunRecord:
    """The run of a row of eight columns and five figures."""
    number, command, pid, host, started, progress, ended, exit_code, *figures = row
    return RunRecord(number, command, pid, host, started, progress, ended, exit_code, Figures(*figures))
