"""A training run as the window knows it: the files in its folder. Any window can watch or stop any run. No Qt.

`plan.json` is written before the run begins, `settings.yaml` is what `training fit` is told, `state.json` is kept by
the run's own process (see `job`), `metrics.jsonl` and `checkpoints/` by the training, `log.txt` by all, and
`*.safetensors` is the result. A file named `stop` asks it to end.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from rgbd_seg.app.training.plan import TrainingPlan
from rgbd_seg.system.private_file import replace_file
from rgbd_seg.training_files import CHECKPOINTS, METRICS_FILE, STOP_FILE

Settings = dict[str, Any]

PLAN_FILE, SETTINGS_FILE, STATE_FILE, LOG_FILE = "plan.json", "settings.yaml", "state.json", "log.txt"
_MAX_BYTES = 200_000
_LARGEST_NUMBER = 1e15
# Names that Windows keeps for devices, whatever comes after the first dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_TIME_TO_START_S = 60.0
_FEW = 3  # Pictures held out.
_SAME_PROCESS_S = 2.0  # Clocks of the start of a process are read with this precision.


class Stage(StrEnum):
    """Where a run stands."""

    STARTING = "starting"
    TRAINING = "training"
    EXPORTING = "exporting"
    FINISHED = "finished"
    FAILED = "failed"
    LOST = "lost"  # Its process is gone without having said anything: killed, or the machine was switched off.

    @property
    def running(self) -> bool:
        return self in (Stage.STARTING, Stage.TRAINING, Stage.EXPORTING)


@dataclass(frozen=True, slots=True)
class RunState:
    """What its process said last.

    Attributes:
        stage: Where it stands.
        error: Why it failed, in a sentence.
    """

    stage: Stage
    error: str = ""


class RunFolder:
    """A training run as its folder tells it: the plan, the state and the metrics, by whichever window it was begun."""

    def __init__(self, folder: Path) -> None:
        """Reads what was planned; a plan that cannot be read leaves the folder's name."""
        self.folder = folder
        plan = read_json(folder / PLAN_FILE)
        self.name = _text(plan, "name") or folder.name
        self.data = _text(plan, "data")
        self.start = _text(plan, "start")
        self.start_path = _text(plan, "start_path")
        self.minutes = number(plan, "minutes")
        self.epochs = number(plan, "epochs")
        self.began = number(plan, "began") or 0.0

    def state(self) -> RunState:
        said = read_json(self.folder / STATE_FILE)
        try:
            stage = Stage(_text(said, "stage"))
        except ValueError:
            late = time.time() - self.began > _TIME_TO_START_S
            return RunState(Stage.LOST if late else Stage.STARTING)
        if stage is Stage.STARTING and time.time() - (number(said, "time") or 0.0) > _TIME_TO_START_S:
            return RunState(Stage.LOST)
        if stage.running and not _is_alive(number(said, "pid"), number(said, "process_began")):
            return RunState(Stage.LOST)
        return RunState(stage, _text(said, "error"))

    @property
    def model(self) -> Path | None:
        """The resulting model file, None while there is none."""
        return next(iter(sorted(self.folder.glob("*.safetensors"))), None)

    @property
    def held_out(self) -> list[str]:
        """Names of the frames that were held out for validation, [] where that is not known."""
        try:
            with (self.folder / METRICS_FILE).open("rb") as file:
                row = json.loads(file.readline(_MAX_BYTES))
            names = row.get("held_out")
        except (OSError, ValueError, AttributeError, RecursionError):
            return []
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []

    @property
    def has_checkpoint(self) -> bool:
        """Whether a model could be made of it."""
        return best_checkpoint(self.folder) is not None

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return (self.folder / STOP_FILE).exists()

    def mark_starting(self) -> None:
        """Says that another process is about to go on with it, until that one speaks for itself.

        Raises:
            OSError: The folder cannot be written.
        """
        write_state(self.folder, Stage.STARTING)

    def stop(self) -> None:
        """Asks it to end; what it has learned becomes a model.

        Raises:
            OSError: The folder cannot be written.
        """
        (self.folder / STOP_FILE).touch()


def new_run(parent: Path, plan: TrainingPlan, change: Callable[[Settings], Settings] = lambda same: same) -> RunFolder:
    """Makes the folder of a run that is about to begin.

    Args:
        parent: Where it is made.
        plan: What is trained.
        change: Makes other settings of those of the plan.

    Raises:
        OSError: It cannot be written.
    """
    parent.mkdir(parents=True, exist_ok=True)
    base = f"{time.strftime('%Y-%m-%d %H.%M.%S')} {file_name(plan.name)}"
    folder, number = parent / base, 1
    while folder.exists():
        number += 1
        folder = parent / f"{base} {number}"
    folder.mkdir()
    # JSON is YAML too.
    settings = change(plan.settings(folder))
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=2), encoding="utf-8")
    data = settings["data"]["init_args"]
    told = {
        "name": plan.name.strip(),
        "data": str(plan.data.folder),
        "start": plan.start.name if plan.start else "",
        "start_path": str(plan.start.path) if plan.start else "",
        "minutes": plan.minutes,
        "epochs": plan.epochs,
        "kind": plan.kind,
        "scored": min(plan.held_out, settings["trainer"]["limit_val_batches"] * data["batch_size"]),
        "began": time.time(),
    }
    write_json(folder / PLAN_FILE, told)
    return RunFolder(folder)


def runs_in(parent: Path) -> list[RunFolder]:
    """The runs of a folder, newest first."""
    try:
        folders = [path for path in parent.iterdir() if (path / PLAN_FILE).is_file()]
    except OSError:
        return []
    return sorted((RunFolder(folder) for folder in folders), key=lambda run: run.began, reverse=True)


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint that was written last, None while there is none."""
    return max((folder / CHECKPOINTS).glob("*.ckpt"), key=lambda path: path.stat().st_mtime, default=None)


def best_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest score, else the newest one, else none."""
    checkpoints = sorted((folder / CHECKPOINTS).glob("*.ckpt"), key=lambda path: path.stat().st_mtime, reverse=True)
    best = [path for path in checkpoints if path.name.startswith("best-")]
    return next(iter(best or checkpoints), None)


def final_checkpoint(folder: Path) -> Path | None:
    """The one that a run's model is made of: the best, or the last of a run that went to its end with few held out.

    The best score on one or two pictures is luck. Of two runs on five labelled frames each, one of those held out, the
    end had a mean IoU on 40 others that was higher by 0.037 in one, and equal in the other.
    """
    run, last = RunFolder(folder), folder / CHECKPOINTS / "last.ckpt"
    is_luck = 0 < len(run.held_out) <= _FEW and not run.stopping
    return last if is_luck and last.is_file() else best_checkpoint(folder)


def file_name(name: str) -> str:
    """A name as a part of paths: letters, digits and a few signs that no system minds."""
    safe = re.sub(r"[^\w .-]+", "_", name).strip(" .")[:60] or "model"
    return f"_{safe}" if safe.partition(".")[0].lower() in _DEVICES else safe


def read_json(path: Path) -> dict[str, Any]:
    """The object in a small file; empty where there is none or where it cannot be read."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return {}
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Writes a small file in one step, so that nobody reads half of it.

    Raises:
        OSError: It cannot be written.
    """
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    replace_file(part, path)


def write_state(folder: Path, stage: Stage, error: str = "") -> None:
    """Says where a run stands, in the name of this process.

    Raises:
        OSError: The folder cannot be written.
    """
    me = psutil.Process()
    state = {
        "stage": stage.value,
        "pid": me.pid,
        "process_began": me.create_time(),
        "time": time.time(),
        "error": error,
    }
    write_json(folder / STATE_FILE, state)


def _is_alive(pid: float | None, began: float | None) -> bool:
    """Whether this very process runs; its number alone may have been given to another one since."""
    try:
        process = psutil.Process(int(pid or 0))
        same = abs(process.create_time() - (began or 0.0)) < _SAME_PROCESS_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):
        return False


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return value[:1000] if isinstance(value, str) else ""


def number(data: dict[str, Any], key: str) -> float | None:
    """A field that is a number, None where it is something else: JSON also has infinity and integers of any length."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST_NUMBER < value < _LARGEST_NUMBER:
        return None
    return float(value)
