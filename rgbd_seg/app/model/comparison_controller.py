"""Comparing two models in the window: begin, show, and end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from rgbd_seg.app.model.controller import options_from
from rgbd_seg.app.widgets.file_dialog import MODELS, choose
from rgbd_seg.pipeline.comparison import Comparison

if TYPE_CHECKING:
    from rgbd_seg.app.view.kinds import ViewKind
    from rgbd_seg.app.window import MainWindow
    from rgbd_seg.frame import Segmentation
    from rgbd_seg.pipeline.comparison import Pair

_OF_BOTH = ("wipe", "difference", "second")  # Views that need two models.


class ComparisonController(QObject):
    """At most one second model."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._panel = window.comparison_panel
        self._kinds_before: tuple[ViewKind, ...] | None = None
        self.comparison: Comparison | None = None
        self._panel.begin_wanted.connect(self.ask)
        self._panel.end_wanted.connect(self.stop)

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
        opener = self._window.session.model.opener
        self.comparison = Comparison(Path(path), options, opener, self._window.bridge.wake)
        if self._window.presenter.segmentation is not None:
            self.comparison.offer(self._window.presenter.segmentation)  # While a replay is paused no other comes.
        self._window.presenter.expect_second(True)
        self._window.banners.clear("comparison")
        self._panel.show_loading(Path(path).name)
        dock = self._window.docks["Comparison"]
        dock.show()
        dock.raise_()
        kinds = self._window.grid.kinds
        self._kinds_before = kinds
        self._window.grid.show_kinds(("wipe", "difference", *kinds[2:]))

    def stop(self) -> None:
        """Goes on with the first model alone."""
        comparison, self.comparison = self.comparison, None
        if comparison is not None:
            comparison.close(0.0)  # A model that is still loading frees itself when it is done.
            self._window.banners.clear("comparison")
            self._leave()

    def _leave(self) -> None:
        """Shows the first model alone, as before."""
        self._panel.show_nothing()
        self._window.presenter.expect_second(False)
        self.restore_views()
        self._window.presenter.show_second(None)

    def restore_views(self) -> None:
        """Brings the views of before back; those that were changed by hand meanwhile stay."""
        if self._kinds_before is not None:
            grid = self._window.grid
            both = zip(grid.kinds, self._kinds_before, strict=True)
            self._kinds_before = None
            grid.show_kinds([old if now in _OF_BOTH else now for now, old in both])

    def forget_frames(self) -> None:
        """Another source: counts the agreement anew."""
        if self.comparison is not None:
            self.comparison.agreement.reset()

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
            self._leave()
            return
        agreement = comparison.agreement
        same = agreement.same_share
        if same is not None and self._panel.isVisible():
            self._panel.show_agreement(comparison.path.name, same, agreement)

    def close(self, timeout_s: float) -> None:
        """Ends the thread."""
        if self.comparison is not None:
            self.comparison.close(timeout_s)
            self.comparison = None
