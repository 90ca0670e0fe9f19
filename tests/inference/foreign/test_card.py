"""Other people's networks: cards read and refused, and ONNX files built here that run with either runtime."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnx
import pytest

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.foreign.card import read_network_card
from rgbd_seg.inference.segmenter import SegmenterOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame

BACKENDS = ["openvino", "onnxruntime"]
CLASSES = ["red", "green", "blue", "near"]


def card_data(**changes: Any) -> dict[str, Any]:
    """The card of `write_network`'s network."""
    card = {
        "name": "colour rule",
        "size": [48, 64],
        "color": {"input": "rgb", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
        "depth": {"input": "depth", "unit_m": 0.001, "mean": 2000, "std": 1000, "range_m": [0.3, 3.0], "hole": -9},
        "output": {"output": "scores"},
        "labels": {"name": "rule", "classes": CLASSES},
        "licence": "MIT",
    }
    return card | changes


def write(folder: Path, text: str, card: dict[str, Any]) -> Path:
    path = folder / "net.onnx"
    onnx.save(onnx.parser.parse_model(f'<ir_version: 7, opset_import: ["" : 11]>\n{text}'), path)
    path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return path


def write_network(folder: Path, card: dict[str, Any] | None = None) -> Path:
    """Scores: the three normalised colours, and how much nearer than 2 m a pixel is; in an old operator set."""
    text = """net (float[1,3,48,64] rgb, float[1,1,48,64] depth) => (float[1,4,48,64] scores) {
      near = Neg(depth)
      scores = Concat<axis = 1>(rgb, near)
    }"""
    return write(folder, text, card or card_data())


def expected_labels(frame: RgbdFrame, depth_resize: int = cv2.INTER_NEAREST_EXACT) -> np.ndarray:
    """The same by OpenCV and numpy, at the network's size."""
    color = cv2.resize(frame.color.astype(np.float32), (64, 48), interpolation=cv2.INTER_LINEAR) / 255
    color = (color - 0.5) / 0.25
    depth = cv2.resize(frame.depth, (64, 48), interpolation=depth_resize) * frame.calibration.depth_unit_m
    scaled = np.where((depth < 0.3) | (depth > 3.0), -9.0, (depth * 1000 - 2000) / 1000)
    return np.concatenate([color, -scaled[..., None]], axis=-1).argmax(axis=-1) + 1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("size", "unit_m"), [((48, 64), 0.001), ((96, 128), 0.00025)])
def test_color_and_depth_network_runs(
    tmp_path: Path, make_frame: Callable[..., RgbdFrame], backend: str, size: tuple[int, int], unit_m: float
) -> None:
    path = write_network(tmp_path)
    frame = make_frame(3, size, unit_m)
    options = SegmenterOptions(backend=backend, precision="float32", frame_size=size, threads=1)
    with open_segmenter(path, options) as segmenter:
        result = segmenter(frame)
        assert segmenter.info.model == "colour rule"
        assert segmenter.label_set.names == tuple(CLASSES)
    expected = cv2.resize(expected_labels(frame).astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    assert result.labels is not None
    assert set(np.unique(expected)) == {1, 2, 3, 4}
    assert (result.labels == expected).mean() > 0.999
    assert result.confidence is not None
    assert result.confidence.min() >= 255 // 4
    assert result.confidence.max() > 200


def test_depth_is_resized_as_the_card_says(tmp_path: Path, make_frame: Callable[..., RgbdFrame]) -> None:
    card = card_data()
    card["depth"]["resize"] = "nearest"
    frame = make_frame(3, (96, 128))
    rng = np.random.default_rng(0)  # Neighbours that differ: half a pixel matters.
    frame = replace(frame, depth=rng.integers(300, 3000, frame.depth.shape).astype(np.uint16))
    options = SegmenterOptions(backend="onnxruntime", frame_size=(96, 128), threads=1)
    with open_segmenter(write_network(tmp_path, card), options) as segmenter:
        result = segmenter(frame)
    floor, exact = (
        cv2.resize(expected_labels(frame, kind).astype(np.uint8), (128, 96), interpolation=cv2.INTER_NEAREST_EXACT)
        for kind in (cv2.INTER_NEAREST, cv2.INTER_NEAREST_EXACT)
    )
    assert (result.labels == floor).mean() > 0.999
    assert (result.labels == exact).mean() < 0.9


@pytest.mark.parametrize("backend", BACKENDS)
def test_color_only_bgr_channels_last_labels_out(
    tmp_path: Path, make_frame: Callable[..., RgbdFrame], backend: str
) -> None:
    text = """net (float[N,H,W,3] image) => (int64[N,h,w] ids) {
      ids = ArgMax<axis = 3, keepdims = 0>(image)
    }"""
    card = card_data(
        color={"input": "image", "layout": "NHWC", "order": "BGR", "scale": 1},
        output={"output": "ids", "kind": "labels", "layout": "NHW", "first_id": 0},
        labels={"name": "two", "classes": ["green", "red"]},
    )
    del card["depth"]
    frame = make_frame(3, (48, 64))
    with open_segmenter(write(tmp_path, text, card), SegmenterOptions(backend=backend, threads=1)) as segmenter:
        result = segmenter(frame)
        assert any("certain" in note for note in segmenter.info.notes)
    assert result.labels is not None
    assert np.array_equal(result.labels, frame.color[..., ::-1].argmax(axis=-1))  # Blue is class 0: void.


@pytest.mark.parametrize("backend", BACKENDS)
def test_probabilities_coarser_than_the_input(
    tmp_path: Path, make_frame: Callable[..., RgbdFrame], backend: str
) -> None:
    text = """net (float[1,3,48,64] rgb) => (float[1,3,12,16] shares) {
      coarse = AveragePool<kernel_shape = [4, 4], strides = [4, 4]>(rgb)
      shares = Softmax<axis = 1>(coarse)
    }"""
    card = card_data(output={"output": "shares", "kind": "probabilities"}, labels={"name": "c", "classes": CLASSES[:3]})
    del card["depth"]
    frame = make_frame(1, (48, 64))
    with open_segmenter(write(tmp_path, text, card), SegmenterOptions(backend=backend, threads=1)) as segmenter:
        result = segmenter(frame)
    assert result.labels is not None
    assert (result.labels == frame.color.argmax(axis=-1) + 1).mean() > 0.8  # Coarse, but where it should be.


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_card_of_other_classes_is_refused(tmp_path: Path, backend: str) -> None:
    path = write_network(tmp_path, card_data(labels={"name": "three", "classes": CLASSES[:3]}))
    with pytest.raises(ModelError, match="3 channels"):
        open_segmenter(path, SegmenterOptions(backend=backend))


def test_weights_outside_of_the_folder_are_refused(tmp_path: Path) -> None:
    path = write_network(tmp_path)
    model = onnx.load(path)
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1], [1.0])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.ClearField("float_data")
    tensor.external_data.add(key="location", value="../secret.bin")
    model.graph.initializer.append(tensor)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"secret\.bin"):
        open_segmenter(path)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = write_network(tmp_path)
    path.write_bytes(b"not a network at all")
    with pytest.raises(ModelError, match=r"net\.onnx"):
        open_segmenter(path)


def test_without_a_card_the_message_names_it(tmp_path: Path) -> None:
    path = write_network(tmp_path)
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"net\.json"):
        open_segmenter(path)


def test_other_sizes_and_int8_are_refused(tmp_path: Path) -> None:
    path = write_network(tmp_path)
    with pytest.raises(ConfigurationError, match="64x48"):
        open_segmenter(path, SegmenterOptions(backend="openvino", size=(96, 128)))
    with pytest.raises(ConfigurationError, match="int8"):
        open_segmenter(path, SegmenterOptions(backend="openvino", precision="int8"))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"size": [48]}, "size"),
        ({"size": [48, 1e9]}, "size"),
        ({"color": {"input": "rgb", "layout": "HWC"}}, "color.layout"),
        ({"color": {"input": "rgb", "std": [1, 0, 1]}}, "color.std"),
        ({"color": {"input": "rgb", "mena": [0, 0, 0]}}, "mena"),
        ({"color": {}}, "color.input"),
        ({"depth": {"input": "depth", "range_m": [3, 1]}}, "range_m"),
        ({"depth": {"input": "depth", "channels": 2}}, "depth.channels"),
        ({"depth": {"input": "depth", "layout": "NHW", "channels": 3}}, "depth.channels"),
        ({"depth": 7}, "depth"),
        ({"output": {"output": "scores", "kind": "labels", "first_id": 5}}, "first_id"),
        ({"output": {"output": "scores", "temperature": 0}}, "temperature"),
        ({"labels": "../../labels.json"}, "folder"),
        ({"labels": {"name": "x", "classes": []}}, "classes"),
        ({"extra": 1}, "extra"),
    ],
)
def test_faults_of_a_card_are_named(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    path = write_network(tmp_path, card_data(**changes))
    with pytest.raises(ModelError, match=named):
        read_network_card(path)


def test_labels_may_be_built_in_or_a_file_beside_the_card(tmp_path: Path) -> None:
    path = write_network(tmp_path, card_data(labels="sunrgbd37"))
    assert len(read_network_card(path).label_set) == 37
    (tmp_path / "mine.json").write_text(json.dumps({"name": "mine", "classes": ["a"]}), encoding="utf-8")
    path = write_network(tmp_path, card_data(labels="mine.json"))
    assert read_network_card(path).label_set.names == ("a",)
