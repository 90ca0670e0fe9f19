"""A stand-in for the package `training` in its own process: the same files at the same places, in a second.

The real training takes half a minute to load and is tested by itself and, end to end, by the test marked slow.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_PROGRAM = """
import json, os, pathlib, signal, sys, time
command, *rest = sys.argv[1:]
if command == "fit":
    folder = pathlib.Path(rest[1]).parent
    settings = json.loads(pathlib.Path(rest[1]).read_text())
    print("reading the pictures", flush=True)
    if settings["model"]["name"] == "doomed":
        print("training: the loss became nan in epoch 0. Lower the learning rate", flush=True)
        sys.exit(1)
    if settings["model"]["name"] == "killed":
        print("TPU available: False", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    step = 0
    while step < 1200:
        step += 1
        row = {"time": 1000.0 + step, "epoch": 0, "step": step, "progress": step / 1200}
        score = row | {"event": "validation", "val_loss": 1.0, "val_miou": 0.4, "iou": {"wall": 0.3, "ball": 0.5}}
        with (folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(row | {"event": "train", "train_loss": 2 / step}) + "\\n")
            if step % 5 == 0:
                file.write(json.dumps(score) + "\\n")
        if (folder / "stop").exists():
            break
        time.sleep(0.05)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.ckpt").write_bytes(b"last")
    (folder / "checkpoints" / "best-0-0.4.ckpt").write_bytes(b"best")
else:
    pathlib.Path(rest[rest.index("-o") + 1]).write_bytes(pathlib.Path(rest[0]).read_bytes())
"""


def use_stub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every Python that is started from now on find the stand-in as `training`."""
    package = folder / "stub" / "training"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(_PROGRAM)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package.parent), os.getcwd()]))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # The working directory, with the real one, does not come first.
