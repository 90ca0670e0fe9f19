"""Lets the view of a camera stand still while the camera, the model and a recording go on."""

from __future__ import annotations

from PySide6.QtCore import QObject

from rgbd_seg.app.context import Context
from rgbd_seg.inference.segmenter import SegmenterInfo
from rgbd_seg.pipeline.status import ModelState


class Freezer(QObject):
    """Freezes the very frame on screen, and has its own labels found where those of before lay over it."""

    def __init__(self, context: Context) -> None:
        super().__init__(context.widget)
        self._context = context
        self._asked: SegmenterInfo | None = None  # Whose labels the frozen frame has, or is to have.

    def toggle(self) -> None:
        presenter, session = self._context.presenter, self._context.session
        if presenter.frozen:
            presenter.thaw()
        elif presenter.segmentation is not None and session.playback is None:
            session.take_looked()  # Of a frame that was frozen before.
            self._asked = self._model
            wanting = presenter.freeze()
            if wanting is not None:
                session.look_at(wanting)
        self._context.wake()

    def take(self) -> None:
        """Shows the labels of the frozen frame when they are there; asks for those of a model that comes later."""
        session, presenter = self._context.session, self._context.presenter
        model = self._model
        if model is not None and model != self._asked and presenter.segmentation is not None:
            self._asked = model
            session.look_at(presenter.segmentation.frame)
        looked = session.take_looked()
        if looked is not None and presenter.segmentation is not None and looked.frame is presenter.segmentation.frame:
            presenter.show(looked)

    @property
    def _model(self) -> SegmenterInfo | None:
        """The model that is at work, None while there is none or it loads."""
        status = self._context.session.model.status
        return status.info if status.state is ModelState.READY else None
