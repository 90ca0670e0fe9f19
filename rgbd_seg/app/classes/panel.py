"""The panel of classes: opacity, search, and the live list with hide, solo, recolour and rename."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QColor, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QColorDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rgbd_seg.app.classes.class_list import EYE_PX, ClassDelegate, ClassList
from rgbd_seg.app.classes.class_rows import ClassRow
from rgbd_seg.app.view.display import Display
from rgbd_seg.app.widgets.icons import dress
from rgbd_seg.app.widgets.theme import Theme
from rgbd_seg.labels import LabelSet

_ROW_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class ClassesPanel(QWidget):
    """Shows classes; emits what is wanted and changes no display by itself."""

    opacity_wanted = Signal(float)
    edges_wanted = Signal(bool)
    palette_wanted = Signal(str)
    hide_wanted = Signal(str)  # Toggles.
    solo_wanted = Signal(object)  # Class name, or None for all.
    lit_wanted = Signal(object)  # Class name under the pointer, or None.
    color_wanted = Signal(str, object)  # Class name and (r, g, b), None for its own colour.
    rename_wanted = Signal(str)
    save_wanted = Signal()
    load_wanted = Signal()
    show_all_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: tuple[ClassRow, ...] = ()
        self._label_set: LabelSet | None = None
        self._display: Display | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(self._make_opacity())
        layout.addLayout(self._make_search())
        self.model = ClassList()
        self.delegate = ClassDelegate(theme)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(self.delegate)
        self.list.setAccessibleName("Classes in view; Space hides one or shows it again, Return shows it alone")
        self.list.installEventFilter(self)
        self.list.setMouseTracking(True)
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._open_menu)
        self.list.entered.connect(self._point_at)
        self.list.doubleClicked.connect(self._solo)
        self.list.viewport().installEventFilter(self)
        layout.addWidget(self.list, 1)
        self._empty = QLabel("Classes appear here once a model is running.")
        self._empty.setObjectName("quiet")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._empty, 1)
        self.list.hide()

    def _make_opacity(self) -> QHBoxLayout:
        row = QHBoxLayout()
        label = QLabel("Opacity")
        label.setObjectName("quiet")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setToolTip("How strongly classes cover the colour picture  [ and ]")
        self.opacity.valueChanged.connect(self._opacity_moved)
        self._opacity_text = QLabel()
        self._opacity_text.setMinimumWidth(38)
        self._opacity_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for widget in (label, self.opacity, self._opacity_text):
            row.addWidget(widget)
        return row

    def _make_search(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a class")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._show)
        more = QToolButton()
        dress(more, "menu", "quiet", self._theme)
        more.setToolTip("Colours, edges, label set")
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = menu = QMenu(more)
        menu.addAction("Show all classes").triggered.connect(self.show_all_wanted)
        self._edges = menu.addAction("Darken edges between classes")
        self._edges.setCheckable(True)
        self._edges.toggled.connect(self.edges_wanted)
        self._blind = menu.addAction("Colours for colour-blind eyes")
        self._blind.setCheckable(True)
        self._blind.toggled.connect(lambda on: self.palette_wanted.emit("colour-blind" if on else "standard"))
        menu.addSeparator()
        menu.addAction("Load label set…").triggered.connect(self.load_wanted)
        menu.addAction("Save label set as…").triggered.connect(self.save_wanted)
        more.setMenu(menu)
        row.addWidget(self.search)
        row.addWidget(more)
        return row

    # Values in

    def show_display(self, display: Display) -> None:
        self._display = display
        for widget, value in ((self._edges, display.edges), (self._blind, display.palette == "colour-blind")):
            _set_quietly(widget, value)
        self.opacity.blockSignals(True)
        self.opacity.setValue(round(display.opacity * 100))
        self.opacity.blockSignals(False)
        self._opacity_text.setText(f"{round(display.opacity * 100)} %")
        self._show()

    def show_rows(self, rows: tuple[ClassRow, ...], label_set: LabelSet | None) -> None:
        self._rows, self._label_set = rows, label_set
        self._show()

    def show_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.delegate.show_theme(theme)

    def light(self, name: str | None) -> None:
        """Highlights the class under the pointer in a picture, None for none."""
        self.model.light(name)
        if name is not None:
            self.list.scrollTo(self.model.index_of(name))

    @property
    def pointed_at(self) -> bool:
        """Whether a hand is on the list: its order must stay."""
        return self.list.underMouse() or self.list.hasFocus()

    def _show(self) -> None:
        if self._display is None:
            return
        wanted = self.search.text().strip().lower().replace(" ", "_")
        rows = self._rows
        if wanted and self._label_set is not None:
            known = {row.name: row for row in rows}
            rows = tuple(
                known.get(name, ClassRow(name, 0.0, None)) for name in self._label_set.names if wanted in name.lower()
            )
        current = self.model.row_at(self.list.currentIndex())
        self.model.show_rows(rows, self._label_set, self._display)
        if current is not None and self.model.row_at(self.list.currentIndex()) is None:
            self.list.setCurrentIndex(self.model.index_of(current.name))
        self.list.setVisible(bool(rows))
        self._empty.setVisible(not rows)
        self._empty.setText("No class has that name." if wanted else "Classes appear here once a model is running.")

    # Hands

    def _opacity_moved(self, value: int) -> None:
        self._opacity_text.setText(f"{value} %")
        self.opacity_wanted.emit(value / 100)

    def _point_at(self, index: QModelIndex) -> None:
        row = self.model.row_at(index)
        self.lit_wanted.emit(row.name if row else None)

    def _solo(self, index: QModelIndex) -> None:
        row = self.model.row_at(index)
        if row is not None and self._display is not None:
            self.solo_wanted.emit(None if self._display.solo == row.name else row.name)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Clicks on the eye, the pointer's way out of the list, and the keys that work on its current row."""
        if isinstance(event, QKeyEvent) and watched is self.list and event.key() in _ROW_KEYS:
            return self._take_key(event)
        if event.type() == QEvent.Type.Leave:
            self.lit_wanted.emit(None)
        elif event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            at = event.position().toPoint()
            row = self.model.row_at(self.list.indexAt(at))
            if row is not None and at.x() < EYE_PX and event.button() == Qt.MouseButton.LeftButton:
                self.hide_wanted.emit(row.name)
                return True
        return super().eventFilter(watched, event)

    def _take_key(self, event: QKeyEvent) -> bool:
        """Space and Return are this list's while it has the keys, and not the window's."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        row = self.model.row_at(self.list.currentIndex())
        if row is None or event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() == Qt.Key.Key_Space:
            self.hide_wanted.emit(row.name)
        else:
            self._solo(self.list.currentIndex())
        return True

    def _open_menu(self, at: QPoint) -> None:
        row = self.model.row_at(self.list.indexAt(at))
        if row is None or self._display is None:
            return
        name = row.name
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        soloed = self._display.solo == name
        menu.addAction("Show all again" if soloed else "Show it alone").triggered.connect(
            lambda: self.solo_wanted.emit(None if soloed else name)
        )
        hidden = name in self._display.hidden
        menu.addAction("Show" if hidden else "Hide").triggered.connect(lambda: self.hide_wanted.emit(name))
        menu.addSeparator()
        menu.addAction("Change colour…").triggered.connect(lambda: self._choose_color(name))
        if name in self._display.colors:
            menu.addAction("Own colour again").triggered.connect(lambda: self.color_wanted.emit(name, None))
        menu.addAction("Rename…").triggered.connect(lambda: self.rename_wanted.emit(name))
        menu.popup(self.list.viewport().mapToGlobal(at))

    def _choose_color(self, name: str) -> None:
        dialog = QColorDialog(QColor(*self.model.color_of(name)), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(f"Colour of {name}")
        before = self._display.colors.get(name) if self._display else None
        dialog.currentColorChanged.connect(
            lambda color: self.color_wanted.emit(name, (color.red(), color.green(), color.blue()))
        )
        dialog.rejected.connect(lambda: self.color_wanted.emit(name, before))
        dialog.setModal(False)
        dialog.show()


def _set_quietly(action: QAction, checked: bool) -> None:
    action.blockSignals(True)
    action.setChecked(checked)
    action.blockSignals(False)
