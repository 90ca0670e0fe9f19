"""A form for the controls that a source has: check boxes, lists and sliders, grouped as the source says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QHBoxLayout, QLabel, QSlider, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.sensors.sensor import Control, ControlValue

_SLIDER_STEPS = 200
_SLIDER_PX = 96
_GROUPS = ("camera", "depth", "filters")


class ControlForm(QWidget):
    """Shows controls with their present values; emits name and wanted value."""

    control_wanted = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._shape: tuple[object, ...] = ()
        self._editors: dict[str, QWidget] = {}

    def show_controls(self, controls: tuple[Control, ...]) -> None:
        """Builds the form anew only if another source has other controls; else shows the values."""
        shape = tuple((c.name, c.label, type(c.value), c.minimum, c.maximum, c.choices, c.group) for c in controls)
        if shape != self._shape:
            self._shape = shape
            self._build(controls)
        for control in controls:
            self._show_value(control)

    def _build(self, controls: tuple[Control, ...]) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        self._editors.clear()
        group = ""
        for control in sorted(controls, key=lambda c: _GROUPS.index(c.group) if c.group in _GROUPS else len(_GROUPS)):
            if control.group != group:
                group = control.group
                heading = QLabel(group.upper())
                heading.setObjectName("heading")
                self._form.addRow(heading)
            editor = self._editor(control)
            self._editors[control.name] = editor
            tip = f"costs {control.cost_ms:.1f} ms a frame" if control.cost_ms else ""
            editor.setToolTip(tip)
            if isinstance(editor, QCheckBox):
                self._form.addRow(editor)
            else:
                self._form.addRow(control.label, editor)

    def _editor(self, control: Control) -> QWidget:
        name = control.name
        if isinstance(control.value, bool):
            box = QCheckBox(control.label)
            box.toggled.connect(lambda on: self.control_wanted.emit(name, on))
            return box
        if isinstance(control.value, str):
            choice = QComboBox()
            choice.setAccessibleName(control.label)
            choice.addItems(control.choices)
            choice.textActivated.connect(lambda text: self.control_wanted.emit(name, text))
            return choice
        return _NumberSlider(control, lambda value: self.control_wanted.emit(name, value))

    def _show_value(self, control: Control) -> None:
        editor = self._editors[control.name]
        blocker = QSignalBlocker(editor)
        if isinstance(editor, QCheckBox):
            editor.setChecked(bool(control.value))
        elif isinstance(editor, QComboBox):
            editor.setCurrentText(str(control.value))
        elif isinstance(editor, _NumberSlider) and not isinstance(control.value, str):
            editor.show_value(control.value)
        blocker.unblock()


class _NumberSlider(QWidget):
    """A slider with its value in the control's unit."""

    def __init__(self, control: Control, wanted: Callable[[ControlValue], None]) -> None:
        super().__init__()
        self._control = control
        self._wanted = wanted
        self._low = float(control.minimum if control.minimum is not None else 0)
        self._high = float(control.maximum if control.maximum is not None else max(float(control.value), 1.0))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _SLIDER_STEPS)
        self._slider.setAccessibleName(control.label)
        self._slider.setMinimumWidth(_SLIDER_PX)  # In a narrow panel the form then puts it below its label.
        self._slider.valueChanged.connect(self._moved)
        self._text = QLabel()
        self._text.setMinimumWidth(60)
        self._text.setAlignment(Qt.AlignmentFlag.AlignRight)
        row.addWidget(self._slider)
        row.addWidget(self._text)

    def show_value(self, value: float) -> None:
        """Shows the control's present value unless the hand is on the slider."""
        if self._slider.isSliderDown():
            return
        blocker = QSignalBlocker(self._slider)
        span = self._high - self._low
        self._slider.setValue(round((value - self._low) / span * _SLIDER_STEPS) if span > 0 else 0)
        blocker.unblock()
        self._text.setText(f"{value:g} {self._control.unit}".rstrip())

    def _moved(self, position: int) -> None:
        value = self._low + (self._high - self._low) * position / _SLIDER_STEPS
        step = self._control.step
        if step:
            value = self._low + round((value - self._low) / step) * step
        if isinstance(self._control.value, int):
            value = round(value)
        self._text.setText(f"{value:g} {self._control.unit}".rstrip())
        self._wanted(value)
