"""All that a GPU is to be asked for, in one command of about fifteen minutes: `make gpu`.

    python -m tests.gpu.first_contact              # on a machine with an NVIDIA GPU
    python -m tests.gpu.first_contact --rehearse   # the same steps on the processor, small

Each step's output goes to out/gpu/, whatever becomes of the others; the summary says what failed and which goals were
reached. Nothing but the GPU's driver and `make test`'s set-up is needed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

FOLDER = Path("out/gpu")
# A rehearsal may run beside other work; a device is lent for minutes.
REHEARSAL_TAKES = 10
SIZES, BATCH = ("256x320", "480x640"), 8
#: The published network at 480x640 in half precision.
NETWORK_MS, WHOLE_MS, FRAMES_A_SECOND = 2.0, 2.6, 400.0


def commands(rehearse: bool) -> dict[str, tuple[list[str], float]]:
    """Name -> command and its time limit in seconds."""
    python, device = sys.executable, "cpu" if rehearse else "cuda"
    bench = [python, "-m", "rgbd_seg", "bench", "inference", "--backend", "torch", "--device", device]
    models = ["--model", "random-lite"] if rehearse else ["--model", "random-r50", "--model", "demo"]
    sizes = ["--size", "64x96"] if rehearse else [part for size in SIZES for part in ("--size", size)]
    precisions = ("float32", "bfloat16") if rehearse else ("float32", "bfloat16", "float16")
    times = (
        ["--frames", "1", "--rounds", "2", "--batch", "2"] if rehearse else ["--rounds", "100", "--batch", str(BATCH)]
    )
    bench += [*models, *sizes, *(part for name in precisions for part in ("--precision", name)), *times]
    return {
        "machine": ([python, "-m", "rgbd_seg", "doctor"], 120),
        "suite": (
            [
                python,
                "-m",
                "pytest",
                "-q",
                "-rA",
                "--timeout",
                "3000" if rehearse else "300",
                "tests/gpu",
                "tests/inference/torch",
            ],
            420,
        ),
        "bench": ([*bench, "--format", "json"], 600),
    }


def run(name: str, command: list[str], limit_s: float, environment: dict[str, str]) -> str:
    """Runs one step; returns what went wrong, "" if nothing did."""
    began = time.monotonic()
    print(f"{name}: {' '.join(command[1:])}", flush=True)
    with (FOLDER / f"{name}.txt").open("w") as out, (FOLDER / f"{name}.err.txt").open("w") as errors:
        try:
            code = subprocess.run(command, stdout=out, stderr=errors, timeout=limit_s, check=False, env=environment)
        except subprocess.TimeoutExpired:
            return f"it was not ready after {limit_s:g} s"
    print(f"{name}: {time.monotonic() - began:.0f} s, code {code.returncode}", flush=True)
    return "" if code.returncode == 0 else f"it ended with {code.returncode}: see {FOLDER / name}.txt and .err.txt"


def goals(rows: list[dict[str, Any]]) -> list[str]:
    """Every way in one line, and whether the published network reaches its goals."""
    said = []
    for row in rows:
        upload, network, download = (float(part) for part in row["stages"].split(" + "))
        said.append(
            f"{row['model']} {row['size']} {row['backend']} {row['precision']}: {upload:.2f} + {network:.2f} + "
            f"{download:.2f} = {row['median_ms']:.2f} ms, {row['fps']:.0f} fps, {row.get('batch_fps') or 0:.0f} in "
            f"batches, {row.get('gpu_memory_mib') or 0:.0f} MiB on the GPU, {row['equal_percent']:.2f} % equal"
        )
        if (row["model"], row["size"], row["precision"]) == ("random-r50", SIZES[1], "float16"):
            fastest = max(row["fps"], row.get("batch_fps") or 0.0)
            for what, got, goal, reached in (
                ("the network", network, f"at most {NETWORK_MS} ms", network <= NETWORK_MS),
                ("bytes to labels", row["median_ms"], f"at most {WHOLE_MS} ms", row["median_ms"] <= WHOLE_MS),
                ("throughput", fastest, f"at least {FRAMES_A_SECOND:g} a second", fastest >= FRAMES_A_SECOND),
            ):
                said.append(f"  goal: {what} {got:.2f}, {goal}: {'reached' if reached else 'MISSED'}")
    return said


def main() -> int:
    """Runs all steps; 1 if one failed. A missed goal is a figure, not a failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rehearse", action="store_true", help="on the processor, small: only to see that it runs")
    args = parser.parse_args()
    import torch

    if not args.rehearse and not torch.cuda.is_available():
        print("PyTorch sees no NVIDIA GPU here; --rehearse runs the same steps on the processor")
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"RGBD_SEG_GPU": "cpu" if args.rehearse else "cuda", "QT_QPA_PLATFORM": "offscreen"}
    problems = {}
    for name, (command, limit_s) in commands(args.rehearse).items():
        if problem := run(name, command, limit_s * (REHEARSAL_TAKES if args.rehearse else 1), environment):
            problems[name] = problem
    summary = [] if args.rehearse else [torch.cuda.get_device_name(), f"PyTorch {torch.__version__}"]
    if "bench" not in problems:
        summary += goals(json.loads((FOLDER / "bench.txt").read_text())["rows"])
    summary += [f"FAILED {name}: {problem}" for name, problem in problems.items()]
    text = "\n".join(summary)
    (FOLDER / "summary.txt").write_text(text + "\n")
    print(text)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
