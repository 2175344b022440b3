"""What the program says in each kind of trouble, by section of the page that explains it.

Every sentence comes out of the function that makes it; only what differs from one machine to the next (folders, ports,
users, process ids) is put as the page has it.
"""

from __future__ import annotations

import io
import re
import socket
import sqlite3
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from botocore import exceptions as botocore

from cwarchive import __version__, app
from cwarchive.archive.fetch import Fetched
from cwarchive.archive.passes import clock_behind
from cwarchive.archive.transfer import Conduct, Purse, Transfer
from cwarchive.cli.boundary import BUG, USAGE, guarded
from cwarchive.cli.run import run
from cwarchive.cli.status import _lines as status_lines
from cwarchive.cli.voice import Setting
from cwarchive.config import load
from cwarchive.core.batch import Query, Request
from cwarchive.core.checkpoint import Gap
from cwarchive.core.conditions import WEEK, Condition, telling
from cwarchive.core.ports import Figures, Newcomer
from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.series import Cell, Metric, Series
from cwarchive.core.spec import MetricSpec
from cwarchive.core.standing import RunRecord, StateSummary
from cwarchive.core.status import status
from cwarchive.core.summary import Tally, exit_code
from cwarchive.core.telling import conditions, first_run
from cwarchive.core.window import Window
from cwarchive.edges.aws.answer import RESULTS, Merge, document
from cwarchive.edges.aws.translation import NO_REGION, translated
from cwarchive.edges.carbon import CONNECT, Address, Carbon
from cwarchive.edges.lockfile import StateLock
from cwarchive.edges.sqlite import SqliteStore, create_state, local_file_system
from cwarchive.edges.sqlite.failures import missing
from cwarchive.edges.sqlite.failures import translated as told_by_sqlite
from cwarchive.errors import AccessError, ClockError, ConfigError, CwarchiveError, LockHeld
from tests.builders import a_metric, a_spec
from tests.edges.sqlite.example import files_of_at_most, unprivileged
from tests.edges.test_carbon import (
    BLOCK,
    LARGE,
    SMALL_BUFFER,
    answers,
    at,
    closed_port,
    full_backlog,
    hung,
    never_closes,
)
from tests.memory_store import MemoryStore
from tests.receivers import Connection, LineServer, Manners

NOW = 1_795_395_600
"""2026-11-23 01:00:00 UTC."""

HERE, THERE = Cell("", "us-east-1"), Cell("", "eu-west-1")
HOST, ENDPOINT = "graphite.example.com", "https://monitoring.us-east-1.amazonaws.com"
STATE, CONFIG = Path("/var/lib/cwarchive/state.sqlite"), "/etc/cwarchive/cwarchive.yaml"
DAILY, WEEKLY, EACH_RUN, ONCE = "daily", "weekly", "in every run", "once"


class Said(NamedTuple):
    """A line of the program, the exit code that goes with it (None: it has none), and how often it is told."""

    line: str
    code: int | None
    again: str = EACH_RUN


def everything_said() -> dict[str, list[Said]]:
    """The lines by section; "" is what stands before the first."""
    return {"": [*_lasting(_undelivered_to(closed_port))], **_of_graphite(), **_of_aws(), **_of_the_rest()}


# What a pass tells.


def _conditions(
    *tallies: Tally,
    gaps: Sequence[Gap] = (),
    unmatched: Sequence[MetricSpec] = (),
    ended: Any = None,
    code: int | None = None,
) -> list[Said]:
    found = exit_code(tallies, ended, gaps=bool(gaps)) if code is None else code
    told = conditions(tallies, gaps, unmatched, ended)
    return [Said(_line(one.sentence), found, WEEKLY if one.every == WEEK else DAILY) for one in told]


def _waiting(error: CwarchiveError, series: int = 1, cell: Cell = HERE) -> list[Said]:
    return _conditions(Tally(cell, answered=9, failures=Counter({str(error): series})))


def _unlisted(error: Any, cell: Cell = HERE, *others: Tally) -> list[Said]:
    return _conditions(*others, Tally(cell, unlisted=error))


def _lasting(error: CwarchiveError) -> Iterator[Said]:
    """What is said of a trouble a day after it began, and once it is over."""
    present = [Condition("ended:DeliveryError", str(error))]
    began = {known.key: known for known in telling({}, present, NOW).remembered}
    for now, found in ((NOW + DAY, present), (NOW + DAY + 4_200, [])):
        ((_, sentence),) = telling(began, found, now).sentences
        yield Said(_line(sentence), None, DAILY)


def _gaps() -> Iterator[Said]:
    begin = NOW - 22 * DAY - HOUR
    once, forgotten = Window(begin, begin + HOUR), Window(begin + HOUR, begin + HOUR + 7 * DAY)
    for kind, window in (("unverified", once), ("resolution", forgotten), ("lost", forgotten)):
        yield from _conditions(gaps=[Gap(number, window, kind) for number in range(120)])


# Graphite, behind real sockets.


def _of_graphite() -> dict[str, list[Said]]:
    began = Tally(HERE, answered=9)
    return {
        "Graphite is down": [
            *_conditions(ended=_undelivered_to(closed_port)),
            *_conditions(ended=_undelivered(_unknown_name)),
        ],
        "Graphite fails in the middle of a pass": [
            *_conditions(began, ended=_undelivered_by(_resets)),
            *_conditions(began, ended=_undelivered_by(_ends_its_side, BLOCK * 10, buffer=SMALL_BUFFER)),
        ],
        "Graphite hangs or is slow": [
            *_conditions(ended=_undelivered_by(hung, LARGE, buffer=SMALL_BUFFER)),
            *_conditions(ended=_undelivered_by(never_closes)),
            *_conditions(ended=_undelivered_to(full_backlog)),
        ],
        "The port is wrong": _conditions(
            ended=_undelivered_by(answers(b"HTTP/1.1 400 Bad Request\r\n", after=10), port=80)
        ),
    }


def _undelivered(
    resolve: Callable[[str, int], list[Address]], block: bytes = BLOCK, *, port: int = 2003
) -> CwarchiveError:
    error = _raised(lambda: Carbon(HOST, port, timeout=0.2, resolve=resolve).deliver([block]))
    patience = CONNECT if "no connection" in str(error) else 30
    return type(error)(str(error).replace("0.2 s", f"{patience:g} s"))


def _undelivered_to(server: Any) -> CwarchiveError:
    with server() as port:
        return _undelivered(at(port))


def _undelivered_by(
    manners: Manners, block: bytes = BLOCK, *, port: int = 2003, buffer: int | None = None
) -> CwarchiveError:
    with LineServer(manners, buffer=buffer) as server:
        return _undelivered(at(server.port), block, port=port)


def _unknown_name(_host: str, _port: int) -> list[Address]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _resets(connection: Connection) -> None:
    connection.read_all()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _ends_its_side(connection: Connection) -> None:
    connection.sock.shutdown(socket.SHUT_WR)
    hung(connection)


# AWS.


def _of_aws() -> dict[str, list[Said]]:
    denied = "AccessDenied"
    return {
        "AWS is out of reach, or throttles": [
            *_unlisted(_aws(botocore.EndpointConnectionError(endpoint_url=ENDPOINT))),
            *_waiting(_aws(_refusal("Throttling", RetryAttempts=7)), 120),
        ],
        "An answer is cut short or makes no sense": [
            *_waiting(_raised(lambda: document({"content-length": "1662"}, b" " * 831, RESULTS))),
            *_waiting(_raised(lambda: Merge(_a_request()).columns())),
        ],
        "CloudWatch refuses one metric": _waiting(
            _aws(_refusal("ValidationError", "The value p101 for parameter Stat is not valid"))
        ),
        "Credentials are missing or have expired": [
            *_unlisted(_aws(botocore.NoCredentialsError())),
            *_unlisted(_aws(_refusal("ExpiredToken"))),
            *_conditions(ended=AccessError(NO_REGION), code=AccessError.exit_code),
        ],
        "One region is denied": [
            *_unlisted(_aws(_refusal(denied, of="ListMetrics"), THERE, "ListMetrics"), THERE, Tally(HERE, answered=9)),
            *_waiting(_aws(_refusal(denied), THERE), 120, THERE),
        ],
        "A path or prefix is renamed": [
            Said(_line(one.sentence), 0, ONCE)
            for one in conditions([Tally(HERE, renamed=["elsewhere.us-east-1.AWS.SQS.Sum"] * 2)], (), (), None)
        ],
        "The clock is wrong": [
            *_conditions(ended=_raised(lambda: _checked_clock(NOW + 400))),
            *_conditions(ended=_aws(_refusal("RequestTimeTooSkewed", date="Mon, 23 Nov 2026 01:16:40 GMT"))),
            *_conditions(ended=_set_back()),
        ],
    }


def _aws(error: Exception, cell: Cell = HERE, operation: str = "GetMetricData") -> CwarchiveError:
    return translated(error, f"cloudwatch:{operation}", cell, float(NOW))


def _refusal(
    code: str, message: str = "", *, of: str = "GetMetricData", date: str = "", **metadata: int
) -> botocore.ClientError:
    about = {"HTTPStatusCode": 400, "HTTPHeaders": {"date": date}, **metadata}
    details: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": about}
    return botocore.ClientError(details, of)


def _a_request() -> Request:
    return Request(Window(NOW, NOW + HOUR), 60, (Query(a_metric(), "Average"),))


def _checked_clock(here: int) -> None:
    conduct = Conduct(1, 500, lambda: here, lambda: False, lambda: None, lambda *_: None)
    nobody: Any = None
    Transfer(nobody, nobody, nobody, 1, Tally(HERE), conduct, Purse())._check_clock([Fetched(skews=[here - NOW])])


# The process, its state and its config, in a folder that everybody may look into.


def _of_the_rest() -> dict[str, list[Said]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        return {**_of_the_process(folder), **_of_the_state(folder), **_of_the_config(folder)}


def _of_the_process(folder: Path) -> dict[str, list[Said]]:
    return {
        "It is killed, or the power fails": [Said(_of_a_killed_run(), None, ONCE)],
        "Two runs at once": [_told(lambda: _locked_twice(_state(folder, "locked")), again=ONCE)],
        "A run hangs": [Said(_line(_stuck(_state(folder, "stuck"))), LockHeld.exit_code)],
        "A bug": [Said(_of_a_bug(), BUG)],
    }


def _of_a_killed_run() -> str:
    killed = RunRecord(1, "run", 4242, "archive-1", NOW, NOW + 60, NOW + 60, None, Figures(datapoints=8_664))
    return list(status_lines(status(StateSummary((), (), (killed,), 0), [], NOW + HOUR)))[-1]


def _locked_twice(path: Path) -> None:
    with StateLock(path), StateLock(path):
        pass


def _stuck(path: Path) -> str:
    with SqliteStore(path, clock=lambda: NOW - 1_200) as store:
        store.record(store.begin("run", NOW - 5_400), [], [], Figures())
    told = app.stuck_holder(load(_config(path), {}), {}, app.Options(clock=lambda: NOW)) or ""
    return re.sub(r"pid \d+ on \S+,", "pid 4242 on archive-1,", told)


def _of_a_bug() -> str:
    told = io.StringIO()
    with redirect_stderr(told):
        guarded(lambda: dict[str, str]()["Namespace"], Setting())
    return told.getvalue().splitlines()[-1].replace(__version__, "0.1.0")


def _of_the_state(folder: Path) -> dict[str, list[Said]]:
    return {
        "The disk is full": [
            _told(lambda: _write_beyond_the_limit(_state(folder, "limited"))),
            _told(lambda: _write_where_nothing_fits(_state(folder, "full"))),
        ],
        "The state is damaged, empty or foreign": [
            _told(lambda: _open(_state(folder, "empty", b""))),
            _told(lambda: _open(_state(folder, "foreign", b"not a database, and nobody's archive\n" * 200))),
        ],
        "The state is newer than the program": [_told(lambda: _open_newer(_state(folder, "newer")))],
        "The state belongs to another user": [
            _told(lambda: _lock_as_nobody(_state(folder, "closed"))),
            _told(lambda: _write_to_read_only(_state(folder, "read-only"))),
        ],
        "The state is on a network file system": [_told(lambda: local_file_system(STATE, _mounts(folder)))],
        "The state is lost": [
            Said(_line(first_run(str(STATE), NOW - DAY)), 0, ONCE),
            Said(_line(missing(STATE)), missing(STATE).exit_code, ONCE),
            _told(lambda: _run_expecting(_place(folder, "missing"))),
            _told(lambda: _begin_beside_a_log(_place(folder, "log"))),
            _told(lambda: _replace_in_use(_state(folder, "used")), again=ONCE),
        ],
        "An outage of more than 15, 63 or 455 days": list(_gaps()),
    }


def _write_beyond_the_limit(path: Path) -> None:
    limit = files_of_at_most(path.stat().st_size)
    with closing(sqlite3.connect(path)) as connection, limit, told_by_sqlite(path):
        connection.execute("CREATE TABLE more AS SELECT randomblob(90000)")


def _write_where_nothing_fits(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, told_by_sqlite(path):
        connection.execute("PRAGMA max_page_count = 1")
        connection.execute("CREATE TABLE more AS SELECT randomblob(90000)")


def _open(path: Path) -> None:
    SqliteStore(path, clock=lambda: NOW, patience=0).close()


def _open_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    _open(path)


def _lock_as_nobody(path: Path) -> None:
    path.chmod(0o000)
    with unprivileged():
        StateLock(path).acquire()


def _write_to_read_only(path: Path) -> None:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection, told_by_sqlite(path):
        connection.execute("CREATE TABLE more (x)")


def _mounts(folder: Path) -> Path:
    mounts = folder / "mountinfo"
    mounts.write_text("36 35 98:0 / / rw,noatime shared:1 - nfs4 filer:/export rw\n")
    return mounts


def _run_expecting(path: Path) -> None:
    app.run(load(_config(path), {}), {}, app.Options(expect_state=True), lambda _: None)


def _begin_beside_a_log(path: Path) -> None:
    path.with_name(f"{path.name}-wal").write_bytes(b"a log")
    create_state(path)


def _replace_in_use(path: Path) -> None:
    with SqliteStore(path, clock=lambda: NOW) as store:
        path.rename(path.with_name("moved.sqlite"))
        create_state(path)
        store.begin("run", NOW)


def _of_the_config(folder: Path) -> dict[str, list[Said]]:
    entry = "  - {namespace: AWS/EC2, metrics: [CPUUtilization]"
    return {
        "The config or the command line has a mistake": [
            *_mistakes(folder, "metrics:\n  - {namespace: AWS/EC2, statistics: [Avg]}\n"),
            *_mistakes(folder)[:1],
            Said(_usage("--expect-sate"), USAGE, ONCE),
        ],
        "Two entries select one series": _mistakes(folder, f"metrics:\n{entry}}}\n{entry}, period: 5m}}\n")[:1],
        "A run is cut short by a limit": _conditions(Tally(HERE, answered=9, late=40)),
        "There are more series than the limit": _conditions(
            Tally(HERE, answered=9, crowded=Counter({"metrics[0]": 2_000, "metrics[2]": 400}))
        ),
        "An entry matches nothing": _conditions(unmatched=[a_spec("cpuutilization", label="metrics[1]")]),
    }


def _mistakes(folder: Path, text: str | None = None) -> list[Said]:
    """What is told of a config with this text, or of one that is not there."""
    path = folder / ("missing.yaml" if text is None else "cwarchive.yaml")
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load(path, {})
    return [Said(line.replace(str(path), CONFIG), ConfigError.exit_code) for line in raised.value.lines()]


def _usage(option: str) -> str:
    with pytest.raises(click.UsageError) as raised:
        run.make_context("run", [option])
    return f"Error: {raised.value.format_message()}"


# Places and lines.


def _place(folder: Path, name: str) -> Path:
    """Where a state of its own may be."""
    place = folder / name
    place.mkdir(mode=0o755)
    return place / STATE.name


def _state(folder: Path, name: str, content: bytes | None = None) -> Path:
    """A state with this content; whole, and without a series, where none is given."""
    path = _place(folder, name)
    if content is None:
        create_state(path)
    else:
        path.write_bytes(content)
    return path


def _config(state: Path) -> Path:
    path = state.with_name("cwarchive.yaml")
    path.write_text(f"state: {state}\nmetrics: [{{namespace: AWS/EC2}}]\n")
    return path


def _set_back() -> ClockError:
    store = MemoryStore()
    store.adopt([Newcomer(Series(Metric(HERE, "N", "m", ()), "Sum", 60, "a.b"), NOW)], {}, NOW)
    behind = clock_behind(store, NOW - 2 * DAY)
    assert behind is not None
    return behind


def _raised(situation: Callable[[], object]) -> CwarchiveError:
    with pytest.raises(CwarchiveError) as raised:
        situation()
    return raised.value


def _told(situation: Callable[[], object], again: str = EACH_RUN) -> Said:
    error = _raised(situation)
    return Said(_line(error), error.exit_code, again)


def _line(sentence: object) -> str:
    """The line on stderr, with the page's names in place of this machine's."""
    named = re.sub(rf"\S+/{STATE.name}(?!-)", str(STATE), str(sentence))
    named = re.sub(r"known here: \d+", "known here: 1", named)
    named = re.sub(r"belongs to [^,]+", "belongs to root", named)
    return "cwarchive: " + re.sub(r"runs as \S+", "runs as cwarchive", named)
