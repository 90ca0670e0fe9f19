"""The record button's work: where the file goes, starting, and what was recorded when it ends. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rgbd_seg.errors import RecordingError, SensorError

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.pipeline.recorder import RecorderStatus
    from rgbd_seg.pipeline.session import Session


def size_text(size_bytes: int) -> str:
    """Bytes in a user's words."""
    if size_bytes >= 1e10:
        return f"{size_bytes / 1e9:.0f} GB"
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.2f} GB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes >= 1e7 else f"{size_bytes / 1e6:.1f} MB"


def clock_text(seconds: float) -> str:
    """Minutes and seconds: 1:05."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


def start_recording(session: Session, folder: Path) -> Path:
    """Begins a new file with what the session's source delivers from now on.

    Raises:
        SensorError: No source is running, or it is being recorded already.
        RecordingError: The file cannot be written; the message says why.
    """
    from rgbd_seg.pipeline.recorder import Recorder
    from rgbd_seg.pipeline.recording_settings import recording_settings
    from rgbd_seg.recording.mcap.writer import default_name, unused_path

    sensor, info = session.sensor, session.info
    if sensor is None or info is None or not sensor.is_open:
        raise SensorError("Nothing can be recorded: no source is running.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(f"The folder {folder} cannot be made: {error.strerror or error}.") from None
    path = unused_path(folder / default_name(info.name))
    mode = session.request.mode if session.request is not None else None
    settings = recording_settings(session.controls(), mode, sensor.calibration)
    recorder = Recorder(path, sensor.calibration, info, settings=settings)
    try:
        session.start_recording(recorder)
    except SensorError:
        recorder.stop()
        raise
    return path


def summary(status: RecorderStatus) -> str:
    lost = f", {status.dropped} frames were dropped" if status.dropped else ""
    return (
        f"Recorded {status.frames} frames, {clock_text(status.seconds)}, {size_text(status.file_bytes)}{lost}: "
        f"{status.path.name}"
    )
