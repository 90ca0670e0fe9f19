"""The command palette: everything the window can do, by name and with its key, found by typing a few letters of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

_WIDTH_PX, _HEIGHT_PX = 560, 380
_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be done.

    Attributes:
        text: What it is called.
        keys: How it is done without the palette, "" where there is no key.
        run: Does it.
    """

    text: str
    keys: str
    run: Callable[[], object]


def matching(entries: Sequence[Entry], words: str) -> list[Entry]:
    """The entries whose text or keys have all the words, those that begin with them first."""
    wanted = words.lower().split()
    found = [one for one in entries if all(word in f"{one.text} {one.keys}".lower() for word in wanted)]
    return sorted(found, key=lambda one: not one.text.lower().startswith(" ".join(wanted)))


class CommandPalette(QDialog):
    """Over the upper middle of the window until something is chosen, or Escape or a click elsewhere closes it."""

    def __init__(self, window: QWidget, entries: Sequence[Entry]) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Commands")
        self._entries = entries
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        self.search = QLineEdit()
        self.search.setPlaceholderText("What do you want to do?")
        self.search.setAccessibleName("Find a command")
        self.search.textChanged.connect(self._show)
        self.search.returnPressed.connect(self._run)
        self.search.installEventFilter(self)
        self.list = QTreeWidget()
        self.list.setAccessibleName("Commands")
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Typing goes on in the field; up and down move here.
        self.list.itemClicked.connect(self._run)
        column.addWidget(self.search)
        column.addWidget(self.list)
        self.resize(min(_WIDTH_PX, window.width()), min(_HEIGHT_PX, window.height()))
        self.list.setColumnWidth(0, self.width() - 200)
        self.move(window.mapToGlobal(QPoint((window.width() - self.width()) // 2, 48)))
        self._show("")
        self.search.setFocus()

    def _show(self, words: str) -> None:
        self.list.clear()
        for entry in matching(self._entries, words):
            item = QTreeWidgetItem(self.list, [entry.text, entry.keys])
            item.setData(0, Qt.ItemDataRole.UserRole, entry)
            item.setForeground(1, self.palette().placeholderText())
        if self.list.topLevelItemCount() == 0:
            nothing = QTreeWidgetItem(self.list, ["Nothing has these words in its name"])
            nothing.setFlags(Qt.ItemFlag.NoItemFlags)
        self.list.setCurrentIndex(self.list.model().index(0, 0))

    def _run(self) -> None:
        item = self.list.currentItem()
        entry: Entry | None = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        if entry is None:
            return
        self.close()  # First, so that a dialog or menu that is opened now is not beneath it.
        entry.run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys that move in the list go there."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES:
            self.list.event(event)
            return True
        return super().eventFilter(watched, event)
