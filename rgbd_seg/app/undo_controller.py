"""Ctrl+Z: listens for what is changed by hand anywhere in the window, and takes it back."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from rgbd_seg.app.source.names import short_name
from rgbd_seg.app.undo import Step, UndoHistory, describe, differing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rgbd_seg.app.replay.bar import Range
    from rgbd_seg.app.window import MainWindow

_LONGEST_LIST = 15
_NOTICE_MS = 3000


class UndoController(QObject):
    """Steps for drawing, classes, the range for exports, the model, the source that was left, and settings."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.history = UndoHistory()
        self._display = window.presenter.display
        self._model = window.settings.model
        self._coming = ""  # The model that an undo is loading: it is there only later, and is no new step either.
        self._uri = ""
        self._at_work = False  # What an undo changes is no new step.
        self.menu = QMenu(window)
        self.menu.aboutToShow.connect(self._fill)
        window.presenter.display_changed.connect(self._display_changed)
        window.models.settings_changed.connect(lambda settings: self._model_changed(settings.model))
        window.sources.changed.connect(self._source_changed)
        window.replay_bar.range_changed.connect(self._range_changed)

    def add(self, text: str, undo: Callable[[], None], redo: Callable[[], None], key: str = "") -> None:
        """Remembers something that was done by hand."""
        if not self._at_work:
            self.history.add(Step(text, undo, redo, key))
            self._window.top_bar.show_undo(self.history.done)

    def undo(self) -> None:
        """Takes back what was done last."""
        self._go("Undone", self.history.undo, "Ctrl+Shift+Z does it again")

    def redo(self) -> None:
        """Does again what was taken back."""
        self._go("Done again", self.history.redo, "Ctrl+Z takes it back")

    def undo_several(self, count: int) -> None:
        """Takes back the last steps."""
        for _ in range(count):
            self.undo()

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """What changes inside is no step: it is taken back, or belongs to a larger one."""
        before, self._at_work = self._at_work, True
        try:
            yield
        finally:
            self._at_work = before

    def _go(self, word: str, run: Callable[[], Step | None], hint: str) -> None:
        with self.quietly():
            step = run()
        self._window.top_bar.show_undo(self.history.done)
        text = f"{word}: {step.text}. {hint}." if step else f"There is nothing to be {word.lower()}."
        self._window.status_line.show_notice(text, _NOTICE_MS)

    def _fill(self) -> None:
        self.menu.clear()
        for number, text in enumerate(self.history.done[:_LONGEST_LIST], start=1):
            action = self.menu.addAction(f"Undo {text}")
            action.triggered.connect(partial(self._undo_from_list, number))
        for text in self.history.undone[:1]:
            self.menu.addSeparator()
            self.menu.addAction(f"Redo {text}").triggered.connect(self.redo)

    def _undo_from_list(self, count: int, _checked: bool = False) -> None:
        self.undo_several(count)

    # What changes

    def _display_changed(self) -> None:
        before, after = self._display, self._window.presenter.display
        self._display = after
        old, new = differing(before, after)
        if new:
            change = self._window.presenter.change
            text = describe(before, after)
            self.add(text, lambda: change(**old), lambda: change(**new), text)

    def _model_changed(self, model: str) -> None:
        before, self._model = self._model, model
        if before == model:
            return
        coming, self._coming = self._coming, ""
        if not model or model != coming:
            what = f"load {short_name(model)}" if model else "go on without a model"
            self.add(what, partial(self._use_model, before), partial(self._use_model, model))

    def _use_model(self, name: str) -> None:
        if name:
            self._coming = name
            self._window.models.load(name)
        else:
            self._window.models.unload()

    def _source_changed(self) -> None:
        sources = self._window.sources
        before, self._uri = self._uri, self._window.session.uri
        if before and not self._uri:
            self.add(f"close {short_name(before)}", partial(sources.open, before), sources.close)

    def _range_changed(self, before: Range, after: Range) -> None:
        playback = self._window.session.playback

        def show(picked: Range) -> None:
            if self._window.session.playback is playback:  # Another recording has other frames.
                self._window.replay_bar.show_range(picked)

        self.add("range for export", partial(show, before), partial(show, after))
