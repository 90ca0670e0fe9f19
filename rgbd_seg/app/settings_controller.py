"""The window's settings as a file to carry elsewhere: save, load, and back to how a fresh installation begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from rgbd_seg.app.settings import Settings, SettingsFile
from rgbd_seg.app.view.display import Display
from rgbd_seg.app.widgets.file_dialog import SETTINGS, choose

if TYPE_CHECKING:
    from rgbd_seg.app.context import Context
    from rgbd_seg.app.model.controller import ModelController
    from rgbd_seg.app.undo_controller import UndoController
    from rgbd_seg.app.view.grid import ViewGrid
    from rgbd_seg.app.widgets.theme_switch import ThemeSwitch


class SettingsController(QObject):
    """Applies whole settings to the running window; each change can be undone."""

    def __init__(
        self, context: Context, grid: ViewGrid, models: ModelController, look: ThemeSwitch, undos: UndoController
    ) -> None:
        super().__init__(context.widget)
        self._context, self._grid, self._models, self._look, self._undos = context, grid, models, look, undos
        self.menu = QMenu("Settings", context.widget)
        together = self.menu.addAction("Labels and picture of one moment")
        together.setCheckable(True)
        together.setToolTip("A camera's picture waits for its labels, and moves as fast as the model")
        together.triggered.connect(lambda on: context.remember(replace(context.settings, one_moment=on)))
        self.menu.aboutToShow.connect(lambda: together.setChecked(context.settings.one_moment))
        self.menu.setToolTipsVisible(True)
        self.menu.addSeparator()
        self.menu.addAction("Save settings as…").triggered.connect(self.ask_save)
        self.menu.addAction("Load settings…").triggered.connect(self.ask_load)
        self.menu.addAction("Reset all settings").triggered.connect(self.reset)
        self.menu.addAction("Forget recent sources and models").triggered.connect(self.forget_recent)

    def ask_save(self) -> None:
        """Asks where to; the file can be loaded on another machine."""
        proposed = Path.home() / "rgbd-seg settings.json"
        choose(self._context.widget, "Save settings", self.save, files=SETTINGS, save_as=proposed)

    def ask_load(self) -> None:
        choose(self._context.widget, "Load settings", self.load, files=SETTINGS)

    def save(self, path: str) -> None:
        problem = SettingsFile(Path(path)).save(self._context.settings)
        self._context.say("settings", problem or f"Settings saved as {path}", "error" if problem else "info")

    def load(self, path: str) -> None:
        """Adopts a file; what does not fit in it stays as a fresh installation has it."""
        file = SettingsFile(Path(path))
        settings, problem = file.read()
        misfits, count = ([], 0) if problem else file.misfits(settings)
        if not problem and len(misfits) == count:
            problem = f"“{file.path.name}” holds no settings of this program."
        if problem:
            self._context.say("settings", problem, "error")
            return
        if misfits:
            names = ", ".join(misfits[:5]) + (", …" if len(misfits) > 5 else "")
            self._context.say("settings", f"The settings were loaded but for these, which do not fit: {names}.")
        else:
            self._context.say("settings", f"Settings loaded from {path}", "info")
        # Where the window is belongs to this screen, not to the file.
        here = self._context.settings
        self._change("load settings", replace(settings, geometry=here.geometry, state=here.state))

    def reset(self) -> None:
        """Everything as in a fresh installation, except what was used lately."""
        here = self._context.settings
        kept = {name: getattr(here, name) for name in ("source", "recent_sources", "model", "recent_models")}
        self._change("reset all settings", Settings(**kept))

    def forget_recent(self) -> None:
        """Empties the lists of what was used lately."""
        self._change("forget recent", replace(self._context.settings, recent_sources=(), recent_models=()))

    def _change(self, text: str, settings: Settings) -> None:
        before = self._context.settings
        self._apply(settings)
        self._undos.add(text, lambda: self._apply(before), lambda: self._apply(settings))

    def _apply(self, settings: Settings) -> None:
        reload = settings.run != self._context.settings.run
        with self._undos.quietly():
            self._context.presenter.adopt(Display.of(settings.style))
            self._grid.show_kinds(settings.panes)  # type: ignore[arg-type]  # The settings accept only permitted words.
            self._grid.show_count(settings.views)
            self._context.remember(settings)
            self._look.change(settings.theme)  # type: ignore[arg-type]
            if reload and settings.model:
                self._models.reload(settings.run)
