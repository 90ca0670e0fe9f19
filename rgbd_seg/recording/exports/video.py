"""Export to an MP4 video: what the camera saw, under its labels where there are any, at the recording's own times."""

from __future__ import annotations

from pathlib import Path

from rgbd_seg.coloring import paint_overlay
from rgbd_seg.frame import Segmentation
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.pictures.video import VideoWriter
from rgbd_seg.recording.reader import StoredFrame


class VideoTarget(ExportTarget):
    """A video being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__()
        self._video = VideoWriter(path, source.fps)
        self._opacity = options.opacity

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        labels = self.labels_of(frame, segmentation, one_set=False)
        if labels is None:
            self._video.write(frame.color, frame.time_us / 1e6)
        else:
            picture = paint_overlay(frame.color, labels.labels, labels.label_set.palette(), self._opacity)
            self._video.write(picture, frame.time_us / 1e6)

    def close(self) -> None:
        self._video.close()
        if self._video.left_out:
            self.warnings.append(f"{self._video.left_out} frames came faster than the video's rate and are left out")


open_target = VideoTarget
