"""What is inside a recording, in numbers: rates, gaps and sizes, without decoding more than one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rgbd_seg.calibration import Calibration
from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.reader import Gap, RecordingReader

_MAX_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class RecordingSummary:
    """What `rgbd-seg info` shows.

    Attributes:
        path: The file or folder.
        layout: Of the recording: "mcap", "tum", ...
        name: Of the source.
        frames: How many.
        damaged: How many of them cannot be read; None if they were not all tried.
        duration_s: From the first frame to the last.
        rate_hz: Frames per second, 0 if there is only one frame.
        interval_ms: Shortest, median and longest time between two frames; zeros if there is only one frame.
        gaps: Where frames are missing.
        missing: The same in words; see `RecordingInfo.missing`.
        size_bytes: On the disk.
        calibration: Of the first frame that can be read.
        truth: Who made the labels that predictions may be scored against, "" where there are none.
        predictions: The models whose labels were recorded.
        streams: For each stream its topic, kind of message and number of messages; empty outside MCAP.
        details: Sensor, serial, settings and the like.
        warnings: What was wrong, in whole sentences.
        notes: What was assumed, chosen or not kept, in whole sentences.
    """

    path: Path
    layout: str
    name: str
    frames: int
    damaged: int | None
    duration_s: float
    rate_hz: float
    interval_ms: tuple[float, float, float]
    gaps: tuple[Gap, ...]
    missing: str
    size_bytes: int
    calibration: Calibration
    truth: str
    predictions: tuple[str, ...]
    streams: tuple[tuple[str, str, int], ...]
    details: Mapping[str, str]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "layout": self.layout,
            "name": self.name,
            "frames": self.frames,
            "damaged_frames": self.damaged,
            "missing": self.missing,
            "missing_frames": sum(gap.frames for gap in self.gaps),
            "duration_s": self.duration_s,
            "rate_hz": self.rate_hz,
            "interval_ms": dict(zip(("shortest", "median", "longest"), self.interval_ms, strict=True)),
            "size_bytes": self.size_bytes,
            "calibration": self.calibration.to_dict(),
            "truth": self.truth or None,
            "predictions": list(self.predictions),
            "streams": [dict(zip(("topic", "message", "messages"), stream, strict=True)) for stream in self.streams],
            "gaps": [
                {"after": g.after, "frames": g.frames, "seconds": g.seconds, "reason": g.reason} for g in self.gaps
            ],
            "details": dict(self.details),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }


def summarise(
    reader: RecordingReader, *, check: bool = False, progress: Callable[[float], None] | None = None
) -> RecordingSummary:
    """Looks at an open recording.

    Args:
        reader: The recording.
        check: Whether every frame is to be read, to count those that are damaged.
        progress: Is called with the part done, 0..1, while they are.

    Raises:
        RecordingError: No frame of it can be read.
    """
    first, damaged = None, 0
    problem: RecordingError | None = None
    for position in range(len(reader)):
        if first is not None and not check:
            break
        try:
            frame = reader.read(position)
            first = first or frame
        except RecordingError as error:
            problem, damaged = problem or error, damaged + 1
        if check and progress:
            progress((position + 1) / len(reader))
    if first is None:
        raise problem or RecordingError(f"{reader.info.path} has no frames")
    info, times = reader.info, reader.times_us  # Now: both have grown by what was read.
    duration_s = float(times[-1]) / 1e6
    steps_ms = np.diff(times) / 1e3 if len(times) > 1 else np.zeros(1)
    return RecordingSummary(
        path=info.path,
        layout=info.layout,
        name=info.name,
        frames=len(times),
        damaged=damaged if check else None,
        duration_s=duration_s,
        rate_hz=(len(times) - 1) / duration_s if duration_s else 0.0,
        interval_ms=(float(steps_ms.min()), float(np.median(steps_ms)), float(steps_ms.max())),
        gaps=info.gaps,
        missing=info.missing,
        size_bytes=_size(info.path),
        calibration=first.calibration,
        truth=info.truth_origin or "",
        predictions=info.predictions,
        streams=reader.streams,
        details=info.details,
        warnings=info.warnings,
        notes=info.notes,
    )


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder (the first million of them)."""
    if path.is_file():
        return path.stat().st_size
    total = 0
    for number, file in enumerate(path.rglob("*")):
        if number == _MAX_FILES:
            break
        if file.is_file() and not file.is_symlink():
            total += file.stat().st_size
    return total
