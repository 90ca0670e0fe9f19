"""Two processes with half the batch each learn what one process with the whole batch learns."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import torch

from tests.training.small_run import arguments

if TYPE_CHECKING:
    from pathlib import Path


def test_two_processes_equal_one(small_folder: Path, tmp_path: Path):
    weights = {}
    # Statistics of batch normalisation are those of each process's own part, so they stay out of this.
    same = ("--model.freeze_batch_norm=true", "--trainer.max_epochs=1", "--model.optimizer.learning_rate=0.001")
    for name, devices, batch in (("one", 1, 4), ("two", 2, 2)):
        more = (*same, f"--trainer.devices={devices}", f"--data.batch_size={batch}")
        if devices > 1:
            more += ("--trainer.strategy.class_path=lightning.pytorch.strategies.DDPStrategy",)
            more += ("--trainer.strategy.init_args.process_group_backend=gloo",)
        command = [sys.executable, "-m", "training", *arguments(small_folder, tmp_path / name, *more)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=170)
        assert done.returncode == 0, done.stderr[-3000:]
        checkpoint = torch.load(tmp_path / name / "run" / "one" / "checkpoints" / "last.ckpt", weights_only=True)
        weights[name] = checkpoint["state_dict"]
        assert checkpoint["global_step"] == 2
    for key, tensor in weights["one"].items():
        # Two steps of Adam at 0.001 move a weight by up to 0.002; sums in another order may differ in the last digits.
        torch.testing.assert_close(weights["two"][key], tensor, atol=1e-4, rtol=1e-3)
