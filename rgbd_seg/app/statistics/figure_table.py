"""A table of figures by class that is refreshed while frames run."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget


class FigureTable(QTableWidget):
    """Names on the left take the room that the figures leave; nothing in it can be chosen or changed."""

    def __init__(self, headings: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(0, len(headings), parent)
        self.setAccessibleName(f"Table of {', '.join(headings)}")
        for column, heading in enumerate(headings):
            self.setHorizontalHeaderItem(column, _cell(column, heading))
        self.setStyleSheet("QTableView::item { padding: 0 2px 0 5px; }")  # Figures of two columns must not touch.
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def show_rows(self, rows: Sequence[Sequence[str]], tips: Sequence[str] | None = None) -> None:
        """Shows other rows in the cells that are there.

        Args:
            rows: The name of the class, and its figures.
            tips: A tool tip for each row, None for none.
        """
        self.setRowCount(len(rows))
        for row, texts in enumerate(rows):
            for column, text in enumerate(texts):
                item = self.item(row, column)
                if item is None:
                    item = _cell(column)
                    self.setItem(row, column, item)
                item.setText(text)
                if tips is not None:
                    item.setToolTip(tips[row])


def _cell(column: int, text: str = "") -> QTableWidgetItem:
    """An item of a column or of its heading: names stand on the left, figures on the right."""
    item = QTableWidgetItem(text)
    side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    return item
