"""What a pass says of itself: a line for each trouble, and one line of summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cwarchive.core.checkpoint import Gap
from cwarchive.core.cost import usd
from cwarchive.core.spec import MetricSpec
from cwarchive.core.summary import Rehearsal, Tally
from cwarchive.core.words import counted, instant, price


def trouble(tallies: Sequence[Tally]) -> Iterator[str]:
    """One line for each reason in each cell why something waits for the next run, or is lost."""
    for tally in tallies:
        if tally.unlisted is not None:
            yield f"{tally.cell}: metrics could not be listed, known series go on: {tally.unlisted}"
        for reason, count in tally.failures.most_common():
            if count and not (tally.unlisted is not None and reason == str(tally.unlisted)):
                yield f"{tally.cell}: {counted(count, 'series', 'series')} {_wait(count)} for the next run: {reason}"


def first_run(state: str, since: int) -> str:
    """The one line of a first run: where the state is, and where the archive begins (epoch seconds)."""
    return f"first run: the state is {state}; the archive begins at {instant(since)}"


def unmatched(specs: Sequence[MetricSpec]) -> Iterator[str]:
    """One line for each new entry that selects nothing."""
    for spec in specs:
        names = ", ".join(pattern.text for pattern in spec.metrics) or "any name"
        yield f"{spec.label}: nothing that {spec.namespace} lists matches {names}; it is looked for in every pass"


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
    """What a pass would ask, one line for each cell and its price; an archive at hourly freshness asks this each hour."""
    for ask in asks:
        yield (
            f"{ask.cell}: {counted(ask.series, 'series', 'series')} ({ask.new:,} new), "
            f"{counted(ask.requests, 'request')}, up to {counted(ask.datapoints, 'datapoint')}, "
            f"{counted(ask.billed, 'billed metric')}, {price(usd(ask.billed))}"
        )
    yield "nothing was fetched, sent or recorded" if asks else "nothing is due; nothing was fetched, sent or recorded"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def lost(gaps: Sequence[Gap]) -> Iterator[str]:
    """One line for each kind and interval of permanent gaps, with how many series it holds."""
    groups = Counter((gap.window, gap.kind) for gap in gaps)
    for (window, kind), count in sorted(groups.items()):
        held = counted(count, "series", "series")
        yield f"permanent gap in {held}: {instant(window.start)} to {instant(window.end)} {_MEANING[kind]}"


_MEANING = {
    "lost": "is gone from CloudWatch and was not archived (lost)",
    "resolution": "was archived from coarser datapoints: the finer ones are gone from CloudWatch (resolution)",
    "unverified": "was sent once and never proven, and CloudWatch no longer answers it (unverified)",
}
