"""What all recordings made of single pictures share: pairs of files, lazily decoded, with one geometry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Origin, register_depth
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import Prediction, Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.label_provenance import LabelProvenance
from rgbd_seg.recording.pictures.loading import (
    FLOAT_UNIT_M,
    UnreadablePictureError,
    depth_size,
    read_color,
    read_depth,
    read_header,
    read_instances,
    read_labels,
    stored_depth,
    too_far_note,
)
from rgbd_seg.recording.pictures.sidecar import Geometry, Sidecar, read_json
from rgbd_seg.recording.reader import RecordingInfo, RecordingReader, StoredFrame

OPTIONS = ("depth_unit_m", "invalid_depth", "fps", "label_set", "registered")
_MOST_WARNINGS = 50


@dataclass(frozen=True, slots=True)
class PicturePair:
    """The files of one frame.

    Attributes:
        color: The colour picture.
        depth: The depth picture.
        index: The index it was captured with.
        time_us: Microseconds since the first frame.
        device_us: The sensor's own clock, or None.
        labels: A label map of the same size, or None.
        instances: A map of instance ids of the same size, or None.
        calibration: A JSON file with this frame's own calibration, or None.
        made_by: Who made its labels, as `LabelProvenance.labels` takes it; "" for what holds for all.
    """

    color: Path
    depth: Path
    index: int
    time_us: int
    device_us: int | None = None
    labels: Path | None = None
    instances: Path | None = None
    calibration: Path | None = None
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """What a user can say about a folder of pictures; None leaves it to the sidecar, then to the layout."""

    depth_unit_m: float | None = None
    invalid_depth: int | None = None
    fps: float | None = None
    label_set: LabelSet | None = None
    registered: bool | None = None

    def origins(self, sidecar: Sidecar) -> tuple[Origin, Origin, Origin]:
        """Where intrinsics, depth unit and registration come from, as `Geometry` wants it."""
        unit: Origin = "user" if self.depth_unit_m else sidecar.origin("depth_unit_m")
        registration: Origin = "user" if self.registered is not None else sidecar.origin("registered")
        if not self.depth_unit_m and sidecar.depth_unit_m is None:
            unit = "assumed"
        if self.registered is None and sidecar.registered is None:
            registration = "assumed"
        return sidecar.origin("intrinsics"), unit, registration

    @staticmethod
    def parse(options: Mapping[str, str]) -> PictureOptions:
        """Takes the options of `open_recording`, which are texts, as in a URI.

        Raises:
            ConfigurationError: An option is unknown or out of its range.
        """
        refuse_unknown(options, OPTIONS)
        invalid = number_option(options, "invalid_depth", 0, 65535)
        return PictureOptions(
            depth_unit_m=number_option(options, "depth_unit_m", 1e-7, 1.0),
            invalid_depth=None if invalid is None else int(invalid),
            fps=number_option(options, "fps", 0.001, 1000.0),
            label_set=LabelSet.load(options["label_set"]) if "label_set" in options else None,
            registered=flag_option(options, "registered"),
        )


def refuse_unknown(options: Mapping[str, str], known: Iterable[str]) -> None:
    """Raises ConfigurationError if an option is not among `known`."""
    for key in options:
        if key not in known:
            raise ConfigurationError(f"unknown option {key!r}; this layout knows: {', '.join(known)}")


def number_option(options: Mapping[str, str], key: str, low: float, high: float) -> float | None:
    """A number among the options, None if it is not given.

    Raises:
        ConfigurationError: It is no number or out of range.
    """
    if key not in options:
        return None
    try:
        value = float(options[key])
    except ValueError:
        value = float("nan")
    if not low <= value <= high:  # True for NaN too.
        raise ConfigurationError(f"{key} must be a number {low:g} to {high:g}, not {options[key]!r:.80}")
    return value


def flag_option(options: Mapping[str, str], key: str) -> bool | None:
    """A yes or no among the options, None if it is not given.

    Raises:
        ConfigurationError: It is neither.
    """
    if key not in options:
        return None
    value = options[key].lower()
    if value not in ("0", "1", "true", "false", "yes", "no"):
        raise ConfigurationError(f"{key} must be true or false, not {options[key]!r:.80}")
    return value in ("1", "true", "yes")


class PictureReader(RecordingReader):
    """Frames from pairs of picture files."""

    def __init__(
        self,
        info: RecordingInfo,
        pairs: Sequence[PicturePair],
        times_us: NDArray[np.int64],
        geometry: Geometry,
        invalid_depth: int = 0,
        provenance: LabelProvenance | None = None,
        *,
        start_ns: int | None = None,
    ) -> None:
        """Looks at the first readable pair's headers, so that a wrong folder is refused at once.

        Args:
            info: What the recording is.
            pairs: The frames in order; looked at one by one, so that they may be found lazily.
            times_us: (N,) microseconds since the first frame, never decreasing.
            geometry: How pictures become metres.
            invalid_depth: A count that means "no return" besides 0.
            provenance: Who made the labels; None for a data set that says nothing about it.
            start_ns: When the first frame was taken, nanoseconds since 1970, if anybody says so.

        Raises:
            RecordingError: Depth is not metric, sizes do not match, or no pair can be read at all.
        """
        self._info = info
        self._pairs = pairs
        self._geometry = geometry
        self._invalid_depth = invalid_depth
        self._provenance = provenance or LabelProvenance()
        self._start_ns = start_ns
        self._times_us = times_us
        self._times_us.flags.writeable = False
        self._calibrations: dict[tuple[int, int], Calibration] = {}
        self._float_unit_m = 1.0
        first = self._first_usable()
        if first is not None:
            self._look_at(first)

    @property
    def start_ns(self) -> int | None:
        """When the first frame was taken, nanoseconds since 1970; None where nobody has written it down."""
        return self._start_ns

    def pair(self, position: int) -> PicturePair:
        """The files of one frame.

        Raises:
            IndexError: There is no such position.
        """
        if not 0 <= position < len(self):
            raise IndexError(f"{self._info.path} has frames 0..{len(self) - 1}, not {position}")
        return self._pairs[position]

    def file_of(self, position: int) -> Path:
        return self.pair(position).color

    def decode(self, position: int) -> StoredFrame:
        pair = self._pairs[position]
        color, depth = self._read_color(pair), self._read_depth(pair.depth)
        calibration = self._calibration(pair, color[:, :, 0])
        depth = self._on_color_grid(depth, calibration)
        labels = self._labels_of(pair, depth)
        return StoredFrame(
            color,
            depth,
            calibration,
            pair.index,
            pair.time_us,
            pair.device_us,
            labels if isinstance(labels, Truth) else None,
            labels if isinstance(labels, Prediction) else None,
        )

    def _first_usable(self) -> PicturePair | None:
        return first_usable(self._pairs, self._info.path)

    def _color_size(self, pair: PicturePair) -> tuple[int, int]:
        header = read_header(pair.color)
        return header.width, header.height

    def _read_color(self, pair: PicturePair) -> NDArray[np.uint8]:
        return read_color(pair.color, self._note)

    def _warn(self, sentence: str) -> None:
        if sentence not in self._info.warnings and len(self._info.warnings) < _MOST_WARNINGS:
            self._info = replace(self._info, warnings=(*self._info.warnings, sentence))

    def _note(self, sentence: str) -> None:
        if sentence not in self._info.notes and len(self._info.notes) < _MOST_WARNINGS:
            self._info = replace(self._info, notes=(*self._info.notes, sentence))

    def _read_depth(self, path: Path) -> NDArray[np.uint16]:
        return read_depth(path, self._invalid_depth, self._float_unit_m)

    def _look_at(self, pair: PicturePair) -> None:
        """What the first pair says of all: depth in metres, or of another size than colour."""
        geometry = self._geometry
        color_size, size = self._color_size(pair), depth_size(pair.depth)
        if pair.depth.suffix.lower() not in (".png", ".pgm", ".pnm") and stored_depth(pair.depth).dtype.kind == "f":
            intrinsics_by, unit_by, registered_by = geometry.origins
            if unit_by == "assumed":
                self._note("Depth is in floating point and taken for metres (?depth_unit_m= sets another unit).")
                for sentence in too_far_note(stored_depth(pair.depth)):
                    self._note(sentence)
            else:
                self._float_unit_m = geometry.depth_unit_m
            geometry = replace(geometry, depth_unit_m=FLOAT_UNIT_M, origins=(intrinsics_by, unit_by, registered_by))
        if size != color_size:
            words = f"Depth has {size[0]}x{size[1]} pixels, colour {color_size[0]}x{color_size[1]}"
            if geometry.depth_matrix is not None:
                self._note(f"{words}: it is moved to colour by both cameras' calibration.")
            elif geometry.origins[2] == "assumed" and not geometry.same_camera:
                geometry = replace(geometry, registered=False)
                self._note(
                    f"{words}: it is stretched over colour and counts as not registered, because no calibration of "
                    "both is there (?registered=yes if they lie on each other)."
                )
            else:
                self._note(f"{words}: it is stretched over colour.")
        k = geometry.matrix
        if geometry.intrinsics is None and k is not None and not k.width and not k.is_within(*color_size):
            geometry = replace(geometry, matrix=None)
            self._note(
                f"The camera matrix is not for pictures of {color_size[0]}x{color_size[1]}: its principal point "
                f"({k.cx:g}, {k.cy:g}) lies outside. It is not used."
            )
        if geometry.depth_matrix is not None:
            geometry = replace(geometry, registered=True, origins=(*geometry.origins[:2], "file"))
        self._geometry = geometry

    def _on_color_grid(self, depth: NDArray[np.uint16], calibration: Calibration) -> NDArray[np.uint16]:
        """Depth of another camera or another size than colour, moved or stretched to colour's pixels."""
        size = (calibration.color.width, calibration.color.height)
        camera = self._geometry.depth_matrix
        if camera is not None:
            rotation, shift = self._geometry.to_color or (None, None)
            own = camera.intrinsics(depth.shape[1], depth.shape[0])
            return register_depth(depth, own, calibration.color, calibration.depth_unit_m, rotation, shift)
        if (depth.shape[1], depth.shape[0]) == size:
            return depth
        return cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST).astype(np.uint16, copy=False)

    def _calibration(self, pair: PicturePair, depth: NDArray[np.generic]) -> Calibration:
        """One object for each picture size, so that whoever compares by identity sees a steady camera."""
        height, width = depth.shape
        if pair.calibration is not None:
            return _read_calibration(pair.calibration, width, height)
        if (width, height) not in self._calibrations:
            self._calibrations[width, height] = self._geometry.calibration(width, height)
        return self._calibrations[width, height]

    def _labels_of(self, pair: PicturePair, depth: NDArray[np.uint16]) -> Prediction | Truth | None:
        label_set = self._info.label_set
        if pair.labels is None or label_set is None:
            return None
        labels = read_labels(pair.labels, self._note)
        if int(labels.max(initial=0)) > len(label_set):
            self._note(
                f"Some labels are above {len(label_set)}, the last class of {label_set.name}: they mean nothing."
            )
        require_same_size(depth.shape, pair.depth, labels.shape, pair.labels)
        instances = None
        if pair.instances is not None:
            instances = read_instances(pair.instances)
            require_same_size(depth.shape, pair.depth, instances.shape, pair.instances)
        return self._provenance.labels(labels, label_set, instances, pair.made_by)


def _read_calibration(path: Path, width: int, height: int) -> Calibration:
    try:
        calibration = Calibration.from_dict(read_json(path))
    except ConfigurationError as error:
        raise RecordingError(f"{path}: {error}") from None
    if (calibration.color.width, calibration.color.height) != (width, height):
        raise RecordingError(f"{path} is for another size than {width}x{height} pixels")
    return calibration


def first_usable(pairs: Sequence[PicturePair], path: Path) -> PicturePair | None:
    """The first pair whose headers can be read; None if there are no pairs.

    Raises:
        RecordingError: It is no pair of colour and metric depth, or none of the first pairs can be read.
    """
    looked_at = min(len(pairs), 20)
    last: RecordingError | None = None
    for position in range(looked_at):
        try:
            pair = pairs[position]
            read_header(pair.color)
            depth_size(pair.depth)
            return pair
        except UnreadablePictureError as error:
            last = error
    if last is None:
        return None
    raise RecordingError(f"none of the first {looked_at} frames of {path} can be read: {last}")


def require_same_size(a: tuple[int, ...], path_a: Path, b: tuple[int, ...], path_b: Path) -> None:
    """Raises RecordingError unless two pictures have the same (height, width)."""
    if a != b:
        raise RecordingError(f"the sizes do not match: {path_a} is {a[1]}x{a[0]}, but {path_b} is {b[1]}x{b[0]} pixels")


def regular_times_us(count: int, fps: float) -> NDArray[np.int64]:
    """Times of frames that have none of their own: (count,) microseconds, `fps` frames a second."""
    return np.round(np.arange(count) * (1e6 / fps)).astype(np.int64)


def times_of(pairs: Sequence[PicturePair]) -> NDArray[np.int64]:
    """The times of frames that have their own: (N,) microseconds."""
    return np.array([pair.time_us for pair in pairs], np.int64)
