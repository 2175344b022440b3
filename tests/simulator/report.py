"""What came of one simulated archive: figures, the story of its troubles, and whatever is wrong with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from cwarchive.core.retention import DAY
from cwarchive.core.words import instant


@dataclass
class Report:
    """What came of a seed; `wrong` holds sentences, none of which there should be."""

    seed: int
    days: int
    passes: int = 0
    points: int = 0
    duplicates: int = 0
    forgotten: int = 0
    told: int = 0
    in_vain: int = 0
    seconds: float = 0
    troubles: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    story: list[tuple[int, str]] = field(default_factory=list)

    def line(self) -> str:
        """The one line of this seed."""
        met = " ".join(f"{kind}={count}" for kind, count in sorted(self.troubles.items()))
        lost, silent, doubled = (self.kinds[kind] for kind in ("lost", "silent", "doubled"))
        return (
            f"seed {self.seed}: {self.days} days, {self.passes} passes, {self.points} points, "
            f"{sum(self.troubles.values())} troubles ({met}), {self.duplicates} duplicates, {self.told} gaps told, "
            f"{self.forgotten} points forgotten by the receiver, {self.in_vain} published too late for any pass, "
            f"lost={lost} silent={silent} doubled={doubled} "
            f"other={sum(self.kinds.values()) - lost - silent - doubled}, {self.seconds:.1f} s"
        )

    def tell(self, at: int, event: str) -> None:
        """Something happened."""
        self.story.append((at, event))

    def accuse(self, kind: str, at: int, sentence: str) -> None:
        """Something is wrong with `at`; the story of the time around it is told with it."""
        self.kinds[kind] += 1
        around = [
            f"    {instant(when)} {event}" for when, event in sorted(self.story) if -20 * DAY < when - at < 2 * DAY
        ]
        self.wrong.append("\n".join([f"seed {self.seed}: {kind}: {sentence}", *around[-25:]]))
