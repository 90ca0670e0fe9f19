"""Lets the view of a camera stand still while the camera, the model and a recording go on."""

from __future__ import annotations

from PySide6.QtCore import QObject

from rgbd_seg.app.context import Context


class Freezer(QObject):
    """Freezes the very frame on screen, and has its own labels found where those of before lay over it."""

    def __init__(self, context: Context) -> None:
        super().__init__(context.widget)
        self._context = context

    def toggle(self) -> None:
        presenter, session = self._context.presenter, self._context.session
        if presenter.frozen:
            presenter.thaw()
        elif presenter.segmentation is not None and session.playback is None:
            session.take_looked()  # Of a frame that was frozen before.
            wanting = presenter.freeze()
            if wanting is not None:
                session.look_at(wanting)
        self._context.wake()

    def take(self) -> None:
        """Shows the labels of the frozen frame when they are there."""
        looked = self._context.session.take_looked()
        presenter = self._context.presenter
        if looked is not None and presenter.segmentation is not None and looked.frame is presenter.segmentation.frame:
            presenter.show(looked)
