"""The recipes as they are, on a small SUN RGB-D with a small network: they run, and do what their comments say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rgbd_seg.errors import RgbdSegError
from tests.training.small_run import NETWORK
from training.__main__ import main
from training.data.source import open_data
from training.preparation.sunrgbd import prepare

RECIPES = Path(__file__).parents[2] / "training" / "recipes"


@pytest.fixture
def tree(images: Path, toolbox: Path, tmp_path: Path) -> Path:
    """The prepared tree; a small one always differs from the published counts, which is said last."""
    with pytest.raises(RgbdSegError, match="5 frames"):
        prepare(tmp_path / "tree", images=images, toolbox=toolbox)
    return tmp_path / "tree"


def run(recipe: str, tree: Path, *more: str) -> Path:
    """Two small epochs of a recipe; gives the run's directory."""
    settings = (
        f"--data.init_args.root={tree}",
        "--data.init_args.val_share=0.25",
        "--data.init_args.size=[64,64]",
        "--data.init_args.batch_size=1",
        "--data.init_args.num_workers=0",
        *NETWORK,
        "--model.initial_weights=random",
        f"--trainer.logger.init_args.save_dir={tree.parent}",
        "--trainer.logger.init_args.version=one",
        "--trainer.max_epochs=2",
        "--trainer.enable_progress_bar=false",
        "--trainer.accelerator=cpu",
        "--trainer.precision=bf16-mixed",  # Half precision of the other kind needs a GPU.
        "--recent.every_n_train_steps=1",
    )
    assert main(["fit", f"--config={RECIPES / recipe}.yaml", *settings, *more]) == 0
    return tree.parent / "lightning_logs" / "one"


def events(folder: Path, event: str) -> list[dict]:
    """The lines of one kind in a run's metrics."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if row["event"] == event]


def test_real_runs_on_live_pictures(tree: Path):
    crop = ("--data=training.SunRgbdData", "--data.init_args.crop=[32,64]")
    weights = "--model.freeze_batch_norm=encoders"
    folder = run("real", tree, *crop, weights, "--data.init_args.samples_per_epoch=4", "--trainer.max_time=null")
    assert [row["epoch"] for row in events(folder, "validation")] == [0, 1]
    assert "augmentation: live" in (folder / "config.yaml").read_text()


def test_seed_runs(tree: Path):
    folder = run("seed", tree)
    assert [row["epoch"] for row in events(folder, "validation")] == [0, 1]
    best = next((folder / "checkpoints").glob("best-*.ckpt"))
    optimizer = torch.load(best, weights_only=True)["optimizer_states"][0]
    assert [group["lr"] for group in optimizer["param_groups"]] == [1e-4]
    assert main(["evaluate", str(best), "--data", str(folder / "config.yaml"), "--split", "test"]) == 0


def test_a_tree_is_scored_on_the_kind_of_depth_that_the_run_took(tree: Path, capsys: pytest.CaptureFixture[str]):
    folder = run("seed", tree, "--data.init_args.depth=refined")
    best = next((folder / "checkpoints").glob("best-*.ckpt"))
    capsys.readouterr()
    assert main(["evaluate", str(best), "--data", str(tree), "--split", "test"]) == 0
    assert "depth: refined, as the model was trained on" in capsys.readouterr().out
    assert main(["evaluate", str(best), "--data", str(tree), "--split", "test", "--set", "depth=raw"]) == 0
    assert "scored on raw depth, but trained on refined" in capsys.readouterr().out


def test_strong_runs_and_goes_on_after_a_stop_in_mid_epoch(tree: Path):
    # Three batches an epoch: the first run ends in the middle of the second.
    recent = run("strong", tree, "--trainer.max_steps=4") / "checkpoints" / "recent.ckpt"
    saved = torch.load(recent, weights_only=True)
    assert saved["global_step"] == 4
    assert "averaging_state" in saved
    groups = saved["optimizer_states"][0]["param_groups"]
    assert sorted({group["weight_decay"] for group in groups}) == [0.0, 0.01]
    rates = sorted({group["initial_lr"] for group in groups})
    assert rates == pytest.approx([1e-5, 1e-4])
    folder = run("strong", tree, f"--ckpt_path={recent}")
    assert [row["step"] for row in events(folder, "start")] == [0, 4]
    assert [row["step"] for row in events(folder, "validation")] == [3, 6]


def test_strong_mixes_raw_and_refined_depth_in_training_alone(tree: Path):
    data = open_data(RECIPES / "strong.yaml", [f"root={tree}", "val_share=0.25"])
    assert data.zoom == (0.5, 1.75)
    pictures = data.pictures("train")
    raw = pictures.read(0).depth_m
    drawn = [pictures.draw(0, seed).depth_m for seed in range(20)]
    refined = [depth for depth in drawn if not np.array_equal(depth, raw)]
    assert 3 < len(refined) < 17
    assert (raw[0] == 0).all()
    assert all((depth > 0).all() for depth in refined)
    np.testing.assert_array_equal(pictures.draw(0, 7).depth_m, pictures.draw(0, 7).depth_m)
