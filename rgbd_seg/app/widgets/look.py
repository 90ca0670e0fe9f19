"""The look of the running window: dark or light, by hand or as the system says, changed everywhere at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from rgbd_seg.app.widgets.icons import redress
from rgbd_seg.app.widgets.theme import Choice, apply_theme

if TYPE_CHECKING:
    from rgbd_seg.app.window import MainWindow


class Look(QObject):
    """Changes the theme of a window; icons are painted in its colours and must be painted again."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._application().styleHints().colorSchemeChanged.connect(self._follow)

    def change(self, choice: Choice) -> None:
        """Dark, light or like the system, from now on."""
        self._window.remember(replace(self._window.settings, theme=choice))
        self._apply(choice)

    def _follow(self) -> None:
        if self._window.settings.theme == "system":
            self._apply("system")

    def _apply(self, choice: Choice) -> None:
        window = self._window
        theme = apply_theme(self._application(), choice)
        if theme.name == window.theme.name:
            return
        window.theme = theme
        for part in (
            window.source_panel,
            window.classes,
            window.plots_panel,
            window.training_panel,
            window.replay_bar,
            window.banners,
        ):
            part.show_theme(theme)
        redress(window, theme)

    @staticmethod
    def _application() -> QApplication:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        return application
