"""`rgbd-seg model summary` and `model info` as a shell user meets them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import pytest
import torch

from rgbd_seg import cli
from rgbd_seg.labels import LabelSet
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.model_file import save_model

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = DeResUNetConfig(3, "resnet18", base_width=8, decoder_widths=(32, 16, 16, 8, 8), tail_width=4)


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    labels = LabelSet.from_dict({"name": "three", "classes": ["wall", "floor", "chair"]})
    card = ModelCard("tiny one", CONFIG, labels, scores={"miou": 0.25}, licence="MIT", details={"epochs": "7"})
    save_model(path, DeResUNet(CONFIG), card, "float16")
    return path


def test_summary_prints_the_published_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["model", "summary"]) == 0
    out = capsys.readouterr().out
    for text in ("Conv2d-399", "50, 480, 640", "203,780,570", "777.36 MB", "428.5", "BatchNorm2d", "121,872"):
        assert text in out
    assert " ".join(out.split()).count("layer rows 399") == 1


def test_summary_of_options_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--lite", "--classes", "13", "--fusion", "early", "--size", "240x320", "--json", "--totals"]
    assert cli.main(["model", "summary", *options]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["network"]["fusion"], data["network"]["base_width"], data["network"]["classes"]) == ("early", 32, 13)
    assert sum(count["parameters"] for count in data["by_type"]) == data["parameters"]
    assert "layers" not in data


def test_summary_of_a_file_with_a_chart(model_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chart = tmp_path / "chart.png"
    assert cli.main(["model", "summary", str(model_path), "--totals", "--chart", str(chart)]) == 0
    parameters = sum(p.numel() for p in DeResUNet(CONFIG).parameters())
    assert f"{parameters:,}" in capsys.readouterr().out
    assert cv2.imread(str(chart)).shape[2] == 3


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--size", "480x99999"], "--size must have at most"),
        (["--decoder-widths", "a,b"], "--decoder-widths must be"),
        (["--encoder", "vgg"], "encoder must be one of"),
        (["--classes", "0"], "classes must be"),
    ],
)
def test_wrong_options_are_usage_errors(options: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["model", "summary", *options]) == cli.EXIT_USAGE
    assert named in capsys.readouterr().err


@pytest.mark.parametrize("size", ["640", "0x480"])
def test_a_wrong_size_is_a_usage_error(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["model", "summary", "--size", size])
    assert ended.value.code == cli.EXIT_USAGE
    assert "HEIGHTxWIDTH" in capsys.readouterr().err


def test_summary_of_a_file_takes_no_other_network(model_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["model", "summary", str(model_path), "--lite"]) == cli.EXIT_USAGE
    assert "a model file says itself" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["no such folder/chart.png", "chart.unknown"])
def test_a_chart_that_cannot_be_written(
    model_path: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chart = str(tmp_path / name)
    assert cli.main(["model", "summary", str(model_path), "--totals", "--chart", chart]) == cli.EXIT_ERROR
    assert "cannot write the chart" in capsys.readouterr().err


def test_info_prints_the_card(model_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["model", "info", str(model_path)]) == 0
    out = capsys.readouterr().out
    for text in (
        "tiny one",
        "float16",
        "random weights",
        "miou 0.25",
        "MIT",
        "wall, floor, chair",
        "epochs",
        "320x240",
    ):
        assert text in out


def test_the_model_that_comes_with_the_program_needs_no_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["model", "info"]) == 0
    without = capsys.readouterr().out
    assert cli.main(["model", "info", "real"]) == 0
    assert capsys.readouterr().out == without
    assert "NYU Depth V2" in without
    assert cli.main(["model", "info", "demo"]) == 0
    assert "synthetic rooms" in capsys.readouterr().out


def test_info_as_json(model_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["model", "info", str(model_path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["storage"] == "float16"
    assert data["bytes"] == model_path.stat().st_size
    assert data["network"] == CONFIG.to_dict()
    assert [c["name"] for c in data["label_set"]["classes"]] == ["wall", "floor", "chair"]


def test_info_of_a_damaged_file(model_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model_path.write_bytes(model_path.read_bytes()[:-10])
    assert cli.main(["model", "info", str(model_path)]) == cli.EXIT_ERROR
    assert "damaged or cut off" in capsys.readouterr().err
