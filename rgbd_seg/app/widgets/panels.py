"""The panels around the views: docks that can be moved, hidden all at once, and brought back from the menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDockWidget, QFrame, QMainWindow, QScrollArea, QTabBar, QWidget

from rgbd_seg.app.layouts.layout import PanelPlace
from rgbd_seg.app.widgets.panel_title import PanelTitle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QByteArray
    from PySide6.QtWidgets import QMenu

    from rgbd_seg.app.layouts.layout import Side
    from rgbd_seg.app.widgets.theme import Theme

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
BELOW = Qt.DockWidgetArea.BottomDockWidgetArea
_AREAS: dict[Side, Qt.DockWidgetArea] = {"left": LEFT, "right": RIGHT, "below": BELOW}
_FIRST_SHOWN = ("Classes", "Model")


class Panels(QObject):
    """The docks of a window by name."""

    def __init__(self, window: QMainWindow, theme: Theme) -> None:
        super().__init__(window)
        self._window, self._theme = window, theme
        self._arranged: QByteArray | None = None  # How the panels were before all of them were hidden.
        self.docks: dict[str, QDockWidget] = {}
        window.setDockOptions(QMainWindow.DockOption.AllowTabbedDocks | QMainWindow.DockOption.AllowNestedDocks)

    def add(self, name: str, panel: QWidget, area: Qt.DockWidgetArea, width: int, *, scrolled: bool = False) -> None:
        """Puts a panel at a side of the window.

        Args:
            name: Its title.
            panel: What is in it.
            area: The side.
            width: At least so wide.
            scrolled: Whether it scrolls where the window is low, instead of being squeezed or making the window higher.
        """
        dock = QDockWidget(name, self._window)
        dock.setObjectName(f"panel {name.lower()}")
        dock.setTitleBarWidget(PanelTitle(self._theme, dock))
        panel.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        content = _scrolled(panel) if scrolled else panel
        content.setMinimumWidth(width)
        dock.setWidget(content)
        # A panel that is asked for comes before those that share its place.
        dock.toggleViewAction().triggered.connect(lambda shown: dock.raise_() if shown else None)
        self._window.addDockWidget(area, dock)
        self.docks[name] = dock

    def tab(self, first: str, *others: str) -> None:
        """Puts panels behind each other, the first one in front, the others hidden."""
        for name in others:
            self.docks[name].hide()
            self._window.tabifyDockWidget(self.docks[first], self.docks[name])
        # Qt leaves the tabs of every group on the way on the window; it shows those that are in use by itself.
        for bar in self._window.findChildren(QTabBar):
            bar.hide()

    def toggle_all(self) -> None:
        """Hides all panels, or shows those that were hidden."""
        visible = [dock for dock in self.docks.values() if dock.isVisible()]
        if visible:
            self._arranged = self._window.saveState()
            for dock in visible:
                dock.hide()
        elif self._arranged is not None:
            self._window.restoreState(self._arranged)  # Which of those that share a place is in front, and all sizes.
        else:
            for name in _FIRST_SHOWN:
                self.docks[name].show()

    def places(self) -> tuple[PanelPlace, ...]:
        """Where the panels lie that are shown; those in front come last."""
        sides = {area: side for side, area in _AREAS.items()}
        shown = [(name, dock) for name, dock in self.docks.items() if not dock.isHidden()]
        shown.sort(key=lambda entry: not entry[1].visibleRegion().isEmpty())
        return tuple(
            PanelPlace(name, sides.get(self._window.dockWidgetArea(dock), "right"), dock.width(), dock.height())
            for name, dock in shown
        )

    def arrange(self, places: Sequence[PanelPlace]) -> None:
        """Shows these panels and no others."""
        wanted = {place.name: place for place in places if place.name in self.docks}
        for name, dock in self.docks.items():
            if name not in wanted:
                dock.hide()
        for name, place in wanted.items():
            dock = self.docks[name]
            dock.setFloating(False)
            if self._window.dockWidgetArea(dock) != _AREAS[place.side]:
                self._window.addDockWidget(_AREAS[place.side], dock)
            dock.show()
            dock.raise_()
        docks = [self.docks[name] for name in wanted]
        self._window.resizeDocks(docks, [place.width for place in wanted.values()], Qt.Orientation.Horizontal)
        self._window.resizeDocks(docks, [place.height for place in wanted.values()], Qt.Orientation.Vertical)

    def fill_menu(self, menu: QMenu) -> None:
        """One entry for each panel."""
        menu.clear()
        for dock in self.docks.values():
            menu.addAction(dock.toggleViewAction())


def _scrolled(panel: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(panel)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
