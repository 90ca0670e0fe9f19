"""The window's settings as a file to carry elsewhere: save, load, and back to how a fresh installation begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from rgbd_seg.app.model.controller import options_from
from rgbd_seg.app.settings import Settings, SettingsFile
from rgbd_seg.app.view.display import display_from
from rgbd_seg.app.widgets.file_dialog import SETTINGS, choose

if TYPE_CHECKING:
    from rgbd_seg.app.window import MainWindow


class SettingsController(QObject):
    """Applies whole settings to the running window; each change can be undone."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.menu = QMenu("Settings", window)
        self.menu.addAction("Save settings as…").triggered.connect(self.ask_save)
        self.menu.addAction("Load settings…").triggered.connect(self.ask_load)
        self.menu.addAction("Reset all settings").triggered.connect(self.reset)
        self.menu.addAction("Forget recent sources and models").triggered.connect(self.forget_recent)

    def ask_save(self) -> None:
        """Asks where to; the file can be loaded on another machine."""
        proposed = Path.home() / "rgbd-seg settings.json"
        choose(self._window, "Save settings", self.save, files=SETTINGS, save_as=proposed)

    def ask_load(self) -> None:
        """Asks which."""
        choose(self._window, "Load settings", self.load, files=SETTINGS)

    def save(self, path: str) -> None:
        """Writes the settings of now."""
        problem = SettingsFile(Path(path)).save(self._window.settings)
        self._window.say("settings", problem or f"Settings saved as {path}", "error" if problem else "info")

    def load(self, path: str) -> None:
        """Adopts a file; what does not fit in it stays as a fresh installation has it."""
        settings, problem = SettingsFile(Path(path)).read()
        if problem:
            self._window.say("settings", problem, "error")
            return
        # Where the window is belongs to this screen, not to the file.
        here = self._window.settings
        self._change("load settings", replace(settings, geometry=here.geometry, state=here.state))

    def reset(self) -> None:
        """Everything as in a fresh installation, except what was used lately."""
        here = self._window.settings
        kept = {name: getattr(here, name) for name in ("source", "recent_sources", "model", "recent_models")}
        self._change("reset all settings", Settings(**kept))

    def forget_recent(self) -> None:
        """Empties the lists of what was used lately."""
        self._change("forget recent", replace(self._window.settings, recent_sources=(), recent_models=()))

    def _change(self, text: str, settings: Settings) -> None:
        before = self._window.settings
        self._apply(settings)
        self._window.undos.add(text, lambda: self._apply(before), lambda: self._apply(settings))

    def _apply(self, settings: Settings) -> None:
        window = self._window
        options = options_from(settings)
        reload = options != options_from(window.settings)
        with window.undos.quietly():
            window.presenter.adopt(display_from(settings))
            window.grid.show_kinds(settings.panes)  # type: ignore[arg-type]  # The settings accept only permitted words.
            window.grid.show_count(settings.views)
            window.remember(settings)
            window.look.change(settings.theme)  # type: ignore[arg-type]
            window.model_panel.show_options(options)
            if reload and settings.model:
                window.models.reload(options)
