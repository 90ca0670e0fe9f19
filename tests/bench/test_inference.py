"""The benchmarks of inference and of the pipeline in their smallest form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch

from rgbd_seg import cli
from rgbd_seg.labels import LabelSet
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.model_file import save_model

if TYPE_CHECKING:
    from pathlib import Path


def tiny_model(path: Path) -> Path:
    torch.manual_seed(0)
    config = DeResUNetConfig(3, "resnet18", base_width=8, decoder_widths=(32, 16, 16, 8, 8), tail_width=4)
    labels = LabelSet.from_dict({"name": "three", "classes": ["wall", "floor", "thing"]})
    save_model(path, DeResUNet(config).eval(), ModelCard("tiny", config, labels, size=(48, 64)))
    return path


def test_the_table_has_the_baseline_and_every_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tiny_model(tmp_path / "tiny.safetensors")
    options = ["--model", str(model), "--size", "60x90", "--backend", "torch", "--precision", "float32"]
    options += ["--frames", "1", "--rounds", "2", "--batch", "2", "--threads", "1", "--device", "cpu"]
    options += ["--source", "synthetic:?seed=3&size=160x120", "--format", "json"]
    assert cli.main(["bench", "inference", *options]) == 0
    report = json.loads(capsys.readouterr().out)
    baseline, row = report["rows"]
    assert (baseline["backend"], row["backend"]) == ("PyTorch, eager", "PyTorch")
    assert baseline["speedup"] == 1.0
    assert row["equal_percent"] > 99.5
    for column in ("load_s", "first_ms", "median_ms", "p95_ms", "fps", "batch_fps", "memory_mib", "rate_percent"):
        assert row[column] > 0, column
    assert 0 < row["beside_ms"] < row["median_ms"]
    # Of a convolution-only count at 64x96, to which 60x90 is padded: more than at the card's 48x64.
    assert row["network_gflop"] == pytest.approx(baseline["network_gflop"])
    assert any("GFLOP/s" in note for note in report["notes"])


def test_the_pipeline_adds_something_measurable(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "pipeline", "--frames", "5", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["frame"], row["way"]) for row in rows] == [
        (frame, way) for frame in ("640x480", "1280x720") for way in ("copies alone", "pipeline")
    ]
    assert all(row["p95_ms"] >= row["median_ms"] > 0 for row in rows)


@pytest.mark.parametrize("option", [["inference", "--rounds", "0"], ["pipeline", "--frames", "1"]])
def test_wrong_options(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", *option]) == cli.EXIT_USAGE
    assert option[1] in capsys.readouterr().err
