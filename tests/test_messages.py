"""What the operator reads in each kind of trouble, word for word: `messages.txt` holds every sentence for review.

Each error is raised by a real situation; `UPDATE_GOLDEN=1 pytest tests/test_messages.py` writes the file anew.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import socket
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import cwarchive
from cwarchive import app
from cwarchive.cli.changing import waiting
from cwarchive.cli.demo import MissingExtra
from cwarchive.cli.voice import Voice
from cwarchive.config import load
from cwarchive.core.batch import Query, Request
from cwarchive.core.checkpoint import advance, first_checkpoint
from cwarchive.core.series import Cell
from cwarchive.core.window import Window
from cwarchive.demo import faults, unsound
from cwarchive.demo.faults import Effect, Fault, Refusal
from cwarchive.edges.aws.cloudwatch import CloudWatch, ambient_region
from cwarchive.edges.carbon import Carbon
from cwarchive.edges.lockfile import StateLock
from cwarchive.edges.sqlite import SqliteStore, create_state, local_file_system
from cwarchive.errors import CwarchiveError
from tests.receivers import Connection
from tests.stage import DAY, NOW, Stage, without

GOLDEN = Path(__file__).with_name("messages.txt")
CELL = Cell("", "us-east-1")

Situation = Callable[[Stage, pytest.MonkeyPatch], object]
"""Something that an operator may meet on this stage; it raises."""


def _said(situation: Situation, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The error's class, and what is told of it without what differs from one machine to the next."""
    folder = tmp_path_factory.mktemp("stage")
    with Stage(folder) as stage, pytest.MonkeyPatch.context() as environment:
        for name, value in stage.environment.items():
            environment.setenv(name, value)
        with pytest.raises(CwarchiveError) as raised:
            situation(stage, environment)
    error = raised.value
    told = str(error).replace(str(folder), "FOLDER")
    told = re.sub(r"(?<=127\.0\.0\.1:)\d+", "PORT", told)
    return type(error).__name__, f"{type(error).__name__} {error.exit_code}\n{told}"


def test_every_error_says_what_is_wrong_and_what_to_do(tmp_path_factory: pytest.TempPathFactory) -> None:
    told = {name: _said(situation, tmp_path_factory) for name, situation in SITUATIONS.items()}

    text = "".join(f"# {name}\n{said}\n\n" for name, (_, said) in told.items())
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()
    assert {kind for kind, _ in told.values()} == {kind.__name__ for kind in _kinds(CwarchiveError)}


def test_no_sentence_leaves_the_operator_without_a_cause_or_with_the_words_of_a_library() -> None:
    for block in GOLDEN.read_text().strip().split("\n\n"):
        _, _, *sentences = block.splitlines()
        assert sentences, block
        assert not re.search(r"Traceback|Errno|<class|botocore|sqlite3\.|None\b|object at 0x", block), block


def test_the_documented_kinds_are_those_that_stand_in_the_golden_file() -> None:
    codes = dict(re.findall(r"^(\w+) (\d+)$", GOLDEN.read_text(), re.MULTILINE))

    assert codes == {kind.__name__: str(kind.exit_code) for kind in _kinds(CwarchiveError)}


def _kinds(kind: type[CwarchiveError]) -> Iterator[type[CwarchiveError]]:
    """Every class of error that the package defines, but the base."""
    for module in pkgutil.walk_packages(cwarchive.__path__, "cwarchive."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for narrower in kind.__subclasses__():
        if narrower.__module__.startswith("cwarchive."):
            yield narrower
            yield from _kinds(narrower)


# Config.


def _config(text: str) -> Situation:
    def situation(stage: Stage, _: pytest.MonkeyPatch) -> object:
        stage.config.write_text(text)
        return load(stage.config, {})

    return situation


def _no_config(stage: Stage, _: pytest.MonkeyPatch) -> object:
    return load(stage.folder / "nowhere.yaml", {})


def _network_file_system(stage: Stage, _: pytest.MonkeyPatch) -> object:
    mounts = stage.folder / "mountinfo"
    mounts.write_text("36 35 98:0 / / rw,noatime shared:1 - nfs4 filer:/export rw\n")
    return local_file_system(stage.state, mounts)


def _no_whisper(stage: Stage, _: pytest.MonkeyPatch) -> object:
    heard = without("whisper", "-m", "cwarchive", "demo", folder=stage.folder)
    assert heard.code == MissingExtra.exit_code
    raise MissingExtra(heard.err.removeprefix("cwarchive: ").rstrip())


# AWS.


def _aws(*effects: Effect, deadline: float = 300.0) -> Situation:
    def situation(stage: Stage, _: pytest.MonkeyPatch) -> object:
        stage.simulation.faults = tuple(Fault(effect) for effect in effects)
        return _asked(stage, deadline)

    return situation


def _without_keys(*missing: str) -> Situation:
    def situation(stage: Stage, environment: pytest.MonkeyPatch) -> object:
        for name in missing:
            environment.delenv(name)
        return _asked(stage)

    return situation


def _with_setting(name: str, value: str) -> Situation:
    def situation(stage: Stage, environment: pytest.MonkeyPatch) -> object:
        environment.setenv(name, value)
        return _asked(stage)

    return situation


def _asked(stage: Stage, deadline: float = 300.0) -> object:
    source = CloudWatch(
        CELL,
        requests_per_second=1_000,
        datapoints_per_second=None,
        threads=1,
        now=lambda: NOW,
        attempts=1,
        deadline=deadline,
    )
    with closing(source.client):
        metric = stage.account.in_cell(CELL)[0]
        return source.fetch(Request(Window(NOW - 3_600, NOW), 60, (Query(metric, "Average"),)))


def _no_region(*_: object) -> object:
    return ambient_region()


# The clock.


def _run(stage: Stage) -> app.Ran:
    return app.run(load(stage.config, {}), {}, app.Options(every_entry=True, clock=lambda: stage.now), lambda _: None)


def _ended(stage: Stage) -> None:
    outcome = _run(stage).outcome
    assert outcome is not None
    assert outcome.ended is not None
    raise outcome.ended


def _clocks_disagree(stage: Stage, _: pytest.MonkeyPatch) -> None:
    stage.simulation.faults = (Fault(faults.WrongDate(400)),)
    _ended(stage)


def _clock_behind_the_archive(stage: Stage, _: pytest.MonkeyPatch) -> None:
    _run(stage)
    stage.now -= 2 * DAY
    _ended(stage)


# Graphite.


def _delivered(stage: Stage, manners: Callable[[Connection], None] | None = None) -> None:
    if manners is None:
        stage.receiver.refuse()
    else:
        stage.receiver.manners = manners
    Carbon("127.0.0.1", stage.receiver.port, timeout=0.5).deliver([b"a.b 1 1790000040\n"])


def _reset(connection: Connection) -> None:
    connection.read_all()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _speak(connection: Connection) -> None:
    connection.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n")
    connection.read_all()


def _stay_open(connection: Connection) -> None:
    connection.read_all()
    connection.stopping.wait(5)


# The state.


def _opened(path: Path) -> None:
    SqliteStore(path, clock=lambda: NOW, patience=0).close()


def _state(content: bytes) -> Situation:
    def situation(stage: Stage, _: pytest.MonkeyPatch) -> None:
        stage.state.write_bytes(content)
        _opened(stage.state)

    return situation


def _state_of_another_program(stage: Stage, _: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(stage.state)) as connection:
        connection.execute("CREATE TABLE letters (sender, text)")
    _opened(stage.state)


def _state_of_the_future(stage: Stage, _: pytest.MonkeyPatch) -> None:
    create_state(stage.state)
    with closing(sqlite3.connect(stage.state)) as connection:
        connection.execute("PRAGMA user_version = 99")
    _opened(stage.state)


def _state_in_use_by_another_program(stage: Stage, _: pytest.MonkeyPatch) -> None:
    create_state(stage.state)
    with closing(sqlite3.connect(stage.state, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = exclusive")
        other.execute("BEGIN EXCLUSIVE")
        _opened(stage.state)


def _state_replaced(stage: Stage, _: pytest.MonkeyPatch) -> None:
    create_state(stage.state)
    with SqliteStore(stage.state, clock=lambda: NOW) as store:
        stage.state.rename(stage.folder / "moved.sqlite")
        create_state(stage.state)
        store.begin("run", NOW)


def _state_lost_but_for_its_log(stage: Stage, _: pytest.MonkeyPatch) -> None:
    (stage.folder / "state.sqlite-wal").write_bytes(b"a log")
    create_state(stage.state)


def _state_expected(stage: Stage, _: pytest.MonkeyPatch) -> None:
    app.run(load(stage.config, {}), {}, app.Options(expect_state=True), lambda _: None)


def _no_state_to_look_at(stage: Stage, _: pytest.MonkeyPatch) -> object:
    return app.standing(load(stage.config, {}), {}, NOW)


def _another_run(stage: Stage, _: pytest.MonkeyPatch) -> None:
    create_state(stage.state)
    with StateLock(stage.state):
        _run(stage)


def _busy(stage: Stage, _: pytest.MonkeyPatch) -> None:
    create_state(stage.state)
    with StateLock(stage.state):
        app.rewind(load(stage.config, {}), {}, "*", NOW, waiting(Voice(), no_wait=True))


SITUATIONS: dict[str, Situation] = {
    "the config is not there": _no_config,
    "the config has two mistakes": _config("metrics:\n  - {namespace: AWS/EC2, statistics: [Avg], period: 90}\n"),
    "the state lies on a network file system": _network_file_system,
    "the demo's libraries are not installed": _no_whisper,
    "no credentials": _without_keys("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "half of the credentials": _without_keys("AWS_SECRET_ACCESS_KEY"),
    "an unknown profile": _with_setting("AWS_PROFILE", "nobody"),
    "no region": _no_region,
    "an unknown key": _aws(Refusal("UnrecognizedClientException", "The security token is invalid", 403)),
    "an expired session": _aws(faults.EXPIRED_TOKEN),
    "a missing permission": _aws(faults.ACCESS_DENIED),
    "encrypted data": _aws(Refusal("AccessDenied", "not authorized to perform: kms:Decrypt", 403)),
    "AWS is out of reach": _with_setting("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    "AWS throttles": _aws(faults.THROTTLED),
    "AWS breaks off": _aws(faults.Reset()),
    "AWS is out of service": _aws(faults.HTML_503),
    "AWS does not come to an end": _aws(faults.Drip(), deadline=1.0),
    "AWS fails": _aws(faults.INTERNAL_FAILURE),
    "an answer that is cut short": _aws(faults.Truncated()),
    "an answer that is garbage": _aws(faults.GARBAGE_200),
    "an answer that is empty": _aws(faults.EMPTY_200),
    "an answer that is a web page": _aws(faults.HTML_200),
    "an answer without a series": _aws(unsound.MissingId()),
    "an answer with a foreign series": _aws(unsound.ExtraId()),
    "pages without end": _aws(unsound.Endless(repeated=True)),
    "a query that AWS rejects": _aws(faults.VALIDATION_ERROR),
    "AWS refuses the time": _aws(Refusal("RequestTimeTooSkewed", "too skewed", 403), faults.WrongDate(1_000)),
    "AWS answers from another time": _clocks_disagree,
    "the clock is behind the archive": _clock_behind_the_archive,
    "another command is at work, and this one was told not to wait": _busy,
    "Graphite does not listen": lambda stage, _: _delivered(stage),
    "Graphite breaks off": lambda stage, _: _delivered(stage, _reset),
    "Graphite is something else": lambda stage, _: _delivered(stage, _speak),
    "Graphite never closes": lambda stage, _: _delivered(stage, _stay_open),
    "an empty state": _state(b""),
    "a state that is text": _state(b"not a database, and nobody's archive\n" * 200),
    "a state of another program": _state_of_another_program,
    "a state of a newer version": _state_of_the_future,
    "a state in use by another program": _state_in_use_by_another_program,
    "a state that is replaced during a run": _state_replaced,
    "a state that is gone but for its log": _state_lost_but_for_its_log,
    "a state that was expected": _state_expected,
    "no state to look at": _no_state_to_look_at,
    "another run at work": _another_run,
    "a mark that would pass what nobody delivered": lambda *_: advance(
        first_checkpoint(NOW - NOW % 3_600), Window(NOW, NOW + 60)
    ),
}
