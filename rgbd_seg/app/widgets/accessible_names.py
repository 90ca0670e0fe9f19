"""Names for screen readers: controls without a text of their own are called what their tool tip says."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QProgressBar,
    QScrollBar,
    QWidget,
)

_CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QProgressBar)


def name_controls(root: QWidget) -> None:
    """Names everything under `root` that can be used and has neither a text nor a name given by hand."""
    for control in root.findChildren(QWidget):
        if not isinstance(control, _CONTROLS) or isinstance(control, QScrollBar) or control.accessibleName():
            continue
        if isinstance(control, QAbstractButton) and control.text():
            continue
        if control.objectName() == "qt_toolbar_ext_button":
            control.setAccessibleName("More of this bar")
            continue
        if isinstance(control.parentWidget(), QLineEdit):
            control.setAccessibleName("Empty the field")
            continue
        tip = control.toolTip() or (control.placeholderText() if isinstance(control, QLineEdit) else "")
        control.setAccessibleName(tip.split("  ")[0].split("\n")[0].rstrip("…"))  # What follows are keys.
