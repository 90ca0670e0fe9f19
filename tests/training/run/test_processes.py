"""Two processes with half the batch each take the step that one process with the whole batch takes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

from tests.training.small_run import arguments, fit

if TYPE_CHECKING:
    from pathlib import Path

# Statistics of batch normalisation would be those of each process's own part.
ONE_STEP = (
    "--model.freeze_batch_norm=true",
    "--trainer.max_epochs=1",
    "--trainer.limit_train_batches=1",
    "--recent.every_n_train_steps=1",
)
TWO_PROCESSES = (
    "--trainer.devices=2",
    "--data.batch_size=2",
    "--trainer.strategy.class_path=lightning.pytorch.strategies.DDPStrategy",
    "--trainer.strategy.init_args.process_group_backend=gloo",
)


def moments(run: Path) -> list[torch.Tensor]:
    """Adam's first moments after the run's one step, which are a tenth of the gradients.

    The weights themselves would not do: where a gradient is next to nothing, the last digit decides its sign, and
    Adam's step has full length either way.
    """
    checkpoint: dict[str, Any] = torch.load(run / "checkpoints" / "recent.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 1
    means = [tensor for name, tensor in checkpoint["state_dict"].items() if name.endswith("running_mean")]
    assert means
    assert not any(mean.any() for mean in means)  # Frozen is frozen.
    state = checkpoint["optimizer_states"][0]["state"]
    return [state[number]["exp_avg"].flatten().double() for number in sorted(state)]


@pytest.mark.timeout(600)  # Three times the start of a whole program.
def test_two_processes_equal_one(small_folder: Path, tmp_path: Path):
    one = moments(fit(small_folder, tmp_path / "one", *ONE_STEP))
    command = arguments(small_folder, tmp_path / "two", *ONE_STEP, *TWO_PROCESSES)
    done = subprocess.run([sys.executable, "-m", "training", *command], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    two = moments(tmp_path / "two" / "run" / "one")
    assert len(one) == len(two) > 100
    for whole, shared in zip(one, two, strict=True):
        assert whole.norm() > 0
        assert torch.nn.functional.cosine_similarity(whole, shared, dim=0) > 0.99999
        assert 0.9999 < shared.norm() / whole.norm() < 1.0001
