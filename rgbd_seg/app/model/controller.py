"""Choosing models: from the panel, the menu, a dialog, a drop or the command line; and what is remembered."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu

from rgbd_seg.app.widgets.file_dialog import MODELS, choose
from rgbd_seg.assets import BUNDLED_MODELS, REAL, model_path
from rgbd_seg.errors import MissingAsset
from rgbd_seg.pipeline.status import ModelState

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.app.context import Context
    from rgbd_seg.app.model.panel import ModelPanel
    from rgbd_seg.app.settings import Settings
    from rgbd_seg.inference.segmenter import SegmenterOptions


def remembered_path(name: str) -> Path | None:
    """The file behind a remembered name; None for no model, or where the bundled one is not installed."""
    if not name:
        return None
    try:
        return model_path(name).absolute()
    except MissingAsset:
        return None


def known_models(settings: Settings) -> list[tuple[str, str]]:
    """What people call the model in use, the bundled ones and recent ones, and their files."""
    names = [name for name in (settings.model, *BUNDLED_MODELS, *settings.recent_models) if name]
    paths = {str(path): name for name in names if (path := remembered_path(name)) is not None and os.path.isfile(path)}
    called = {path: BUNDLED_MODELS.get(name, Path(path).name) for path, name in paths.items()}
    often = Counter(called.values())
    return [(f"{n} in {Path(path).parent.name}" if often[n] > 1 else n, path) for path, n in called.items()]


class ModelController(QObject):
    """Loads, reloads and unloads the session's model."""

    chosen = Signal(str)  # What is remembered as the model now.
    comparison_wanted = Signal(str)  # Path of the second model, "" to ask for it.

    def __init__(self, context: Context, panel: ModelPanel) -> None:
        super().__init__(context.widget)
        self._context, self._session, self._panel = context, context.session, panel
        self._known = self._wanted = context.settings.model  # Asked for last, whether it could be loaded or not.
        self._pending = False  # It is still being loaded.
        self.menu = QMenu(context.widget)
        self.menu.aboutToShow.connect(self._fill_menu)
        panel.file_wanted.connect(self.choose_file)
        panel.bundled_wanted.connect(lambda: self.load(REAL))
        panel.close_wanted.connect(self.unload)
        panel.reload_wanted.connect(self.reload)
        panel.tuning_wanted.connect(self._tune)
        panel.backends_wanted.connect(self._look_up_backends)

    def load(self, name: str, *, quiet: bool = False) -> None:
        """Loads a model file or a bundled model; with `quiet`, one that is not installed is no fault."""
        path = remembered_path(name)
        if path is None:
            if name and not quiet:
                self._context.say("model", "This installation has no such model: load a model file instead.")
            return
        self.show_status()  # The one before may just be there, which the window has not seen yet.
        self._session.load_model(path, self._context.settings.run)
        self._wanted, self._pending = name if name in BUNDLED_MODELS else str(path), True

    def unload(self) -> None:
        """Goes on without a model."""
        self._session.model.unload()
        self._wanted, self._pending = "", False
        self._remember("")

    def choose_file(self) -> None:
        recent = self._context.settings.recent_models
        choose(
            self._context.widget,
            "Load a model",
            self.load,
            files=MODELS,
            start=Path(recent[0]).parent if recent else None,
        )

    def show_status(self) -> None:
        """Remembers a model once it is loaded."""
        state = self._session.model.status.state
        if not self._pending or state is ModelState.LOADING:
            return
        self._pending = False
        if state is ModelState.READY:
            # Only now: what cannot be loaded is not worth coming back to, at the next start least of all.
            self._remember(self._wanted)

    def show_settings(self) -> None:
        """Adopts settings that somebody else has changed."""
        settings = self._context.settings
        if settings.model != self._known and not self._pending:
            self._wanted = settings.model
        self._known = settings.model
        self._panel.show_options(settings.run)

    def _look_up_backends(self) -> None:
        post, panel = self._context.post, self._panel
        self._session.look_up_backends(lambda found: post(lambda: panel.show_backends(found)))

    def reload(self, options: SegmenterOptions) -> None:
        """Loads the model again, to run otherwise; one that failed only if it has left none running."""
        self._adopt(options)
        status = self._session.model.status
        older = status.state is ModelState.FAILED and status.info is not None
        self.load(self._context.settings.model if older else self._wanted)

    def _tune(self, options: SegmenterOptions) -> None:
        self._adopt(options)
        self._session.configure(options)

    def _adopt(self, options: SegmenterOptions) -> None:
        self._context.remember(replace(self._context.settings, run=options))

    def _remember(self, model: str) -> None:
        self._context.remember(self._context.settings.with_recent_model(model))
        self.chosen.emit(model)

    def _fill_menu(self) -> None:
        menu = self.menu
        menu.clear()
        current = self._context.settings.model if self._session.model.status.info is not None else ""
        self._offer(menu, self.load, current)
        menu.addAction("Load a model…").triggered.connect(self.choose_file)
        second = menu.addMenu("Compare with")
        self._offer(second, self._compare)
        second.addAction("A file…").triggered.connect(lambda: self.comparison_wanted.emit(""))
        menu.addAction("No model").triggered.connect(self.unload)

    def _compare(self, name: str) -> None:
        path = remembered_path(name)
        if path is not None:
            self.comparison_wanted.emit(str(path))

    def _offer(self, menu: QMenu, chosen: Callable[[str], None], current: str | None = None) -> None:
        """The models that are known; the current one is marked."""
        recent = self._context.settings.recent_models
        names = [Path(path).name for path in recent]
        for name in (*BUNDLED_MODELS, *recent):
            path = Path(name)
            # Where two have one name, the folder tells them apart.
            text = path.name if names.count(path.name) < 2 else f"{path.parent.name}/{path.name}"
            action = menu.addAction(BUNDLED_MODELS.get(name, text))
            action.setToolTip(name)
            action.setEnabled(remembered_path(name) is not None)
            if current is not None:
                action.setCheckable(True)
                action.setChecked(name == current)
            action.triggered.connect(lambda _checked, n=name: chosen(n))
        menu.addSeparator()
