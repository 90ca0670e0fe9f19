"""The 3D view: shows drawings and turns hands into another place of the viewer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QToolButton, QWidget

from rgbd_seg.app.view.cloud.orbit import Orbit
from rgbd_seg.app.view.cloud.scene import COLORINGS, Coloring, Scene, point_grid
from rgbd_seg.app.view.cloud.worker import CloudWorker, Drawing
from rgbd_seg.app.view.display import Display
from rgbd_seg.app.view.image_view import BACKDROP
from rgbd_seg.frame import RgbdFrame, Segmentation

_CLICK_PX = 5  # A hand that moves less while it presses does not mean to turn the view.
_MAX_SIDE_PX = 1280  # Larger views are drawn at this size and scaled up.


class CloudView(QWidget):
    """Owns the viewer's place; asks the worker for pictures."""

    export_wanted = Signal()
    clicked = Signal(float, float)  # Place across and down, 0..1, of a click that did not turn the view.

    def __init__(self, worker: CloudWorker, parent: QWidget | None = None, *, exports: bool = True) -> None:
        """Shows nothing yet.

        Args:
            worker: Draws.
            parent: Of the widget.
            exports: Whether it offers to save what it shows.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(40, 40)
        self._worker = worker
        self._orbit = Orbit()
        self._coloring: Coloring = "overlay"
        self._moment: tuple[Segmentation, Display, tuple[float, float]] | None = None
        self._picture: RgbdFrame | None = None
        self._shown: tuple[RgbdFrame, Display] | None = None
        self._fitted = False
        self._drawing: Drawing | None = None
        self._last: QPointF | None = None
        self._clicking = False
        self._bar = QWidget(self)
        self._bar.setStyleSheet(
            "QToolButton, QComboBox { background: rgba(16, 17, 19, 185); color: #e8e8ea;"
            " font-size: 12px; padding: 3px 8px; border: 1px solid transparent; }"
            " QToolButton:focus, QComboBox:focus { border-color: #4f9cf9; }"
        )
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.coloring = QComboBox()
        self.coloring.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.coloring.setAccessibleName("Colours of the cloud")
        self.coloring.setMinimumContentsLength(4)  # In a narrow view it gives way to the buttons.
        for key, text in COLORINGS.items():
            self.coloring.addItem(text, key)
        self.coloring.activated.connect(self._recolor)
        row.addWidget(self.coloring)
        for text, tip, run in (
            ("Fit", "Look at the whole cloud", self.fit),
            ("Top", "Look from above", self.look_from_above),
            ("Front", "Look from the camera", self.look_from_camera),
            *([("PLY…", "Save this cloud as a PLY file", self.export_wanted.emit)] if exports else []),
        ):
            button = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(run)
            row.addWidget(button)

    # Values in

    def show_moment(
        self,
        segmentation: Segmentation,
        display: Display,
        ends_m: tuple[float, float],
        picture: RgbdFrame | None = None,
    ) -> None:
        """Shows another frame, or the same one in another way; or a later one in the classes that are known."""
        before, self._shown = self._shown, (picture or segmentation.frame, display)
        self._picture = picture
        self._moment = (segmentation, display, ends_m)
        if not self._fitted:
            self._fitted = True
            self.fit()
        else:
            self._ask(stands=before == self._shown)  # Labels of its own have come to a frame that stands.

    def show_drawing(self, drawing: Drawing) -> None:
        self._drawing = drawing
        points = "every point" if drawing.stride == 1 else f"thinned by {drawing.stride} while it moves"
        self.setToolTip(f"{drawing.painter}; {points}; {drawing.elapsed_ms:.0f} ms")
        self.update()

    def forget(self) -> None:
        """Another source: fits again with its first frame."""
        self._moment, self._drawing, self._fitted, self._picture, self._shown = None, None, False, None, None
        self.update()

    @property
    def scene(self) -> Scene | None:
        """The newest moment with labels of its own, as it is on screen, for exports."""
        if self._moment is None:
            return None
        ratio = self.devicePixelRatioF()
        width, height = self.width() * ratio, self.height() * ratio
        shrink = min(1.0, _MAX_SIDE_PX / max(width, height, 1))
        size = (max(round(width * shrink), 16), max(round(height * shrink), 16))
        segmentation, display, ends_m = self._moment
        return Scene(segmentation, display, self._coloring, ends_m, self._orbit, size)

    @property
    def orbit(self) -> Orbit:
        return self._orbit

    def _ask(self, *, stands: bool = False) -> None:
        scene = self.scene
        if scene is not None and self.isVisible():
            self._worker.draw(replace(scene, picture=self._picture), stands=stands)

    # Commands

    def fit(self) -> None:
        """Looks at the middle of the cloud."""
        scene = self.scene
        if scene is not None:
            grid = point_grid(scene, 8, joined=False)
            self._orbit = self._orbit.fitted(np.asarray(grid.points_m[grid.there]))
            self._ask()

    def look_from_above(self) -> None:
        """Top view of the whole cloud, also after it was shifted away."""
        self._orbit = self._orbit.from_above()
        self.fit()

    def look_from_camera(self) -> None:
        self._orbit = self._orbit.from_camera()
        self._ask()

    def _recolor(self) -> None:
        self._coloring = self.coloring.currentData()
        self._ask()

    # Qt's events

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draws the last picture over the whole widget."""
        painter = QPainter(self)
        if self._drawing is None:
            painter.fillRect(self.rect(), BACKDROP)
            return
        pixels = self._drawing.pixels
        image = QImage(pixels.data, pixels.shape[1], pixels.shape[0], QImage.Format.Format_RGB32)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(self.rect()), image)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Asks for a picture of the new size."""
        super().resizeEvent(event)
        size = self._bar.sizeHint()
        self._bar.resize(min(size.width(), self.width() - 16), size.height())
        self._bar.move(8, self.height() - self._bar.height() - 8)
        self._ask()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._last = event.position()
        self._clicking = event.button() == Qt.MouseButton.LeftButton

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Left button orbits; right or middle button, or shift, shifts."""
        if self._last is None:
            return
        by = event.position() - self._last
        if self._clicking and by.manhattanLength() < _CLICK_PX:
            return
        self._clicking = False
        self._last = event.position()
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if event.buttons() & Qt.MouseButton.LeftButton and not shift:
            self._orbit = self._orbit.turned(-by.x() * 0.008, by.y() * 0.008)
        else:
            self._orbit = self._orbit.shifted(by.x() / max(self.height(), 1), by.y() / max(self.height(), 1))
        self._ask()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tells of a click."""
        if self._clicking:
            self._clicking = False
            self.clicked.emit(event.position().x() / max(self.width(), 1), event.position().y() / max(self.height(), 1))
        self._last = None

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Goes nearer or farther."""
        self._orbit = self._orbit.nearer(1.15 ** (event.angleDelta().y() / 120))
        self._ask()
        event.accept()
