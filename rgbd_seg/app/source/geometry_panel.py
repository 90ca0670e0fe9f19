"""What is known of the open source's geometry, with one control for the depth unit and one for the registration."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from rgbd_seg.app.source.geometry import UNITS_M, geometry_lines, unit_doubt, unit_words
from rgbd_seg.frame import RgbdFrame


class GeometryPanel(QWidget):
    """Shows it; emits what a person says instead."""

    unit_wanted = Signal(float)  # Metres per count.
    registered_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setObjectName("quiet")
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.doubt = QLabel()
        self.doubt.setWordWrap(True)
        self.doubt.setObjectName("warning")
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setObjectName("quiet")
        self._setting = QWidget()
        row = QHBoxLayout(self._setting)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Depth unit"))
        self.unit = QComboBox()
        self.unit.setToolTip("What one count of depth means; kept with the recording from then on")
        self.unit.activated.connect(lambda _index: self.unit_wanted.emit(self.unit.currentData()))
        self.unit.setMinimumContentsLength(6)
        self.unit.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        row.addWidget(self.unit, 1)
        self.registered = QCheckBox("Registered to colour")
        self.registered.setToolTip("Whether a depth pixel shows what its colour pixel shows; kept with the recording")
        self.registered.clicked.connect(self.registered_wanted)
        for widget in (self.text, self.doubt, self._setting, self.registered, self.notes):
            column.addWidget(widget)
        self._shown: tuple[object, ...] = ()

    def show_frame(
        self, frame: RgbdFrame | None, fps: float, *, can_be_told: bool, asked: bool, notes: tuple[str, ...] = ()
    ) -> None:
        """Shows the newest frame's geometry.

        Args:
            frame: The frame, None before the first.
            fps: Frames per second.
            can_be_told: Whether unit and registration can be set by hand (recordings), or are the device's own.
            asked: Whether the source was asked to register depth.
            notes: What else was assumed, chosen or not kept.
        """
        self.setVisible(frame is not None)
        if frame is None:
            return
        lines, doubt = geometry_lines(frame, fps, wanted_registered=asked), unit_doubt(frame)
        told = (lines, doubt, can_be_told, notes, frame.calibration)
        if told == self._shown:
            return
        self._shown = told
        self.text.setText("\n".join(lines))
        self.doubt.setText(doubt)
        self.doubt.setVisible(bool(doubt))
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))
        self._setting.setVisible(can_be_told)
        self.registered.setVisible(can_be_told)
        self.registered.setChecked(frame.calibration.registered)
        unit_m = frame.calibration.depth_unit_m
        choices = sorted({*UNITS_M, unit_m})
        if [self.unit.itemData(i) for i in range(self.unit.count())] != choices:
            self.unit.clear()
            for choice in choices:
                self.unit.addItem(unit_words(choice), choice)
        self.unit.setCurrentIndex(choices.index(unit_m))
