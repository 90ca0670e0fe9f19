"""The two things that travel through the program: a captured frame, and what a network saw in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from rgbd_seg.calibration import depth_in_metres, points_of
from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rgbd_seg.calibration import Calibration
    from rgbd_seg.labels import LabelSet


def _check(owner: object, field_name: str, words: str, dtype: type, shape: tuple[int, ...]) -> None:
    """Holds a field to its type and shape, and makes it read-only: a view, so that the caller's array stays so."""
    array = getattr(owner, field_name)
    if array.dtype != dtype or array.shape != shape:
        raise ConfigurationError(
            f"{words} must be {np.dtype(dtype).name} {shape}, not {array.dtype.name} {array.shape}"
        )
    if array.flags.writeable:
        view = array.view()
        view.flags.writeable = False
        object.__setattr__(owner, field_name, view)


TruthOrigin = Literal["source", "hand", "imported"]
TRUTH_ORIGINS: tuple[TruthOrigin, ...] = get_args(TruthOrigin)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Labels of a frame that a prediction may be scored against.

    Attributes:
        labels: (H, W) uint8, ids of `label_set`, 0 = void.
        label_set: What the ids mean.
        instances: (H, W) uint16, 0 = none, or None where nobody knows any.
        origin: Who says so: the "source" itself (a rendered room knows its own pixels), a person's "hand", or
            "imported" with a data set whose makers are trusted.
    """

    labels: NDArray[np.uint8]
    label_set: LabelSet
    instances: NDArray[np.uint16] | None = None
    origin: TruthOrigin = "source"


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a model saw in a frame when it was recorded. It can be looked at and compared; nothing is scored against it.

    Attributes:
        labels: (H, W) uint8, ids of `label_set`, 0 = unlabelled.
        label_set: What the ids mean.
        model: Name of the model, "" if unknown.
        model_sha256: Hash of its file in hexadecimal, "" if unknown.
        made: How it was run, in words ("openvino float32, smoothing low"), "" if unknown.
    """

    labels: NDArray[np.uint8]
    label_set: LabelSet
    model: str = ""
    model_sha256: str = ""
    made: str = ""

    @property
    def instances(self) -> None:
        """None: a segmentation tells no instances apart. `Truth` may have them."""
        return None


@dataclass(frozen=True, slots=True, eq=False)
class RgbdFrame:
    """One captured pair of colour and depth. Its arrays are read-only views: whoever made them can still write.

    Attributes:
        color: (H, W, 3) uint8 RGB.
        depth: (H, W) uint16 counts of `calibration.depth_unit_m`, registered to colour, 0 = no return.
        calibration: Intrinsics and depth unit, one object shared by the stream.
        index: Counts captured frames from 0; gaps are drops.
        host_ns: `time.monotonic_ns()` at arrival.
        device_us: The sensor's own clock in microseconds, or None; not comparable with `host_ns`.
        truth: Labels that a prediction may be scored against, if there are any.
        prediction: What a model saw in it when it was recorded, if anybody recorded that.
        infrared: (h, w) uint8 brightness in the view of the depth camera, to be looked at: its pixels are not those of
            colour. None where it was not asked for; it is not recorded.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    calibration: Calibration
    index: int
    host_ns: int
    device_us: int | None = None
    truth: Truth | None = None
    prediction: Prediction | None = None
    infrared: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        size = (self.calibration.color.height, self.calibration.color.width)
        _check(self, "color", "colour", np.uint8, (*size, 3))
        _check(self, "depth", "depth", np.uint16, size)
        if self.truth is not None:
            _check(self.truth, "labels", "truth", np.uint8, size)
            if self.truth.instances is not None:
                _check(self.truth, "instances", "instances", np.uint16, size)
        if self.prediction is not None:
            _check(self.prediction, "labels", "recorded labels", np.uint8, size)
        if self.infrared is not None:
            _check(self, "infrared", "infrared", np.uint8, self.infrared.shape[:2])

    @property
    def height(self) -> int:
        """Height of colour and depth in pixels."""
        return int(self.color.shape[0])

    @property
    def width(self) -> int:
        """Width of colour and depth in pixels."""
        return int(self.color.shape[1])

    @property
    def depth_m(self) -> NDArray[np.float32]:
        """Depth in metres: (H, W) float32, NaN where there is none."""
        return depth_in_metres(self.depth, self.calibration)

    def points(self) -> NDArray[np.float32]:
        """(H, W, 3) float32 metres in the colour camera's frame: x right, y down, z ahead; NaN at holes."""
        return points_of(self.depth, self.calibration)


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """What a network saw in one frame; it carries that frame.

    Attributes:
        frame: The frame that was segmented.
        labels: (H, W) uint8 ids of `label_set`, 0 = unlabelled; None where no model is open.
        confidence: (H, W) uint8, 255 = certain, or None.
        label_set: What the ids mean; None where no model is open.
        elapsed_s: Seconds by stage, in order ("upload", "network", ...); empty where no model is open.
        model: Name of the model, "" where none is open.
        model_sha256: Hash of its file in hexadecimal, "" if unknown.
        made: How the model was run, in words.
    """

    frame: RgbdFrame
    labels: NDArray[np.uint8] | None = None
    confidence: NDArray[np.uint8] | None = None
    label_set: LabelSet | None = None
    elapsed_s: Mapping[str, float] = field(default_factory=dict)
    model: str = ""
    model_sha256: str = ""
    made: str = ""

    def __post_init__(self) -> None:
        size = (self.frame.height, self.frame.width)
        if (self.labels is None) != (self.label_set is None):
            raise ConfigurationError("a segmentation has both labels and a label set, or neither")
        if self.labels is not None:
            _check(self, "labels", "labels", np.uint8, size)
        if self.confidence is not None:
            _check(self, "confidence", "confidence", np.uint8, size)

    @property
    def prediction(self) -> Prediction | None:
        """The labels as they would be recorded; None where no model is open."""
        if self.labels is None or self.label_set is None:
            return None
        return Prediction(self.labels, self.label_set, self.model, self.model_sha256, self.made)

    @property
    def known_labels(self) -> Prediction | Truth | None:
        """What is shown of this moment: what the model sees, else the truth, else what was recorded."""
        return self.prediction or self.frame.truth or self.frame.prediction
