"""int8 from the command to the labels: calibrated on a recording or when a model is made, and taken by itself."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from rgbd_seg.cli import main
from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.openvino.int8 import ranges_on
from rgbd_seg.inference.openvino.runtime import Device, choose_precision
from rgbd_seg.inference.portable import SUFFIX, network_model
from rgbd_seg.inference.portable_export import write_graph
from rgbd_seg.inference.quantised import convolutions, quantise
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.model_file import load_model, save_model
from rgbd_seg.models.model_header import read_card
from rgbd_seg.testing.models import card_for, random_network
from tests.recording.picture_trees import write_pairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.frame import RgbdFrame

    FrameMaker = Callable[..., RgbdFrame]

_OPTIONS = SegmenterOptions(backend="openvino", precision="int8", frame_size=(96, 128), threads=1)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """That of the small model, which PyTorch takes seconds to write."""
    folder = tmp_path_factory.mktemp("graph")
    network = random_network()
    save_model(folder / "tiny.safetensors", network, card_for(network))
    write_graph(folder / "tiny.safetensors", folder / f"tiny{SUFFIX}")
    return (folder / f"tiny{SUFFIX}").read_bytes()


@pytest.fixture
def with_graph(tmp_path: Path, model_path: Path, graph: bytes) -> Path:
    """A copy of the small model file with its graph beside it."""
    (tmp_path / f"tiny{SUFFIX}").write_bytes(graph)
    return Path(shutil.copy(model_path, tmp_path / "tiny.safetensors"))


def labels_of(path: Path, frame: RgbdFrame, precision: str) -> np.ndarray:
    with open_segmenter(path, replace(_OPTIONS, precision=precision)) as segmenter:
        assert segmenter.info.precision == precision
        labels = segmenter(frame).labels
    assert labels is not None
    return labels


def test_a_calibrated_model_runs_in_int8_and_says_what_it_loses(
    tmp_path: Path,
    with_graph: Path,
    make_frame: FrameMaker,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with pytest.raises(ModelError, match="rgbd-seg model calibrate"):
        open_segmenter(with_graph, _OPTIONS)
    write_pairs(tmp_path / "seen", 8)
    assert main(["model", "calibrate", str(with_graph), str(tmp_path / "seen"), "--frames", "8"]) == 0
    said = capfd.readouterr().out.strip().splitlines()[-1]
    assert said.startswith("int8 gives ")
    assert said.endswith("on 2 other frames of seen")
    frame = make_frame()
    with open_segmenter(with_graph, _OPTIONS) as segmenter:
        assert said == f"int8 gives {segmenter.info.details['int8']}"
        result = segmenter(frame).labels
    # Random weights: a hard case, and not the same arithmetic.
    assert 0.7 < np.mean(result == labels_of(with_graph, frame, "float32")) < 1
    (kept,) = (tmp_path / "data").rglob("*.json")
    kept.write_text('{"ranges": {"classify": [1]}}')
    with pytest.raises(ModelError, match="calibrate the model again"):
        open_segmenter(with_graph, _OPTIONS)


def test_a_card_with_ranges_is_enough(
    with_graph: Path, make_frame: FrameMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    frames = [make_frame(seed) for seed in range(4)]
    network, card = load_model(with_graph)
    ranges = ranges_on(with_graph, frames)
    save_model(with_graph, network, replace(card, ranges=ranges))
    assert read_card(with_graph).ranges == ranges
    equal = np.mean(labels_of(with_graph, frames[0], "int8") == labels_of(with_graph, frames[0], "float32"))
    assert 0.8 < equal < 1
    save_model(with_graph, network, replace(card, ranges={"classify": (0.0, 1.0)}))
    with pytest.raises(ModelError, match="another network"):
        open_segmenter(with_graph, _OPTIONS)


def test_the_whole_numbers_fit_processors_that_add_in_16_bits(with_graph: Path, make_frame: FrameMaker) -> None:
    """Two neighbouring channels of 255 each, and their weights, must stay below 2^15."""
    card = read_card(with_graph)
    model = network_model(with_graph, card, card.size)
    quantise(model, ranges_on(with_graph, [make_frame()]))
    whole = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer if one.name.endswith(".int8")}
    assert len(whole) == len(convolutions(model)) > 20
    for values in whole.values():
        padded = np.pad(values.astype(int), ((0, 0), (0, values.shape[1] % 2), (0, 0), (0, 0)))
        for part in (padded.clip(0), -padded.clip(None, 0)):
            # Each of the two is rounded by itself.
            assert 255 * (part[:, ::2] + part[:, 1::2] - 1).max() < 2**15
    onnx.checker.check_model(model)


def test_auto_takes_int8_where_there_are_no_16_bits_and_the_model_is_calibrated() -> None:
    plain = Device("CPU", "a plain CPU", ("float32", "int8"))
    assert choose_precision(plain, "auto", calibrated=True)[0] == "int8"
    assert choose_precision(plain, "auto")[0] == "float32"
    assert choose_precision(plain, "float32", calibrated=True)[0] == "float32"
    modern = replace(plain, precisions=("float32", "bfloat16", "int8"))
    assert choose_precision(modern, "auto", calibrated=True)[0] == "bfloat16"


@pytest.mark.parametrize("ranges", [[], {"a": 1}, {"a": [0]}, {"a": [1, 2]}, {"a": [0, 0]}, {"a": [0, "b"]}])
def test_ranges_that_are_none_are_refused(model_path: Path, ranges: object) -> None:
    text = read_card(model_path).to_json()
    with pytest.raises(ConfigurationError, match="range"):
        ModelCard.from_json(text[:-1] + f', "ranges": {ranges!r}}}'.replace("'", '"'))


def test_too_few_frames_are_refused(tmp_path: Path, model_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pairs(tmp_path / "few", 3)
    assert main(["model", "calibrate", str(model_path), str(tmp_path / "few")]) == 2
    assert "at least 8 frames" in capsys.readouterr().err
