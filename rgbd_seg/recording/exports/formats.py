"""What a recording can be turned into: the table of formats, and the shape of what writes one.

To add a format, write one file `<name>.py` with `open_target(path, source, options) -> ExportTarget` and name it
in `FORMATS`; or, in a package of your own, as an entry point of the group "rgbd_seg.exports", with `SUFFIX`, `SUMMARY`
and, if it is a layout to read too, `REOPENS = True`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration
from rgbd_seg.coloring import OPACITY
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.frame import Prediction, Segmentation, Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.label_provenance import ProvenanceCounter
from rgbd_seg.recording.pictures.depth_unit import change_unit, is_multiple
from rgbd_seg.recording.reader import StoredFrame
from rgbd_seg.system.extensions import usable_extensions


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One format.

    Attributes:
        module: Name of the module that writes it; one of ours without a dot.
        suffix: Of the file; "" for a folder.
        summary: What it is, in a line.
        reopens: Whether this program can open it again as a recording.
        keeps_labels: Whether labels and who made them are then there again.
        not_kept: What is not in it, or not there again when it is opened, in a sentence; "" for nothing.
    """

    module: str
    suffix: str
    summary: str
    reopens: bool = False
    keeps_labels: bool = True
    not_kept: str = ""


FORMATS: Mapping[str, ExportFormat] = {
    "mcap": ExportFormat("mcap", ".mcap", "our recording format, which Foxglove opens too", reopens=True),
    "folder": ExportFormat(
        "folder",
        "",
        "image/, depth/, label/: lossless, and a data set for training",
        reopens=True,
    ),
    "sunrgbd": ExportFormat("sunrgbd", "", "a tree like SUN RGB-D, one folder a frame", reopens=True),
    "tum": ExportFormat("tum", "", "rgb.txt and depth.txt as in the TUM RGB-D benchmark", reopens=True),
    "rosbag2": ExportFormat(
        "rosbag2",
        "",
        "a folder that ROS 2 plays",
        reopens=True,
        keeps_labels=False,
        not_kept="A bag of ROS keeps no numbers of frames and no clock of the device; its labels are pictures, and no "
        "labels any more when it is opened here.",
    ),
    "open3d": ExportFormat("open3d", "", "color/, depth/ and intrinsic.json as Open3D's recorder", reopens=True),
    "scannet": ExportFormat("scannet", "", "color/, depth/ and intrinsic/ as exported from ScanNet", reopens=True),
    "mp4": ExportFormat(
        "video", ".mp4", "a video, with the labels over it where there are any", not_kept="A video has no depth."
    ),
    "ply": ExportFormat(
        "cloud",
        "",
        "a point cloud for each frame, with colours and labels",
        not_kept="A cloud keeps neither camera nor time of its frame, and no pixel without depth.",
    ),
    "voc": ExportFormat("voc", "", "indexed label PNGs and labelmap.txt, as annotation tools import them"),
    "coco": ExportFormat(
        "coco",
        "",
        "COCO polygons, as annotation tools import them",
        not_kept="COCO's polygons have no holes, and regions of under 40 pixels are left out.",
    ),
}


def formats() -> Mapping[str, ExportFormat]:
    """Our formats, then those of other packages."""
    others = {
        name: ExportFormat(module.__name__, module.SUFFIX, module.SUMMARY, getattr(module, "REOPENS", False))
        for name, module in usable_extensions("rgbd_seg.exports").items()
    }
    return {**others, **FORMATS} if others else FORMATS


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How frames are written; a format ignores what does not concern it.

    Attributes:
        color: "png" is lossless, "jpg" is small; None is what the format customarily has.
        opacity: Of the labels in a video, 0..1.
        cloud_step: Every so many pixels across and down become a point.
        cloud_colors: Colours of the points: the camera's, or those of the labels.
        min_region_px: Smaller regions get no polygon.
    """

    color: Literal["png", "jpg"] | None = None
    opacity: float = OPACITY
    cloud_step: int = 1
    cloud_colors: Literal["camera", "labels"] = "camera"
    min_region_px: int = 40

    def __post_init__(self) -> None:
        if self.color not in (None, "png", "jpg"):
            raise ConfigurationError(f"colour is exported as png or jpg, not {self.color!r}")
        if not 0 <= self.opacity <= 1:
            raise ConfigurationError(f"the opacity must be 0 to 1, not {self.opacity:g}")
        if not 1 <= self.cloud_step <= 100:
            raise ConfigurationError(f"the step of a cloud must be 1 to 100 pixels, not {self.cloud_step}")
        if self.min_region_px < 1:
            raise ConfigurationError(f"the smallest region must have at least 1 pixel, not {self.min_region_px}")


@dataclass(frozen=True, slots=True)
class ExportSource:
    """What is known of the frames before the first one comes.

    Attributes:
        name: What people call the source.
        details: Serial, settings and the like, as plain text.
        start_ns: When the first frame was taken, nanoseconds since 1970, or None if unknown.
        fps: The rate of a video of it; frames keep their own times.
        epoch_offset_ns: What to add to the frames' `host_ns` for nanoseconds since 1970, None where they have none.
        started: When its recording was started, as it says itself, "" where it does not.
    """

    name: str
    details: Mapping[str, str] = field(default_factory=dict)
    start_ns: int | None = None
    fps: float = 30.0
    epoch_offset_ns: int | None = None
    started: str = ""


class ExportTarget(ABC):
    """Something being written, frame by frame.

    Attributes:
        warnings: What the format could not keep, as it was noticed.
        counter: Where the labels that were written come from.
        mark: The same of the last frame, as `frames.csv` has it.
        label_set: What the ids mean in a data set.
    """

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.counter = ProvenanceCounter()
        self.mark = ""
        self.label_set: LabelSet | None = None
        self._number = -1
        self._too_far: dict[float, int] = {}  # Unit that was written -> pixels.
        self._predictions_left_out = 0

    @property
    def told(self) -> tuple[str, ...]:
        """What the format could not keep, after the last frame."""
        far = [
            f"{count} depth pixels farther than {65535 * m:.1f} m became holes" for m, count in self._too_far.items()
        ]
        return (*self.warnings, *far)

    @property
    def note(self) -> str:
        """What whoever uses its labels should know, in sentences, or ""."""
        parts = [self.counter.note]
        if self._predictions_left_out:
            parts.append(
                f"What a model saw in {self._predictions_left_out} of the frames is left out: there is one label "
                "picture a frame, and truth goes first."
            )
        return " ".join(filter(None, parts))

    def warn(self, sentence: str) -> None:
        """Says once what the format cannot keep."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def warn_of_camera(self, calibration: Calibration, file: str) -> None:
        """Says what only a file of ours tells of a camera, while programs that know the layout assume the usual."""
        if not calibration.registered:
            self.warn(f"depth is not registered to colour, which only {file} says: other programs assume it")
        if any(calibration.color.distortion):
            self.warn(f"the lens distortion stands in {file} only: other programs assume none")

    def name_of(self, frame: StoredFrame) -> str:
        """The name of a frame's files: its number, or the next one where an earlier frame has it."""
        self._number = max(frame.index, self._number + 1)
        return f"{self._number:06d}"

    def depth_in(self, frame: StoredFrame, unit_m: float) -> NDArray[np.uint16]:
        """A frame's depth in counts of another unit: (H, W) uint16; what is lost by it is said."""
        own_m = frame.calibration.depth_unit_m
        depth, lost = change_unit(frame.depth, own_m, unit_m)
        if lost:
            self._too_far[unit_m] = self._too_far.get(unit_m, 0) + lost
        if not is_multiple(own_m, unit_m):
            self.warn("depth is rounded to " + ("millimetres" if unit_m == 0.001 else f"{unit_m * 1000:g} mm"))
        return depth

    @abstractmethod
    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        """Appends a frame, with what a model saw in it if one was asked.

        Raises:
            RecordingError: It cannot be written.
        """

    @abstractmethod
    def close(self) -> None:
        """Finishes the files. Called once."""

    def labels_of(
        self, frame: StoredFrame, segmentation: Segmentation | None, *, one_set: bool = True
    ) -> Prediction | Truth | None:
        """The labels to write: the asked model's, else the truth, else what a model saw when it was recorded.

        Args:
            frame: The frame.
            segmentation: What the asked model saw in it.
            one_set: Whether all ids must mean the same, as in a data set: others than those of the first are left out.
        """
        labels = (segmentation.prediction if segmentation is not None else None) or frame.truth or frame.prediction
        self._predictions_left_out += segmentation is None and labels is frame.truth and frame.prediction is not None
        if one_set and labels is not None:
            self.label_set = self.label_set or labels.label_set
            if labels.label_set.names != self.label_set.names:
                sentence = (
                    f"labels of the set {labels.label_set.name} are left out: those before are of {self.label_set.name}"
                )
                self.warn(sentence)
                labels = None
        self.mark = self.counter.add(labels) if labels is not None else ""
        return labels


def format_of(path: Path, wanted: str | None = None) -> str:
    """The format that a path asks for: by its suffix, or the wanted one.

    Raises:
        ConfigurationError: There is no such format, or the suffix says another.
    """
    suffix, known = path.suffix.lower(), formats()
    by_suffix = next((name for name, f in known.items() if f.suffix and f.suffix == suffix), None)
    if wanted is None:
        if by_suffix is None and suffix[1:].isalpha() and not path.is_dir():
            suffixes = ", ".join(f.suffix for f in known.values() if f.suffix)
            raise ConfigurationError(f"{path}: no format ends in {suffix}; there are {suffixes}, and folders by --to")
        return by_suffix or "folder"
    if wanted not in known:
        raise ConfigurationError(f"there is no format {wanted!r}; there are: {', '.join(known)}")
    if by_suffix not in (None, wanted) or (by_suffix is None and known[wanted].suffix):
        expected = f"must end in {known[wanted].suffix}" if known[wanted].suffix else "is a folder"
        raise ConfigurationError(f"{path}: the output of format {wanted} {expected}")
    return wanted


def _module(name: str) -> ModuleType:
    module = formats()[name].module
    return import_module(module if "." in module else f"{__package__}.{module}")


def open_target(name: str, path: Path, source: ExportSource, options: ExportOptions) -> ExportTarget:
    """Begins to write a format at a path that does not exist yet."""
    target: ExportTarget = _module(name).open_target(path, source, options)
    return target
