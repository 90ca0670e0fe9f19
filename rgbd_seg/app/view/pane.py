"""One view of the grid: a picture, a small menu that says which, and what belongs to it (scale, score, hint)."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QImage, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from rgbd_seg.app.view.color_bar import ColorBar
from rgbd_seg.app.view.display import Display
from rgbd_seg.app.view.image_view import ImageView
from rgbd_seg.app.view.kinds import VIEW_NAMES, ViewKind
from rgbd_seg.coloring import DEPTH_MAPS

# What a view says when its moment has no such picture.
_HINTS: dict[str, str] = {
    "infrared": "No infrared: where the camera has it, open it with that option (Ctrl+U)",
    "labels": "This model gives no labels",
    "confidence": "This model gives no confidence",
    "truth": "This source has no truth: no labels that are known to be right",
    "recorded": "No model's labels were recorded with this source",
    "second": "Model menu, Compare with… loads a second model",
    "wipe": "Model menu, Compare with… loads a second model",
    "difference": "Model menu, Compare with… loads a second model",
    "cloud": "The 3D cloud is in another view",
    "error": "Errors need a model, and a source that has truth",
}
_CHIP_PX = 26
_CHIP_STYLE = (
    "QToolButton, QLabel#chip { background: rgba(16, 17, 19, 185); color: #e8e8ea; border: 0; border-radius: 5px;"
    " padding: 4px 8px; font-size: 12px; } QToolButton:hover { background: rgba(60, 63, 70, 220); }"
    " QToolButton:focus { border: 1px solid #4f9cf9; padding: 3px 7px; }"
)


class Pane(QFrame):
    """A frame around an `ImageView`; emits which kind, colour map or range is wanted."""

    kind_wanted = Signal(str)
    depth_map_wanted = Signal(str)
    ends_wanted = Signal(object, object)
    maximise_wanted = Signal()

    def __init__(self, kind: ViewKind, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pane")
        self.kind: ViewKind = kind
        self.view = ImageView(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        self.content: QWidget = self.view
        self._chip = QToolButton(self)
        self._chip.setStyleSheet(_CHIP_STYLE)
        self._chip.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._chip.setToolTip("What this view shows")
        self._chip.setMenu(self._make_menu())
        self._note = QLabel(self)
        self._note.setObjectName("chip")
        self._note.setStyleSheet(_CHIP_STYLE)
        self._note.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._note.hide()
        self._hint = QLabel(self)
        self._hint.setStyleSheet("color: #9a9da3;")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)  # A sentence that names classes is wider than a quarter of the window.
        self._hint.setMargin(12)
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._bar = ColorBar(self)
        self._bar.ends_wanted.connect(self.ends_wanted)
        self._show_kind()

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        kinds = QActionGroup(menu)
        self._kind_actions: dict[str, QAction] = {}
        for kind, name in VIEW_NAMES.items():
            action = menu.addAction(name)
            action.setCheckable(True)
            action.triggered.connect(lambda _checked, k=kind: self.kind_wanted.emit(k))
            kinds.addAction(action)
            self._kind_actions[kind] = action
        menu.addSeparator()
        maps = menu.addMenu("Depth colours")
        group = QActionGroup(maps)
        self._map_actions: dict[str, QAction] = {}
        for name in DEPTH_MAPS:
            action = maps.addAction(name.capitalize())
            action.setCheckable(True)
            action.triggered.connect(lambda _checked, n=name: self.depth_map_wanted.emit(n))
            group.addAction(action)
            self._map_actions[name] = action
        maps.addSeparator()
        maps.addAction("Automatic range").triggered.connect(lambda: self.ends_wanted.emit(None, None))
        menu.addAction("Maximise or restore").triggered.connect(self.maximise_wanted)
        return menu

    def open_menu(self) -> None:
        """Lets one choose what it shows."""
        self._chip.showMenu()

    def show_kind(self, kind: ViewKind) -> None:
        """Shows another kind of picture from now on."""
        self.kind = kind
        self._show_kind()

    def _show_kind(self) -> None:
        self._chip.setText(f"{VIEW_NAMES[self.kind]} ▾")
        self._kind_actions[self.kind].setChecked(True)
        self._bar.setVisible(self.kind == "depth")
        self._hint.hide()
        self._place()

    def show_picture(self, image: QImage | None, note: str = "", why_none: str = "") -> None:
        """Shows a picture, or why there is none ("" for the usual reason), and a few words in the corner."""
        self.view.show_image(image)
        self._hint.setText(why_none or _HINTS.get(self.kind, ""))
        self._hint.setVisible(image is None and self.content is self.view)
        if note != self._note.text() or bool(note) != self._note.isVisible():
            self._note.setText(note)
            self._note.setVisible(bool(note))
            self._place()

    @property
    def note(self) -> str:
        """The few words in the corner."""
        return self._note.text()

    def show_display(self, display: Display, ends_m: tuple[float, float]) -> None:
        """Adapts scale and menu to what is chosen."""
        if self.kind == "depth":
            self._bar.show_scale(ends_m, (display.near_m, display.far_m), display.depth_map)
        if display.depth_map in self._map_actions:
            self._map_actions[display.depth_map].setChecked(True)

    def set_content(self, widget: QWidget | None) -> None:
        """Shows another widget instead of the picture (the 3D cloud); None for the picture again."""
        wanted = widget or self.view
        if wanted is self.content:
            return
        layout = self.layout()
        assert layout is not None
        layout.removeWidget(self.content)
        self.content.hide()
        layout.addWidget(wanted)
        wanted.show()
        self.content = wanted
        for child in (self._chip, self._note, self._bar, self._hint):
            child.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keeps chips and scale in their corners."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        self._chip.setGeometry(8, 8, self._chip.sizeHint().width(), _CHIP_PX)
        self._place_note()
        self._hint.setGeometry(0, 0, self.width(), self.height())
        height = min(max(self.height() - 60, 60), 260)
        width = self._bar.sizeHint().width()
        self._bar.setGeometry(self.width() - width - 8, (self.height() - height) // 2, width, height)

    def _place_note(self) -> None:
        """Beside the chip where there is room, else below it in as many lines as it takes: it must be readable."""
        note, beside = self._note, self._chip.geometry().right() + 7
        note.setWordWrap(False)
        wide = note.sizeHint().width()
        if beside + wide <= self.width() - 8:
            note.setGeometry(beside, 8, wide, _CHIP_PX)
            return
        note.setWordWrap(True)
        wide = max(min(wide, self.width() - 16), 1)
        note.setGeometry(8, self._chip.geometry().bottom() + 5, wide, max(note.heightForWidth(wide), _CHIP_PX))
