"""What all back ends of our own model files share: one deployed graph for each frame size, settings, time and errors.

A back end implements `build` and `infer` and nothing else.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError, ModelError, RgbdSegError
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.inference.resize import Size
from rgbd_seg.inference.segmenter import STRENGTHS, Segmenter, SegmenterInfo, SegmenterOptions, Smoothing
from rgbd_seg.labels import LabelSet

Progress = Callable[[str, float], None]

T = TypeVar("T")
S = TypeVar("S", bound="GraphSegmenter")
# Before the first frame is seen, this is what most cameras send.
USUAL_FRAME_SIZE = (480, 640)


@dataclass(frozen=True, slots=True, eq=False)
class Inferred:
    """What a back end returns for one frame.

    Attributes:
        labels: (H, W) uint8, an array of its own that the back end will not write to again.
        confidence: (H, W) uint8, likewise.
        elapsed_s: Seconds by stage.
    """

    labels: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    elapsed_s: Mapping[str, float]


class GraphSegmenter(Segmenter):
    """A segmenter that runs a `DeployedGraph`."""

    def __init__(self, info: SegmenterInfo, label_set: LabelSet, options: SegmenterOptions) -> None:
        self.info = info
        self.label_set = label_set
        self._smoothing: Smoothing = "off"
        self._min_confidence = 0.0
        self._frame_size: Size | None = None
        self._last_index = -1
        self._remembers = False
        self._closed = False
        self.configure(smoothing=options.smoothing, min_confidence=options.min_confidence)

    @abstractmethod
    def build(self, frame_size: Size) -> None:
        """Makes the graph for frames of this size; called before the first `infer`."""

    @abstractmethod
    def infer(
        self, color: NDArray[np.uint8], depth: NDArray[np.uint16], depth_unit_m: float, strength: float | None
    ) -> Inferred:
        """Runs the graph that was built.

        Args:
            color: (H, W, 3) uint8 RGB, contiguous, read-only.
            depth: (H, W) uint16, contiguous, read-only.
            depth_unit_m: Metres per count.
            strength: Weight of the memory, 0 for the first frame after a reset; None to do without one.
        """

    def release(self) -> None:
        """Frees what the back end holds; called once."""

    def warm(self, frame_size: Size, progress: Progress) -> None:
        """Builds the graph and runs it, so that the first real frame is as fast as the next, smoothed or not."""
        progress(f"preparing for {frame_size[1]}x{frame_size[0]} frames", 0.6)
        self._adopt_size(frame_size)
        progress("warming up", 0.9)
        self._run_empty(frame_size)
        progress("ready", 1.0)

    def prepare(self, frame_size: Size) -> None:
        """Builds and runs the graph for frames of another size than the last; does nothing for the same."""
        if frame_size != self._frame_size:
            self._adopt_size(frame_size)
            self._run_empty(frame_size)

    def __call__(self, frame: RgbdFrame) -> Segmentation:
        """Segments one frame; one that is not newer than the last (a seek, a loop) starts the smoothing anew."""
        if self._closed:
            raise ModelError(f"the model {self.info.model} is closed: open it again")
        started = time.perf_counter()
        if frame.index <= self._last_index:
            self.reset()
        self._last_index = frame.index
        self._adopt_size((frame.height, frame.width))
        result = self._run(
            np.ascontiguousarray(frame.color), np.ascontiguousarray(frame.depth), frame.calibration.depth_unit_m
        )
        around_s = time.perf_counter() - started - sum(result.elapsed_s.values())
        return self._finish(frame, result, {"around": max(around_s, 0.0)})

    def configure(self, *, smoothing: Smoothing, min_confidence: float) -> None:
        """Adopts settings with the next frame; nothing is built for it."""
        if smoothing not in STRENGTHS:
            raise ConfigurationError(f"smoothing must be one of {', '.join(STRENGTHS)}, not {smoothing!r}")
        if not 0.0 <= min_confidence <= 1.0:
            raise ConfigurationError(f"min_confidence must be 0..1, not {min_confidence!r}")
        self._smoothing, self._min_confidence = smoothing, min_confidence

    def reset(self) -> None:
        self._remembers = False
        self._last_index = -1

    def close(self) -> None:
        """Frees the device. Closing twice does nothing."""
        if not self._closed:
            self._closed = True
            self.release()

    def _run_empty(self, frame_size: Size) -> None:
        """Runs both decisions once on an empty frame."""
        color, depth = np.zeros((*frame_size, 3), np.uint8), np.zeros(frame_size, np.uint16)
        for strength in (None, 0.0):
            self._guard(partial(self.infer, color, depth, 0.001, strength))
        self.reset()

    def _adopt_size(self, frame_size: Size) -> None:
        if frame_size == self._frame_size:
            return
        self.reset()
        self._guard(lambda: self.build(frame_size))
        self._frame_size = frame_size

    def _finish(self, frame: RgbdFrame, result: Inferred, more_s: Mapping[str, float] | None = None) -> Segmentation:
        """Takes the labels of uncertain pixels away and binds the maps to their frame."""
        if self._min_confidence > 0:
            np.copyto(result.labels, 0, where=result.confidence < self._min_confidence * 255)
        elapsed_s = {**result.elapsed_s, **(more_s or {})}
        info = self.info
        return Segmentation(
            frame, result.labels, result.confidence, self.label_set, elapsed_s, info.model, info.sha256, self._made
        )

    @property
    def _made(self) -> str:
        """How labels are made now, in words."""
        made = f"{self.info.backend} {self.info.precision}, {self.info.size[1]}x{self.info.size[0]}"
        if self._smoothing != "off":
            made += f", smoothing {self._smoothing}"
        return made if not self._min_confidence else f"{made}, confidence from {self._min_confidence:.2f}"

    def _run(self, color: NDArray[np.uint8], depth: NDArray[np.uint16], depth_unit_m: float) -> Inferred:
        strength = None
        if self._smoothing != "off":
            strength = STRENGTHS[self._smoothing] if self._remembers else 0.0
        result = self._guard(lambda: self.infer(color, depth, depth_unit_m, strength))
        self._remembers = strength is not None
        return result

    def _guard(self, action: Callable[[], T]) -> T:
        """Turns whatever a back end throws into a sentence."""
        try:
            return action()
        except RgbdSegError:
            raise
        except Exception as error:
            raise ModelError(
                f"the model {self.info.model} failed on {self.info.backend} ({self.info.device}): "
                f"{type(error).__name__}: {str(error)[:500]}. Choose another back end, device or precision"
            ) from error


def warmed(segmenter: S, options: SegmenterOptions, progress: Progress) -> S:
    """The segmenter, ready for its first frame; whatever ends that, also a callback that gives up, closes it."""
    try:
        segmenter.warm(options.frame_size or USUAL_FRAME_SIZE, progress)
    except BaseException:
        segmenter.close()
        raise
    return segmenter
