"""Recording, snapshots and copies of what is on screen, from the window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from rgbd_seg.app.recording.snapshot import save_snapshot
from rgbd_seg.app.widgets.file_dialog import choose
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.pipeline.background import Background
from rgbd_seg.pipeline.session_recording import start_recording

if TYPE_CHECKING:
    from rgbd_seg.app.context import Context
    from rgbd_seg.app.recording.panel import RecordingPanel
    from rgbd_seg.app.view.grid import ViewGrid

_LATE_MS = 250.0  # From this age on a snapshot says that it is older than the picture on screen.


class RecordingController(QObject):
    """Whatever keeps the present moment."""

    def __init__(self, context: Context, panel: RecordingPanel, grid: ViewGrid) -> None:
        super().__init__(context.widget)
        self._context, self._grid = context, grid
        self._background = Background()
        panel.record_wanted.connect(self.toggle)
        panel.folder_wanted.connect(self.choose_folder)
        panel.pre_roll_wanted.connect(lambda s: context.remember(replace(context.settings, pre_roll_s=s)))

    def toggle(self) -> None:
        context = self._context
        recorder = context.session.status().recorder
        if recorder is not None and recorder.state == "recording":
            context.session.stop_recording()
            return
        try:
            start_recording(context.session, context.settings.recordings)
        except RgbdSegError as error:
            context.say("recorded", str(error), "error")
        else:
            context.unsay("recorded")
        context.wake()

    def choose_folder(self) -> None:
        context = self._context

        def take(folder: str) -> None:
            context.remember(replace(context.settings, record_folder=folder))

        choose(context.widget, "Folder for recordings", take, start=context.settings.recordings)

    def snapshot(self) -> None:
        """Writes the present moment as files, in the background."""
        context = self._context
        segmentation, pictures = context.presenter.segmentation, context.presenter.pictures
        if segmentation is None or pictures is None:
            return
        overlay = pictures.image("overlay")
        age_ms = context.presenter.labels_age_ms or 0.0
        of_before = f" It is the newest moment with labels, {age_ms / 1000:.1f} s ago." if age_ms > _LATE_MS else ""
        folder, source = context.settings.snapshots, context.session.info

        def body() -> None:
            try:
                path = save_snapshot(folder, segmentation, overlay, source)
                text, kind = f"Snapshot saved in {path}{'.' if of_before else ''}{of_before}", "info"
            except OSError as error:
                text, kind = f"The snapshot could not be saved in {folder}: {error.strerror or error}.", "error"
            context.post(lambda: context.say("snapshot", text, kind))

        self._background.begin("snapshot", body)

    def copy_picture(self) -> None:
        """Puts the picture of the first view on the clipboard."""
        image = self._grid.visible_panes[0].view.image
        if image is not None:
            QGuiApplication.clipboard().setImage(image.copy())
            self._context.say("snapshot", "The picture was copied.", "info")

    def close(self, timeout_s: float) -> None:
        """Waits for files that are being written."""
        self._background.join(timeout_s)
