"""How long a run will take on this machine, as measured on runs of the same kind before it. No Qt.

Where there is none, `measure` makes one: the real training with a dozen steps and its export, in a folder of its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from rgbd_seg.app.training.plan import TrainingPlan
from rgbd_seg.app.training.run_folder import (
    PLAN_FILE,
    STATE_FILE,
    Stage,
    new_run,
    number,
    read_json,
    runs_in,
    write_json,
)
from rgbd_seg.training_files import METRICS_FILE

_FOLDER = ".pace"
_EPOCHS, _STEPS, _SCORED = 3, 4, 2  # Of a run that only measures: epochs, steps in each, batches that are scored.
_LOOK_S = 0.2
_MOST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """What takes how long, in seconds.

    Attributes:
        start_s: From the beginning to the first step: loading the program and the pictures.
        step_s: One step of the training.
        score_s: One held-out picture.
        save_s: What an epoch needs besides: checkpoints.
        export_s: Making the model file in the end.
    """

    start_s: float
    step_s: float
    score_s: float
    save_s: float
    export_s: float

    def seconds(self, plan: TrainingPlan) -> float:
        """How long a run will take until its model can be loaded."""
        scored = plan.scored * self.score_s
        if plan.minutes is not None:
            return self.start_s + 60 * plan.minutes + scored + self.export_s
        epochs = plan.epochs or 1
        return self.start_s + epochs * (plan.steps * self.step_s + scored + self.save_s) + self.export_s


def known_pace(parent: Path, kind: str) -> Pace | None:
    """What was measured before.

    Args:
        parent: The folder of all runs.
        kind: `TrainingPlan.kind`.
    """
    for run in runs_in(parent):
        if read_json(run.folder / PLAN_FILE).get("kind") == kind and run.state().stage is Stage.FINISHED:
            pace = pace_of(run.folder)
            if pace is not None:
                return pace
    try:
        return Pace(**{name: float(value) for name, value in read_json(parent / _FOLDER / f"{kind}.json").items()})
    except (TypeError, ValueError, OverflowError):
        return None


def measure(parent: Path, plan: TrainingPlan, cancelled: Callable[[], bool]) -> Pace | None:
    """Trains a dozen steps to find out; None where that failed or was cancelled.

    Raises:
        OSError: The folder of the runs cannot be written.
    """
    (parent / _FOLDER).mkdir(parents=True, exist_ok=True)
    run = new_run(parent / _FOLDER, plan, short)
    process = subprocess.Popen(
        [sys.executable, "-m", "rgbd_seg.app.training.job", str(run.folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            if cancelled():
                return None
            time.sleep(_LOOK_S)
        pace = pace_of(run.folder)
        if pace is not None:
            write_json(parent / _FOLDER / f"{plan.kind}.json", asdict(pace))
        return pace
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        shutil.rmtree(run.folder, ignore_errors=True)


def short(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a run that only measures."""
    data = settings["data"]["init_args"]
    data["samples_per_epoch"] = _STEPS * data["batch_size"]
    trainer = settings["trainer"]
    trainer["max_epochs"], trainer["max_time"], trainer["log_every_n_steps"] = _EPOCHS, None, 1
    trainer["limit_val_batches"] = min(trainer["limit_val_batches"], _SCORED)
    return settings


def pace_of(folder: Path) -> Pace | None:
    """What the files of a run that has ended say of its pace; None where they say too little."""
    plan, state = read_json(folder / PLAN_FILE), read_json(folder / STATE_FILE)
    rows = list(_rows(folder / METRICS_FILE))
    steps, scores, saves = [], [], []
    first = next((row["time"] for row in rows if row["event"] == "train"), None)
    for before, row in pairwise(rows):
        took, events = row["time"] - before["time"], (before["event"], row["event"])
        if events == ("train", "train") and row["step"] > before["step"]:
            steps.append(took / (row["step"] - before["step"]))
        elif events == ("train", "validation"):
            scores.append(took)
        elif events == ("validation", "train"):
            saves.append(took)
    end = next((row["time"] for row in reversed(rows) if row["event"] == "end"), None)
    numbers = [one or 0.0 for one in (first, number(plan, "began"), number(plan, "scored"), end, number(state, "time"))]
    if not steps or not scores or min(numbers) <= 0:
        return None
    first_s, began_s, scored, end_s, ended_s = numbers
    step_s = median(steps)
    save_s = max(median(saves) - step_s, 0.0) if saves else 0.0
    start_s, export_s = max(first_s - began_s - step_s, 0.0), max(ended_s - end_s, 0.0)
    return Pace(start_s, step_s, median(scores) / scored, save_s, export_s)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            lines = file.read(_MOST_BYTES).splitlines()
    except OSError:
        return
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("event"), str) and number(row, "time") is not None:
            yield {**row, "step": number(row, "step") or 0.0, "time": number(row, "time")}
