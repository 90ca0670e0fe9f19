"""Scores models in the background, and goes to the frames that they do worst on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from rgbd_seg.app.context import Context
from rgbd_seg.app.model.controller import known_models
from rgbd_seg.app.scoring.dialog import ScoreDialog
from rgbd_seg.app.scoring.request import ScoreRequest, score
from rgbd_seg.app.widgets.file_dialog import PAGES, choose
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.pipeline.background import Background
from rgbd_seg.pipeline.offline.score_report import score_page

_OPENING_S = 20.0
_LOOK_MS = 50


class ScoringController(QObject):
    """At most one scoring at a time, each with its dialog."""

    def __init__(self, context: Context, open_source: Callable[[str], None]) -> None:
        super().__init__(context.widget)
        self._context, self._open_source = context, open_source
        self._background = Background()
        self._stop = threading.Event()
        self.dialog: ScoreDialog | None = None

    def ask(
        self,
        folder: str = "",
        models: Sequence[tuple[str, str]] = (),
        held_out: Sequence[str] = (),
        *,
        go: bool = False,
    ) -> None:
        """Opens the dialog.

        Args:
            folder: The labelled frames.
            models: What people call the models that are to be scored, and their files; () for the one in use.
            held_out: Names of the frames that a training has held out.
            go: Begins at once.
        """
        if self.dialog is not None:
            self.dialog.close()
        others = [one for one in known_models(self._context.settings) if one[1] not in {path for _, path in models}]
        dialog = self.dialog = ScoreDialog(folder, [*models, *others], len(models) or 1, held_out, self._context.widget)
        dialog.wanted.connect(self._score)
        dialog.cancelled.connect(self._cancel)
        dialog.finished.connect(self._forget)
        dialog.frame_wanted.connect(self.show_frame)
        dialog.report_wanted.connect(self._ask_report)
        dialog.show()
        if go:
            dialog.begin.click()

    @property
    def running(self) -> bool:
        return self._background.busy and not self._stop.is_set()

    def _cancel(self) -> None:
        self._stop.set()

    def _forget(self) -> None:
        self._stop.set()
        self.dialog = None

    def _score(self, request: ScoreRequest) -> None:
        context, dialog = self._context, self.dialog
        stop = self._stop = threading.Event()
        opener, options = context.session.model.opener, context.settings.run

        def tell(call: Callable[[ScoreDialog], None]) -> None:
            context.post(lambda: call(dialog) if dialog is not None and dialog is self.dialog else None)

        def progress(model: str, part: float) -> None:
            tell(lambda one: one.show_progress(model, part))

        def body() -> None:
            try:
                result = score(request, opener, options, progress, stop.is_set)
            except (RgbdSegError, OSError) as error:
                why = f"{str(error)[:1].upper()}{str(error)[1:]}."
                tell(lambda one: one.show_problem(why))
            else:
                tell(lambda one: one.show_result(result))

        self._background.begin("score", body)

    def show_frame(self, folder: str, position: int) -> None:
        """Opens the folder in the window, and goes to a frame of it."""
        session = self._context.session
        if Path(session.uri) != Path(folder) or session.playback is None:
            self._open_source(folder)
        until_s = time.monotonic() + _OPENING_S

        def seek() -> None:
            playback = session.playback
            if playback is not None and Path(session.uri) == Path(folder):
                playback.pause()
                playback.seek_frame(position)
            elif time.monotonic() < until_s:
                QTimer.singleShot(_LOOK_MS, self, seek)

        seek()

    def _ask_report(self) -> None:
        dialog = self.dialog
        if dialog is not None:
            proposed = self._context.settings.recordings / "scores.html"
            choose(dialog, "Save the scores", self._save_report, files=PAGES, save_as=proposed)

    def _save_report(self, path: str) -> None:
        dialog = self.dialog
        if dialog is None:
            return
        try:
            Path(path).write_text(score_page(dialog.folder.text(), dialog.scores), encoding="utf-8")
        except OSError as error:
            dialog.note.setText(f"{path} could not be written: {error.strerror or error}.")
        else:
            dialog.note.setText(f"Saved in {path}")

    def close(self, timeout_s: float) -> None:
        """Ends what is running."""
        self._stop.set()
        self._background.join(timeout_s)
