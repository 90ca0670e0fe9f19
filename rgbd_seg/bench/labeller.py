"""A person in label mode, for the measurement of its pauses: tools, travel, drafts, frames, classes and the 3D view.

Events are posted one by one, as a screen delivers them, so that each is answered in a turn of Qt's loop of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from rgbd_seg.app.labelling.desk import Desk
from rgbd_seg.app.labelling.tools import TOOLS
from rgbd_seg.app.view.cloud.view import CloudView
from rgbd_seg.app.window import MainWindow

_STEP_S = 0.02  # Between two events of a moving hand.
_PAUSE_S = 0.3  # Between two acts.
_PATIENCE_S = 120.0
_MOVES = 12
_KEYS = {"\r": Qt.Key.Key_Return, "[": Qt.Key.Key_BracketLeft, "]": Qt.Key.Key_BracketRight}
_ARROWS = {"left": Qt.Key.Key_Left, "right": Qt.Key.Key_Right}
_NOTHING, _CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier

_Place = tuple[float, float]  # Across and down the picture or view, 0..1.


class Labeller:
    """Has hands; its acts are generators that yield how many seconds to wait before they go on."""

    def __init__(self, window: MainWindow, begins: Callable[[str], None], with_model: bool) -> None:
        """Nothing is done yet.

        Args:
            window: Shows a recording.
            begins: Called with the name of every act that begins.
            with_model: Whether a model is loaded that can be asked for drafts.
        """
        self._window, self._begins, self._with_model = window, begins, with_model
        self.acts = 0

    def works(self) -> Iterator[float]:
        """Once through label mode, from the first key to the last."""
        window = self._window
        yield from self._does("label mode", window.commands.run["label_frames"])
        until = time.monotonic() + _PATIENCE_S
        while window.labelling.desk is None or window.labelling.desk.session.frame is None:
            if time.monotonic() > until:
                return
            yield 0.05
        yield from self._rests()
        yield from self._does("first frame", lambda: window.labelling.open_row(0))
        for name in ("wall", "thing"):
            yield from self._does("new class", partial(self._desk.page.class_typed.emit, name))
        for tool in TOOLS:
            yield from self._uses(tool.name, tool.key, tool.hands)
        yield from self._does("class", lambda: self._key(self._canvas, "1"))
        yield from self._does("fainter", lambda: self._key(self._canvas, "["))
        yield from self._does("stronger", lambda: self._key(self._canvas, "]"))
        yield from self._does("rename", lambda: self._desk.page.rename_wanted.emit(2, f"thing {self.acts}"))
        for _ in range(4):
            yield from self._wheels("zoom", self._canvas, (0.4, 0.5), _CONTROL)
        yield from self._drags("pan", self._canvas, (0.5, 0.5), (0.6, 0.6), Qt.MouseButton.RightButton)
        yield from self._does("whole", lambda: self._key(self._canvas, "0"))
        for name in ("right", "right", "left"):
            yield from self._does("another frame", partial(self._key, self._canvas, name))
        if self._with_model:
            yield from self._does("draft", lambda: self._key(self._canvas, "m"))
            yield 2.0
        yield from self._does("first frame", lambda: window.labelling.open_row(0))
        yield from self._does("done", lambda: self._key(self._canvas, "\r"))
        yield from self._does("travel", lambda: self._key(self._canvas, "t"))
        yield from self._does("3D view", lambda: self._key(self._canvas, "v"))
        yield from self._looks_around()
        yield from self._does("the frame that teaches most", lambda: self._key(self._canvas, "n"))
        until = time.monotonic() + _PATIENCE_S
        while not self._desk.hints and time.monotonic() < until:
            yield 0.1
        yield from self._rests()
        yield from self._does("skip", lambda: self._key(self._canvas, "k"))
        yield from self._does("label mode left", lambda: self._key(self._canvas, "e"))

    @property
    def _desk(self) -> Desk:
        desk = self._window.labelling.desk
        assert desk is not None
        return desk

    @property
    def _canvas(self) -> QWidget:
        return self._desk.page.canvas

    # Acts

    def _does(self, name: str, act: Callable[[], object]) -> Iterator[float]:
        self._begins(name)
        self.acts += 1
        act()
        yield _PAUSE_S
        yield from self._rests()

    def _rests(self) -> Iterator[float]:
        """Until the thread of label mode has nothing left to do."""
        until = time.monotonic() + _PATIENCE_S
        while self._window.labelling.active and not self._desk.tasks.idle and time.monotonic() < until:
            yield 0.05

    def _uses(self, name: str, key: str, hands: str) -> Iterator[float]:
        yield from self._does(f"{name}: taken", lambda: self._key(self._canvas, key.lower()))
        for step in range(_MOVES):
            yield from self._moves(f"{name}: pointer", self._canvas, (0.2 + 0.05 * step, 0.3 + 0.03 * step))
        if self._desk.page.canvas.wheel_is_grain:
            yield from self._wheels(f"{name}: wheel", self._canvas, (0.5, 0.5), _NOTHING)
        act = f"{name}: stroke"
        if hands == "corners":
            for at in ((0.2, 0.2), (0.7, 0.3), (0.5, 0.8)):
                yield from self._drags(act, self._canvas, at, at)
            yield from self._does(act, lambda: self._key(self._canvas, "\r"))
        elif hands == "click":
            yield from self._drags(act, self._canvas, (0.5, 0.75), (0.5, 0.75))
        else:
            yield from self._drags(act, self._canvas, (0.3, 0.3), (0.7, 0.7))
        yield from self._does("undo", lambda: self._key(self._canvas, "z", _CONTROL))
        yield from self._does("redo", lambda: self._key(self._canvas, "y", _CONTROL))

    def _looks_around(self) -> Iterator[float]:
        cloud = self._desk.page.findChild(CloudView)
        assert cloud is not None
        yield from self._drags("3D view: turned", cloud, (0.3, 0.5), (0.7, 0.6))
        yield from self._wheels("3D view: nearer", cloud, (0.5, 0.5), _NOTHING)
        yield from self._drags("3D view: click", cloud, (0.5, 0.6), (0.5, 0.6))
        yield from self._does("undo", lambda: self._key(self._canvas, "z", _CONTROL))
        yield from self._does("3D view away", lambda: self._key(self._canvas, "v"))

    # Events

    def _moves(self, name: str, target: QWidget, at: _Place) -> Iterator[float]:
        self._begins(name)
        self._mouse(target, QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton)
        yield _STEP_S

    def _drags(
        self,
        name: str,
        target: QWidget,
        start: _Place,
        end: _Place,
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
    ) -> Iterator[float]:
        """Presses, moves, releases; where it ends as it starts, a click."""
        self._begins(name)
        self.acts += 1
        self._mouse(target, QEvent.Type.MouseButtonPress, start, button, button)
        yield _STEP_S
        for step in range(1, _MOVES + 1) if start != end else ():
            (x0, y0), (x1, y1), share = start, end, step / _MOVES
            at = (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
            self._mouse(target, QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, button)
            yield _STEP_S
        self._mouse(target, QEvent.Type.MouseButtonRelease, end, button, Qt.MouseButton.NoButton)
        yield _PAUSE_S
        yield from self._rests()

    def _wheels(self, name: str, target: QWidget, at: _Place, held: Qt.KeyboardModifier) -> Iterator[float]:
        self._begins(name)
        self.acts += 1
        place = QPointF(at[0] * target.width(), at[1] * target.height())
        for turn in (120, -120):
            event = QWheelEvent(
                place,
                QPointF(target.mapToGlobal(place)),
                QPoint(),
                QPoint(0, turn if held == _NOTHING else abs(turn)),
                Qt.MouseButton.NoButton,
                held,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QCoreApplication.postEvent(target, event)
            yield _PAUSE_S
        yield from self._rests()

    def _mouse(
        self, target: QWidget, kind: QEvent.Type, at: _Place, button: Qt.MouseButton, held: Qt.MouseButton
    ) -> None:
        place = QPointF(at[0] * target.width(), at[1] * target.height())
        event = QMouseEvent(kind, place, QPointF(target.mapToGlobal(place)), button, held, _NOTHING)
        QCoreApplication.postEvent(target, event)

    def _key(self, target: QWidget, name: str, held: Qt.KeyboardModifier = _NOTHING) -> None:
        key = _KEYS.get(name) or _ARROWS.get(name) or Qt.Key(ord(name.upper()))
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QCoreApplication.postEvent(target, QKeyEvent(kind, key, held, name if len(name) == 1 else ""))
