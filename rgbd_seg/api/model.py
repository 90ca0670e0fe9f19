"""A model as other programs use it: called with arrays, with a frame, or with many."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.api.kept_segmenter import KeptSegmenter
from rgbd_seg.api.result import Result
from rgbd_seg.assets import model_path
from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.inference.segmenter import Segmenter, SegmenterInfo, SegmenterOptions, Smoothing
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.reader import StoredFrame

_MILLIMETRE = 0.001
# Of Kinects and Xtions; only metres beside the line of sight depend on it.
_ASSUMED_FOCAL_LENGTH = 525 / 640


def open_model(
    model: str | Path = "real",
    *,
    backend: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    size: tuple[int, int] | None = None,
    smoothing: Smoothing = "off",
    min_confidence: float = 0.0,
    threads: int | None = None,
) -> Model:
    """Loads and warms a model; takes seconds.

    Args:
        model: "real", "real-fine" or "demo" for those that come with the program, or the path of a model file.
        backend: "auto", "openvino", "onnxruntime" or "torch".
        device: "auto", "cpu", "cuda", "cuda:1", "gpu", "npu", "mps", as the back end calls it.
        precision: "auto", "float32", "bfloat16", "float16" or "int8".
        size: Height and width at which the network runs; None for the model's own.
        smoothing: "off", "low" or "high": over time, for frames of one camera.
        min_confidence: Pixels below this (0..1) stay unlabelled.
        threads: Of the processor; None for the usual.

    Returns:
        The model, to be called; use it in a `with` block, or `close` it.

    Raises:
        ConfigurationError: An argument is out of its range; the message names both.
        ModelError: The file cannot be used, or not as asked.
    """
    from rgbd_seg.inference import open_segmenter

    options = SegmenterOptions(
        backend=backend,
        device=device,
        precision=precision,
        size=size,
        smoothing=smoothing,
        min_confidence=min_confidence,
        threads=threads,
    )
    return Model(open_segmenter(model_path(str(model)), options), options)


class Model:
    """A loaded model; made by `open_model`, used from one thread at a time."""

    def __init__(self, segmenter: Segmenter, options: SegmenterOptions) -> None:
        self.kept, self.options = KeptSegmenter(segmenter), options
        self._calls = 0
        self._closed = False

    @property
    def label_set(self) -> LabelSet:
        """Names and colours of what it predicts; class i has the id i + 1."""
        return self.kept.label_set

    @property
    def info(self) -> SegmenterInfo:
        """What was loaded, on which back end and device, and why."""
        return self.kept.info

    @overload
    def __call__(self, color: RgbdFrame | StoredFrame) -> Result: ...
    @overload
    def __call__(
        self,
        color: NDArray[np.uint8],
        depth: NDArray[np.generic],
        *,
        depth_unit_m: float | None = None,
        intrinsics: Intrinsics | None = None,
    ) -> Result: ...
    def __call__(
        self,
        color: RgbdFrame | StoredFrame | NDArray[np.uint8],
        depth: NDArray[np.generic] | None = None,
        *,
        depth_unit_m: float | None = None,
        intrinsics: Intrinsics | None = None,
    ) -> Result:
        """Segments one picture; the caller's arrays are copied, and stay as they are.

        Args:
            color: A frame of a stream or a recording; or (H, W, 3) uint8 RGB (OpenCV reads BGR: turn it round with
                `color[..., ::-1]`).
            depth: (H, W) on the same pixels: whole numbers 0..65535 with 0 where there is none; or floats (rounded to
                millimetres) with 0, NaN or infinity where there is none.
            depth_unit_m: Metres for 1 in `depth`; None for 0.001 (millimetres) with whole numbers and 1 (metres) with
                floats.
            intrinsics: Of the lens, for areas, distances and points; the network does without. None assumes that of a
                Kinect, and asking for such figures then warns.

        Raises:
            ConfigurationError: An argument has the wrong shape, type or range; the message names it.
            ModelError: The back end failed, or the model is closed.
        """
        if isinstance(color, StoredFrame):
            color = color.as_captured()
        if isinstance(color, RgbdFrame):
            if depth is not None or depth_unit_m is not None or intrinsics is not None:
                raise ConfigurationError("a frame brings its own depth, unit and intrinsics: give the frame alone")
            return self._run(color)
        if depth is None:
            raise ConfigurationError("depth is missing: the model takes (color, depth), or a frame alone")
        self._calls += 1
        return self._run(frame_of(color, depth, depth_unit_m, intrinsics, self._calls))

    def batch(self, frames: Sequence[RgbdFrame | StoredFrame]) -> list[Result]:
        """Segments several unrelated frames, without smoothing between them; faster where the device gains by it."""
        self._refuse_if_closed()
        captured = [frame.as_captured() if isinstance(frame, StoredFrame) else frame for frame in frames]
        return [Result.of(segmentation) for segmentation in self.kept.batch(captured)]

    def reset(self) -> None:
        """Forgets earlier frames, where smoothing is on and the next one is of another scene."""
        self.kept.reset()

    def close(self) -> None:
        """Frees the device. Closing twice does nothing."""
        self._closed = True
        self.kept.release()

    def _run(self, frame: RgbdFrame) -> Result:
        self._refuse_if_closed()
        return Result.of(self.kept(frame))

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ModelError(f"the model {self.info.model} is closed: open it again")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def frame_of(
    color: NDArray[np.uint8],
    depth: NDArray[np.generic],
    depth_unit_m: float | None = None,
    intrinsics: Intrinsics | None = None,
    index: int = 0,
) -> RgbdFrame:
    """A frame of arrays, which are copied; the arguments are those of a `Model`.

    Raises:
        ConfigurationError: An argument has the wrong shape, type or range; the message names it.
    """
    color, depth = np.asarray(color), np.asarray(depth)
    if color.dtype != np.uint8 or color.ndim != 3 or color.shape[2] != 3:
        raise ConfigurationError(f"color must be (H, W, 3) uint8 RGB, not {color.dtype} {color.shape}")
    if depth.shape != color.shape[:2]:
        raise ConfigurationError(f"depth must be {color.shape[:2]} like color, not {depth.shape}")
    height, width = depth.shape
    if intrinsics is not None and (intrinsics.height, intrinsics.width) != (height, width):
        raise ConfigurationError(
            f"intrinsics are for {intrinsics.width}x{intrinsics.height}, but color is {width}x{height}: "
            "use intrinsics.scaled(width, height)"
        )
    counts, unit_m = _counts(depth, depth_unit_m)
    focal = width * _ASSUMED_FOCAL_LENGTH
    lens = intrinsics or Intrinsics(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    calibration = Calibration(lens, unit_m, origin="assumed" if intrinsics is None else "user")
    return RgbdFrame(color.copy(), counts, calibration, index, time.monotonic_ns())


def _counts(depth: NDArray[Any], depth_unit_m: float | None) -> tuple[NDArray[np.uint16], float]:
    """(H, W) uint16 counts in an array of their own, and metres per count."""
    if np.issubdtype(depth.dtype, np.integer):
        if depth.size and not (depth.min() >= 0 and depth.max() <= 65535):
            raise ConfigurationError(f"depth must be 0..65535, not {depth.min()}..{depth.max()}")
        return depth.astype(np.uint16), _MILLIMETRE if depth_unit_m is None else depth_unit_m
    if not np.issubdtype(depth.dtype, np.floating):
        raise ConfigurationError(f"depth must be whole numbers or floats, not {depth.dtype}")
    metres = np.where(np.isfinite(depth), depth, 0) * (1.0 if depth_unit_m is None else depth_unit_m)
    if metres.size and metres.min() < 0:
        raise ConfigurationError(f"depth must be 0 or more, not {metres.min():.3g} m")
    if metres.size and metres.max() > 65535 * _MILLIMETRE:
        raise ConfigurationError(
            f"depth reaches {metres.max():.4g} m, and 65.535 m are the most: is it in millimetres? Then say "
            "depth_unit_m=0.001"
        )
    return np.round(metres / _MILLIMETRE).astype(np.uint16), _MILLIMETRE
