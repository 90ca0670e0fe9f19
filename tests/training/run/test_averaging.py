"""Weight averages: warmed up, and kept only where they are better."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from rgbd_seg.errors import ConfigurationError
from tests.training.small_run import fit
from training.network.weights import load_trained
from training.run.averaging import WeightAveraging

if TYPE_CHECKING:
    from pathlib import Path


def test_the_decay_rises_from_a_tenth_to_the_one_asked_for():
    network = torch.nn.BatchNorm1d(1)
    options: dict[str, Any] = WeightAveraging(0.5)._kwargs
    average = AveragedModel(network, use_buffers=True, **options)
    expected = 0.0
    for step in range(20):
        with torch.no_grad():
            network.weight.fill_(step)
            network.num_batches_tracked.fill_(step)
        average.update_parameters(network)
        decay = min(0.5, (1 + step) / (10 + step)) if step else 0.0
        expected = decay * expected + (1 - decay) * step
        assert average.module.weight.item() == pytest.approx(expected)
        assert int(average.module.num_batches_tracked) == step
    # Without the warm-up the second update would have kept half of the first.
    assert expected > 17.9


def test_a_decay_that_never_forgets_is_refused():
    with pytest.raises(ConfigurationError, match="from 0 to below 1, not 1"):
        WeightAveraging(1.0)


def averaged_run(folder: Path, out: Path, decay: float, *more: str) -> tuple[Path, dict[str, Any]]:
    """A run of six epochs, and its last validation."""
    run = fit(
        folder,
        out,
        "--trainer.max_epochs=6",
        "--trainer.callbacks+=training.WeightAveraging",
        f"--trainer.callbacks.decay={decay}",
        *more,
    )
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return run, next(row for row in reversed(rows) if row["event"] == "validation")


@pytest.mark.parametrize(("epochs", "better"), [(3, "averaged"), (6, "plain")])
def test_the_better_weights_are_scored_kept_and_named(small_folder: Path, tmp_path: Path, epochs: int, better: str):
    # The plain weights jump about at first, and are then ahead of their average.
    more = ("--model.optimizer.learning_rate=0.02", f"--trainer.max_epochs={epochs}")
    run, validation = averaged_run(small_folder, tmp_path, 0.9, *more)
    scores = {name: validation[f"val_miou_{name}"] for name in ("averaged", "plain")}
    assert scores["averaged"] != scores["plain"]
    assert max(scores, key=lambda name: scores[name]) == better
    assert validation["val_miou"] == pytest.approx(scores[better])
    path = run / "checkpoints" / "last.ckpt"
    network, card = load_trained(path)
    assert card.details["weights"] == better
    assert card.scores["val_miou"] == pytest.approx(scores[better])
    # Both are in the checkpoint: the kept ones as the network's, the others for a run that goes on.
    checkpoint = torch.load(path, weights_only=True)
    other = checkpoint["average_model_state" if better == "plain" else "current_model_state"]
    name = "classify.weight"
    assert torch.equal(network.state_dict()[name], checkpoint["state_dict"][f"network.{name}"])
    assert not torch.equal(network.state_dict()[name], other[f"network.{name}"])


def test_averages_alone_where_no_comparison_is_wanted(small_folder: Path, tmp_path: Path):
    run, validation = averaged_run(small_folder, tmp_path, 0.9, "--trainer.callbacks.compare=false")
    assert "val_miou_plain" not in validation
    assert load_trained(run / "checkpoints" / "last.ckpt")[1].details["weights"] == "averaged"
