"""Boxes for numbers, whose text begins where that of other fields does: style sheets cannot move it."""

from __future__ import annotations

from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox

_INDENT_PX = 6


class SpinBox(QSpinBox):
    """A box for whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.lineEdit().setTextMargins(_INDENT_PX, 0, 0, 0)


class DoubleSpinBox(QDoubleSpinBox):
    """A box for numbers with a fraction."""

    def __init__(self) -> None:
        super().__init__()
        self.lineEdit().setTextMargins(_INDENT_PX, 0, 0, 0)
