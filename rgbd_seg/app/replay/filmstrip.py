"""Brings the thumbnails of the open recording to the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from rgbd_seg.app.replay.thumbnails import Thumbnails
from rgbd_seg.app.source.names import recording_of

if TYPE_CHECKING:
    from rgbd_seg.app.bridge import Bridge
    from rgbd_seg.app.replay.timeline import Timeline


class Filmstrip(QObject):
    """At most one recording at a time; another one ends the work on the one before."""

    def __init__(self, timeline: Timeline, bridge: Bridge, parent: QObject) -> None:
        super().__init__(parent)
        self._timeline, self._bridge = timeline, bridge
        self._uri = ""
        self._thumbnails: Thumbnails | None = None
        self._images: dict[int, QImage] = {}

    def show_recording(self, uri: str) -> None:
        """Begins to make thumbnails of a recording; "" for none."""
        if uri == self._uri:
            return
        self.close()
        self._uri, self._images = uri, {}
        self._timeline.show_thumbnails({})
        if uri:
            path, options = recording_of(uri)
            self._thumbnails = Thumbnails(path, options, lambda: self._bridge.post(self._take))

    def _take(self) -> None:
        if self._thumbnails is None:
            return
        for position, pixels in self._thumbnails.pictures.items():
            if position not in self._images:
                height, width = pixels.shape[:2]
                image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
                self._images[position] = image.convertToFormat(QImage.Format.Format_RGB32)
        self._timeline.show_thumbnails(self._images)

    def close(self, timeout_s: float = 0.0) -> None:
        """Makes no more of them."""
        if self._thumbnails is not None:
            self._thumbnails.close(timeout_s)
            self._thumbnails = None
