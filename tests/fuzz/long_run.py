"""The long fuzz run: every target in a process of its own, with limits on time and memory for each input.

    python -m tests.fuzz.long_run --inputs 100000              # so many for each reader
    python -m tests.fuzz.long_run --target mcap bag --seed 5   # those with one of these texts in their names
    python -m tests.fuzz.long_run --coverage --seconds 300     # guided by coverage (needs atheris), 5 minutes each

Crashes, inputs that take over a second of processor time, and inputs over the memory limit are counted and kept under
out/fuzz/
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fuzz.guided import run_guided
from tests.fuzz.mutation import mutations
from tests.fuzz.window_targets import TARGETS

if TYPE_CHECKING:
    from tests.fuzz.targets import Target

SLOW_S = 1.0
HANG_S = 20.0
MEMORY_BYTES = 2 << 30  # On top of what the libraries map when they are loaded.
OUT = Path("out/fuzz")
_CHILD_SHARE = 50  # Readers in a process of their own take so many times longer.


class HangError(BaseException):
    """Raised by the alarm: not an Exception, so that no reader can swallow it."""


def _on_alarm(*_: Any) -> None:
    raise HangError


def _keep(name: str, kind: str, data: bytes) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}-{kind}-{abs(hash(data)):016x}").write_bytes(data)


def _limit_memory() -> None:
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY_BYTES, resource.RLIM_INFINITY))


def run_target(name: str, inputs: int, seed: int, current: Path, report: Any) -> None:
    """Runs one target; the input at hand is kept in `current`, so that a crash leaves it behind."""
    target: Target = TARGETS[name]
    warnings.simplefilter("ignore")
    counts = {"inputs": 0, "crashes": 0, "slow": 0, "hangs": 0, "memory": 0}
    with tempfile.TemporaryDirectory() as folder:
        seeds = target.seeds(Path(folder))
        for good in seeds:
            target.attempt(good, Path(folder))  # Loads the libraries before memory is limited.
        _limit_memory()
        signal.signal(signal.SIGALRM, _on_alarm)
        for data in mutations(seeds, inputs, seed):
            current.write_bytes(data)
            begin = time.process_time()  # The machine may be busy with other things.
            signal.setitimer(signal.ITIMER_REAL, HANG_S)
            kind = ""
            try:
                target.attempt(data, Path(folder))
            except HangError:
                kind = "hangs"
            except MemoryError:
                kind = "memory"
            except Exception as error:
                kind = "crashes"
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            if not kind and time.process_time() - begin > SLOW_S:
                kind = "slow"
            counts["inputs"] += 1
            if kind:
                counts[kind] += 1
                _keep(name, kind, data)
    report.put(counts)


def main() -> int:
    """Runs the targets and prints a table; 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="damaged inputs for each reader")
    parser.add_argument("--target", nargs="+", default=[""], help="only those with one of these texts in their names")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--coverage", action="store_true", help="guided by coverage instead of by chance")
    parser.add_argument("--seconds", type=float, default=0, help="at most so long for each, with --coverage")
    args = parser.parse_args()
    names = [name for name in sorted(TARGETS) if any(part in name for part in args.target)]
    if args.coverage:
        bad = 0
        for name in (name for name in names if not TARGETS[name].in_child):
            counts = run_guided(name, args.inputs, args.seconds, OUT)
            bad += counts["findings"]
            print(f"{name:22} {counts}", flush=True)
        return int(bool(bad))
    context = multiprocessing.get_context("spawn")
    bad = 0
    OUT.mkdir(parents=True, exist_ok=True)
    for name in names:
        share = args.inputs // (_CHILD_SHARE if TARGETS[name].in_child else 1)
        report, current = context.Queue(), OUT / f"{name}-current"
        begin = time.monotonic()
        child = context.Process(target=run_target, args=(name, share, args.seed, current, report))
        child.start()
        child.join()
        if child.exitcode:
            current.rename(OUT / f"{name}-killed-the-process")
            print(f"{name:22} the process died with exit code {child.exitcode}")
            bad += 1
            continue
        counts = report.get()
        current.unlink(missing_ok=True)
        bad += sum(counts[kind] for kind in ("crashes", "slow", "hangs", "memory"))
        print(f"{name:22} {counts}  {time.monotonic() - begin:.0f} s", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
