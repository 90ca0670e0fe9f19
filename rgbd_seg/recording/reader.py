"""The one shape of something recorded: frames at random, in bounded memory. One reader for each layout on disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, depth_in_metres, points_of
from rgbd_seg.errors import ConfigurationError, RecordingError, RgbdSegError
from rgbd_seg.frame import Prediction, RgbdFrame, Truth, TruthOrigin
from rgbd_seg.labels import LabelSet


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames that are missing from a recording.

    Attributes:
        after: Position of the last frame before the gap (-1: at the very start).
        frames: How many are missing, 0 if unknown.
        seconds: How long nothing was captured.
        reason: "queue full", "camera lost", "unreadable", ...
    """

    after: int
    frames: int
    seconds: float
    reason: str

    def __str__(self) -> str:
        """How much is missing: in frames where that is known, else in seconds."""
        return _frames(self.frames) if self.frames else f"{self.seconds:.2f} s"


def _frames(count: int) -> str:
    return f"{count} frame{'' if count == 1 else 's'}"


def _gaps(gaps: Sequence[Gap]) -> str:
    return f"{len(gaps)} gap{'' if len(gaps) == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """What is known of a recording without decoding its pictures.

    Attributes:
        path: The file or folder.
        layout: "mcap", "sunrgbd", "tum", "folder", ...
        name: What people call it (the sensor's name, or the folder's).
        label_set: What the ids of its labels mean: of the truth, or else of what models saw; None without either.
        truth_origin: Who says so, None where there is no truth.
        predictions: What is known of each model whose labels were recorded: name, hash, how it was run.
        details: Sensor, serial, settings, program version and the like, as plain text.
        warnings: What was wrong with it and mended or left out, in whole sentences.
        notes: What was assumed, chosen or not kept, in whole sentences; nothing is wrong with the recording.
        gaps: Where frames are missing.
        is_counted: Whether frames have the numbers of their capture, so that lost ones are known.
        is_timed: Whether anybody knows when its frames were taken, or how many a second.
        other_cameras: For each other camera in the file what to call it, and the options that open it.
    """

    path: Path
    layout: str
    name: str
    label_set: LabelSet | None = None
    truth_origin: TruthOrigin | None = None
    predictions: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    is_counted: bool = False
    is_timed: bool = True
    other_cameras: tuple[tuple[str, Mapping[str, str]], ...] = ()

    @property
    def missing(self) -> str:
        """What is missing, as far as anybody knows: frames where they are counted, else seconds."""
        if not self.gaps:
            return "nothing" if self.is_counted else "not known: the frames have no numbers of their capture"
        counted, timed = [gap for gap in self.gaps if gap.frames], [gap for gap in self.gaps if not gap.frames]
        parts = [f"{_frames(sum(gap.frames for gap in counted))} in {_gaps(counted)}"] if counted else []
        if timed:
            parts.append(f"{sum(gap.seconds for gap in timed):.2f} s in {_gaps(timed)} whose frames nobody has counted")
        return ", and ".join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class StoredFrame:
    """One frame as it lies in a recording.

    Attributes:
        color: (H, W, 3) uint8 RGB.
        depth: (H, W) uint16 counts on colour's grid, 0 = no return.
        calibration: Intrinsics and depth unit of this frame.
        index: The index it was captured with; gaps are drops.
        time_us: Microseconds since the first frame.
        device_us: The sensor's own clock, or None.
        truth: Labels that a prediction may be scored against.
        prediction: What a model saw in it when it was recorded.
        host_ns: The computer's clock at its arrival, which is not comparable between files; None where nobody knows.
        gap: What is missing before it, where a range of a recording is read in order; else None.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    calibration: Calibration
    index: int
    time_us: int
    device_us: int | None = None
    truth: Truth | None = None
    prediction: Prediction | None = None
    host_ns: int | None = None
    gap: Gap | None = None

    @property
    def depth_m(self) -> NDArray[np.float32]:
        """Depth in metres: (H, W) float32, NaN where there is none."""
        return depth_in_metres(self.depth, self.calibration)

    def points(self) -> NDArray[np.float32]:
        """(H, W, 3) float32 metres in the colour camera's frame: x right, y down, z ahead; NaN at holes."""
        return points_of(self.depth, self.calibration)

    def as_captured(self) -> RgbdFrame:
        """The same as a camera would deliver it: with the clock of its arrival, or else its time in the recording."""
        return RgbdFrame(
            self.color,
            self.depth,
            self.calibration,
            self.index,
            self.time_us * 1000 if self.host_ns is None else self.host_ns,
            self.device_us,
            self.truth,
            self.prediction,
        )


class RecordingReader(ABC):
    """Random access to a recording. Frames have positions 0..len-1; opening reads an index, never the pictures."""

    _info: RecordingInfo
    _times_us: NDArray[np.int64]

    @property
    def info(self) -> RecordingInfo:
        """What the recording is; its warnings may grow when reading finds more."""
        return self._info

    @property
    def times_us(self) -> NDArray[np.int64]:
        """(N,) microseconds since the first frame, never decreasing."""
        return self._times_us

    @property
    def start_ns(self) -> int | None:
        """When the first frame was recorded, nanoseconds since 1970; None where nobody has written it down."""
        return None

    @property
    def epoch_offset_ns(self) -> int | None:
        """What to add to `StoredFrame.host_ns` for nanoseconds since 1970; None where frames have no such clock."""
        return None

    @property
    def streams(self) -> tuple[tuple[str, str, int], ...]:
        """For each stream in the file its topic, kind of message and number of messages; empty where there are none."""
        return ()

    def file_of(self, position: int) -> Path | None:
        """The colour picture of a frame, where frames are files of their own.

        Raises:
            IndexError: There is no such position.
        """
        return None

    def read(self, position: int) -> StoredFrame:
        """Decodes one frame.

        Raises:
            IndexError: There is no such position.
            RecordingError: This frame is damaged; its neighbours may be fine.
        """
        if not 0 <= position < len(self):
            raise IndexError(f"{self.info.path} has frames 0..{len(self) - 1}, not {position}")
        try:
            return self.decode(position)
        except (RecordingError, ConfigurationError) as error:
            raise RecordingError(f"frame {position} of {self.info.path} cannot be read: {error}") from error

    @abstractmethod
    def decode(self, position: int) -> StoredFrame:
        """What `read` gives for a position that there is; the sentence of an error need not name the frame.

        Raises:
            RecordingError: This frame is damaged; its neighbours may be fine.
        """

    def close(self) -> None:
        """Frees files. Closing twice does nothing."""

    def __len__(self) -> int:
        return len(self.times_us)

    def __getitem__(self, position: int) -> StoredFrame:
        """The frame at a position, from the end where that is negative.

        Raises:
            IndexError: There is no such position.
            RecordingError: As `read`.
        """
        if not -len(self) <= position < len(self):
            raise IndexError(f"position must be {-len(self)}..{len(self) - 1}, not {position}")
        return self.read(position % len(self))

    def __iter__(self) -> Iterator[StoredFrame]:
        for position in range(len(self)):
            yield self.read(position)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def reason_of(error: RecordingError) -> str:
    """Why a frame could not be read, for whoever says himself which one it was."""
    return str(error.__cause__ if isinstance(error.__cause__, RgbdSegError) else error)


def usual_fps(times_us: NDArray[np.int64]) -> float:
    """Frames per second of a recording: one over the median interval, 30 where there is none, within 0.1 to 240."""
    intervals = np.diff(times_us)
    intervals = intervals[intervals > 0]
    return float(np.clip(1e6 / np.median(intervals), 0.1, 240)) if intervals.size else 30.0


def video_fps(times_us: NDArray[np.int64]) -> float:
    """The rate of a video that has room for every frame at its time: the usual one, or the mean if that is higher."""
    span_us = int(times_us[-1] - times_us[0]) if len(times_us) > 1 else 0
    mean = (len(times_us) - 1) * 1e6 / span_us if span_us else 0.0
    return float(np.clip(max(usual_fps(times_us), mean), 0.1, 240))
