"""Exports from the window: the dialog, the job in the background with its progress, and PLY files of the 3D view."""

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from rgbd_seg.app.model.controller import remembered_path
from rgbd_seg.app.recording.export_dialog import ExportDialog
from rgbd_seg.app.source.names import recording_of
from rgbd_seg.app.view.cloud.scene import point_grid
from rgbd_seg.app.widgets.file_dialog import CLOUDS, choose
from rgbd_seg.pipeline.background import Deadline
from rgbd_seg.pipeline.offline.export_job import ExportJob, ExportPlan
from rgbd_seg.pipeline.offline.job import progress_text
from rgbd_seg.recording.exports.cloud import cloud_file
from rgbd_seg.recording.exports.formats import formats

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.app.context import Context
    from rgbd_seg.app.replay.bar import ReplayBar
    from rgbd_seg.app.view.cloud.view import CloudView

_CLEANING_S = 10.0  # So long the closing window, out of sight already, waits for an export to clear away its files.


class ExportController(QObject):
    """At most one export at a time."""

    def __init__(
        self,
        context: Context,
        bar: ReplayBar,
        cloud: CloudView,
        reopen: Callable[[str], None],
        train: Callable[[str], None],
    ) -> None:
        """Nothing runs yet.

        Args:
            context: The window.
            bar: Has the range that is to be exported.
            cloud: The 3D view.
            reopen: Opens what was exported.
            train: Asks how to train on what was exported.
        """
        super().__init__(context.widget)
        self._context, self._bar, self._cloud, self._reopen, self._train = context, bar, cloud, reopen, train
        self.job: ExportJob | None = None
        self.dialog: ExportDialog | None = None
        self._cloud_thread: threading.Thread | None = None

    def ask(self) -> None:
        """Opens the dialog for the open recording."""
        context = self._context
        playback, info = context.session.playback, context.session.info
        if playback is None or info is None:
            context.say("export", "Only recordings can be exported: record the source first, then open the recording.")
            return
        if self.job is not None:
            return  # Its progress is on show, with a button to stop it.
        if self.dialog is not None:
            self.dialog.close()  # It may be about another recording or another range.
        path, own = recording_of(context.session.uri)
        model = remembered_path(context.settings.model) if context.session.status().model.info else None
        self.dialog = ExportDialog(
            path,
            own,
            playback.length,
            playback.time_of,
            self._bar.range,
            context.settings.recordings,
            model,
            context.settings.run,
            context.widget,
            opacity=context.presenter.display.opacity,
        )
        self.dialog.plan_made.connect(self.start)
        self.dialog.finished.connect(self._forget_dialog)
        self.dialog.show()

    def _forget_dialog(self) -> None:
        self.dialog = None

    def start(self, plan: ExportPlan) -> None:
        """Begins an export, unless one is running."""
        if self.job is None:
            self.job = ExportJob(plan, self._context.session.model.opener, self._context.wake)
            self.tick()

    def cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()
            self.tick()

    def tick(self) -> None:
        """Shows the progress; call it often."""
        if self.job is None:
            return
        status, plan = self.job.status, self.job.plan
        if status.state == "running":
            part = status.done / status.total if status.total else 0.0
            text = f"Exporting {plan.source.name} to {plan.target.name}: {progress_text(status)}"
            if self.job.is_cancelled:
                text = f"Cancelling the export to {plan.target.name}…"
            self._context.say("export", text, "info", "Cancel", self.cancel, part=part)
            return
        self.job.close()
        self.job = None
        if status.state == "finished" and plan.to == "folder" and os.path.isdir(plan.target / "label"):
            train, words = partial(self._train, str(plan.target)), f"{plan.target.name} has labels to train a model on."
            self._context.say("export labels", words, "info", "Train on it…", train)
        if status.state == "finished":
            action = "Open it" if formats()[plan.to].reopens else "Show the folder"
            self._context.say("export", status.text, "info", action, lambda: self._show(plan))
        else:
            self._context.say("export", status.text, "error" if status.state == "failed" else "info")

    def _show(self, plan: ExportPlan) -> None:
        if formats()[plan.to].reopens:
            self._reopen(str(plan.target))
        else:
            folder = plan.target if os.path.isdir(plan.target) else plan.target.parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def ask_cloud(self) -> None:
        """Asks where the cloud on screen is to go."""
        if self._cloud.scene is not None:
            proposed = self._context.settings.recordings / "cloud.ply"
            choose(self._context.widget, "Save the cloud", self._save_cloud, files=CLOUDS, save_as=proposed)

    def _save_cloud(self, path: str) -> None:
        scene = self._cloud.scene
        if scene is None:
            return

        def body() -> None:
            grid = point_grid(scene, 1)
            one = scene.segmentation
            labels = one.labels if one.labels is not None else None
            names = one.label_set.names if one.label_set else ()
            comments = tuple(f"label {label} {name}" for label, name in enumerate(names, start=1))
            shown = grid.there
            points = grid.points_m.copy()
            points[~shown] = 0  # Hidden classes are no points, like holes.
            try:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                Path(path).write_bytes(cloud_file(points, grid.rgb, labels, comments))
                text, kind = f"Cloud saved in {path}", "info"
            except OSError as error:
                text, kind = f"{path} could not be written: {error.strerror or error}.", "error"
            self._context.post(lambda: self._context.say("export", text, kind))

        self._cloud_thread = threading.Thread(target=body, name="rgbd-seg cloud file", daemon=True)
        self._cloud_thread.start()

    def close(self, timeout_s: float) -> None:
        """Ends what is running; a cloud that is being written has the same time."""
        deadline = Deadline(timeout_s)
        if self.job is not None:
            self.job.close(
                _CLEANING_S
            )  # It stops after the frame it is busy with, and clears away what it has written.
        if self._cloud_thread is not None:
            self._cloud_thread.join(deadline.left_s)
