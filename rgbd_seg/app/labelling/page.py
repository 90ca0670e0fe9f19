"""The page of label mode: tools above, frames on the left, classes on the right, the canvas between. No decisions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rgbd_seg.app.labelling.canvas import LabelCanvas
from rgbd_seg.app.labelling.tools import KEYS, TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QPaintEvent, QResizeEvent

    from rgbd_seg.labels import LabelSet
    from rgbd_seg.recording.layouts.frame_states import FrameState

_STATE_COLORS = {
    "done": "#3fb27f",
    "travelled": "#4f9cf9",
    "draft": "#f5a524",
    "skipped": "#7a7d84",
    "damaged": "#e5484d",
}
_STATE_MARKS = {"done": "✓", "travelled": "→", "draft": "✎", "skipped": "–", "damaged": "✗"}
_THUMB = QSize(112, 84)
_SIDE_PX = 208


class _Hint(QLabel):
    """A line that ends in an ellipsis where it has too little room."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


class _Strip(QListWidget):
    """Keeps the open frame in sight when its height changes."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scrollTo(self.currentIndex())


class LabelPage(QWidget):
    """Emits what is wanted and shows what it is told."""

    tool_wanted = Signal(str)
    class_wanted = Signal(int)
    class_typed = Signal(str)
    rename_wanted = Signal(int, str)
    color_wanted = Signal(int)
    merge_wanted = Signal(int, int)
    frame_wanted = Signal(int)  # Row of the strip.
    action_wanted = Signal(
        str
    )  # "draft", "travel", "next", "import", "teach", "done", "skip", "undo", "redo", "leave", ...

    def __init__(self) -> None:
        super().__init__()
        self.canvas = LabelCanvas()
        # A click on a frame or a class would take the keys out of this page, to what it lies in.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setFocusProxy(self.canvas)
        self._shown: dict[str, tuple[str, str]] = {}  # State and hint of each frame, as the strip shows them.
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(6)
        column.addLayout(self._make_tools())
        row = QHBoxLayout()
        row.setSpacing(8)
        self.strip = _Strip()
        self.strip.setObjectName("frames")
        self.strip.setAccessibleName("Frames")
        self.strip.setIconSize(_THUMB)
        self.strip.setFixedWidth(_THUMB.width() + 44)
        self.strip.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Arrows go from frame to frame from anywhere.
        self.strip.setUniformItemSizes(True)
        self.strip.itemClicked.connect(lambda item: self.frame_wanted.emit(item.data(Qt.ItemDataRole.UserRole)))
        self._frames: list[QListWidgetItem] = []  # In time, whatever order the strip has.
        row.addLayout(self._make_left())
        self._views = QSplitter(Qt.Orientation.Horizontal)
        self._views.setChildrenCollapsible(False)
        self._views.addWidget(self.canvas)
        row.addWidget(self._views, 1)
        row.addLayout(self._make_side())
        column.addLayout(row, 1)
        foot = QHBoxLayout()
        self.hint = _Hint()
        self.hint.setObjectName("quiet")
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # It asks for no room.
        self.about = QLabel()
        self.about.setObjectName("quiet")
        foot.addWidget(self.hint, 1)
        foot.addWidget(self.about)
        for text, action in (("3D view V", "cloud"), ("Leave E", "leave")):
            button = QToolButton()
            button.setText(text)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self.action_wanted.emit, action))
            foot.addWidget(button)
        column.addLayout(foot)
        self._keys = {
            Qt.Key.Key_Return: "done",
            Qt.Key.Key_Enter: "done",
            Qt.Key.Key_K: "skip",
            Qt.Key.Key_N: "next",
            Qt.Key.Key_O: "order",
            Qt.Key.Key_M: "draft",
            Qt.Key.Key_T: "travel",
            Qt.Key.Key_Left: "before",
            Qt.Key.Key_Right: "after",
            Qt.Key.Key_E: "leave",
            Qt.Key.Key_Escape: "escape",
            Qt.Key.Key_L: "find",
            Qt.Key.Key_BracketLeft: "fainter",
            Qt.Key.Key_BracketRight: "stronger",
            Qt.Key.Key_0: "whole",
            Qt.Key.Key_V: "cloud",
        }
        self._tool_keys = {getattr(Qt.Key, f"Key_{tool.key}"): tool.name for tool in TOOLS}

    def _make_tools(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        group = QButtonGroup(self)
        self.tools: dict[str, QToolButton] = {}
        for tool in TOOLS:
            button = QToolButton()
            button.setText(f"{tool.text} {tool.key}")
            button.setToolTip(tool.hint)
            button.setStyleSheet("padding: 5px 4px")  # All of them fit into a window of 960 pixels.
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self.tool_wanted.emit, tool.name))
            group.addButton(button)
            row.addWidget(button)
            self.tools[tool.name] = button
        row.addStretch(1)
        return row

    def _make_left(self) -> QVBoxLayout:
        left = QVBoxLayout()
        left.setSpacing(6)
        self.order = QComboBox()
        self.order.setAccessibleName("Order of the frames")
        self.order.setToolTip("By doubt: what teaches most comes first, as N has found it; what is done comes last")
        self.order.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for text, action in (("In time  O", "in time"), ("By doubt  O", "by doubt")):
            self.order.addItem(text, action)
        self.order.activated.connect(lambda _: self.action_wanted.emit(self.order.currentData()))
        left.addWidget(self.order)
        left.addWidget(self.strip)
        return left

    def _make_side(self) -> QVBoxLayout:
        side = QVBoxLayout()
        side.setSpacing(6)
        self.search = _Search()
        self.search.setAccessibleName("Find or add a class")
        self.search.setPlaceholderText("find or add a class  L")
        self.search.setMinimumWidth(_SIDE_PX)
        self.search.setMaxLength(100)
        self.search.textEdited.connect(self._filter)
        self.search.returnPressed.connect(self._typed)
        side.addWidget(self.search)
        self.classes = QListWidget()
        self.classes.setAccessibleName("Classes to paint")
        self.classes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.classes.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Digits and the search choose.
        self.classes.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.classes.customContextMenuRequested.connect(self._class_menu)
        self.classes.itemClicked.connect(lambda item: self.class_wanted.emit(item.data(Qt.ItemDataRole.UserRole)))
        self.classes.itemDoubleClicked.connect(lambda item: self._ask_name(item.data(Qt.ItemDataRole.UserRole)))
        side.addWidget(self.classes, 1)
        self.buttons: dict[str, QPushButton] = {}
        for action, text, tip in (
            ("done", "Done, next frame  ⏎", "This frame is labelled; goes on to the next"),
            ("travel", "Let labels travel  T", "From the done frames to those around them, by motion and depth"),
            ("draft", "Draft from the model  M", "What the loaded model is sure of, where nothing is painted yet"),
            ("next", "Frame that teaches most  N", "The least certain, and unlike those that are done"),
            ("import", "Import…", "Labels of CVAT, COCO, labelme, Pascal VOC, or PNGs of any kind"),
            ("teach", "Teach a model…", "Train on what is labelled"),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self.action_wanted.emit, action))
            self.buttons[action] = button
            if action not in ("import", "teach"):
                side.addWidget(button)
        last = QHBoxLayout()
        last.addWidget(self.buttons["import"])
        last.addWidget(self.buttons["teach"], 1)
        side.addLayout(last)
        self.buttons["teach"].setObjectName("primary")
        return side

    def add_view(self, view: QWidget) -> None:
        """Puts another view beside the picture, as wide as that."""
        self._views.addWidget(view)
        self._views.setSizes([1000, 1000])

    # Values in

    def show_tool(self, name: str, size_text: str) -> None:
        """Shows which tool is taken, and its grain or size in words."""
        self.tools[name].setChecked(True)
        tool = next(one for one in TOOLS if one.name == name)
        self.canvas.wheel_is_grain = bool(tool.sizes)
        self.hint.setText(f"{tool.hint}{f' ({size_text})' if size_text else ''}")
        self.hint.setToolTip("\n".join((tool.hint, "", *(f"{keys}: {what}" for keys, what in KEYS))))

    def show_classes(self, label_set: LabelSet, active: int) -> None:
        self.classes.clear()
        for label, one in enumerate(label_set.classes, start=1):
            swatch = QPixmap(14, 14)
            swatch.fill(QColor(*one.color))
            item = QListWidgetItem(_plain(swatch), f"{label}  {one.name}" if label <= 9 else f"    {one.name}")
            item.setData(Qt.ItemDataRole.UserRole, label)
            self.classes.addItem(item)
        if 1 <= active <= self.classes.count():
            self.classes.setCurrentRow(active - 1)
        self._filter(self.search.text())

    def show_strip(self, names: Sequence[str]) -> None:
        self.strip.clear()
        self._frames.clear()
        self._shown.clear()
        blank = QPixmap(_THUMB)
        blank.fill(self.palette().mid().color())
        for row, name in enumerate(names):
            item = QListWidgetItem(QIcon(blank), "")
            item.setToolTip(name)
            item.setSizeHint(QSize(_THUMB.width() + 24, _THUMB.height() + 6))
            item.setData(Qt.ItemDataRole.UserRole, row)
            self.strip.addItem(item)
            self._frames.append(item)

    @property
    def by_doubt(self) -> bool:
        """Whether the strip shows the frames by doubt."""
        return self.order.currentIndex() == 1

    def show_order(self, rows: Sequence[int], *, by_doubt: bool) -> None:
        """Shows the frames in another order."""
        self.order.setCurrentIndex(int(by_doubt))
        if [self.strip.item(place).data(Qt.ItemDataRole.UserRole) for place in range(self.strip.count())] != [*rows]:
            while self.strip.count():
                self.strip.takeItem(0)
            for row in rows:
                self.strip.addItem(self._frames[row])

    def show_thumbnail(self, row: int, image: QImage) -> None:
        """Shows the small picture of a frame."""
        if row < len(self._frames):
            self._frames[row].setIcon(_plain(QPixmap.fromImage(image)))

    def show_states(
        self,
        names: Sequence[str],
        states: Mapping[str, FrameState],
        hints: Mapping[str, str],
        damaged: Mapping[str, str],
    ) -> None:
        """Shows the state of each frame by a mark, why one should be looked at, and which labels cannot be read."""
        for name, item in zip(names, self._frames, strict=True):
            state: str = "damaged" if name in damaged else states.get(name, "")
            hint = hints.get(name, "") if state not in ("done", "skipped", "damaged") else ""
            if self._shown.get(name) == (state, hint):  # A strip is long, and with a stroke one frame changes.
                continue
            self._shown[name] = (state, hint)
            item.setForeground(QColor(_STATE_COLORS.get(state, "#f5a524")))
            item.setText("?" if hint else _STATE_MARKS.get(state, ""))
            more = damaged.get(name, "") or (hint and f"Look at this one: {hint}")
            item.setToolTip(f"{name}: {state or 'empty'}{more and f'. {more}'}")

    def show_row(self, row: int) -> None:
        if row < len(self._frames):
            self.strip.setCurrentItem(self._frames[row])
            self.strip.scrollToItem(self._frames[row])

    # Hands

    def event(self, event: QEvent) -> bool:
        """Takes the keys of label mode before the window's own commands get them."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._meaning(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """One key, one thing."""
        meaning = self._meaning(event)
        if meaning is None:
            super().keyPressEvent(event)
            return
        kind, value = meaning
        if kind == "class":
            self.class_wanted.emit(int(value))
        elif kind == "tool":
            self.tool_wanted.emit(value)
        else:
            self.action_wanted.emit(value)

    def _meaning(self, event: QKeyEvent) -> tuple[str, str] | None:
        if self.search.hasFocus():
            return ("action", "unfind") if event.key() == Qt.Key.Key_Escape else None
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if control:
            again = event.key() == Qt.Key.Key_Y or event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            if event.key() in (Qt.Key.Key_Z, Qt.Key.Key_Y):
                return ("action", "redo" if again else "undo")
            return None
        if Qt.Key.Key_1 <= event.key() <= Qt.Key.Key_9:
            return ("class", str(event.key() - Qt.Key.Key_0))
        if event.key() in self._tool_keys:
            return ("tool", self._tool_keys[Qt.Key(event.key())])
        action = self._keys.get(Qt.Key(event.key()))
        return ("action", action) if action else None

    def _filter(self, text: str) -> None:
        for row in range(self.classes.count()):
            item = self.classes.item(row)
            item.setHidden(text.strip().lower() not in item.text().lower())

    def _typed(self) -> None:
        text = self.search.text().strip()
        self.search.clear()
        self._filter("")
        self.canvas.setFocus()
        if text:
            self.class_typed.emit(text)

    def _ask_name(self, label: int) -> None:
        item = self.classes.item(label - 1)
        before = item.text().split(maxsplit=1)[-1]
        name, agreed = QInputDialog.getText(self, "Rename the class", "Name", text=before)
        if agreed and name.strip():
            self.rename_wanted.emit(label, name.strip())

    def _class_menu(self, at: QPoint) -> None:
        item = self.classes.itemAt(at)
        if item is None:
            return
        label = item.data(Qt.ItemDataRole.UserRole)
        menu = QMenu(self)
        menu.addAction("Rename…").triggered.connect(lambda: self._ask_name(label))
        menu.addAction("Colour…").triggered.connect(lambda: self.color_wanted.emit(label))
        into = menu.addMenu("Merge into")
        for row in range(self.classes.count()):
            if row + 1 != label:
                action = into.addAction(self.classes.item(row).text().strip())
                action.triggered.connect(partial(self.merge_wanted.emit, label, row + 1))
        into.setEnabled(not into.isEmpty())
        menu.exec(self.classes.mapToGlobal(at))
        menu.deleteLater()


class _Search(QLineEdit):
    """Keeps the keys that end it: Return is also a key of label mode."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()


def _plain(pixmap: QPixmap) -> QIcon:
    """An icon that is not tinted where it is chosen: its colours mean something."""
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
