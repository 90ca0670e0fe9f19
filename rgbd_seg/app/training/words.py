"""How a run is getting on, in words for the panel. No Qt."""

from __future__ import annotations

import time

from rgbd_seg.app.training.curves import Curves
from rgbd_seg.app.training.run_folder import RunFolder, RunState, Stage

_WORST_CLASSES = 3


def run_title(run: RunFolder) -> str:
    """What the list of runs calls it."""
    return f"{run.name}  ({time.strftime('%d %b %H:%M', time.localtime(run.began))})"


def run_text(run: RunFolder, state: RunState, curves: Curves) -> str:
    """A line about the stage and a line of figures."""
    stopping = run.stopping and state.stage is Stage.TRAINING
    first = {
        Stage.STARTING: "Starting…",
        Stage.TRAINING: "Stopping after this step, then scoring…" if stopping else _training(curves),
        Stage.EXPORTING: "Writing the model file…",
        Stage.FINISHED: "Trained.",
        Stage.FAILED: f"Failed: {state.error}",
        Stage.LOST: "Its process ended without a word: it was killed, or the machine was switched off.",
    }[state.stage]
    return "\n".join(part for part in (first, figures(curves)) if part)


def figures(curves: Curves) -> str:
    """Loss and scores, and the classes that are worst."""
    lines = []
    if curves.losses:
        lines.append(f"Step {curves.step}, loss {curves.losses[-1]:.3f}")
    best = curves.best_miou
    if best is not None:
        lines.append(f"mIoU {curves.mious[-1]:.3f}, best {best:.3f}")
    worst = sorted(curves.iou.items(), key=lambda item: item[1])[:_WORST_CLASSES]
    if worst and len(curves.iou) > 1:
        lines.append("Worst: " + ", ".join(f"{name.replace('_', ' ')} {iou:.2f}" for name, iou in worst))
    return "\n".join(lines)


def _training(curves: Curves) -> str:
    if curves.first_s is None:
        return "Reading the pictures…"
    left = curves.seconds_left
    rest = f", about {duration(left)} left" if left is not None else ""
    return f"Training: {curves.progress:.0%}{rest}"


def duration(seconds: float) -> str:
    """A time in round words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
