"""Hands one reader to atheris (libFuzzer), which looks for inputs that reach new code: `long_run --coverage`.

A process of its own, because libFuzzer ends the process that it runs in, and because the program's modules are
instrumented while they are imported.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

SLOW_S, HANG_S, MEMORY_MB, LARGEST_INPUT = 1, 20, 4000, 200_000
_STATISTIC = re.compile(r"^stat::(\w+):\s+(\d+)$", re.MULTILINE)
_REACHED = re.compile(r"cov: (\d+)")


def run_guided(name: str, inputs: int, seconds: float, out: Path) -> dict[str, int]:
    """Runs one target in a child process until it is done or something is found, and counts.

    Args:
        name: The target.
        inputs: How many.
        seconds: After how long it ends in any case, 0 for never.
        out: Keeps the corpus, so that a later run goes on from it, and what was found.

    Returns:
        "inputs", "new" (inputs that reached new code), "edges" (places in the code that were reached),
        "slowest_s" and "findings" (0 or 1).
    """
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(out), str(inputs), str(int(seconds))]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    (out / f"{name}.log").write_text(done.stdout)
    statistics = {key: int(value) for key, value in _STATISTIC.findall(done.stdout)}
    return {
        "inputs": statistics.get("number_of_executed_units", 0),
        "new": statistics.get("new_units_added", 0),
        "edges": max(map(int, _REACHED.findall(done.stdout)), default=0),
        "slowest_s": statistics.get("slowest_unit_time_sec", 0),
        "findings": int(done.returncode != 0 or "number_of_executed_units" not in statistics),
    }


def main() -> None:
    """The child: instruments, fuzzes, and is ended by libFuzzer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("out", type=Path)
    parser.add_argument("inputs", type=int)
    parser.add_argument("seconds", type=int)
    args = parser.parse_args()
    import atheris

    with atheris.instrument_imports(include=["rgbd_seg", "training", "mcap"]):
        from tests.fuzz.window_targets import TARGETS

        target = TARGETS[args.name]
        warnings.simplefilter("ignore")
        folder = Path(tempfile.mkdtemp())
        corpus = args.out / f"corpus-{args.name}"
        corpus.mkdir(exist_ok=True)
        for number, seed in enumerate(target.seeds(folder)):
            target.attempt(seed, folder)
            (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-timeout={HANG_S}", f"-rss_limit_mb={MEMORY_MB}", f"-max_len={LARGEST_INPUT}"]
    output = [f"-artifact_prefix={args.out}/{args.name}-", "-print_final_stats=1", f"-report_slow_units={SLOW_S}"]
    amount = [f"-runs={args.inputs}", f"-max_total_time={args.seconds}"]
    arguments = [sys.argv[0], str(corpus), *amount, *limits, *output]
    atheris.Setup(arguments, lambda data: target.attempt(data, folder))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
