"""Simulated months for many seeds: one line a seed, what is wrong in full, and 1 where anything is."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulator.report import Report
from tests.simulator.simulation import Simulation


def simulated(seed: int, days: int) -> Report:
    """What came of one seed."""
    return Simulation(seed, days).run()


def main() -> int:
    """Run the seeds that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--days", type=int, default=455, help="how many days each")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once")
    asked = parser.parse_args()
    seeds, wrong = range(asked.first, asked.first + asked.seeds), 0
    with ProcessPoolExecutor(asked.jobs) as pool:
        for report in pool.map(partial(simulated, days=asked.days), seeds):
            sys.stdout.write(report.line() + "\n" + "".join(f"{told}\n" for told in report.wrong[:5]))
            sys.stdout.flush()
            wrong += bool(report.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
