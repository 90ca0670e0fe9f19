"""Statistics of the open recording from the window: the job in the background, and its dialog."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from rgbd_seg.app.context import Context
from rgbd_seg.app.model.controller import remembered_path
from rgbd_seg.app.source.names import recording_of
from rgbd_seg.app.statistics.recording_dialog import RecordingDialog
from rgbd_seg.app.widgets.file_dialog import TABLES, choose
from rgbd_seg.pipeline.offline.job import Plan
from rgbd_seg.pipeline.offline.statistics_job import StatisticsJob


class RecordingStatisticsController(QObject):
    """At most one job, which ends when its dialog is closed."""

    def __init__(self, context: Context) -> None:
        super().__init__(context.widget)
        self._context = context
        self.job: StatisticsJob | None = None
        self.dialog: RecordingDialog | None = None

    def ask(self) -> None:
        """Opens the dialog for the open recording."""
        context = self._context
        if context.session.playback is None:
            context.say(
                "statistics", "Only recordings can be counted: record the source first, then open the recording."
            )
            return
        if self.dialog is not None:
            self.dialog.raise_()
            return
        path, own = recording_of(context.session.uri)
        model = remembered_path(context.settings.model) if context.session.status().model.info else None
        has_labels = context.presenter.frame is not None and (
            context.presenter.frame.truth is not None or context.presenter.frame.prediction is not None
        )
        self.dialog = RecordingDialog(path, context.session.playback.length, model, has_labels, context.widget.window())
        self.dialog.begin_wanted.connect(
            lambda step, of_model: self._begin(path, own, step, model if of_model else None)
        )
        self.dialog.stop_wanted.connect(self.cancel)
        self.dialog.csv_wanted.connect(self._choose_csv)
        self.dialog.finished.connect(self._forget_dialog)
        self.dialog.show()

    def _begin(self, path: Path, own: dict[str, str], step: int, model: Path | None) -> None:
        if self.job is None:
            plan = Plan(path, own, step, model, self._context.settings.run)
            self.job = StatisticsJob(plan, self._context.session.model.opener, self._context.wake)
            self.tick()

    def cancel(self) -> None:
        """Stops; what was counted so far is shown."""
        if self.job is not None:
            self.job.cancel()

    def tick(self) -> None:
        """Shows the progress, and the result when it is there; call it often."""
        if self.job is None:
            return
        status = self.job.status
        if status.state != "running":
            job, self.job = self.job, None
            job.close()
            if self.dialog is not None and job.result is not None:
                self.dialog.show_result(job.result, self._context.presenter.display.shown_name)
        if self.dialog is not None:
            self.dialog.show_status(status)

    def _choose_csv(self) -> None:
        dialog = self.dialog
        if dialog is not None and dialog.result_shown is not None:
            proposed = self._context.settings.recordings / f"{dialog.recording.stem} statistics.csv"
            choose(dialog, "Save the statistics", self._save_csv, files=TABLES, save_as=proposed)

    def _save_csv(self, path: str) -> None:
        result = self.dialog.result_shown if self.dialog is not None else None
        if result is None:
            return
        try:
            with Path(path).open("w", newline="", encoding="utf-8") as file:
                result.write_csv(file)
            self._context.say("statistics", f"Statistics saved in {path}", "info")
        except OSError as error:
            self._context.say("statistics", f"{path} cannot be written: {error.strerror or error}.", "error")

    def _forget_dialog(self) -> None:
        self.dialog = None
        self.cancel()

    def close(self, timeout_s: float) -> None:
        if self.job is not None:
            self.job.close(timeout_s)
