"""What goes wrong in one pass, where it strikes, and which exit codes an operator may then see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cwarchive.core.ports import Store
from cwarchive.errors import AccessError, DeliveryError, SourceError, StateError, Unreachable


class Died(BaseException):
    """The process was killed here."""


@dataclass(frozen=True)
class Trouble:
    """One pass's trouble: an error that strikes at a moment, or conditions that last through the pass.

    `moment`, `nth` and `error` say when which error strikes; names are those of metrics, offsets and `slow` (for each
    request) are seconds. `forgets` is how many seconds of what it took the receiver loses after the pass, `stops_after`
    after how many questions the operator stops it. `codes` are the exit codes that follow if the trouble was met.
    """

    kind: str = ""
    codes: frozenset[int] = frozenset({0, 4})
    moment: str = ""
    nth: int = 0
    error: Callable[[], BaseException] = Died
    down: bool = False
    shuts_down: bool = False
    unreachable: bool = False
    refused: str = ""
    unsound: str = ""
    unanswered: str = ""
    barred: str = ""
    date_off: int = 0
    clock_off: int = 0
    slow: int = 0
    forgets: int = 0
    stops_after: int = -1
    usd: float | None = None
    signal: int | None = None


CALM = Trouble()

MOMENTS = (
    *("before begin", "after begin", "before adopt", "after adopt", "before announce", "after announce"),
    *("block", "receipt", "probe", "before record", "after record", "before end", "after end", "before tell"),
    *("request", "answer", "listed", "after tell"),
)
"""Where a process may die: between any two effects of a pass."""


@dataclass
class Weather:
    """The time that it is, and the trouble of the pass under way: `met` at all, and `struck` by it at its moment."""

    time: float = 0
    trouble: Trouble = CALM
    met: bool = False
    struck: bool = False
    reached: Counter[str] = field(default_factory=Counter)

    def begin(self, at: int, trouble: Trouble) -> None:
        """A pass begins."""
        self.time, self.trouble, self.met, self.struck = at, trouble, False, False
        self.reached.clear()

    @property
    def aws_time(self) -> int:
        """The true time in epoch seconds."""
        return int(self.time)

    def local_time(self) -> float:
        """The time that the machine believes it is."""
        return self.time + self.trouble.clock_off

    def passes_time(self, seconds: float) -> None:
        """Whatever is done takes a moment."""
        self.time += 1 + seconds

    def reach(self, moment: str) -> None:
        """Raise what strikes at this moment."""
        count = self.reached[moment]
        self.reached[moment] += 1
        if moment == self.trouble.moment and count == self.trouble.nth:
            self.met = self.struck = True
            raise self.trouble.error()

    def hit(self) -> None:
        """The pass has met its trouble."""
        self.met = True

    def stop(self) -> bool:
        """Whether the operator wants the pass to stop."""
        if self.trouble.stops_after < 0:
            return False
        self.reached["stop"] += 1
        asked = self.reached["stop"] > self.trouble.stops_after
        self.met |= asked
        return asked

    @property
    def codes(self) -> frozenset[int]:
        """The exit codes that the pass may end with."""
        hurt = self.struck if self.trouble.moment else self.met
        return self.trouble.codes if hurt else CALM.codes

    def signal(self) -> int | None:
        """The exit code of the signal that asked for the stop."""
        return self.trouble.signal if self.met else None


class Fragile:
    """A store whose process may die before and after each call."""

    def __init__(self, inner: Store, weather: Weather) -> None:
        self._inner, self._weather = inner, weather

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)

        def guarded(*arguments: Any, **named: Any) -> Any:
            self._weather.reach(f"before {name}")
            result = call(*arguments, **named)
            self._weather.reach(f"after {name}")
            return result

        return guarded if callable(call) else call


def drawn(random: Random, names: list[str]) -> Trouble:
    """One kind of trouble at random; `names` are those of metrics."""
    kind = random.choice(tuple(_KINDS))
    return _KINDS[kind](kind, random, names)


def last_words(random: Random) -> Trouble:
    """What ends the pass before an outage: the machine dies while it delivers or records."""
    moment = random.choice(
        ("after announce", "block", "receipt", "probe", "before record", "after record", "before end")
    )
    return Trouble("died", frozenset(), moment=moment, nth=random.randrange(6), forgets=random.choice((0, 0, 10_000)))


def _dies(kind: str, random: Random, names: list[str]) -> Trouble:
    forgets = random.choice((0, 0, 0, 2, 10_000))  # as where the machine died, and the receiver with it
    moment, nth = random.choice(MOMENTS), random.choice((0, 0, 0, 1, 2, 5))
    return Trouble(kind, frozenset(), moment=moment, nth=nth, forgets=forgets)


def _state_full(kind: str, random: Random, names: list[str]) -> Trouble:
    moment = "before " + random.choice(("begin", "adopt", "announce", "record", "end", "tell"))
    return Trouble(
        kind, frozenset({74}), moment=moment, nth=random.choice((0, 0, 1)), error=lambda: StateError("the disk is full")
    )


def _down(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({75}), down=True)


def _breaks_off(kind: str, random: Random, names: list[str]) -> Trouble:
    nth, forgets = random.randrange(8), random.choice((0, 10_000))
    error = lambda: DeliveryError("reset")  # noqa: E731  as short as what it says
    return Trouble(kind, frozenset({3, 4, 75}), moment="block", nth=nth, error=error, forgets=forgets)


def _shuts_down(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({3, 4, 75}), shuts_down=True, nth=random.randrange(4))


def _forgets(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, forgets=random.choice((1, 2, 5, 10_000)))


def _unreachable(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({75}), unreachable=True)


def _throttled(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(
        kind, frozenset({3, 4, 75}), moment="request", nth=random.randrange(6), error=lambda: Unreachable("throttled")
    )


def _access(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({3, 4, 77}), moment="request", nth=random.randrange(4), error=_denied)


def _barred(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({3, 4, 77}), barred=random.choice(("eu-west-1", "us-east-1")))


def _unsound_once(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, moment="request", nth=random.randrange(6), error=lambda: SourceError("half an answer"))


def _unsound(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({3, 4}), unsound=random.choice(names))


def _refused(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({3, 4}), refused=random.choice(names))


def _unanswered(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({3, 4}), unanswered=random.choice(names))


def _unlisted(kind: str, random: Random, names: list[str]) -> Trouble:
    moment = random.choice(("listed", "last page"))
    error = random.choice((lambda: SourceError("page 2 is missing"), lambda: Unreachable("throttled"), _denied))
    return Trouble(kind, frozenset({3, 4, 75, 77}), moment=moment, nth=random.randrange(2), error=error)


def _wrong_date(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({75}), date_off=random.choice((-1, 1)) * random.choice((400, 7_200, 864_000)))


def _clock_ahead(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({75}), clock_off=random.choice((400, 3_600, 864_000, 25 * 86_400, 5_000_000_000)))


def _clock_behind(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({0, 4, 75}), clock_off=-random.choice((200, 3_600, 30 * 86_400, 1_700_000_000)))


def _slow(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({0, 3, 4}), slow=random.choice((5, 20, 60, 200, 600)))


def _stopped(kind: str, random: Random, names: list[str]) -> Trouble:
    signal = random.choice((None, 130, 143))
    codes = frozenset({0, 3, 4}) if signal is None else frozenset({signal})
    return Trouble(kind, codes, stops_after=random.randrange(12), signal=signal)


def _poor(kind: str, random: Random, names: list[str]) -> Trouble:
    return Trouble(kind, frozenset({0, 3, 4}), usd=random.choice((0.0, 0.00002, 0.00005, 0.0001)))


def _denied() -> AccessError:
    return AccessError("denied")


_KINDS: dict[str, Callable[[str, Random, list[str]], Trouble]] = {
    "died": _dies,
    "died again": _dies,
    "state full": _state_full,
    "down": _down,
    "broke off": _breaks_off,
    "shut down": _shuts_down,
    "forgot": _forgets,
    "unreachable": _unreachable,
    "throttled": _throttled,
    "denied": _access,
    "barred": _barred,
    "unsound once": _unsound_once,
    "unsound": _unsound,
    "refused": _refused,
    "unanswered": _unanswered,
    "unlisted": _unlisted,
    "wrong date": _wrong_date,
    "clock ahead": _clock_ahead,
    "clock behind": _clock_behind,
    "slow": _slow,
    "stopped": _stopped,
    "poor": _poor,
}
