"""What a pass says of itself: a line for each trouble, and one line of summary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from cwarchive.core.checkpoint import Gap
from cwarchive.core.conditions import WEEK, Condition
from cwarchive.core.cost import usd
from cwarchive.core.spec import MetricSpec
from cwarchive.core.summary import Rehearsal, Tally
from cwarchive.core.words import counted, instant, price
from cwarchive.errors import CwarchiveError


def conditions(
    tallies: Sequence[Tally],
    gaps: Sequence[Gap],
    unmatched: Sequence[MetricSpec],
    ended: CwarchiveError | None,
    untold: Sequence[Gap] = (),
) -> Iterator[Condition]:
    """What is not as it should be after a pass; `gaps` are all that nobody has acknowledged yet.

    `untold` are those among them that nobody was told of either: they are told now, whatever was told before.
    """
    if ended is not None:
        yield Condition(f"ended:{type(ended).__name__}", str(ended))
    for tally in tallies:
        yield from _waiting(tally)
    yield from _lost(gaps, untold)
    for spec in unmatched:
        names = ", ".join(pattern.text for pattern in spec.metrics) or "any name"
        sentence = f"{spec.label}: nothing that {spec.namespace} lists matches {names}; each pass looks again"
        yield Condition(f"unmatched:{spec.key}", sentence, WEEK)


def _waiting(tally: Tally) -> Iterator[Condition]:
    """Why something in one cell waits for the next run: one condition for each reason."""
    if tally.unlisted is not None:
        known = ", known series go on" if tally.asked else ""
        sentence = f"{tally.cell}: metrics could not be listed{known}: {tally.unlisted}"
        yield Condition(_key("unlisted", tally, str(tally.unlisted)), sentence)
    if tally.ended is not None and not tally.asked:
        yield Condition(_key("ended", tally, str(tally.ended)), f"{tally.cell}: nothing was asked: {tally.ended}")
    for reason, count in tally.failures.most_common():
        if count and not (tally.unlisted is not None and reason == str(tally.unlisted)):
            sentence = f"{tally.cell}: {counted(count, 'series', 'series')} {_wait(count)} for the next run: {reason}"
            yield Condition(_key("waiting", tally, reason), sentence)
    if tally.renamed:
        moved = counted(len(tally.renamed), "series", "series")
        sentence = (
            f"{tally.cell}: {moved} on a new path, such as {tally.renamed[0]}: what CloudWatch still has is archived "
            "there again; the archive on the old path ends"
        )
        yield Condition(_key("renamed", tally, tally.renamed[0]), sentence, WEEK)
    if tally.crowded:
        count = tally.crowded.total()
        heaviest = ", ".join(f"{label} ({number:,})" for label, number in tally.crowded.most_common(3))
        sentence = (
            f"{tally.cell}: {counted(count, 'new series', 'new series')} not begun: limits.max_series; {heaviest}"
        )
        yield Condition(_key("crowded", tally, ""), sentence)
    if tally.late:
        sentence = (
            f"{tally.cell}: {counted(tally.late, 'series', 'series')} further behind than the entries allow, since "
            "this run was cut short: by limits.usd_per_run, --max-runtime or a signal"
        )
        yield Condition(_key("late", tally, ""), sentence)


def _key(kind: str, tally: Tally, reason: str) -> str:
    """The same while a condition lasts, whatever figures its sentence has."""
    return f"{kind}:{tally.cell}:{_FIGURES.sub('#', reason)}"


def first_run(state: str, since: int) -> str:
    """The one line of a first run: where the state is, and where the archive begins (epoch seconds)."""
    return f"first run: the state is {state}; the archive begins at {instant(since)}"


def summary(tallies: Sequence[Tally]) -> str:
    """What a pass did, in one line."""
    series, datapoints = sum(t.answered for t in tallies), sum(t.datapoints for t in tallies)
    requests, billed = sum(t.requests for t in tallies), sum(t.billed for t in tallies)
    waiting = sum(sum(t.failures.values()) for t in tallies)
    parts = [
        f"{counted(series, 'series', 'series')} archived",
        counted(datapoints, "datapoint"),
        counted(requests, "request"),
        price(usd(billed)),
    ]
    return ", ".join([*parts, f"{counted(waiting, 'series', 'series')} waiting"] if waiting else parts)


def rehearsed(asks: Sequence[Rehearsal]) -> Iterator[str]:
    """What a pass would ask, one line for each cell with its price."""
    for ask in asks:
        yield (
            f"{ask.cell}: {counted(ask.series, 'series', 'series')} ({ask.new:,} new), "
            f"{counted(ask.requests, 'request')}, up to {counted(ask.datapoints, 'datapoint')}, "
            f"{counted(ask.billed, 'billed metric')}, {price(usd(ask.billed))}"
        )
    yield "nothing was fetched, sent or recorded" if asks else "nothing is due; nothing was fetched, sent or recorded"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _lost(gaps: Sequence[Gap], untold: Sequence[Gap]) -> Iterator[Condition]:
    """One condition for each kind and interval of permanent gaps, with how many series it holds."""
    groups = Counter((gap.window, gap.kind) for gap in gaps)
    new = {(gap.window, gap.kind) for gap in untold}
    for (window, kind), count in sorted(groups.items()):
        held = counted(count, "series", "series")
        sentence = f"permanent gap in {held}: {instant(window.start)} to {instant(window.end)} {_MEANING[kind]}"
        yield Condition(f"gap:{kind}:{window.start}:{window.end}", sentence, WEEK, (window, kind) in new)


_FIGURES = re.compile(r"\d+")

_MEANING = {
    "lost": "is gone from CloudWatch and was not archived (lost)",
    "resolution": "was archived from coarser datapoints: the finer ones are gone from CloudWatch (resolution)",
    "unverified": "was sent once and never proven, and CloudWatch no longer answers it (unverified)",
}
