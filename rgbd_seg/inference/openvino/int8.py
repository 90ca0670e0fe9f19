"""Calibrates a network for 8-bit whole numbers by OpenVINO, and measures what they lose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.inference.graph_segmenter import Progress
from rgbd_seg.inference.kept_ranges import Agreement, keep
from rgbd_seg.inference.openvino.runtime import core
from rgbd_seg.inference.portable import network_model
from rgbd_seg.inference.quantised import Ranges, measure_ranges, quantise
from rgbd_seg.inference.resize import Size
from rgbd_seg.inference.surroundings import preparation_alone
from rgbd_seg.labels import MAX_CLASSES
from rgbd_seg.models.model_header import read_card
from rgbd_seg.scores import confusion_matrix, equal_share, mean_iou

Inputs = Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]

MIN_FRAMES = 8
_HELD_OUT = 4  # Every fourth frame is kept back to measure what was lost.


def calibrate(
    model: Path, frames: Sequence[RgbdFrame], recording: str, size: Size | None, progress: Progress
) -> Agreement:
    """Calibrates a model file on frames, keeps the result for this user, and measures what was lost.

    Args:
        model: A model file of this program.
        frames: At least `MIN_FRAMES` frames like those that it will see; every fourth is used for measuring only.
        recording: What the frames come from, as people call it.
        size: Network input (height, width), None for the card's.
        progress: Called with words and a share 0..1.

    Raises:
        ModelError: The model cannot be used, or its graph has to be made and PyTorch is not installed.
        ConfigurationError: There are too few frames.
    """
    if len(frames) < MIN_FRAMES:
        raise ConfigurationError(f"calibrating needs at least {MIN_FRAMES} frames, {recording} gave {len(frames)}")
    progress("converting the network", 0.1)
    card = read_card(model)
    size = size or card.size
    network = network_model(model, card, size)
    inputs = [_network_input(model, frame, size) for frame in frames]
    seen = [given for place, given in enumerate(inputs) if place % _HELD_OUT]
    progress(f"calibrating on {len(seen)} frames", 0.3)
    ranges = measure_ranges(network, _run, seen)
    progress("measuring what was lost", 0.8)
    held_out = inputs[::_HELD_OUT]
    exact = _labels(network, held_out)
    quantise(network, ranges)
    result = _labels(network, held_out)
    miou = mean_iou(confusion_matrix(exact, result, MAX_CLASSES))
    agreement = Agreement(len(held_out), equal_share(result, exact), miou, recording)
    keep(model, size, ranges, agreement)
    progress("ready", 1.0)
    return agreement


def ranges_on(model: Path, frames: Sequence[RgbdFrame]) -> Ranges:
    """The ranges of a model file's network, at the card's size, on frames like those that it will see.

    Raises:
        ModelError: The model cannot be used, or its graph has to be made and PyTorch is not installed.
    """
    card = read_card(model)
    inputs = [_network_input(model, frame, card.size) for frame in frames]
    return measure_ranges(network_model(model, card, card.size), _run, inputs)


def _network_input(model: Path, frame: RgbdFrame, size: Size) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One frame as the network gets it: colour (1, 3, h, w) and depth (1, 1, h, w)."""
    prepared = preparation_alone(read_card(model), (frame.height, frame.width), size)
    given = [np.ascontiguousarray(frame.color), np.ascontiguousarray(frame.depth)]
    (outputs,) = _run(prepared, [[*given, np.array(frame.calibration.depth_unit_m, np.float32)]])
    return outputs[0], outputs[1]


def _run(model: bytes, inputs: Sequence[Sequence[Any]]) -> Iterator[Sequence[NDArray[np.float32]]]:
    """Runs a serialised ONNX model in float32 on each of the inputs."""
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = core().compile_model(core().read_model(model, b""), "CPU", settings).create_infer_request()
    for given in inputs:
        found = request.infer(list(given))
        yield [np.array(found[i]) for i in range(len(found))]


def _labels(network: Any, inputs: Inputs) -> NDArray[np.uint8]:
    answers = [outputs[0] for outputs in _run(network.SerializeToString(), inputs)]
    labels: NDArray[np.uint8] = np.concatenate(answers).argmax(axis=1).astype(np.uint8) + np.uint8(1)
    return labels
