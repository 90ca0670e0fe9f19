"""Layouts from the menu and the palette: the built-in ones, those that were saved, and files of either."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QInputDialog, QMenu

from rgbd_seg.app.layouts.layout import BUILT_IN, MAX_LAYOUTS, Layout, accepted_name, read_layout, to_json
from rgbd_seg.app.widgets.file_dialog import LAYOUTS, choose
from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QWidget

    from rgbd_seg.app.context import Context
    from rgbd_seg.app.labelling.controller import LabellingController
    from rgbd_seg.app.view.grid import ViewGrid
    from rgbd_seg.app.widgets.legend import Legend
    from rgbd_seg.app.widgets.panels import Panels


class LayoutController(QObject):
    """Knows how the window is arranged, and arranges it otherwise."""

    def __init__(
        self,
        context: Context,
        grid: ViewGrid,
        panels: Panels,
        legend: Legend,
        labelling: LabellingController,
        bars: Callable[[], Sequence[QWidget]],
    ) -> None:
        """Changes nothing yet.

        Args:
            context: The window.
            grid: The views.
            panels: The docks.
            legend: The classes in large letters.
            labelling: Label mode.
            bars: Says what is hidden while a layout fills the screen.
        """
        super().__init__(context.widget)
        self._context, self._grid, self._panels, self._legend = context, grid, panels, legend
        self._labelling, self._bars = labelling, bars
        self._before: Layout | None = None  # While a layout fills the screen: how the window was.
        self.menu = QMenu("Layouts", context.widget)
        self._fill_menu()

    @property
    def current(self) -> Layout:
        window = self._context.widget.window()
        return Layout(
            self._grid.count,
            self._grid.kinds,
            self._panels.places(),
            not self._legend.isHidden(),
            window.isFullScreen(),
            self._labelling.active,
        )

    def apply(self, layout: Layout) -> None:
        window = self._context.widget.window()
        if layout.full_screen and not window.isFullScreen():
            self._before = self.current
        if self._labelling.active:
            self._labelling.leave()
        self._legend.setVisible(layout.legend)
        self._grid.show_kinds(layout.panes)
        self._grid.show_count(layout.views)
        self._show_full_screen(layout.full_screen)
        self._panels.arrange(layout.panels)
        if layout.label_mode:
            self._labelling.enter()

    def leave_full_screen(self) -> bool:
        """Back to how the window was before a layout filled the screen; whether one did."""
        before, self._before = self._before, None
        if before is not None:
            self.apply(replace(before, full_screen=False))
        return before is not None

    def toggle_legend(self) -> None:
        self._legend.setVisible(self._legend.isHidden())

    def _show_full_screen(self, on: bool) -> None:
        window = self._context.widget.window()
        for bar in self._bars():
            bar.setVisible(not on)
        if window.isFullScreen() != on:
            window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen)

    # By name

    def ask_name(self) -> None:
        """Asks what the arrangement of now is to be called."""
        dialog = QInputDialog(self._context.widget.window())
        dialog.setWindowTitle("Save the layout")
        dialog.setLabelText("Views, panels and legend as they are now, by the name of")
        dialog.textValueSelected.connect(self.save)
        dialog.show()

    def save(self, name: str) -> None:
        """Keeps the arrangement of now."""
        try:
            self._keep(accepted_name(name), replace(self.current, label_mode=False))
        except ConfigurationError as error:
            self._context.say("layout", f"The layout was not saved: {error}.")

    def _keep(self, name: str, layout: Layout) -> None:
        layouts = {**self._context.settings.layouts, name: layout}
        if len(layouts) > MAX_LAYOUTS:
            raise ConfigurationError(f"there are {MAX_LAYOUTS} layouts: delete one first")
        self._remember(layouts)
        self._context.say("layout", f"The layout {name} is in the menu, under Layouts", "info")

    def delete(self, name: str) -> None:
        self._remember({key: one for key, one in self._context.settings.layouts.items() if key != name})

    def _remember(self, layouts: dict[str, Layout]) -> None:
        self._context.remember(replace(self._context.settings, layouts=layouts))
        self._fill_menu()

    # As files

    def ask_export(self, name: str) -> None:
        """Asks where a layout is to go."""
        proposed = Path.home() / f"{name.replace('/', '-')}.rgbd-seg-layout.json"
        choose(self._context.widget, "Export the layout", partial(self.export, name), files=LAYOUTS, save_as=proposed)

    def export(self, name: str, path: str) -> None:
        layout = {**BUILT_IN, **self._context.settings.layouts}[name]
        try:
            Path(path).write_text(to_json(name, layout), encoding="utf-8")
        except OSError as error:
            self._context.say("layout", f"{path} cannot be written: {error.strerror or error}.", "error")
        else:
            self._context.say("layout", f"The layout {name} is in {path}", "info")

    def ask_import(self) -> None:
        choose(self._context.widget, "Import a layout", self.take, files=LAYOUTS)

    def take(self, path: str) -> None:
        """Keeps the layout of a file, and shows it; one of the same name is replaced."""
        try:
            name, layout = read_layout(Path(path))
            self._keep(name, layout)
        except (ConfigurationError, OSError) as error:
            what = error.strerror if isinstance(error, OSError) else str(error)
            self._context.say("layout", f"“{Path(path).name}” was not imported: {what}.", "error")
        else:
            self.apply(layout)

    def _fill_menu(self) -> None:
        """Anew whenever the names change, so that the palette finds them all."""
        menu, saved = self.menu, list(self._context.settings.layouts)
        menu.clear()
        for name in (*BUILT_IN, *saved):
            menu.addAction(name).triggered.connect(partial(self._apply_named, name))
        menu.addSeparator()
        menu.addAction("Save the layout as…").triggered.connect(self.ask_name)
        menu.addAction("Import a layout…").triggered.connect(self.ask_import)
        for title, names, run in (
            ("Export a layout", [*BUILT_IN, *saved], self.ask_export),
            ("Delete a layout", saved, self.delete),
        ):
            inner = menu.addMenu(title)
            inner.setEnabled(bool(names))
            for name in names:
                inner.addAction(name).triggered.connect(lambda _checked, n=name, r=run: r(n))

    def _apply_named(self, name: str, _checked: bool = False) -> None:
        layout = {**BUILT_IN, **self._context.settings.layouts}.get(name)
        if layout is not None:
            self.apply(layout)
