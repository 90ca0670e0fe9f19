"""The process of a training run: `python -m rgbd_seg.app.training.job FOLDER`. No Qt, no PyTorch.

Trains as `settings.yaml` in the folder says, then makes a model file of the best checkpoint, or of the last one where
so few pictures are held out that the best is luck, and keeps `state.json` up to date. It belongs to no window: it goes
on when the one that started it is closed. With `--only-export` it makes the model file of a run that was killed, with
`--go-on` it trains such a run further from where it was.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from rgbd_seg.app.training.run_folder import (
    LOG_FILE,
    PLAN_FILE,
    SETTINGS_FILE,
    Stage,
    best_checkpoint,
    file_name,
    final_checkpoint,
    newest_checkpoint,
    read_json,
    write_state,
)
from rgbd_seg.inference.cpu import wait_passively
from rgbd_seg.training_files import CONFIG_FILE, STOP_FILE

_PRIORITY = 10  # So that a window on the same machine stays quick.
_LONGEST_ERROR = 600
_MEMORY = "Systems do so where memory is short: fewer pictures a step or a smaller input need less."


class Job:
    """Runs the training's own commands, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[bytes] | None = None

    def run(self, *, only_export: bool = False, go_on: bool = False) -> int:
        """Trains and exports; returns the exit code."""
        folder = self._folder
        if not only_export:
            (folder / STOP_FILE).unlink(missing_ok=True)
            self._say(Stage.TRAINING)
            newest = newest_checkpoint(folder) if go_on else None
            where = ["--ckpt_path", str(newest)] if newest else []
            code = self._train("fit", "--config", str(folder / SETTINGS_FILE), *where)
            # A run that broke off may still have learned something; one that was killed with its machine has not.
            if code < 0:  # Whatever the log ends with, it is no reason.
                self._say(Stage.FAILED, f"its process was killed ({signal.Signals(-code).name}). {_MEMORY}")
                return 1
            if code:
                return self._fail(f"the training ended with code {code}")
        checkpoint = best_checkpoint(folder) if only_export else final_checkpoint(folder)
        if checkpoint is None:
            return self._fail("the run ended before its first checkpoint")
        self._say(Stage.EXPORTING)
        name = str(read_json(folder / PLAN_FILE).get("name") or folder.name)
        target = folder / f"{file_name(name)}.safetensors"
        calibrate = ["--calibrate", str(folder / CONFIG_FILE)] if (folder / CONFIG_FILE).is_file() else []
        code = self._train("export", str(checkpoint), "-o", str(target), "--name", name, *calibrate)
        if code:
            return self._fail(f"the model file could not be written (code {code})")
        self._say(Stage.FINISHED)
        return 0

    def end(self, _signal: int, _frame: FrameType | None) -> None:
        """The system wants this process to end: the training ends with it."""
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
        self._say(Stage.FAILED, "It was ended from outside.")
        sys.exit(1)

    def _train(self, *arguments: str) -> int:
        with (self._folder / LOG_FILE).open("ab") as log:
            wait_passively()  # The window beside it needs its share of the processor.
            command = [sys.executable, "-m", "training", *arguments]
            log.write(f"\n$ training {' '.join(arguments)}\n".encode())
            log.flush()
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            return self._child.wait()

    def _say(self, stage: Stage, error: str = "") -> None:
        write_state(self._folder, stage, error)

    def _fail(self, otherwise: str) -> int:
        self._say(Stage.FAILED, _last_words(self._folder / LOG_FILE) or otherwise)
        return 1


def _last_words(log: Path) -> str:
    """The sentence with which the training ended, from the end of the log; "" if it said none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 20_000))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    lines = [line.strip() for line in lines if line.strip()]
    said = [line.removeprefix("training: ") for line in lines[-40:] if line.startswith("training: ")]
    # Without one it was an error that nobody foresaw: the last line of the traceback says which.
    return (said or lines[-1:] or [""])[-1][:_LONGEST_ERROR]


def main(arguments: list[str]) -> int:
    """Runs a job.

    Args:
        arguments: The folder, and maybe `--only-export` or `--go-on`.
    """
    job = Job(Path(arguments[0]))
    signal.signal(signal.SIGTERM, job.end)
    if os.name == "posix":
        os.nice(_PRIORITY)
    return job.run(only_export="--only-export" in arguments[1:], go_on="--go-on" in arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
