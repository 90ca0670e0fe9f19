"""The back end for CPUs, and for Intel's GPUs and NPUs: the deployed graph compiled by OpenVINO."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.available import DeviceChoice
from rgbd_seg.inference.graph_segmenter import GraphSegmenter, Inferred, warmed
from rgbd_seg.inference.kept_ranges import has_ranges
from rgbd_seg.inference.openvino.compilation import SMOOTHED, compilations
from rgbd_seg.inference.openvino.model import OpenVinoModel
from rgbd_seg.inference.openvino.runtime import Device, choose_precision, core, find_device
from rgbd_seg.inference.openvino.runtime import devices as found_devices
from rgbd_seg.inference.portable import PortableModel, is_portable, pytorch_is_missing
from rgbd_seg.models.model_header import read_card

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rgbd_seg.inference.graph_segmenter import Progress
    from rgbd_seg.inference.openvino.foreign import OpenVinoNetwork
    from rgbd_seg.inference.resize import Size
    from rgbd_seg.inference.segmenter import SegmenterInfo, SegmenterOptions

NAME = "OpenVINO"
SUFFIXES = (".safetensors", ".onnx")


def devices() -> tuple[DeviceChoice, ...]:
    """What OpenVINO finds here; int8 works for models that were calibrated."""
    return tuple(DeviceChoice(found.id.lower(), found.name, found.precisions) for found in found_devices())


def problem(device: str) -> str | None:
    try:
        find_device(device)
    except (ModelError, ConfigurationError) as error:
        return str(error)
    return None


def open_segmenter(path: Path, options: SegmenterOptions, reason: str, progress: Progress) -> OpenVinoSegmenter:
    trouble = problem(options.device)
    if trouble:
        raise ModelError(f"{trouble}: choose another device, or auto")
    device = find_device(options.device)
    own = path.suffix.lower() != ".onnx"
    calibrated = own and has_ranges(path, read_card(path), options.size)
    precision, why = choose_precision(device, options.precision, calibrated=calibrated)
    progress("reading the model", 0.1)
    if not own:
        from rgbd_seg.inference.openvino.foreign import OpenVinoNetwork

        source: OpenVinoNetwork | OpenVinoModel | PortableModel = OpenVinoNetwork(path, options)
    elif pytorch_is_missing() or precision == "int8" or is_portable(path, options, precision):
        source = PortableModel(
            path, options.size, precision, lambda model: core().read_model(model, b""), channels_last=True
        )
    else:
        source = OpenVinoModel(path, options.size, precision)
    info = source.describe(NAME, device.name, precision, f"{reason}; {device.name}: {why}")
    return warmed(OpenVinoSegmenter(source, info, device, options), options, progress)


class OpenVinoSegmenter(GraphSegmenter):
    """A graph on an OpenVINO device, in parts that hand their tensors on without a copy.

    Of the parts that smoothing looks back to there are two requests each, which take turns: what one has written for
    the last frame is read by the other.
    """

    def __init__(
        self,
        source: OpenVinoNetwork | OpenVinoModel | PortableModel,
        info: SegmenterInfo,
        device: Device,
        options: SegmenterOptions,
    ) -> None:
        """Takes a graph that is not compiled yet.

        Args:
            source: Makes the graph's parts.
            info: What was chosen; its precision is what the device computes in.
            device: Where to run.
            options: Settings and threads.
        """
        self._source, self._device, self._threads = source, device, options.threads
        self._first: list[Any] = []  # Two requests for the first part, that of the last frame at the end.
        self._rest: list[Any] = []  # One request for each part after it.
        self._smoothed: list[Any] = []  # Two requests for the last part with smoothing; empty if there is none.
        super().__init__(info, source.label_set, options)

    def build(self, frame_size: Size) -> None:
        """Compiles the parts, or takes them compiled from the cache."""
        self.release()
        parts, contents = self._source.parts(frame_size), self._source.contents(frame_size)
        found = compilations(parts, contents, self._device, self.info.precision, self._threads)
        compiled = {name: compilation.from_cache() for name, compilation in found.items()}
        origin = "taken from the cache"
        if None in compiled.values():
            origin = "compiled now"
            self._source.make_ready(frame_size, self._device, self._threads)
            for name, compilation in found.items():
                compiled[name] = compiled[name] or compilation.from_cache() or compilation.compile()
        self.info = replace(self.info, details={**self.info.details, "compiled graph": origin})
        first, *rest = parts.chain
        self._first = [compiled[first].create_infer_request() for _ in range(2 if parts.smoothed else 1)]
        self._rest = [compiled[name].create_infer_request() for name in rest]
        if parts.smoothed:
            self._smoothed = [compiled[SMOOTHED].create_infer_request() for _ in range(2)]
            for request in (self._first[-1], self._smoothed[-1]):  # An empty memory to begin with.
                for i in range(len(request.output_tensors)):
                    request.get_output_tensor(i).data[...] = 0

    def infer(
        self, color: NDArray[np.uint8], depth: NDArray[np.uint16], depth_unit_m: float, strength: float | None
    ) -> Inferred:
        started = time.perf_counter()
        before, request = self._first[-1], self._first[0]
        given = (color, depth, depth_unit_m)
        for i in range(min(len(request.input_tensors), len(given))):
            request.get_input_tensor(i).data[...] = given[i]
        uploaded = time.perf_counter()
        request.infer()
        self._first.reverse()
        if strength is not None and self._smoothed:
            request = self._smooth(request, before, strength)
        else:
            for following in self._rest:
                following.set_input_tensor(0, request.get_output_tensor(0))
                following.infer()
                request = following
        done = time.perf_counter()
        labels, confidence = (request.get_output_tensor(i).data.copy() for i in range(2))
        copied = time.perf_counter()
        stages = {"upload": uploaded - started, "network": done - uploaded, "download": copied - done}
        return Inferred(labels, confidence, stages)

    def release(self) -> None:
        self._first, self._rest, self._smoothed = [], [], []

    def _smooth(self, scores: Any, scores_before: Any, strength: float) -> Any:
        """Runs the decision with smoothing, given the first part's requests of this frame and of the last."""
        remembered, request = self._smoothed[-1], self._smoothed[0]
        logits, color, depth_m = (scores.get_output_tensor(i) for i in range(3))
        _, previous_color, previous_depth_m = (scores_before.get_output_tensor(i) for i in range(3))
        tensors = (logits, color, depth_m, remembered.get_output_tensor(2), previous_color, previous_depth_m)
        for i, tensor in zip((0, 1, 2, 4, 5, 6), tensors, strict=True):
            request.set_input_tensor(i, tensor)
        request.get_input_tensor(3).data[...] = strength
        request.infer()
        self._smoothed.reverse()
        return request
