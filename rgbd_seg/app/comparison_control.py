"""Comparing two models in the window: begin, show, and end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from rgbd_seg.app.comparison import Comparison
from rgbd_seg.app.file_dialog import MODELS, choose
from rgbd_seg.app.model_control import options_from

if TYPE_CHECKING:
    from rgbd_seg.app.comparison import Pair
    from rgbd_seg.app.main_window import MainWindow
    from rgbd_seg.frame import Segmentation


class ComparisonControl(QObject):
    """At most one second model."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.comparison: Comparison | None = None

    def ask(self) -> None:
        """Asks for the second model."""
        if self._window.session.status().model.info is None:
            self._window.say("comparison", "Load a first model before comparing it with a second one.")
            return
        choose(self._window, "Compare with", self.start, files=MODELS)

    def start(self, path: str) -> None:
        """Loads the second model and shows both."""
        self.stop()
        options = options_from(self._window.settings)
        opener = self._window.session.models.opener
        self.comparison = Comparison(Path(path), options, opener, self._window.bridge.wake)
        self._window.say("comparison", f"Loading {Path(path).name} to compare with…", "info", "Stop", self.stop)

    def stop(self) -> None:
        """Goes on with the first model alone."""
        comparison, self.comparison = self.comparison, None
        if comparison is not None:
            comparison.close(0.0)  # A model that is still loading frees itself when it is done.
            self._window.banners.clear("comparison")
            self._window.presenter.show_second(None)

    def offer(self, segmentation: Segmentation) -> bool:
        """Takes a new result; True if it will come back as half of a pair, and need not be shown now."""
        if self.comparison is None or self.comparison.error or segmentation.labels is None:
            return False
        self.comparison.offer(segmentation)
        return self.comparison.agreement.frames > 0

    def take(self) -> Pair | None:
        """The newest pair that was not taken yet."""
        return self.comparison.pairs.take_nowait() if self.comparison else None

    def tick(self) -> None:
        """Says how far the two agree; four times a second."""
        comparison = self.comparison
        if comparison is None:
            return
        if comparison.error:
            self._window.say("comparison", f"The second model was stopped: {comparison.error}", "error")
            self.comparison = None
            comparison.close()
            self._window.presenter.show_second(None)
            return
        same = comparison.agreement.pixel_accuracy
        if same is not None:
            least = sorted(comparison.agreement.class_iou.items(), key=lambda item: item[1])[:3]
            classes = ", ".join(f"{name.replace('_', ' ')} {iou:.2f}" for name, iou in least)
            text = f"{comparison.path.name} agrees on {same:.1%} of the pixels; least on {classes} (overlap)."
            self._window.say("comparison", text, "info", "Stop", self.stop)

    def close(self, timeout_s: float) -> None:
        """Ends the thread."""
        if self.comparison is not None:
            self.comparison.close(timeout_s)
            self.comparison = None
