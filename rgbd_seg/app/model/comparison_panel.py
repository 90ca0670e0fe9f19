"""The panel of a comparison: how far two models agree, altogether and by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from rgbd_seg.app.statistics.figure_table import FigureTable

if TYPE_CHECKING:
    from rgbd_seg.scores import Scores

_HINT = (
    "Runs a second model on the very frames of the first. The views wipe, second model and difference show both; here "
    "stands how far they agree."
)


class ComparisonPanel(QWidget):
    """Shows figures; emits whether a comparison is to begin or to end."""

    begin_wanted = Signal()
    end_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        self.text = QLabel()
        self.text.setWordWrap(True)
        layout.addWidget(self.text)
        self.table = FigureTable(("Class", "Overlap"))
        self.table.setToolTip("Pixels that both models give the class, of those that at least one gives it")
        layout.addWidget(self.table, 1)
        self.button = QPushButton()
        self.button.clicked.connect(self._click)
        layout.addWidget(self.button)
        self._running = False
        self.show_nothing()

    def show_nothing(self) -> None:
        """No comparison is running."""
        self._running = False
        self.text.setText(_HINT)
        self.table.setRowCount(0)
        self.button.setText("Compare with…")

    def show_loading(self, second: str) -> None:
        """The second model is being loaded."""
        self._running = True
        self.text.setText(f"Loading {second}…")
        self.table.setRowCount(0)
        self.button.setText("Stop comparing")

    def show_agreement(self, second: str, same: float, agreement: Scores) -> None:
        """Shows how far the models agree.

        Args:
            second: The second model's name.
            same: Part of the pixels that the first model labels to which both give the same class, 0..1.
            agreement: What was counted.
        """
        over = "1 frame" if agreement.frames == 1 else f"{agreement.frames:,} frames"
        text = f"{second} agrees on {same:.1%} of the pixels ({over})."
        shared = agreement.pixel_accuracy
        if agreement.unknown and shared is not None:
            text += f" Where it knows the first model's class, on {shared:.1%}. It does not know "
            text += ", ".join(name.replace("_", " ") for name in agreement.unknown) + "."
        elif agreement.unknown:
            text += " The two models have no class in common."
        self.text.setText(text)
        rows = sorted(agreement.class_iou.items(), key=lambda item: item[0])  # A fixed order: rows must not jump.
        self.table.show_rows([(name.replace("_", " "), f"{overlap:.2f}") for name, overlap in rows])

    def _click(self) -> None:
        (self.end_wanted if self._running else self.begin_wanted).emit()
