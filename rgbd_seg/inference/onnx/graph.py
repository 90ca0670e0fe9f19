"""The deployed graph as an ONNX model: what ONNX Runtime runs and what `rgbd-seg model export` writes."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rgbd_seg.errors import ModelError
from rgbd_seg.inference.cache import cache_key, file_digest, read_entry, write_entry
from rgbd_seg.inference.chain import AVERAGED, SCORES, STATE, STRENGTH, Chain
from rgbd_seg.inference.graph import Decision, DeployedGraph, PlainDecision, ScoringGraph
from rgbd_seg.inference.model_info import OwnModelFile
from rgbd_seg.inference.resize import Size
from rgbd_seg.inference.smoothing import SmoothedDecision
from rgbd_seg.models.model_file import load_model

COLOR, DEPTH, DEPTH_UNIT = "color", "depth", "depth_unit_m"
LABELS, CONFIDENCE = "labels", "confidence"


def example_inputs(frame_size: Size) -> tuple[Tensor, Tensor, Tensor]:
    """A black frame, in the types that cameras give: colour uint8, depth uint16, the unit float32."""
    height, width = frame_size
    depth = torch.zeros(height, width, dtype=torch.uint16)
    return torch.zeros(height, width, 3, dtype=torch.uint8), depth, torch.tensor(0.001)


def to_onnx(graph: nn.Module, inputs: tuple[Tensor, ...], names_in: list[str], names_out: list[str]) -> Any:
    """A module as an `onnx.ModelProto` with fixed shapes.

    Raises:
        ModelError: The exporter is not installed.
    """
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # PyTorch's exporter warns about PyTorch.
            program = torch.onnx.export(
                graph.eval(), inputs, dynamo=True, verbose=False, input_names=names_in, output_names=names_out
            )
    except ImportError as error:
        raise ModelError(f"making ONNX models needs onnxscript ({error}): pip install onnxscript") from None
    if program is None:
        raise ModelError("PyTorch returned no ONNX model")
    return program.model_proto


class OnnxModelFile(OwnModelFile):
    """A model file as ONNX files in the cache, its network in "float32" or "float16"."""

    def __init__(self, path: Path, size: Size | None, precision: str) -> None:
        super().__init__(path, size)
        self._precision, self._digest = precision, file_digest(path)

    def parts(self, frame_size: Size) -> Chain:
        """The graph for frames of that size, in two parts; each is the path of a file, or its bytes."""

        def cached(name: str, export: Callable[[Size], Any]) -> Callable[[], bytes | str]:
            return lambda: self._cached(name, frame_size, export)

        return Chain(
            {"scores": cached("scores", self._scores), "labels": cached("labels", self._labels)},
            cached("smoothed", self._smoothed_labels),
        )

    def _cached(self, name: str, frame_size: Size, export: Callable[[Size], Any]) -> bytes | str:
        key = cache_key(self._digest, self._size, frame_size, name, self._precision, torch.__version__) + ".onnx"
        path = read_entry(key)
        if path is None:
            model: bytes = export(frame_size).SerializeToString()
            path = write_entry(key, lambda path: _write(path, model))
            if path is None:  # The disk is full.
                return model
        return str(path)

    def _scores(self, frame_size: Size) -> Any:
        network, card = load_model(self._path)
        if self._precision == "float16":
            network = network.half()
        graph = ScoringGraph(DeployedGraph(network, card, frame_size, self._size))
        return to_onnx(graph, example_inputs(frame_size), [COLOR, DEPTH, DEPTH_UNIT], list(SCORES))

    def _labels(self, frame_size: Size) -> Any:
        decision = PlainDecision(Decision(self._size, frame_size))
        return to_onnx(decision, decision.example_inputs(self._card.network.classes), [SCORES[0]], [LABELS, CONFIDENCE])

    def _smoothed_labels(self, frame_size: Size) -> Any:
        decision = SmoothedDecision(Decision(self._size, frame_size))
        inputs = decision.example_inputs(self._card.network.classes)
        return to_onnx(decision, inputs, [*SCORES, STRENGTH, *STATE], [LABELS, CONFIDENCE, AVERAGED])


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
