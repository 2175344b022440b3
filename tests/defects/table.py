"""Deliberate defects, each an edit of one file, with the tests that must fail on it: what keeps the suite honest."""

from __future__ import annotations

from dataclasses import dataclass

PLAN, CHECKPOINT, DUE = "cwarchive/core/plan.py", "cwarchive/core/checkpoint.py", "cwarchive/core/due.py"
BATCH, LINE, SUMMARY, PARKING = (f"cwarchive/core/{name}.py" for name in ("batch", "line", "summary", "parking"))
TRANSFER, PASSES, SURVEY, FETCH = (f"cwarchive/archive/{name}.py" for name in ("transfer", "passes", "survey", "fetch"))
CARBON, ANSWER, APP = "cwarchive/edges/carbon.py", "cwarchive/edges/aws/answer.py", "cwarchive/app/passing.py"
STORE = "cwarchive/edges/sqlite/store.py"

ARCHIVE = ("tests/archive/test_transfer.py", "tests/archive/test_passes.py")
AWS = ("tests/edges/aws/test_answer.py",)
PLANNED = ("tests/core/test_plan.py",)
STORED = ("tests/contracts/test_store.py",)


@dataclass(frozen=True, slots=True)
class Defect:
    """One edit: `old` stands exactly once in `file` and becomes `new`; one of `tests` must fail because of it.

    `why` says what the defect costs in production.
    """

    name: str
    file: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...]


DEFECTS = (
    Defect(
        "checkpoint before delivery",
        TRANSFER,
        """            self._sink.deliver(blocks(_sent(answered), self._conduct.batch_lines))
            self._sink.probe()
        self._record(arrived, answered)
""",
        """            sent = list(_sent(answered))
            self._record(arrived, answered)
            self._sink.deliver(blocks(sent, self._conduct.batch_lines))
            self._sink.probe()
        else:
            self._record(arrived, answered)
""",
        "a death in between loses a batch for ever",
        ARCHIVE,
    ),
    Defect(
        "a failed batch does not stall its series",
        TRANSFER,
        "        passage.left = 0\n",
        "        passage.left -= 1\n",
        "later windows are billed that cannot be recorded",
        ARCHIVE,
    ),
    Defect(
        "an unanswered series advances anyway",
        FETCH,
        "            fetched.waiting.append((piece, column.reason))\n",
        "            fetched.answered.append((piece, Datapoints([], [])))\n",
        "an InternalError of one series is taken for silence",
        ("tests/archive/test_fetch.py", *ARCHIVE),
    ),
    Defect(
        "no lookback",
        PLAN,
        "    begin = tracked.checkpoint.verified - timing.lookback\n",
        "    begin = tracked.checkpoint.verified\n",
        "what is published late is never read",
        PLANNED,
    ),
    Defect(
        "no settle",
        PLAN,
        "    return floor(now - timing.settle, period)\n",
        "    return floor(now, period)\n",
        "values that still change are taken for final",
        PLANNED,
    ),
    Defect(
        "a margin of nothing at the horizon",
        PLAN,
        "MARGIN = 600\n",
        "MARGIN = 0\n",
        "CloudWatch rolls up while it answers",
        PLANNED,
    ),
    Defect(
        "the bucket in which the mark stands is sent",
        PLAN,
        "send_from=ceil(span.start, period), loses=True)",
        "send_from=floor(span.start, period), loses=True)",
        "finer datapoints stand in it: sums count twice",
        PLANNED,
    ),
    Defect(
        "what was announced is asked coarser",
        PLAN,
        "window(max(span.start, mark, tracked.checkpoint.committed), span.end)",
        "window(max(span.start, mark), span.end)",
        "rule a: a pass that died may have delivered it finely",
        PLANNED,
    ),
    Defect(
        "newest windows first",
        BATCH,
        "    for ordinal in range(depth):\n",
        "    for ordinal in reversed(range(depth)):\n",
        "a mark would have to jump over what comes later",
        ("tests/core/test_batch.py",),
    ),
    Defect(
        "least danger first",
        BATCH,
        "key=lambda owed: (owed.danger, ",
        "key=lambda owed: (-owed.danger, ",
        "what CloudWatch forgets next waits longest",
        ("tests/core/test_batch.py",),
    ),
    Defect(
        "advance accepts a jump",
        CHECKPOINT,
        "    if covered.start > checkpoint.mark:\n",
        "    if covered.start > checkpoint.mark + (1 << 40):\n",
        "any mistake of the loop becomes a silent hole",
        ("tests/core/test_checkpoint.py",),
    ),
    Defect(
        "since slides until the first success",
        SURVEY,
        """        tracked = replace(tracked, parked=False, forgotten=False)
    return tracked, False
""",
        """        tracked = replace(tracked, parked=False, forgotten=False)
    if tracked.checkpoint.mark == tracked.checkpoint.since:
        since = first_since(tracked.series.period, selected.spec.initial_lookback, None, now)
        tracked = replace(tracked, checkpoint=first_checkpoint(max(since, tracked.checkpoint.since)))
    return tracked, False
""",
        "each failed first pass costs an hour of history",
        (*ARCHIVE, "tests/archive/test_survey.py"),
    ),
    Defect(
        "a mark regresses in the core",
        CHECKPOINT,
        "    mark = max(checkpoint.mark, covered.end)\n",
        "    mark = covered.end\n",
        "what is read again is sent and billed again",
        ("tests/core/test_checkpoint.py",),
    ),
    Defect(
        "a mark regresses in the state",
        STORE,
        "mark = max(mark, :mark), verified",
        "mark = :mark, verified",
        "an older pass undoes a newer one",
        STORED,
    ),
    Defect(
        "windows are not announced",
        TRANSFER,
        "            self._store.announce([self._announced(piece) for piece, _ in answered])\n",
        "            [self._announced(piece) for piece, _ in answered]\n",
        "rule a: what a dead pass delivered finely is archived coarser as well",
        ARCHIVE,
    ),
    Defect(
        "a cut is not recorded",
        TRANSFER,
        "cuts=cuts_with(passage.tracked, piece.ask))",
        "cuts=passage.tracked.cuts)",
        "the lookback after an outage asks at another period than was archived",
        ARCHIVE,
    ),
    Defect(
        "the re-sent mark moves while the pass is under way",
        TRANSFER,
        "    checkpoint = advance(checkpoint, ask.covers)\n",
        "    checkpoint = replace(advance(checkpoint, ask.covers), verified=max(checkpoint.verified, passage.mark))\n",
        "rule c: late points are sent by one pass only",
        ARCHIVE,
    ),
    Defect(
        "the re-sent mark moves though Graphite ended the pass",
        PASSES,
        "        resent = [] if ended else list(self._resent.values())\n",
        "        resent = list(self._resent.values())\n",
        "what the receiver lost while it failed is never sent again",
        ARCHIVE,
    ),
    Defect(
        "no probe after the delivery",
        TRANSFER,
        "            self._sink.probe()\n        self._record",
        "        self._record",
        "a receiver that is being stopped closes connections it has not read",
        ARCHIVE,
    ),
    Defect(
        "Graphite is not probed before AWS is asked",
        PASSES,
        "            self._sink.probe()\n",
        "",
        "money is spent on data that can't be delivered",
        ARCHIVE,
    ),
    Defect(
        "a receipt without the receiver's end",
        CARBON,
        "    while not _has_ended(connection):\n        watch.check()\n",
        "    return\n",
        "a receiver that dies loses what lay in the kernel",
        ("tests/edges/test_carbon.py",),
    ),
    Defect(
        "a gap is not recorded",
        TRANSFER,
        "[passage.tracked for passage in changed], gaps, figures)",
        "[passage.tracked for passage in changed], [], figures)",
        "a loss that nobody hears of",
        ARCHIVE,
    ),
    Defect(
        "a coarser window is no gap of resolution",
        TRANSFER,
        "    if not ask.loses or not datapoints.timestamps:\n",
        "    if ask.loses or not datapoints.timestamps:\n",
        "what was archived coarser passes for what was published",
        ARCHIVE,
    ),
    Defect(
        "a gap counts as told before it was printed",
        APP,
        "        report(ran)\n        store.tell(outcome.gaps, int(options.clock()))\n",
        "        store.tell(outcome.gaps, int(options.clock()))\n        report(ran)\n",
        "a death in between hides it",
        ("tests/defects/test_telling.py",),
    ),
    Defect(
        "a gap is told in every run",
        APP,
        "        store.tell(outcome.gaps, int(options.clock()))\n",
        "",
        "news that never ends is no news",
        ("tests/cli/test_run.py",),
    ),
    Defect(
        "exit 0 although a gap is told",
        SUMMARY,
        "    if gaps:\n        return GAPS\n",
        "",
        "cron never hears of a loss",
        ("tests/core/test_summary.py",),
    ),
    Defect(
        "the discovery is not stored with the since of what it met",
        SURVEY,
        "for newcomer, _ in found.newcomers], complete, now, found.changed)",
        "for newcomer, _ in found.newcomers], {}, now, found.changed)",
        "rule b: what is born during an outage loses its first days",
        ARCHIVE,
    ),
    Defect(
        "a failed discovery counts",
        PASSES,
        "        met = {spec.key: cell for spec in here} if complete else {}\n",
        "        met = {spec.key: cell for spec in here}\n",
        "what was on the page that failed is dated as met",
        ARCHIVE,
    ),
    Defect(
        "a failed discovery parks what it does not name",
        PASSES,
        "self._now, elsewhere, complete=complete)",
        "self._now, elsewhere, complete=True)",
        "one lost page and live series rest",
        ("tests/defects/test_parking.py",),
    ),
    Defect(
        "a series rests however long nobody looked",
        PARKING,
        " or tracked.checkpoint.mark < discovered - FORGOTTEN_AFTER + DAY",
        "",
        "what lived and died within a long outage is skipped",
        ("tests/defects/test_parking.py",),
    ),
    Defect(
        "due by elapsed time",
        DUE,
        "now // every - last_pass // every >= slots",
        "(now - last_pass) // every >= slots",
        "cron's jitter skips every other hour",
        ("tests/core/test_due.py",),
    ),
    Defect(
        "a birth during an outage is not looked for",
        DUE,
        "        begin = min(begin, discovered - DAY)\n",
        "        begin = max(begin, discovered - DAY)\n",
        "an instance born while nothing ran loses its first days",
        ("tests/core/test_due.py",),
    ),
    Defect(
        "AWS's clock is not looked at",
        TRANSFER,
        "        self._check_clock(arrived)\n",
        "",
        "a clock that runs ahead archives days that have not been",
        ARCHIVE,
    ),
    Defect(
        "a clock a day behind goes unnoticed",
        PASSES,
        "now >= newest - DAY:",
        "now >= newest - 10_000 * DAY:",
        "a machine that boots in 1970 asks and spends",
        ARCHIVE,
    ),
    Defect(
        "an answer that is cut short is an answer",
        ANSWER,
        "length.strip() != str(len(body)):",
        "not length.strip():",
        "a broken 200 is taken for no data",
        AWS,
    ),
    Defect(
        "the status of a series is not looked at",
        ANSWER,
        '        if self._status != "Complete":\n',
        '        if self._status == "Forbidden":\n',
        "PartialData and InternalError are taken for silence",
        AWS,
    ),
    Defect(
        "a query that was left out is empty",
        ANSWER,
        "        if missing:\n            raise SourceError",
        "        if missing > len(self._gathered):\n            raise SourceError",
        "a series without any answer is taken for silence",
        AWS,
    ),
    Defect(
        "pages may go round in circles",
        ANSWER,
        "        if token in self._met:\n",
        "        if not token:\n",
        "a run that never ends, and pays for every page",
        AWS,
    ),
    Defect(
        "a value that is not finite is sent",
        LINE,
        "or not finite(values):",
        "or not values:",
        "carbon drops it, or the neighbours with it",
        ("tests/core/test_line.py",),
    ),
    Defect(
        "a write is not on disk when it returns",
        "cwarchive/edges/sqlite/file.py",
        "PRAGMA synchronous = full",
        "PRAGMA synchronous = off",
        "a power cut takes marks, or the whole state",
        ("tests/edges/sqlite/test_file.py",),
    ),
)
