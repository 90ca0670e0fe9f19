"""The overnight run: the real window with a source, a model and a recording, watched from outside.

    python -m tests.reliability.soak --minutes 60

Prints a line a minute and, at the end, what grew; exits with 1 if memory grew by more than 5 %, threads, files or
shared memory grew at all, or the recording shows lost frames or a falling rate.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from rgbd_seg.recording import open_recording
from tests.reliability.window_process import WindowProcess, virtual_screen

GROWTH = 0.05
LOG_BYTES = 1_000_000


def soak(folder: Path, minutes: float, source: str, model: str, sample_s: float, warm_s: float) -> list[str]:
    """Runs the window for so long; returns what was wrong, in sentences."""
    samples = []
    with virtual_screen() as display:
        window = WindowProcess(display, folder, [source, "--model", model])
        try:
            window.wait_until_shown()
            path = window.start_recording()
            time.sleep(warm_s)
            begin = time.monotonic()
            while (elapsed := time.monotonic() - begin) < minutes * 60:
                time.sleep(min(sample_s, minutes * 60 - elapsed + 0.1))
                samples.append(window.resources())
                row = "  ".join(f"{name} {value:.0f}" for name, value in samples[-1].items())
                print(f"{elapsed / 60:6.1f} min  {row}", flush=True)
            window.process.send_signal(signal.SIGTERM)
            window.process.wait(60)
            errors = window.errors()
        finally:
            window.end()
    problems = [f"the program wrote: {errors.strip()[-500:]}"] if errors.strip() else []
    return problems + _growth(samples) + _recording(path) + _log(folder / "log")


def _growth(samples: list[dict[str, float]]) -> list[str]:
    """Compares the first and the last third: single samples are noisy."""
    third = max(len(samples) // 3, 1)
    problems = []
    for name in samples[0]:
        first = float(np.median([s[name] for s in samples[:third]]))
        last = float(np.median([s[name] for s in samples[-third:]]))
        limit = first * (1 + GROWTH) if name == "memory_mb" else first
        if last > limit:
            problems.append(f"{name} grew from {first:.0f} to {last:.0f}")
    return problems


def _recording(path: Path) -> list[str]:
    with open_recording(path) as reader:
        times_s = reader.times_us / 1e6
        indices_lost = sum(gap.frames for gap in reader.info.gaps)
        warnings = list(reader.info.warnings)
    half = times_s[-1] / 2
    first, last = (np.sum(times_s <= half) / half, np.sum(times_s > half) / half)
    rates = f"{first:.1f} then {last:.1f} fps"
    print(f"recording: {len(times_s)} frames in {times_s[-1]:.0f} s, {rates}, {indices_lost} lost")
    problems = warnings + ([f"{indices_lost} frames are missing from the recording"] if indices_lost else [])
    return problems + ([f"the rate fell: {rates}"] if last < 0.8 * first else [])


def _log(folder: Path) -> list[str]:
    size = sum(p.stat().st_size for p in folder.glob("*"))
    print(f"log: {size} bytes")
    return [f"the log has {size} bytes"] if size > LOG_BYTES else []


def main() -> int:
    """Runs the soak; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--source", default="synthetic:?seed=4&room=living&size=320x240&fps=15")
    parser.add_argument("--model", default="demo")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        problems = soak(Path(folder), args.minutes, args.source, args.model, sample_s=60.0, warm_s=60.0)
    print("\n".join(problems) or "nothing grew, nothing was lost")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
