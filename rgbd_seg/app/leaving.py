"""What closing the window would end: said once, above the views, and the next time the window closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.app.context import Context
    from rgbd_seg.app.labelling.controller import LabellingController
    from rgbd_seg.app.recording.capture_controller import CaptureController
    from rgbd_seg.app.recording.export_controller import ExportController
    from rgbd_seg.app.scoring.controller import ScoringController
    from rgbd_seg.app.training.controller import TrainingController

_KEY = "leaving"


class Parts(Protocol):
    """What may be at work."""

    captures: CaptureController
    exports: ExportController
    labelling: LabellingController
    scoring: ScoringController
    training: TrainingController


class Leaving:
    """Asked before the window closes."""

    def __init__(
        self,
        context: Context,
        parts: Parts,
        is_said: Callable[[str], bool],
        leave: Callable[[], None],
    ) -> None:
        """Nothing has been said yet.

        Args:
            context: The window.
            parts: Those that work in the background.
            is_said: Whether a message with that key is on screen.
            leave: Closes the window without asking.
        """
        self._context, self._parts = context, parts
        self._is_said, self._leave = is_said, leave

    def may(self) -> bool:
        """Whether the window may close now; if not, it has said why, and that closing it again does."""
        application = QApplication.instance()
        if isinstance(application, QApplication) and application.isSavingSession():
            return True  # The computer is being switched off and waits for nobody.
        work = self._work()
        if not work or self._is_said(_KEY):
            return True
        self._context.say(_KEY, f"{' '.join(work)} Close once more to quit.", "warning", "Quit", self._leave)
        return False

    def tick(self) -> None:
        """Takes the message away when the work is done; call it often."""
        if self._is_said(_KEY) and not self._work():
            self._context.unsay(_KEY)

    def _work(self) -> list[str]:
        found = []
        recorder = self._context.session.status().recorder
        if recorder is not None and recorder.state == "recording":
            found.append(f"{recorder.path.name} is being recorded: quitting ends it and keeps what there is.")
        job = self._parts.exports.job
        if job is not None:
            found.append(
                f"The export to {job.plan.target.name} is not done: quitting stops it, and nothing is left of it."
            )
        if self._parts.captures.running:
            found.append("Frames are being taken for a data set: quitting ends that and keeps those that there are.")
        unsaved = self._parts.labelling.unsaved
        if unsaved:
            frames = "one frame" if unsaved == 1 else f"{unsaved} frames"
            found.append(f"The newest labels of {frames} could not be written: quitting loses them.")
        if self._parts.scoring.running:
            found.append("Models are being scored: quitting stops that, and nothing is left of it.")
        names = self._parts.training.begun_here
        if names:
            one = len(names) == 1
            found.append(
                f"{' and '.join(f'“{name}”' for name in names)} {'is' if one else 'are'} being trained: that goes on "
                "without the window, and the next one finds it again."
            )
        return found
