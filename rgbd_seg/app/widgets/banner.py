"""Messages at the top of the views: what happened, at most one action, never in the way of the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QToolButton, QVBoxLayout, QWidget

from rgbd_seg.app.widgets.icons import dress
from rgbd_seg.app.widgets.theme import Theme

Kind = Literal["info", "warning", "error"]
_SIGN_COLORS: dict[Kind, str] = {"info": "accent", "warning": "warning", "error": "record"}


@dataclass(frozen=True, slots=True)
class Message:
    """One banner.

    Attributes:
        key: What it is about; a later message with the same key replaces it.
        kind: How bad it is.
        text: A whole sentence.
        action: The word on its button, "" for none.
        run: What the button does.
        part: How far the work it is about has come, 0..1, shown as a bar; None for a message that is no progress. A
            progress has no cross to close it: it goes when the work is done.
        hint: Whether it only suggests something, and comes by itself: one that answers an act goes before it.
    """

    key: str
    kind: Kind
    text: str
    action: str = ""
    run: Callable[[], None] | None = None
    part: float | None = None
    hint: bool = False


class Banners(QWidget):
    """A short stack of messages. A message that was closed by hand does not come back unchanged."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: dict[str, tuple[Message, QFrame, QLabel, QProgressBar]] = {}
        self._closed: dict[str, str] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(1)
        self.hide()

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(message.text for message, *_ in self._shown.values())

    def shows(self, key: str) -> bool:
        """Whether a message with that key is on screen."""
        return key in self._shown

    def show_message(self, message: Message) -> None:
        """Shows a message, in place of the one with the same key."""
        shown = self._shown.get(message.key)
        same = shown and (shown[0].text, shown[0].part) == (message.text, message.part)
        if self._closed.get(message.key) == message.text or same:
            return
        if shown and _shape(shown[0]) == _shape(message):
            # In place: a progress does not make the views jump, and a button that is being pressed stays.
            _, frame, label, bar = shown
            label.setText(message.text)
        else:
            self.clear(message.key, forget=False)
            frame, label, bar = self._make_frame(message)
            self._layout.addWidget(frame)
            frame.show()  # At once: a layout leaves that to a later turn of Qt's loop.
        bar.setValue(round(100 * (message.part or 0.0)))
        self._shown[message.key] = (message, frame, label, bar)
        self._mark()
        self.show()

    def show_theme(self, theme: Theme) -> None:
        """Makes later messages in other colours; those on screen are redressed with the window."""
        self._theme = theme

    def forget(self, key: str) -> None:
        """A message that was closed by hand may come again."""
        self._closed.pop(key, None)

    def clear(self, key: str, *, forget: bool = True) -> None:
        """Takes a message away; with `forget`, the same one may come again."""
        if forget:
            self._closed.pop(key, None)
        shown = self._shown.pop(key, None)
        if shown is not None:
            self._layout.removeWidget(shown[1])
            shown[1].hide()
            shown[1].deleteLater()
            self._mark()
        self.setVisible(bool(self._shown))

    def _close(self, key: str) -> None:
        self._closed[key] = self._shown[key][0].text
        self.clear(key, forget=False)

    def _make_frame(self, message: Message) -> tuple[QFrame, QLabel, QProgressBar]:
        frame = QFrame()
        frame.setObjectName("banner")
        frame.setProperty("kind", message.kind)  # The style sheet colours it.
        row = QHBoxLayout(frame)
        row.setContentsMargins(10, 4, 6, 4)
        sign = QLabel()
        dress(sign, "info" if message.kind == "info" else "warning", _SIGN_COLORS[message.kind], self._theme)
        text = QLabel(message.text)
        text.setWordWrap(True)
        text.setMinimumWidth(1)  # A long path, which is a single word, must not widen the window.
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        bar = QProgressBar()
        bar.setTextVisible(False)
        bar.setFixedWidth(160)
        bar.setAccessibleName(message.text)
        row.addWidget(sign)
        row.addWidget(text, 1)
        row.addWidget(bar)
        bar.setVisible(message.part is not None)  # Not before it has a parent: it would be a window of its own.
        if message.action and message.run is not None:
            button = QPushButton(message.action)
            button.clicked.connect(lambda: self._run(message.key))
            row.addWidget(button)
        close = QToolButton()
        dress(close, "close", "quiet", self._theme)
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.clicked.connect(lambda: self._close(message.key))
        row.addWidget(close)
        close.setVisible(message.part is None)
        return frame, text, bar

    @property
    def _answered(self) -> str:
        """Which message the key answers: the newest that is no progress without a button, hints after all others."""
        keys = [key for key, (message, *_) in self._shown.items() if message.run is not None or message.part is None]
        return next(reversed([key for key in keys if not self._shown[key][0].hint] or keys), "")

    def _mark(self) -> None:
        """Shows which button the key presses, where there are several."""
        buttons = {key: frame.findChild(QPushButton) for key, (_, frame, *_) in self._shown.items()}
        several = sum(button is not None for button in buttons.values()) > 1
        for key, button in buttons.items():
            if button is None:
                continue
            button.setToolTip("Ctrl+Return" if key == self._answered else "")
            marked = several and key == self._answered
            if bool(button.property("answers")) != marked:
                button.setProperty("answers", marked)
                button.style().unpolish(button)
                button.style().polish(button)

    def answer(self) -> None:
        """Does what the button of the newest message offers; closes that message if it has none."""
        key = self._answered
        if key and self._shown[key][0].run is None:
            self._close(key)
        elif key:
            self._run(key)

    def _run(self, key: str) -> None:
        shown = self._shown.get(key)
        if shown is not None and shown[0].run is not None:
            shown[0].run()


def _shape(message: Message) -> tuple[Kind, str, bool]:
    """What a banner's widgets depend on, besides its text and the length of its bar."""
    return message.kind, message.action, message.part is None
