"""Causes every fault many times and prints a Markdown table: `python -m tests.reliability.long_run --repeat 20`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.reliability.fault import Leaks, Outcome, all_faults


def repeat(name: str, times: int) -> tuple[list[Outcome], list[str]]:
    """Causes one fault again and again; returns the outcomes and what went wrong."""
    outcomes, problems = [], []
    for _ in range(times):
        leaks = Leaks()
        try:
            with tempfile.TemporaryDirectory() as folder:
                outcomes.append(all_faults()[name](Path(folder)))
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")
        found = leaks.found()
        if found:
            problems.append(f"left behind: {found}")
    return outcomes, problems


def row(name: str, outcomes: list[Outcome], problems: list[str]) -> str:
    """One line of the table."""
    lost_s = max((o.lost_s for o in outcomes), default=0.0)
    recovered = sorted(o.recovered_s for o in outcomes if o.recovered_s is not None)
    again = f"{median(recovered):.2f} / {recovered[-1]:.2f}" if recovered else "-"
    return f"| {name} | {len(outcomes)} | {len(problems)} | {lost_s:.2f} | {again} |"


def main() -> int:
    """Prints the table as it grows; 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--only", default="", help="only faults with this in their name")
    args = parser.parse_args()
    print("| fault | survived | problems | most that was lost, s | frames again after, s (median / longest) |")
    print("|---|---|---|---|---|", flush=True)
    begin, bad = time.monotonic(), 0
    for name in sorted(all_faults()):
        if args.only in name:
            outcomes, problems = repeat(name, args.repeat)
            print(row(name, outcomes, problems), flush=True)
            bad += len(problems) + sum(o.lost_s >= 1.0 for o in outcomes)
            for problem in problems:
                print(f"{name}: {problem}", file=sys.stderr)
    print(f"\n{time.monotonic() - begin:.0f} s", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
