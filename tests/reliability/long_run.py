"""Causes every fault many times and prints a Markdown table: `python -m tests.reliability.long_run --repeat 20`.

Each time is written to out/faults.jsonl at once, so that an interrupted run goes on where it was:

    python -m tests.reliability.long_run --repeat 20 --only camera disk    # a part of the faults
    python -m tests.reliability.long_run --repeat 0                   # only the table of what was done so far
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from tests.reliability.fault import Leaks, all_faults

RESULTS = Path("out/faults.jsonl")
HEAD = """| fault | times | survived | most lost, s | frames again after, s (median / longest) | what the user reads |
|---|---|---|---|---|---|"""


def cause(name: str) -> dict[str, Any]:
    """Causes one fault once; what came of it, with `problem` empty if it was survived and left nothing behind."""
    leaks, begin = Leaks(), time.monotonic()
    result: dict[str, Any] = {"fault": name, "problem": "", "load": round(os.getloadavg()[0], 1)}
    try:
        with tempfile.TemporaryDirectory() as folder:
            outcome = all_faults()[name](Path(folder))
        result |= asdict(outcome) | {"seen": outcome.seen.replace(folder, "")}
        if outcome.lost_s >= 1.0:
            result["problem"] = f"{outcome.lost_s:.2f} s were lost"
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        result["problem"] = f"{type(error).__name__} at {Path(at.filename).name}:{at.lineno}: {error}"
    if left := leaks.found():
        result["problem"] += f" left behind: {left}"
    return result | {"took_s": round(time.monotonic() - begin, 1)}


def row(name: str, results: list[dict[str, Any]]) -> str:
    """One line of the table."""
    survived = [r for r in results if not r["problem"]]
    lost_s = max((r["lost_s"] for r in survived), default=0.0)
    recovered = [r["recovered_s"] for r in survived if r["recovered_s"] is not None]
    again = f"{median(recovered):.2f} / {max(recovered):.2f}" if recovered else "-"
    seen = Counter(r["seen"].splitlines()[0] if r["seen"] else "" for r in survived).most_common(1)
    return f"| {name} | {len(results)} | {len(survived)} | {lost_s:.2f} | {again} | {seen[0][0] if seen else ''} |"


def results_so_far() -> dict[str, list[dict[str, Any]]]:
    """What earlier runs wrote, by fault."""
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in sorted(all_faults())}
    for line in RESULTS.read_text().splitlines() if RESULTS.exists() else ():
        result = json.loads(line)
        results.get(result["fault"], []).append(result)
    return results


def main() -> int:
    """Causes what is missing and prints the table; 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=20, help="how often each fault is caused, earlier runs included")
    parser.add_argument("--only", nargs="+", default=[""], help="only faults with one of these texts in their names")
    args = parser.parse_args()
    # A shell's background job ignores Ctrl-C and hands that down; the programs that are hurt here must not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    RESULTS.parent.mkdir(exist_ok=True)
    results = {k: v for k, v in results_so_far().items() if any(part in k for part in args.only)}
    with tempfile.TemporaryDirectory() as logs, RESULTS.open("a") as file:
        os.environ.setdefault("RGBD_SEG_LOG_DIR", logs)
        for name in results:
            while len(results[name]) < args.repeat:
                results[name].append(cause(name))
                print(json.dumps(results[name][-1]), file=file, flush=True)
                if problem := results[name][-1]["problem"]:
                    print(f"{name}: {problem}", file=sys.stderr, flush=True)
    print("\n".join([HEAD, *(row(name, done) for name, done in results.items() if done)]))
    return int(any(result["problem"] for done in results.values() for result in done))


if __name__ == "__main__":
    sys.exit(main())
