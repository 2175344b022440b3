"""Whether a state is sound through and through: its structure, every checksum, and what rows say of each other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from cwarchive.core.gaps import KINDS
from cwarchive.core.words import counted
from cwarchive.edges.sqlite.failures import FAILURES, damage
from cwarchive.edges.sqlite.file import PATIENCE, read
from cwarchive.edges.sqlite.reader import expect_current
from cwarchive.edges.sqlite.rows import as_cuts, checksum
from cwarchive.edges.sqlite.schema import STEPS, Step

_NAMED = 5
"""Rows that a finding names; of more it gives the count."""

_LONGEST_NAME = 80

_STALE = "its newest commits are out of reach here, where nothing can be written beside it; the rest was looked through"

# What a finding says of its rows, and the query that yields a name for each of them. Nothing is read by an index that
# might itself be what is damaged.
_FINDINGS = {
    "series with a checksum that contradicts them": """
        SELECT id FROM series NOT INDEXED
        WHERE crc IS NOT checksum(id, account, region, namespace, metric, dimensions, statistic, period, path)
    """,
    "checkpoints with a checksum that contradicts them": """
        SELECT series_id FROM checkpoint NOT INDEXED
        WHERE crc IS NOT checksum(series_id, since, mark, verified, committed, cuts, flags)
    """,
    "gaps with a checksum that contradicts them": """
        SELECT id FROM gap NOT INDEXED
        WHERE crc IS NOT checksum(series_id, start, "end", kind, told, acknowledged)
    """,
    "entries with a checksum that contradicts them": """
        SELECT key FROM entry WHERE crc IS NOT checksum(key, last_pass, billed)
    """,
    "discoveries with a checksum that contradicts them": """
        SELECT key FROM discovery WHERE crc IS NOT checksum(key, account, region, at)
    """,
    "conditions with a checksum that contradicts them": """
        SELECT key FROM condition NOT INDEXED WHERE crc IS NOT checksum(key, sentence, began, told)
    """,
    "remembered configs with a checksum that contradicts them": """
        SELECT fingerprint FROM validated WHERE crc IS NOT checksum(fingerprint, entries)
    """,
    "series without a checkpoint": """
        SELECT id FROM series NOT INDEXED WHERE id NOT IN (SELECT series_id FROM checkpoint NOT INDEXED)
    """,
    "checkpoints without a series": """
        SELECT series_id FROM checkpoint NOT INDEXED WHERE series_id NOT IN (SELECT id FROM series NOT INDEXED)
    """,
    "paths of more than one series": """
        SELECT path FROM series NOT INDEXED GROUP BY path HAVING count(*) > 1
    """,
    "checkpoints with marks out of order": """
        SELECT series_id FROM checkpoint NOT INDEXED
        WHERE NOT (since <= verified AND verified <= mark AND mark <= committed)
    """,
    "checkpoints with cuts out of order": """
        SELECT series_id FROM checkpoint NOT INDEXED WHERE cuts <> '' AND NOT in_order(cuts)
    """,
    "gaps without a series": """
        SELECT gap.id FROM gap NOT INDEXED WHERE series_id NOT IN (SELECT id FROM series NOT INDEXED)
    """,
    "gaps that end before they begin": """
        SELECT id FROM gap NOT INDEXED WHERE start >= "end"
    """,
    "gaps of an unknown kind": """
        SELECT id FROM gap NOT INDEXED WHERE NOT known(kind)
    """,
    "gaps beyond what was ever asked": """
        SELECT gap.id FROM gap NOT INDEXED JOIN checkpoint ON checkpoint.series_id = gap.series_id
        WHERE "end" > committed
    """,
    "gaps that are there twice": """
        SELECT min(id) FROM gap NOT INDEXED GROUP BY series_id, kind, start, "end" HAVING count(*) > 1
    """,
}


@dataclass(frozen=True, slots=True)
class Report:
    """What a state holds, and what is wrong with it: nothing where `findings` is empty."""

    findings: tuple[str, ...]
    series: int = 0
    gaps: int = 0
    runs: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def check_state(path: Path, patience: float = PATIENCE, steps: Sequence[Step] = STEPS) -> Report:
    """Look through the whole state without writing; what is damaged is a finding.

    Raises StateError where the state is not there, cannot be read, or is of another version of cwarchive.
    """

    def report(view: sqlite3.Connection) -> Report:
        try:
            expect_current(view, path, len(steps))
            series, gaps, runs = (_count(view, table) for table in ("series", "gap", "run"))
            return Report(tuple(_found(view)), series, gaps, runs)
        except FAILURES as error:
            if (why := damage(error)) is None:
                raise
            return Report((why,))

    found, stale = read(path, report, patience)
    return Report((*found.findings, _STALE), found.series, found.gaps, found.runs) if stale else found


def _count(view: sqlite3.Connection, table: str) -> int:
    return int(view.execute(f"SELECT count(*) FROM {table} NOT INDEXED").fetchone()[0])  # noqa: S608 - names of ours


def _found(view: sqlite3.Connection) -> list[str]:
    """The structure first: where pages cannot be read, what rows say adds nothing to that."""
    answers = [str(answer) for (answer,) in view.execute("PRAGMA integrity_check")]
    found = [line for answer in answers if answer != "ok" for line in answer.splitlines()]
    try:
        return [*found, *_found_in_rows(view)]
    except sqlite3.DatabaseError:
        if not found:
            raise
        return found


def _found_in_rows(view: sqlite3.Connection) -> Iterator[str]:
    view.create_function("checksum", -1, checksum, deterministic=True)
    view.create_function("in_order", 1, _in_order, deterministic=True)
    view.create_function("known", 1, KINDS.__contains__, deterministic=True)
    for what, query in _FINDINGS.items():
        names = [str(row[0])[:_LONGEST_NAME] for row in view.execute(query)]
        if names:
            more = ", ..." if len(names) > _NAMED else ""
            yield f"{what} ({counted(len(names), 'row')}): {', '.join(names[:_NAMED])}{more}"


def _in_order(cuts: str) -> bool:
    """Whether these cuts (JSON) follow each other in time, each with a period."""
    try:
        found = as_cuts(cuts)
    except (ValueError, TypeError):
        return False
    return all(cut.period > 0 for cut in found) and all(before.at < after.at for before, after in pairwise(found))
