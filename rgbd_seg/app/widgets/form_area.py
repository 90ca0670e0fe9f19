"""A form in a dialog that is whole where the screen has room, and scrolls where it has not: buttons stay in reach."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QDialog, QFormLayout, QFrame, QScrollArea, QVBoxLayout, QWidget

from rgbd_seg.app.widgets.dialog_size import FRAME_PX

_BELOW_PX = 130  # What is below the form: a sentence of two lines, and buttons.


class FormArea(QScrollArea):
    """Makes the dialog as high as its form, which may grow later, within the screen."""

    def __init__(self, dialog: QDialog, width: int) -> None:
        """Fills the dialog: an empty form, and a column below it for what must always be seen.

        Args:
            dialog: It, without a layout yet.
            width: Of the form at least, in pixels.
        """
        super().__init__(dialog)
        self._least_px = width
        self._inside = QWidget()
        self.form = QFormLayout(self._inside)
        self.form.setContentsMargins(0, 0, 0, 0)
        self.setWidget(self._inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.column = QVBoxLayout(dialog)
        self.column.addWidget(self, 1)

    def minimumSizeHint(self) -> QSize:
        """As high as the form at its present width."""
        least = self._inside.minimumSizeHint()
        height = self._inside.heightForWidth(max(self.viewport().width(), least.width()))
        room = self.screen().availableGeometry().size() - QSize(FRAME_PX, FRAME_PX + _BELOW_PX)
        width = max(self._least_px, least.width() + self.verticalScrollBar().sizeHint().width())
        return QSize(width, max(height, least.height())).boundedTo(room)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Another row, or a longer text: the dialog grows."""
        if watched is self._inside and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)
