"""The overnight run: the real window with a source, a model and a recording, watched from outside.

    python -m tests.reliability.soak --minutes 60
    python -m tests.reliability.soak --minutes 60 --company   # and a second source that is served to clients

Prints a line a minute and, at the end, a summary; every sample is kept in out/soak.jsonl. Exits with 1 if memory grew
by more than 5 % from the first to the last quarter, threads, open files, children or shared memory grew at all, the log
became large, or the recording shows lost frames or a falling rate.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import psutil

from rgbd_seg.assets import BUNDLED_MODELS
from rgbd_seg.recording import open_recording
from rgbd_seg.sensors import hotplug
from tests.reliability.soak_company import company
from tests.reliability.window_process import WindowProcess
from tests.virtual_screen import virtual_screen
from tests.waiting import PATIENCE_S, until

GROWTH = 0.05
LOG_BYTES = 1_000_000
SAMPLES = Path("out/soak.jsonl")
# Two views and one, fainter and stronger labels, panels away and back.
_KEYS = ("2", "1", "bracketleft", "bracketright", "h", "h")
_MODELS = len(BUNDLED_MODELS)  # They come first in the menu.
_LOADED = "loaded "  # What the log says of each model.
_SERVED = "synthetic:?seed=5&room=kitchen&size=160x120&fps=10"


def soak(
    folder: Path, minutes: float, source: str, model: str, sample_s: float, warm_s: float, *, served: str = ""
) -> list[str]:
    """Runs the window for so long; prints a summary and returns what was wrong, in sentences.

    Args:
        folder: For settings, recordings and logs.
        minutes: How long after the warm-up.
        source: What the window shows and records.
        model: Its model file, "demo" or "none".
        sample_s: Time between two samples; with `served`, clients come and views change at each of them.
        warm_s: What happens before does not count.
        served: A second source, which another process serves and records; "" for none.
    """
    samples: list[dict[str, float]] = []
    problems: list[str] = []
    swaps = 0
    with virtual_screen() as display, company(folder, served) if served else nullcontext() as guests:
        window = WindowProcess(display, folder, [source, "--model", model])
        try:
            window.wait_until_shown()
            if model != "none":
                until(lambda: _LOADED in window.log(), "the model", 600)
            path = window.start_recording()
            time.sleep(warm_s)
            begin = time.monotonic()
            while (elapsed := time.monotonic() - begin) < minutes * 60:
                time.sleep(min(sample_s, minutes * 60 - elapsed + 0.1))
                if window.process.poll() is not None:
                    problems.append(f"the window ended by itself after {elapsed / 60:.1f} min")
                    break
                try:
                    if guests is not None:
                        guests.visit()
                        for key in _KEYS:
                            window.press(key)
                        _paint(window)
                        if model != "none":
                            swaps += 1
                            _swap(window, swaps)
                    samples.append(window.resources() | (guests.resources() if guests else {}))
                except psutil.NoSuchProcess:  # A child that was just ending.
                    continue
                row = "  ".join(f"{name} {value:.0f}" for name, value in samples[-1].items())
                print(f"{elapsed / 60:6.1f} min  {row}", flush=True)
            window.process.send_signal(signal.SIGTERM)
            window.process.wait(PATIENCE_S)
            second = guests.recording if guests else None
            errors = window.errors().strip()
        finally:
            window.end()
            SAMPLES.parent.mkdir(exist_ok=True)
            SAMPLES.write_text("".join(json.dumps(sample) + "\n" for sample in samples), encoding="utf-8")
    if swaps:
        print(f"model swaps: {swaps}")
    problems += [f"the program wrote: {errors[-500:]}"] if errors else []
    problems += _growth(samples) + _recording(path) + _log(folder / "log")
    return problems + (_recording(second) if second else [])


def _paint(window: WindowProcess) -> None:
    """Into label mode, a stroke over the frozen picture, and out of it again."""
    window.press("e")
    window.stroke((600, 330), (680, 370))
    window.press("e")


def _swap(window: WindowProcess, number: int) -> None:
    """Chooses the other model in the menu, and waits until it runs."""
    before = window.log().count(_LOADED)
    for _ in range(3):  # A press may be lost.
        window.press("alt+m")
        for _ in range(1 + (number - 1) % _MODELS):  # The demo model, which runs first, is the last of them.
            window.press("Down", focus=False)
        window.press("Return", focus=False)
        with suppress(TimeoutError):
            return until(lambda: window.log().count(_LOADED) > before, "the other model", 200)
        window.press("Escape", focus=False)
    raise TimeoutError(f"the other model was not loaded; the window's last words: {window.log()[-2000:]}")


def _growth(samples: list[dict[str, float]]) -> list[str]:
    """Compares the medians of the first and the last quarter: single samples are noisy."""
    quarter = max(len(samples) // 4, 1)
    problems = []
    for name in samples[0] if samples else ():
        first = float(np.median([s[name] for s in samples[:quarter]]))
        last = float(np.median([s[name] for s in samples[-quarter:]]))
        change = f" ({last / first - 1:+.1%})" if first else ""
        print(f"{name}: {first:.0f} in the first quarter, {last:.0f} in the last{change}")
        limit = first * (1 + GROWTH) if name.endswith("memory_mb") else first
        if name == "open_files" and hotplug.usb_devices() is None:
            limit += 3 * hotplug._MOST_LOOKS  # What the libraries leave until a fresh process asks.
        if last > limit:
            problems.append(f"{name} grew from {first:.0f} to {last:.0f}")
    return problems


def _recording(path: Path) -> list[str]:
    with open_recording(path) as reader:
        times_s = reader.times_us / 1e6
        lost = sum(gap.frames for gap in reader.info.gaps)
        warnings = list(reader.info.warnings)
    quarter = times_s[-1] / 4
    first, last = np.sum(times_s <= quarter) / quarter, np.sum(times_s > 3 * quarter) / quarter
    rates = f"{first:.1f} frames a second in the first quarter, {last:.1f} in the last"
    size = path.stat().st_size / 1e6
    print(f"recording: {len(times_s)} frames in {times_s[-1]:.0f} s, {size:.0f} MB; {rates}; {lost} lost")
    problems = warnings + ([f"{lost} frames are missing from the recording"] if lost else [])
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
    parser.add_argument(
        "--company", action="store_true", help="a second source that is served to clients, and key strokes"
    )
    parser.add_argument("--sample", type=float, default=60.0, metavar="SECONDS", help="time between two samples")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        served = _SERVED if args.company else ""
        problems = soak(Path(folder), args.minutes, args.source, args.model, args.sample, warm_s=60.0, served=served)
    print("\n".join(problems) or "nothing grew, nothing was lost")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
