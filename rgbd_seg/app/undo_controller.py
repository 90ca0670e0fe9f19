"""Ctrl+Z: listens for what is changed by hand anywhere in the window, and takes it back."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu

from rgbd_seg.app.source.names import short_name
from rgbd_seg.app.undo import Step, UndoHistory, describe, differing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rgbd_seg.app.context import Context
    from rgbd_seg.app.model.controller import ModelController
    from rgbd_seg.app.replay.bar import Range, ReplayBar
    from rgbd_seg.app.source.controller import SourceController

_LONGEST_LIST = 15


class UndoController(QObject):
    """Steps for drawing, classes, the range for exports, the model, the source that was left, and settings."""

    changed = Signal(tuple)  # What was done so far, newest first.
    message = Signal(str)

    def __init__(self, context: Context, sources: SourceController, models: ModelController, bar: ReplayBar) -> None:
        super().__init__(context.widget)
        self._context, self._sources, self._models, self._bar = context, sources, models, bar
        self.history = UndoHistory()
        self._display = context.presenter.display
        self._model = context.settings.model
        self._coming = ""  # The model that an undo is loading: it is there only later, and is no new step either.
        self._uri = ""
        self._at_work = False  # What an undo changes is no new step.
        self._strokes: Callable[[str], None] | None = None
        self.menu = QMenu(context.widget)
        self.menu.aboutToShow.connect(self._fill)
        context.presenter.display_changed.connect(self._display_changed)
        models.chosen.connect(self._model_changed)
        sources.changed.connect(self._source_changed)
        bar.range_changed.connect(self._range_changed)

    def add(self, text: str, undo: Callable[[], None], redo: Callable[[], None], key: str = "") -> None:
        """Remembers something that was done by hand."""
        if not self._at_work:
            self.history.add(Step(text, undo, redo, key))
            self._tell()

    def begin_strokes(self, strokes: Callable[[str], None] | None) -> None:
        """Label mode has an undo of its own, which takes "undo" or "redo"; None where it ends."""
        self._strokes = strokes
        self._tell()

    def undo(self) -> None:
        if self._strokes is not None:
            self._strokes("undo")
            return
        self._go("Undone", self.history.undo, "Ctrl+Shift+Z does it again")

    def redo(self) -> None:
        """Does again what was taken back."""
        if self._strokes is not None:
            self._strokes("redo")
            return
        self._go("Done again", self.history.redo, "Ctrl+Z takes it back")

    def undo_several(self, count: int) -> None:
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
        self._tell()
        text = f"{word}: {step.text}. {hint}." if step else f"There is nothing to be {word.lower()}."
        self.message.emit(text)

    def _tell(self) -> None:
        self.changed.emit(("the last stroke",) if self._strokes is not None else self.history.done)

    def _fill(self) -> None:
        self.menu.clear()
        if self._strokes is not None:
            for word in ("undo", "redo"):
                text = f"{word.capitalize()} a stroke"
                self.menu.addAction(text).triggered.connect(partial(self._strokes, word))
            return
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
        before, after = self._display, self._context.presenter.display
        self._display = after
        old, new = differing(before, after)
        if new:
            change = self._context.presenter.change
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
            self._models.load(name)
        else:
            self._models.unload()

    def _source_changed(self) -> None:
        before, self._uri = self._uri, self._context.session.uri
        if before and not self._uri:
            self.add(f"close {short_name(before)}", partial(self._sources.open, before), self._sources.close)

    def _range_changed(self, before: Range, after: Range) -> None:
        playback = self._context.session.playback

        def show(picked: Range) -> None:
            if self._context.session.playback is playback:  # Another recording has other frames.
                self._bar.show_range(picked)

        self.add("range for export", partial(show, before), partial(show, after))
