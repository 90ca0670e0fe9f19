"""The list of classes in view as a Qt model, and the delegate that draws a row: eye, colour, name, share, distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from rgbd_seg.app.widgets.icons import icon

if TYPE_CHECKING:
    from rgbd_seg.app.classes.class_rows import ClassRow
    from rgbd_seg.app.view.display import Display
    from rgbd_seg.app.widgets.theme import Theme
    from rgbd_seg.labels import LabelSet, Rgb

ROW_PX = 26
EYE_PX = 26

Index = QModelIndex | QPersistentModelIndex


class ClassList(QAbstractListModel):
    """Rows in the order in which they are given; while a search is on, all classes of the set that match it."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[ClassRow, ...] = ()
        self._colors: dict[str, Rgb] = {}
        self._display: Display | None = None
        self._lit: str | None = None

    def light(self, name: str | None) -> None:
        """Highlights a class: the pointer is on it in a picture. None for none."""
        if name != self._lit:
            self._lit = name
            if self._rows:
                self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def is_lit(self, name: str) -> bool:
        return name == self._lit

    def show_rows(self, rows: tuple[ClassRow, ...], label_set: LabelSet | None, display: Display) -> None:
        """Shows other rows; the view keeps its selection where only figures changed."""
        if label_set is not None:
            self._colors = display.named_colors(label_set)
        self._display = display
        if [r.name for r in rows] == [r.name for r in self._rows]:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def row_at(self, index: Index) -> ClassRow | None:
        """The class at an index."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def index_of(self, name: str) -> QModelIndex:
        """Where a class is; an invalid index if it is not shown."""
        for position, row in enumerate(self._rows):
            if row.name == name:
                return self.index(position)
        return QModelIndex()

    def color_of(self, name: str) -> Rgb:
        """The colour that a class is drawn in."""
        return self._colors.get(name, (128, 128, 128))

    def shows(self, name: str) -> bool:
        """Whether the class is drawn in the pictures."""
        return self._display is None or self._display.shows(name)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name and tool tip; the delegate asks for the rest by `row_at`."""
        row = self.row_at(index)
        if row is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._display.shown_name(row.name) if self._display else row.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            far = f", {row.distance_m:.1f} m away" if row.distance_m is not None else ""
            name = self._display.shown_name(row.name) if self._display else row.name
            return f"{name}, {row.share:.0%} of the picture{far}{'' if self.shows(row.name) else ', hidden'}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return "Click the eye to hide, double click to show it alone, right click for more"
        return None


class ClassDelegate(QStyledItemDelegate):
    """Draws one row; figures stand in columns of fixed width."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme

    def show_theme(self, theme: Theme) -> None:
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(120, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, ClassList)
        row = model.row_at(index)
        if row is None:
            return
        box: QRect = option.rect
        state: QStyle.StateFlag = option.state
        lit = bool(state & QStyle.StateFlag.State_MouseOver) or model.is_lit(row.name)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if lit:
            painter.fillRect(box, QColor(self._theme.raised))
        if state & QStyle.StateFlag.State_HasFocus:  # The row that Space hides.
            painter.setPen(QColor(self._theme.accent))
            painter.drawRoundedRect(box.adjusted(1, 1, -2, -2), 4, 4)
        shown = model.shows(row.name)
        color = QColor(*model.color_of(row.name))
        bar = QRect(box.left(), box.bottom() - 1, round(box.width() * min(row.share, 1.0)), 2)
        faint = QColor(color)
        faint.setAlpha(150 if shown else 40)
        painter.fillRect(bar, faint)
        if lit or not shown:
            eye = icon("eye" if shown else "eye-off", self._theme.quiet)
            eye.paint(painter, QRect(box.left() + 5, box.center().y() - 8, 16, 16))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawRoundedRect(QRect(box.left() + 7, box.center().y() - 6, 12, 12), 3, 3)
        painter.setPen(QColor(self._theme.text if shown else self._theme.quiet))
        middle = Qt.AlignmentFlag.AlignVCenter
        name_box = QRect(box.left() + EYE_PX + 2, box.top(), box.width() - EYE_PX - 102, box.height())
        name = painter.fontMetrics().elidedText(str(index.data()), Qt.TextElideMode.ElideRight, name_box.width())
        painter.drawText(name_box, middle, name)
        painter.setPen(QColor(self._theme.quiet))
        share = f"{row.share * 100:.0f} %" if row.share >= 0.01 else "<1 %" if row.share > 0 else ""
        right = middle | Qt.AlignmentFlag.AlignRight
        painter.drawText(QRect(box.right() - 98, box.top(), 40, box.height()), right, share)
        distance = f"{row.distance_m:.1f} m" if row.distance_m is not None else ""
        painter.drawText(QRect(box.right() - 56, box.top(), 50, box.height()), right, distance)
        painter.restore()
