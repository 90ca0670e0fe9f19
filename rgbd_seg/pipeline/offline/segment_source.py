"""Segments one source into a folder: label maps, pictures or a video with the overlay, and a table of class areas.

Nothing in the results depends on the clock or the machine's load: the same source and model give the same files.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from rgbd_seg.coloring import OPACITY, paint_overlay
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording.label_provenance import LabelProvenance, Maker
from rgbd_seg.recording.layouts.labelled_folder import label_file_text
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_text
from rgbd_seg.recording.pictures.video import VideoWriter
from rgbd_seg.scores import Scores
from rgbd_seg.sensors.offline import every_frame, frame_count

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.inference.segmenter import Segmenter
    from rgbd_seg.sensors.sensor import Sensor

AREAS_FILE = "areas.csv"
SUMMARY_FILE = "segment.json"
LABELS_FILE = "labels.json"
SCORES_FILE = "scores.json"
# Of videos of cameras that were not asked for another rate.
_CAMERA_FPS = 30.0


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """What is written.

    Attributes:
        frames: At most so many frames; None for all.
        video: One overlay.mp4 in place of a picture for each frame.
        opacity: Of the labels in the overlay, 0..1.
        overwrite: Whether files of an earlier run in the same folder may be replaced.
    """

    frames: int | None = None
    video: bool = False
    opacity: float = OPACITY
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.frames is not None and self.frames < 1:
            raise ConfigurationError(f"the number of frames must be at least 1, not {self.frames}")
        if not 0 <= self.opacity <= 1:
            raise ConfigurationError(f"the opacity must be 0 to 1, not {self.opacity:g}")


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """What was done.

    Attributes:
        output: The folder.
        frames: How many were segmented.
        unreadable: How many could not be read.
        warnings: What else was wrong, in whole sentences.
        scores: Against the source's truth; None if it has none.
    """

    output: Path
    frames: int
    unreadable: int
    warnings: tuple[str, ...]
    scores: Scores | None = None


def segment_source(
    sensor: Sensor,
    segmenter: Segmenter,
    output: Path,
    options: SegmentOptions | None = None,
    *,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> SegmentResult:
    """Segments every frame of a source.

    Args:
        sensor: Not opened yet; closed again in the end.
        segmenter: A loaded model.
        output: A new or empty folder.
        options: What is written.
        progress: Called after each frame with the frames done and the number of all, None if nobody knows it.
        cancelled: Asked before each frame; True ends the work, and what is done so far is complete.

    Raises:
        ConfigurationError: The folder holds something already.
        SensorError: The source cannot be opened or fails.
        RecordingError: Nothing could be read, or nothing can be written.
        ModelError: The model fails.
    """
    options = options or SegmentOptions()
    prepare_folder(output, overwrite=options.overwrite)
    with sensor:
        total = frame_count(sensor, options.frames)
        with _Files(output, segmenter, options, _fps_of(sensor)) as files:
            for frame in every_frame(sensor, options.frames, cancelled):
                playback = sensor.playback
                time_s = frame.host_ns / 1e9 if playback is None else playback.time_of(playback.position)
                files.write(segmenter(frame), time_s)
                progress(files.frames, total)
        playback = sensor.playback
        unreadable = playback.unreadable if playback is not None else 0
        warnings = sensor.warnings
    if not files.frames and not cancelled():
        raise RecordingError(f"{sensor.info.name} gave no frame: nothing was segmented")
    scores = files.scores if files.scores.frames else None
    if scores is not None:
        write_scores(output / SCORES_FILE, scores)
    files.write_summary(sensor.info.uri, unreadable, warnings)
    return SegmentResult(output, files.frames, unreadable, warnings, scores)


def read_result(folder: Path) -> SegmentResult:
    """What a finished run has left in a folder.

    Raises:
        ConfigurationError: These are not the files of a finished run.
    """
    try:
        summary = json.loads((folder / SUMMARY_FILE).read_bytes())
        stored = folder / SCORES_FILE
        scores = Scores.from_dict(json.loads(stored.read_bytes()), str(stored)) if stored.exists() else None
        return SegmentResult(
            folder, int(summary["frames"]), int(summary["unreadable"]), tuple(summary["warnings"]), scores
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"the folder {folder} does not hold finished results: {error}") from None


def write_scores(path: Path, scores: Scores) -> None:
    """Writes scores as JSON.

    Raises:
        RecordingError: It cannot be written.
    """
    write_text(path, json.dumps(scores.to_dict(), indent=1) + "\n")


def prepare_folder(folder: Path, *, overwrite: bool) -> None:
    """Makes a folder for results, which must be new or empty unless it may be overwritten.

    Raises:
        ConfigurationError: It holds something, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except FileExistsError:
        raise ConfigurationError(f"cannot make the folder {folder}: there is a file of that name") from None
    except OSError as error:
        raise ConfigurationError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    if occupied and not overwrite:
        raise ConfigurationError(f"the folder {folder} is not empty: name a new one, or say --overwrite")


def _fps_of(sensor: Sensor) -> float:
    if sensor.playback is not None:
        return float(sensor.playback.video_fps)
    return (sensor.request.mode.fps if sensor.request.mode else 0.0) or _CAMERA_FPS


class _Files:
    """The files of one run."""

    def __init__(self, folder: Path, segmenter: Segmenter, options: SegmentOptions, fps: float) -> None:
        self.frames = 0
        self.scores = Scores()
        self._folder = folder
        self._model = segmenter.info
        self._label_set = segmenter.label_set
        self._palette = segmenter.label_set.palette()
        self._options = options
        self._video = VideoWriter(folder / "overlay.mp4", fps) if options.video else None
        maker = Maker(
            segmenter.info.model, segmenter.info.sha256, f"{segmenter.info.backend} {segmenter.info.precision}"
        )
        write_text(folder / LABELS_FILE, label_file_text(self._label_set, LabelProvenance(None, (maker,))))
        self._areas_file = (folder / AREAS_FILE).open("w", newline="", encoding="utf-8")
        self._areas = csv.writer(self._areas_file, lineterminator="\n")
        self._areas.writerow(("frame", "class_id", "class", "pixels", "share", "median_distance_m"))

    def write(self, segmentation: Segmentation, time_s: float) -> None:
        """Writes one frame, which was taken at a time in seconds from any moment.

        Raises:
            RecordingError: The segmenter gave no labels, or a file cannot be written.
        """
        labels, frame = segmentation.labels, segmentation.frame
        if labels is None:
            raise RecordingError(f"the model {self._model.model} gave no labels for frame {frame.index}")
        name = f"{frame.index:06d}.png"
        write_gray(self._folder / "labels" / name, labels)
        overlay = paint_overlay(frame.color, labels, self._palette, self._options.opacity)
        if self._video is not None:
            self._video.write(overlay, time_s)
        else:
            write_color(self._folder / "overlay" / name, overlay)
        self._write_areas(frame, labels)
        self.scores.add(segmentation)
        self.frames += 1

    def _write_areas(self, frame: RgbdFrame, labels: NDArray[np.uint8]) -> None:
        """One row for each class in view; the distance is that of its pixels with depth."""
        counts = np.bincount(labels.ravel(), minlength=256)
        seen = frame.depth > 0
        for label in np.flatnonzero(counts):
            depths = frame.depth[seen & (labels == label)]
            distance = f"{float(np.median(depths)) * frame.calibration.depth_unit_m:.3f}" if depths.size else ""
            share = f"{counts[label] / labels.size:.6f}"
            name = self._label_set.name_of(int(label))
            self._areas.writerow((frame.index, int(label), name, int(counts[label]), share, distance))

    def write_summary(self, source: str, unreadable: int, warnings: tuple[str, ...]) -> None:
        """Writes what was done with what; no times, so that two runs can be compared byte by byte."""
        summary = {
            "source": source,
            "model": self._model.model,
            "model_file": self._model.origin,
            "model_sha256": self._model.sha256,
            "trained_on": self._model.trained_on,
            "backend": self._model.backend,
            "precision": self._model.precision,
            "input_size": list(self._model.size),
            "frames": self.frames,
            "unreadable": unreadable,
            "warnings": list(warnings),
        }
        write_text(self._folder / SUMMARY_FILE, json.dumps(summary, indent=2) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._areas_file.close()
        if self._video is not None:
            self._video.close()
