"""The back end for CPUs, and for Intel's GPUs and NPUs: the deployed graph compiled by OpenVINO."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.available import DeviceChoice
from rgbd_seg.inference.graph_segmenter import USUAL_FRAME_SIZE, GraphSegmenter, Inferred
from rgbd_seg.inference.openvino_runtime import Device, choose_precision, compile_model, find_device
from rgbd_seg.inference.openvino_runtime import devices as found_devices

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rgbd_seg.inference.graph_segmenter import Progress
    from rgbd_seg.inference.openvino_graph import ModelFile
    from rgbd_seg.inference.openvino_network import OpenVinoNetwork
    from rgbd_seg.inference.resize import Size
    from rgbd_seg.inference.segmenter import SegmenterInfo, SegmenterOptions
    from rgbd_seg.labels import LabelSet

    # Makes the openvino.Model for a frame size, with a memory or without.
    GraphBuilder = Callable[[Size, bool], Any]

NAME = "OpenVINO"
SUFFIXES = (".safetensors", ".onnx")

_STATE_INPUT = 4  # The memory comes in from this input on,
_STATE_OUTPUT = 2  # and leaves from this output on.


def devices() -> tuple[DeviceChoice, ...]:
    """What OpenVINO finds here; int8 works for models that were calibrated."""
    return tuple(DeviceChoice(found.id.lower(), found.name, found.precisions) for found in found_devices())


def problem(device: str) -> str | None:
    """Why this back end cannot use that device here; None if it can."""
    try:
        find_device(device)
    except (ModelError, ConfigurationError) as error:
        return str(error)
    return None


def open_segmenter(path: Path, options: SegmenterOptions, reason: str, progress: Progress) -> OpenVinoSegmenter:
    """Loads and compiles a model file or an ONNX network, and warms it up.

    Args:
        path: One of our own model files, or an ONNX file with a card beside it.
        options: `backend` is not looked at.
        reason: Why this back end was chosen, in a sentence.
        progress: Called with words and a share 0..1; may raise to give up, everything is freed then.

    Raises:
        ConfigurationError: There is no such device, or it has no such precision.
        ModelError: The file cannot be used, or "int8" was asked for and the model was not calibrated yet.
    """
    trouble = problem(options.device)
    if trouble:
        raise ModelError(f"{trouble}: choose another device, or auto")
    device = find_device(options.device)
    precision, why = choose_precision(device, options.precision)
    progress("reading the model", 0.1)
    if path.suffix.lower() == ".onnx":
        from rgbd_seg.inference.openvino_network import OpenVinoNetwork

        source: OpenVinoNetwork | ModelFile = OpenVinoNetwork(path, options)
    else:
        from rgbd_seg.inference.openvino_graph import ModelFile

        source = ModelFile(path, options, precision)
    info = source.describe(NAME, device.name, precision, f"{reason}; {device.name}: {why}")
    segmenter = OpenVinoSegmenter(source.build, source.digest(), info, source.label_set, device, options)
    try:
        segmenter.warm(options.frame_size or USUAL_FRAME_SIZE, progress)
    except BaseException:  # Whatever ends the loading, also a progress callback that gives up: nothing stays behind.
        segmenter.close()
        raise
    return segmenter


class OpenVinoSegmenter(GraphSegmenter):
    """A graph on an OpenVINO device.

    Two inference requests take turns, so that the memory that one has written is read by the other without a copy.
    """

    def __init__(
        self,
        build_graph: GraphBuilder,
        digest: str,
        info: SegmenterInfo,
        label_set: LabelSet,
        device: Device,
        options: SegmenterOptions,
    ) -> None:
        """Takes a graph that is not compiled yet.

        Args:
            build_graph: Makes the graph; not called where the cache has it compiled.
            digest: Of the model's file, for the cache.
            info: What was chosen; its precision is what the device computes in.
            label_set: What the labels mean.
            device: Where to run.
            options: Settings and threads.
        """
        self._build_graph, self._digest, self._device, self._threads = build_graph, digest, device, options.threads
        self._requests: list[Any] = []
        super().__init__(info, label_set, options)

    def build(self, frame_size: Size, *, smoothed: bool) -> None:
        """Compiles the graph, or takes it compiled from the cache."""
        self._requests.clear()
        compiled, cached = compile_model(
            lambda: self._build_graph(frame_size, smoothed),
            f"{self._digest} {self.info.size} {frame_size} {smoothed}",
            self._device,
            self.info.precision,
            self._threads,
        )
        source = "taken from the cache" if cached else "compiled now"
        self.info = replace(self.info, details={**self.info.details, "compiled graph": source})
        states = range(_STATE_OUTPUT, len(compiled.outputs))
        self._requests = [compiled.create_infer_request() for _ in range(2 if states else 1)]
        for i in states:  # An empty memory to begin with.
            self._requests[0].get_output_tensor(i).data[...] = 0

    def infer(
        self, color: NDArray[np.uint8], depth: NDArray[np.uint16], depth_unit_m: float, strength: float
    ) -> Inferred:
        """Runs the compiled graph."""
        started = time.perf_counter()
        request = self._requests[-1]
        given = (color, depth, depth_unit_m, strength)
        for i in range(min(len(request.input_tensors), len(given))):
            request.get_input_tensor(i).data[...] = given[i]
        if len(self._requests) > 1:
            before = self._requests[0]
            for i in range(len(before.output_tensors) - _STATE_OUTPUT):
                request.set_input_tensor(_STATE_INPUT + i, before.get_output_tensor(_STATE_OUTPUT + i))
            self._requests.reverse()
        uploaded = time.perf_counter()
        request.infer()
        done = time.perf_counter()
        labels, confidence = (request.get_output_tensor(i).data.copy() for i in range(2))
        copied = time.perf_counter()
        stages = {"upload": uploaded - started, "network": done - uploaded, "download": copied - done}
        return Inferred(labels, confidence, stages)

    def release(self) -> None:
        """Frees the compiled graph."""
        self._requests.clear()
