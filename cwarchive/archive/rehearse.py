"""What a pass would ask, and what that costs: everything of a pass but GetMetricData, Graphite and the state."""

from __future__ import annotations

from collections.abc import Iterator

from cwarchive.archive.passes import Work
from cwarchive.archive.survey import listing, provisional, survey
from cwarchive.core.batch import batches
from cwarchive.core.checkpoint import Tracked
from cwarchive.core.cost import billed_metrics
from cwarchive.core.ports import EntryPass, Marks
from cwarchive.core.selection import in_cell
from cwarchive.core.series import Cell
from cwarchive.core.summary import Rehearsal


class Nothing:
    """The memory of a state that does not exist yet."""

    def entry(self, key: str) -> EntryPass:
        """Nothing is remembered of any entry."""
        del key
        return EntryPass(None, {})

    def known(self, cell: Cell) -> Iterator[Tracked]:
        """No series is known in any cell."""
        del cell
        return iter(())

    def newest_mark(self) -> int | None:
        """There is no mark."""
        return None

    def waiting(self) -> int:
        """Nothing waits."""
        return 0


def rehearse(memory: Marks, work: Work, now: int) -> list[Rehearsal]:
    """What a pass over every entry of `work` would ask at `now`; raises AccessError and SourceError."""
    return [_rehearsed(memory, work, cell, now) for cell in work.cells]


def _rehearsed(memory: Marks, work: Work, cell: Cell, now: int) -> Rehearsal:
    here = [spec for spec in work.specs if in_cell(spec, cell)]
    listed = listing(work.source_of(cell), here)
    if listed.failure is not None:
        raise listed.failure
    born = {spec.key: memory.entry(spec.key).discovered.get(cell) for spec in here}
    found = survey(listed.metrics, list(memory.known(cell)), here, [], born, now)
    plans = [member.owed(now) for member in provisional(found)]
    requests = [batch.request for batch in batches(plans)]
    return Rehearsal(
        cell,
        series=sum(1 for owed in plans if owed.asks),
        new=len(found.newcomers),
        requests=len(requests),
        datapoints=sum(request.datapoints for request in requests),
        billed=sum(map(billed_metrics, requests)),
    )
