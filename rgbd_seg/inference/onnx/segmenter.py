"""The back end for whatever ONNX Runtime runs on: any CPU, and GPUs by the providers that are installed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.available import DeviceChoice
from rgbd_seg.inference.chain import AVERAGED, SCORES, STATE, STRENGTH
from rgbd_seg.inference.graph_segmenter import GraphSegmenter, Inferred, warmed
from rgbd_seg.inference.onnx.runtime import (
    Provider,
    choose_precision,
    find_provider,
    installed_providers,
    open_sessions,
)
from rgbd_seg.inference.portable import PortableModel, is_portable, pytorch_is_missing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.inference.graph_segmenter import Progress
    from rgbd_seg.inference.onnx.foreign import OnnxNetwork
    from rgbd_seg.inference.onnx.graph import OnnxModelFile
    from rgbd_seg.inference.resize import Size
    from rgbd_seg.inference.segmenter import SegmenterInfo, SegmenterOptions

NAME = "ONNX Runtime"
SUFFIXES = (".safetensors", ".onnx")


def devices() -> tuple[DeviceChoice, ...]:
    """What the installed providers run on, fastest first."""
    return tuple(DeviceChoice(found.device, found.name, found.precisions) for found in installed_providers())


def problem(device: str) -> str | None:
    try:
        find_provider(device)
    except ImportError as error:
        return f"ONNX Runtime cannot be imported ({error})"
    except ConfigurationError as error:
        return str(error)
    return None


def open_segmenter(path: Path, options: SegmenterOptions, reason: str, progress: Progress) -> OnnxSegmenter:
    trouble = problem(options.device)
    if trouble:
        raise ModelError(f"{trouble}: choose another device, or auto")
    provider = find_provider(options.device)
    precision = choose_precision(provider, options.precision)
    progress("reading the model", 0.1)
    if path.suffix.lower() == ".onnx":
        from rgbd_seg.inference.onnx.foreign import OnnxNetwork

        source: OnnxNetwork | OnnxModelFile | PortableModel = OnnxNetwork(path, options)
    elif pytorch_is_missing() or is_portable(path, options, precision):
        source = PortableModel(path, options.size, precision, lambda model: model)
    else:
        from rgbd_seg.inference.onnx.graph import OnnxModelFile

        source = OnnxModelFile(path, options.size, precision)
    info = source.describe(NAME, provider.name, precision, reason)
    return warmed(OnnxSegmenter(source, info, provider, options), options, progress)


class OnnxSegmenter(GraphSegmenter):
    """A chain of ONNX Runtime sessions. What one gives to the next, and the memory, stay on the device."""

    def __init__(
        self,
        source: OnnxNetwork | OnnxModelFile | PortableModel,
        info: SegmenterInfo,
        provider: Provider,
        options: SegmenterOptions,
    ) -> None:
        """Takes models that are not loaded yet.

        Args:
            source: Makes the models.
            info: What was chosen.
            provider: Where to run.
            options: Settings and threads.
        """
        self._source, self._provider, self._threads = source, provider, options.threads
        self._chain: list[Any] = []
        self._smoothed: Any = None
        self._state: dict[str, Any] = {}
        super().__init__(info, source.label_set, options)

    def build(self, frame_size: Size) -> None:
        self.release()
        parts = self._source.parts(frame_size)
        makers = [*parts.chain.values(), *([parts.smoothed] if parts.smoothed else [])]
        sessions = open_sessions([make() for make in makers], self._provider, self._threads)
        self._chain = sessions[: len(parts.chain)]
        if parts.smoothed:
            self._smoothed = sessions[-1]
            for given in self._smoothed.get_inputs():  # An empty memory to begin with.
                if given.name in STATE:
                    self._state[given.name] = self._on_device(np.zeros(given.shape, np.float32))

    def infer(
        self, color: NDArray[np.uint8], depth: NDArray[np.uint16], depth_unit_m: float, strength: float | None
    ) -> Inferred:
        started = time.perf_counter()
        frame: tuple[NDArray[Any], ...] = (color, depth, np.array(depth_unit_m, np.float32))
        names = [given.name for given in self._chain[0].get_inputs()]  # Without depth, colour is the only one.
        values = {name: self._on_device(array) for name, array in zip(names, frame, strict=False)}
        uploaded = time.perf_counter()
        for session in self._chain[:-1]:
            values = self._run_session(session, values)
        if strength is not None and self._smoothed is not None:
            values |= {STRENGTH: self._on_device(np.array(strength, np.float32)), **self._state}
            result = self._run_session(self._smoothed, values)
            remembered = (result[AVERAGED], *(values[name] for name in SCORES[1:]))
            self._state = dict(zip(STATE, remembered, strict=True))
        else:
            result = self._run_session(self._chain[-1], values)
        done = time.perf_counter()
        labels, confidence = (value.numpy() for value in list(result.values())[:2])
        stages = {"upload": uploaded - started, "network": done - uploaded, "download": time.perf_counter() - done}
        return Inferred(labels, confidence, stages)

    def release(self) -> None:
        self._chain, self._smoothed = [], None
        self._state.clear()

    def _on_device(self, array: NDArray[Any]) -> Any:
        import onnxruntime

        return onnxruntime.OrtValue.ortvalue_from_numpy(array, self._provider.memory, 0)

    def _run_session(self, session: Any, values: dict[str, Any]) -> dict[str, Any]:
        binding = session.io_binding()
        for given in session.get_inputs():
            binding.bind_ortvalue_input(given.name, values[given.name])
        names = [output.name for output in session.get_outputs()]
        for name in names:
            binding.bind_output(name, self._provider.memory)
        session.run_with_iobinding(binding)
        return dict(zip(names, binding.get_outputs(), strict=True))
