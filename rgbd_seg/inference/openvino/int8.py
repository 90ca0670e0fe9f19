"""Networks in 8-bit whole numbers: calibrated by NNCF on frames of the user's own, and kept with what they lost.

Calibration looks at the range of every layer's values on real frames, so that it belongs to a model, a network size and
a kind of scene. Only the network is quantised; what is around it stays exact. The result is kept in the user's data
folder, named by the model's contents, and is used when "int8" is asked for.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.openvino.int8_file import Agreement, agreement_path, quantised_path
from rgbd_seg.inference.openvino.runtime import core, import_openvino
from rgbd_seg.labels import MAX_CLASSES
from rgbd_seg.scores import confusion_matrix, equal_share, mean_iou

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference.graph_segmenter import Progress
    from rgbd_seg.inference.resize import Size

MIN_FRAMES = 8
_HELD_OUT = 4  # Every fourth frame is kept back to measure what was lost.


def quantise(
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
        ModelError: NNCF is not installed, or the model cannot be quantised.
        ConfigurationError: There are too few frames.
    """
    if len(frames) < MIN_FRAMES:
        raise ConfigurationError(f"calibrating needs at least {MIN_FRAMES} frames, {recording} gave {len(frames)}")
    nncf = _import_nncf()
    from rgbd_seg.inference.openvino.graph import convert_network
    from rgbd_seg.models.model_file import load_model

    progress("converting the network", 0.1)
    network, card = load_model(model)
    size = size or card.size
    seen = [frame for i, frame in enumerate(frames) if i % _HELD_OUT]
    inputs = [_network_input(network, card, frame, size) for frame in seen]
    exact = convert_network(network, size)
    progress(f"calibrating on {len(inputs)} frames", 0.3)
    quantised = nncf.quantize(exact, nncf.Dataset(inputs), subset_size=len(inputs))
    progress("measuring what was lost", 0.8)
    held_out = [_network_input(network, card, frame, size) for frame in frames[::_HELD_OUT]]
    agreement = _compare(exact, quantised, held_out, recording)
    path = quantised_path(model, size)
    path.parent.mkdir(parents=True, exist_ok=True)
    import_openvino().save_model(quantised, path, compress_to_fp16=False)
    agreement_path(path).write_text(json.dumps(asdict(agreement), indent=2), encoding="utf-8")
    progress("ready", 1.0)
    return agreement


def _network_input(network: Any, card: Any, frame: RgbdFrame, size: Size) -> list[NDArray[np.float32]]:
    """One frame as the network gets it: colour (1, 3, h, w) and depth (1, 1, h, w)."""
    import torch

    from rgbd_seg.inference.graph import DeployedGraph

    graph = DeployedGraph(network, card, (frame.height, frame.width), size)
    color, depth = torch.from_numpy(frame.color.copy()), torch.from_numpy(frame.depth.astype(np.int32))
    unit_m = torch.tensor(frame.calibration.depth_unit_m)
    with torch.inference_mode():
        prepared = graph.prepare(color.unsqueeze(0), depth.unsqueeze(0), unit_m)
    return [prepared.color.numpy(), prepared.depth.numpy()]


def _compare(exact: Any, quantised: Any, inputs: list[list[NDArray[np.float32]]], recording: str) -> Agreement:
    reference, result = (
        np.stack([compiled(one)[0].argmax(axis=1).astype(np.uint8) + 1 for one in inputs])
        for compiled in (core().compile_model(model, "CPU") for model in (exact, quantised))
    )
    return Agreement(
        len(inputs),
        equal_share(result, reference),
        mean_iou(confusion_matrix(reference, result, MAX_CLASSES)),
        recording,
    )


def _import_nncf() -> Any:
    import_openvino()  # Hides the usage statistics, which NNCF would use too.
    try:
        import nncf
    except ImportError:
        raise ModelError(
            "calibrating for int8 needs NNCF, which is not installed: pip install 'rgbd-seg[int8]'"
        ) from None
    nncf.set_log_level(logging.ERROR)
    return nncf
