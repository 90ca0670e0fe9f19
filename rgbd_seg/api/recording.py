"""Anything recorded, for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rgbd_seg.sensors import open_any_recording

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.recording.reader import RecordingReader


def open_recording(path: str | Path, **options: str) -> RecordingReader:
    """Opens anything recorded: our `.mcap`, bags of ROS and RealSense, `.mkv`, `.oni`, data sets, folders of pictures.

    Args:
        path: The file or folder.
        options: What the layout understands, such as `depth="raw"` or `depth_unit_m="0.0002"`.

    Raises:
        RecordingError: There is nothing there, or nothing that any reader knows; the message says what was looked for.
    """
    return open_any_recording(path, **options)
