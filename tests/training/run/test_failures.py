"""What a run says when it cannot go on, and what it leaves behind."""

from __future__ import annotations

import errno
import json
import resource
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import torch

from rgbd_seg.assets import model_path
from rgbd_seg.errors import ModelError, RgbdSegError
from rgbd_seg.labels import LabelSet
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.model_file import ModelCard, read_card, save_model
from tests.training.small_data import write_folder
from tests.training.small_run import arguments
from training.__main__ import main
from training.network.initial_weights import load_initial_weights
from training.network.module import SegmentationModule
from training.network.weights import load_trained
from training.run.checkpoint_io import AtomicCheckpointIO

if TYPE_CHECKING:
    from pathlib import Path


def test_a_loss_that_is_no_number_stops_and_names_the_batch(small_folder: Path, tmp_path: Path, capsys):
    assert main(arguments(small_folder, tmp_path, "--model.class_weights=[.nan,1.0,1.0]")) == 1
    said = capsys.readouterr().err
    assert "the loss became nan in epoch 0, step 0" in said
    assert "image/0" in said
    last = json.loads((tmp_path / "run" / "one" / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["event"] == "error"
    assert "the loss became nan" in last["message"]


def test_settings_that_cannot_be_are_refused(small_folder: Path, tmp_path: Path, capsys):
    for setting, said in (
        ("num_workers=-1", "data.num_workers must be 0 or more, not -1"),
        ("samples_per_epoch=0", "data.samples_per_epoch must be at least 1, not 0"),
        ("val_share=2", "data.val_share must be from 0 to below 1, not 2.0"),
        ("depth_std_m=0", "data.depth_std_m must be at least 0.001 metres, not 0.0"),
        ("depth_max_m=.nan", "data.depth_max_m must be at least 0.001 metres, not nan"),
    ):
        assert main(arguments(small_folder, tmp_path, f"--data.{setting}")) == 2
        assert said in capsys.readouterr().err


def test_a_precision_that_rounds_depth_is_refused(small_folder: Path, tmp_path: Path, capsys):
    assert main(arguments(small_folder, tmp_path, "--trainer.precision=bf16-true")) == 2
    assert "must be one of 32-true, 16-mixed, bf16-mixed, not bf16-true" in capsys.readouterr().err


def test_labels_that_are_all_void_stop_the_run(tmp_path: Path, capsys):
    folder = write_folder(tmp_path / "void", 6)
    for path in (folder / "label").iterdir():
        cv2.imwrite(str(path), np.zeros((64, 64), np.uint8))
    assert main(arguments(folder, tmp_path)) == 2
    assert "no pixel of epoch 0 had a label" in capsys.readouterr().err


def test_too_little_memory_names_the_batch_to_try(small_folder: Path, tmp_path: Path, capsys, monkeypatch):
    # The allocator's own refusal, whatever it is called on this system.
    monkeypatch.setattr(SegmentationModule, "training_step", lambda *_: torch.empty(1 << 58, dtype=torch.uint8))
    assert main(arguments(small_folder, tmp_path)) == 1
    assert "batches of 4 pictures of 64x64: try --data.batch_size 2" in capsys.readouterr().err


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path):
    writer, path = AtomicCheckpointIO(), tmp_path / "last.ckpt"
    writer.save_checkpoint({"epoch": 1}, path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (200_000, before[1])
    )  # The system refuses larger files, as a full disk does.
    try:
        with pytest.raises(RgbdSegError, match="no room for the checkpoint"):
            writer.save_checkpoint({"epoch": 2, "weights": torch.zeros(1_000_000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_full_disk_tells_whether_a_checkpoint_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RgbdSegError, match="start again: there is none before it"):
        AtomicCheckpointIO().save_checkpoint({"epoch": 1}, tmp_path / "recent.ckpt")
    (tmp_path / "last.ckpt").write_bytes(b"an earlier one")
    with pytest.raises(RgbdSegError, match=r"--ckpt_path .*last\.ckpt, which is intact"):
        AtomicCheckpointIO().save_checkpoint({"epoch": 1}, tmp_path / "recent.ckpt")


def test_other_classes_than_the_models_are_refused(small_folder: Path, tmp_path: Path, capsys):
    wrong = arguments(small_folder, tmp_path, "--model.class_weights=[1.0,1.0]")
    assert main(wrong) == 2
    assert "has 2 numbers, but there are 3 classes" in capsys.readouterr().err


def test_what_is_no_checkpoint_is_refused(tmp_path: Path):
    path = tmp_path / "a.ckpt"
    torch.save({"weights": 1}, path)
    with pytest.raises(ModelError, match="no checkpoint of a training run"):
        load_trained(path)
    path.write_bytes(b"half")
    with pytest.raises(ModelError, match="cannot read the checkpoint"):
        load_trained(path)


def test_classes_without_counterpart_are_left_out_and_named(small_folder: Path, tmp_path: Path, capsys):
    config = DeResUNetConfig(2, "resnet18", "color", 8, (32, 16, 16, 8, 8), 8)
    two = LabelSet.from_dict({"name": "two", "classes": ["wall", "board"]})
    save_model(tmp_path / "two.safetensors", DeResUNet(config), ModelCard("two", config, two, (64, 64)))
    command = ["evaluate", str(tmp_path / "two.safetensors"), "--data", str(small_folder)]
    assert main([*command, "--json", str(tmp_path / "scores.json")]) == 0
    assert "left out, since the model has no such class: the pixels of ball" in capsys.readouterr().out
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["classes"] == ["wall", "board"]
    assert 0 < scores["left_out"]["pixels"] < 0.2
    assert main([*command, "--map", "board=ball", "--json", str(tmp_path / "scores.json")]) == 0
    assert "left out" not in capsys.readouterr().out
    assert json.loads((tmp_path / "scores.json").read_text())["left_out"]["pixels"] == 0
    assert main([*command, "--map", "board"]) == 2
    assert "--map wants NAME=CLASS" in capsys.readouterr().err
    assert main([*command, "--device", "toaster"]) == 2
    assert "cannot compute on 'toaster'" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "two.safetensors"), "-o", str(tmp_path / "two.onnx")]) == 2
    assert "must end in .safetensors" in capsys.readouterr().err
    assert not (tmp_path / "two.onnx").exists()


class _Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_checkpoint_cannot_run_code(small_folder: Path, tmp_path: Path, capsys):
    path = tmp_path / "evil.ckpt"
    torch.save({"card": _Evil(), "state_dict": {}}, path)
    with pytest.raises(ModelError, match="cannot read"):
        load_trained(path)
    assert "executed" not in capsys.readouterr().out
    with pytest.raises(ModelError, match="cannot read"):
        AtomicCheckpointIO().load_checkpoint(path)
    assert "executed" not in capsys.readouterr().out
    assert main(arguments(small_folder, tmp_path, f"--ckpt_path={path}")) != 0
    said = capsys.readouterr()
    assert "executed" not in said.out
    assert "could run code" in said.err
    assert "weights_only" not in said.err


def test_going_on_from_half_a_checkpoint_names_it(small_folder: Path, tmp_path: Path, capsys):
    whole, half = tmp_path / "whole.ckpt", tmp_path / "half.ckpt"
    torch.save({"state_dict": {"weights": torch.zeros(10_000)}}, whole)
    half.write_bytes(whole.read_bytes()[:5000])
    assert main(arguments(small_folder, tmp_path, f"--ckpt_path={half}")) == 1
    assert f"cannot read the checkpoint {half}" in capsys.readouterr().err


def test_going_on_from_what_is_not_there_is_refused(small_folder: Path, tmp_path: Path, capsys):
    assert main(arguments(small_folder, tmp_path, f"--ckpt_path={tmp_path / 'none.ckpt'}")) == 2
    assert "there is no checkpoint" in capsys.readouterr().err
    assert main(arguments(small_folder / "elsewhere", tmp_path)) == 2
    assert "elsewhere does not exist: name your pictures' folder with --data.init_args.root" in capsys.readouterr().err
    assert main(["evaluate", "demo", "--data", str(small_folder / "elsewhere")]) != 0


def test_convolutions_that_a_model_file_does_not_have_are_counted():
    card = read_card(model_path("demo"))
    assert load_initial_weights(DeResUNet(card.network), card.label_set, "demo") == "weights of demo"
    deeper = DeResUNet(replace(card.network, encoder="resnet34"))
    said = load_initial_weights(deeper, card.label_set, "demo")
    assert "but 32 of 84 convolutions, which it has not, at random: model.encoder=resnet18" in said
