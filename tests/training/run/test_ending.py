"""How a run ends: what it says, its exit code, and that it can go on."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch

from tests.training.small_run import arguments, fit
from tests.waiting import PATIENCE_S, program, until
from training.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path


def test_a_complete_run_names_folder_checkpoints_score_and_what_to_do_next(small_folder: Path, tmp_path: Path, capsys):
    averaging = ("--trainer.callbacks+=training.WeightAveraging", "--trainer.callbacks.decay=0.9")
    run = fit(small_folder, tmp_path, *averaging)
    said = capsys.readouterr().out
    best = next((run / "checkpoints").glob("best-*.ckpt"))
    assert "Complete after 4 steps in 2 epochs" in said
    assert f"run   {run}\n" in said
    assert f"best  {best}\n" in said
    assert f"val/miou {float(best.stem.rsplit('-', 1)[1]):.4f} in epoch" in said
    assert "weights: averaged 0." in said
    for command in ("evaluate", "export"):
        line = next(line for line in said.splitlines() if f"python -m training {command} " in line)
        assert main(shlex.split(line)[3:]) == 0
    assert (run / "model.safetensors").is_file()


def test_a_run_that_stops_early_says_why(small_folder: Path, tmp_path: Path, capsys):
    stopping = "lightning.pytorch.callbacks.EarlyStopping"
    more = ("--trainer.callbacks.monitor=val/miou", "--trainer.callbacks.mode=max", "--trainer.callbacks.patience=0")
    fit(small_folder, tmp_path, f"--trainer.callbacks+={stopping}", *more, "--trainer.callbacks.stopping_threshold=0.0")
    assert "Ended early (Stopping threshold reached: val/miou = " in capsys.readouterr().out


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "Ctrl-C")])
def test_a_signal_ends_a_run_after_a_checkpoint_and_the_run_goes_on_in_its_folder(
    small_folder: Path, tmp_path: Path, number: signal.Signals, name: str
):
    run = tmp_path / "run" / "one"
    command = arguments(small_folder, tmp_path, "--trainer.max_epochs=100000", "--data.num_workers=1")
    started = [sys.executable, "-m", "training", *command]
    with program(started, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        last = run / "checkpoints" / "last.ckpt"
        until(lambda: last.is_file() or process.poll() is not None, "the first checkpoint")
        process.send_signal(number)
        said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 128 + number
    assert f"training: {name} ended the run after step " in said
    assert "Traceback" not in said
    line = said.strip().splitlines()[-1].partition("Go on with: python -m training ")[2]
    recent = torch.load(run / "checkpoints" / "recent.ckpt", weights_only=True)
    steps = recent["global_step"]
    assert f"after step {steps}." in said
    rows = [json.loads(row) for row in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["event"] == "error"
    assert rows[-1]["step"] == steps
    more = [f"--trainer.max_steps={steps + 2}", "--trainer.max_epochs=-1", "--data.init_args.num_workers=0"]
    # The folder is the run's own, also where the recipe leaves the choice of one to the logger.
    version = "--trainer.logger.init_args.version=null"
    assert main([*shlex.split(line), *more, version]) == 0
    rows = [json.loads(row) for row in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["event"] == "end"
    assert rows[-1]["step"] == steps + 2
    assert not [path for path in (tmp_path / "run").iterdir() if path != run]
