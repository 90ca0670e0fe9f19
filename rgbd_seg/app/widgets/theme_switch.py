"""The look of the running window: dark or light, by hand or as the system says, changed everywhere at once."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from rgbd_seg.app.context import Context
from rgbd_seg.app.widgets.icons import redress
from rgbd_seg.app.widgets.theme import Choice, Theme, apply_theme


class ThemeSwitch(QObject):
    """Changes the theme of a window; icons are painted in its colours and must be painted again."""

    changed = Signal(object)  # Theme.

    def __init__(self, context: Context, theme: Theme) -> None:
        super().__init__(context.widget)
        self._context, self._name = context, theme.name
        self._application().styleHints().colorSchemeChanged.connect(self._follow)

    def change(self, choice: Choice) -> None:
        """Dark, light or like the system, from now on."""
        self._context.remember(replace(self._context.settings, theme=choice))
        self._apply(choice)

    def _follow(self) -> None:
        if self._context.settings.theme == "system":
            self._apply("system")

    def _apply(self, choice: Choice) -> None:
        theme = apply_theme(self._application(), choice)
        if theme.name != self._name:
            self._name = theme.name
            self.changed.emit(theme)
            redress(self._context.widget, theme)

    @staticmethod
    def _application() -> QApplication:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        return application
