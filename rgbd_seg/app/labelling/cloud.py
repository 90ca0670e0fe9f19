"""The 3D view beside the picture in label mode: a click in it takes what hangs together in space."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from rgbd_seg.app.labelling.desk import Desk
from rgbd_seg.app.labelling.hands import Hands
from rgbd_seg.app.view.cloud.picking import pick
from rgbd_seg.app.view.cloud.view import CloudView
from rgbd_seg.app.view.cloud.worker import CloudWorker
from rgbd_seg.app.view.display import Display
from rgbd_seg.frame import Segmentation

_ENDS_M = (0.4, 6.0)


class LabelCloud(QObject):
    """Shows the open frame and its labels in space; made when it is first wanted."""

    def __init__(self, desk: Desk, hands: Hands, post: Callable[[Callable[[], None]], None]) -> None:
        super().__init__(desk.page)
        self._desk, self._hands = desk, hands
        self._worker = CloudWorker(lambda: post(self._arrived))
        self._view = CloudView(self._worker, exports=False)
        self._view.clicked.connect(self._click)
        desk.page.add_view(self._view)
        self.show()

    @property
    def view(self) -> CloudView:
        return self._view

    def toggle(self) -> None:
        self._view.setVisible(not self._view.isVisible())
        self.show()

    def show(self) -> None:
        """Shows what is painted now."""
        session = self._desk.session
        if session.frame is not None and not self._view.isHidden():
            moment = Segmentation(session.frame, session.labels, None, session.label_set)
            self._view.show_moment(moment, Display(opacity=self._desk.opacity), _ENDS_M)

    def close(self) -> None:
        self._worker.close(0.0)

    def wait(self, timeout_s: float) -> None:
        self._worker.close(timeout_s)

    def _arrived(self) -> None:
        drawing = self._worker.drawings.take_nowait()
        if drawing is not None:
            self._view.show_drawing(drawing)

    def _click(self, x: float, y: float) -> None:
        scene = self._view.scene
        if scene is None:
            return
        self._desk.tasks.do("find the point", lambda: pick(scene, x, y), self._picked)

    def _picked(self, pixel: tuple[int, int] | None) -> None:
        if pixel is not None:
            self._hands.click_in_space(pixel)
