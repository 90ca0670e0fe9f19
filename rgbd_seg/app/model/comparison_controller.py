"""Comparing two models in the window: begin, show, and end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from rgbd_seg.app.widgets.file_dialog import MODELS, choose
from rgbd_seg.pipeline.comparison import Comparison

if TYPE_CHECKING:
    from rgbd_seg.app.context import Context
    from rgbd_seg.app.model.comparison_panel import ComparisonPanel
    from rgbd_seg.app.view.grid import ViewGrid
    from rgbd_seg.app.view.kinds import ViewKind
    from rgbd_seg.frame import Segmentation
    from rgbd_seg.pipeline.comparison import Pair

_OF_BOTH = ("wipe", "difference", "second")  # Views that need two models.


class ComparisonController(QObject):
    """At most one second model."""

    def __init__(self, context: Context, panel: ComparisonPanel, grid: ViewGrid) -> None:
        super().__init__(context.widget)
        self._context = context
        self._panel, self._grid = panel, grid
        self.kinds_before: tuple[ViewKind, ...] | None = None
        self.comparison: Comparison | None = None
        self._panel.begin_wanted.connect(self.ask)
        self._panel.end_wanted.connect(self.stop)

    def ask(self, path: str = "") -> None:
        """Begins with a second model, or asks for it."""
        if self._context.session.status().model.info is None:
            self._context.say("comparison", "Load a first model before comparing it with a second one.")
            return
        if path:
            self.start(path)
        else:
            choose(self._context.widget, "Compare with", self.start, files=MODELS)

    def start(self, path: str) -> None:
        """Loads the second model and shows both."""
        self.stop()
        options = self._context.settings.run
        opener = self._context.session.model.opener
        self.comparison = Comparison(Path(path), options, opener, self._context.wake)
        if self._context.presenter.segmentation is not None:
            self.comparison.offer(self._context.presenter.segmentation)  # While a replay is paused no other comes.
        self._context.presenter.expect_second(True)
        self._context.unsay("comparison")
        self._panel.show_loading(Path(path).name)
        self._context.show_panel("Comparison")
        self.kinds_before = kinds = self._grid.kinds
        self._grid.show_kinds(("wipe", "difference", *kinds[2:]))

    def stop(self) -> None:
        """Goes on with the first model alone."""
        comparison, self.comparison = self.comparison, None
        if comparison is not None:
            comparison.close(0.0)  # A model that is still loading frees itself when it is done.
            self._context.unsay("comparison")
            self._leave()

    def _leave(self) -> None:
        """Shows the first model alone, as before."""
        self._panel.show_nothing()
        self._context.presenter.expect_second(False)
        self.restore_views()
        self._context.presenter.show_second(None)

    def restore_views(self) -> None:
        """Brings the views of before back; those that were changed by hand meanwhile stay."""
        if self.kinds_before is not None:
            both = zip(self._grid.kinds, self.kinds_before, strict=True)
            self.kinds_before = None
            self._grid.show_kinds([old if now in _OF_BOTH else now for now, old in both])

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
            self._context.say("comparison", f"The second model was stopped: {comparison.error}", "error")
            self.comparison = None
            comparison.close()
            self._leave()
            return
        agreement = comparison.agreement
        same = agreement.same_share
        if same is not None and self._panel.isVisible():
            self._panel.show_agreement(comparison.path.name, same, agreement)

    def close(self, timeout_s: float) -> None:
        if self.comparison is not None:
            self.comparison.close(timeout_s)
            self.comparison = None
