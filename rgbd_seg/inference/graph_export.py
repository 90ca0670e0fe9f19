"""Model files for other programs: the whole deployed graph as ONNX, OpenVINO or a PyTorch program, checked as written.

An exported graph takes camera bytes of one size (`color` uint8 (H, W, 3), `depth` uint16 (H, W), `depth_unit_m`
float32) and gives `labels` and `confidence`, uint8 (H, W) each: nothing has to be normalised or resized around it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.graph import DeployedGraph
from rgbd_seg.inference.onnx.graph import COLOR as COLOR_INPUT
from rgbd_seg.inference.onnx.graph import CONFIDENCE, DEPTH, DEPTH_UNIT, LABELS, example_inputs, to_onnx
from rgbd_seg.inference.resize import Size
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet
from rgbd_seg.models.model_file import load_model
from rgbd_seg.scores import equal_share

Frame = tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.float32]]
Runner = Callable[[Frame], NDArray[np.uint8]]

# Format -> ending of the file.
FORMATS = {"onnx": ".onnx", "openvino": ".xml", "pt2": ".pt2"}
LEAST_EQUAL = 0.995
_CHECKED_FRAMES = 3


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and the share of pixels with the label that PyTorch gives them (0..1)."""

    path: Path
    equal_share: float


def export_model(model: Path, to: str, output: Path, frame_size: Size, size: Size | None = None) -> Exported:
    """Exports a model file, and compares what was written with PyTorch on pictures of coarse noise.

    Args:
        model: A model file of this program.
        to: One of `FORMATS`.
        output: The file to write; its folder must exist.
        frame_size: Height and width of the frames that the exported graph takes.
        size: Network input (height, width), None for the card's.

    Raises:
        ConfigurationError: There is no such format, or the ending is another one's.
        ModelError: The export failed, or the file does not agree with PyTorch.
    """
    if to not in FORMATS:
        raise ConfigurationError(f"the format must be one of {', '.join(FORMATS)}, not {to!r}")
    if output.suffix != FORMATS[to]:
        raise ConfigurationError(f"the file for {to} must end in {FORMATS[to]}, not {output.name!r}")
    network, card = load_model(model)
    graph = DeployedGraph(network, card, frame_size, size).eval()
    try:
        if to == "onnx":
            run = _write_onnx(graph, frame_size, output)
        elif to == "openvino":
            run = _write_openvino(network, card, frame_size, graph.size, output)
        else:
            run = _write_pt2(graph, frame_size, output)
    except OSError as error:
        raise ModelError(f"cannot write {output}: {error.strerror or error}") from None
    frames = [_noise(seed, frame_size) for seed in range(_CHECKED_FRAMES)]
    with torch.inference_mode():
        expected = [graph(*map(torch.from_numpy, frame))[0].numpy() for frame in frames]
    agreed = equal_share(np.stack([run(frame) for frame in frames]), np.stack(expected))
    if agreed < LEAST_EQUAL:
        raise ModelError(f"{output} gives only {agreed:.2%} of the pixels the label that PyTorch gives: do not use it")
    return Exported(output, agreed)


def _write_onnx(graph: DeployedGraph, frame_size: Size, output: Path) -> Runner:
    import onnxruntime

    names = [COLOR_INPUT, DEPTH, DEPTH_UNIT]
    proto = to_onnx(graph, example_inputs(frame_size), names, [LABELS, CONFIDENCE])
    output.write_bytes(proto.SerializeToString())
    session = onnxruntime.InferenceSession(str(output), providers=["CPUExecutionProvider"])

    def run(frame: Frame) -> NDArray[np.uint8]:
        labels: NDArray[np.uint8] = session.run([LABELS], dict(zip(names, frame, strict=True)))[0]
        return labels

    return run


def _write_openvino(network: DeResUNet, card: ModelCard, frame_size: Size, size: Size, output: Path) -> Runner:
    from rgbd_seg.inference.openvino.graph import convert_network, surround
    from rgbd_seg.inference.openvino.runtime import core, import_openvino

    model = surround(convert_network(network, size), card, frame_size, size, whole=True)
    for port, name in zip([*model.inputs, *model.outputs], _all_names(), strict=True):
        port.get_tensor().set_names({name})
    import_openvino().save_model(model, output, compress_to_fp16=False)
    compiled: Any = core().compile_model(core().read_model(output), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(frame: Frame) -> NDArray[np.uint8]:
        labels: NDArray[np.uint8] = compiled(list(frame))[0]
        return labels.copy()

    return run


def _write_pt2(graph: DeployedGraph, frame_size: Size, output: Path) -> Runner:
    torch.export.save(torch.export.export(graph, example_inputs(frame_size)), output)
    program = torch.export.load(output).module()  # What this very function wrote a line above.

    def run(frame: Frame) -> NDArray[np.uint8]:
        with torch.inference_mode():
            labels: NDArray[np.uint8] = program(*map(torch.from_numpy, frame))[0].numpy()
        return labels

    return run


def _all_names() -> list[str]:
    return [COLOR_INPUT, DEPTH, DEPTH_UNIT, LABELS, CONFIDENCE]


def _noise(seed: int, frame_size: Size) -> Frame:
    """A frame with structure at the scale of 16 pixels and a hole."""
    import cv2

    rng = np.random.default_rng(seed)
    height, width = frame_size
    coarse = (max(height // 16, 2), max(width // 16, 2))
    color = cv2.resize(rng.integers(0, 256, (*coarse, 3), dtype=np.uint8), (width, height))
    depth = cv2.resize(rng.uniform(500, 5000, coarse).astype(np.float32), (width, height)).astype(np.uint16)
    depth[: height // 8, : width // 8] = 0
    return np.ascontiguousarray(color, dtype=np.uint8), depth, np.array(0.001, np.float32)
