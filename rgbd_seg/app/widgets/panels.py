"""The panels around the views: docks that can be moved, hidden all at once, and brought back from the menu.

In a small window they share one column behind each other, so that the picture keeps its room; in a larger one they go
back to where they were.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QByteArray, QObject, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QFrame, QMainWindow, QMenu, QScrollArea, QTabBar, QWidget

from rgbd_seg.app.layouts.layout import PanelPlace, Side
from rgbd_seg.app.widgets.panel_title import PanelTitle
from rgbd_seg.app.widgets.theme import Theme

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
BELOW = Qt.DockWidgetArea.BottomDockWidgetArea
_AREAS: dict[Side, Qt.DockWidgetArea] = {"left": LEFT, "right": RIGHT, "below": BELOW}
_FIRST_SHOWN = ("Classes", "Model")
_COMPACT_BELOW_PX = (1100, 600)  # Width and height of a window whose panels share one column.
_ROOMY_FROM_PX = (1140, 630)  # Not the same, so that it does not go to and fro at the edge.
_COLUMN_PX = 250
_SCROLL_BAR_PX = 8  # As the style sheet has it.
_NARROW_PX, _WIDE_ENOUGH_PX = 760, 800  # Below the first even one column takes too much: panels open on demand.


class Panels(QObject):
    """The docks of a window by name."""

    def __init__(self, window: QMainWindow, theme: Theme) -> None:
        super().__init__(window)
        self._window, self._theme = window, theme
        self._arranged: QByteArray | None = None  # How the panels were before all of them were hidden.
        self.docks: dict[str, QDockWidget] = {}
        self._roomy: QByteArray | None = None  # How the panels were before they were put into one column.
        self._open_before: set[str] = set()  # In that column at its beginning.
        self._tucked: set[str] | None = None  # Put away because even the column took too much.
        self._fitting = QTimer(self)
        self._fitting.setSingleShot(True)
        self._fitting.timeout.connect(self._fit)
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
        if scrolled:  # Only up and down: what is wider than its place would be cut.
            width = max(width, panel.minimumSizeHint().width() + _SCROLL_BAR_PX)
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

    def toggle(self, name: str) -> None:
        """Brings a panel to the front, or hides it where it is there."""
        dock = self.docks[name]
        in_front = not dock.visibleRegion().isEmpty()
        dock.setVisible(not in_front)
        if not in_front:
            dock.raise_()

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
        """Shows these panels and no others; where all share one column, in that."""
        wanted = {place.name: place for place in places if place.name in self.docks}
        for name, dock in self.docks.items():
            if name not in wanted:
                dock.hide()
        for name, place in wanted.items():
            dock = self.docks[name]
            dock.setFloating(False)
            if not self.compact and self._window.dockWidgetArea(dock) != _AREAS[place.side]:
                self._window.addDockWidget(_AREAS[place.side], dock)
            dock.show()
            dock.raise_()
        if self.compact:
            return
        docks = [self.docks[name] for name in wanted]
        self._window.resizeDocks(docks, [place.width for place in wanted.values()], Qt.Orientation.Horizontal)
        self._window.resizeDocks(docks, [place.height for place in wanted.values()], Qt.Orientation.Vertical)

    # Small windows

    def fit_soon(self) -> None:
        """Adapts the arrangement to the window's size, when Qt is done with it."""
        self._fitting.start(0)

    @property
    def compact(self) -> bool:
        """Whether the panels share one column."""
        return self._roomy is not None

    @property
    def state(self) -> QByteArray:
        """The arrangement to come back to next time: never the one column."""
        return self._window.saveState() if self._roomy is None else self._roomy

    def _fit(self) -> None:
        width, height = self._window.width(), self._window.height()
        if self._roomy is None and (width < _COMPACT_BELOW_PX[0] or height < _COMPACT_BELOW_PX[1]):
            self._make_compact()
        elif self._roomy is not None and width >= _ROOMY_FROM_PX[0] and height >= _ROOMY_FROM_PX[1]:
            self.make_roomy()
        if self._roomy is not None and self._tucked is None and width < _NARROW_PX:
            self._tucked = self._open
            for name in self._tucked:
                self.docks[name].hide()
        elif self._tucked is not None and width >= _WIDE_ENOUGH_PX:
            self._bring_back()

    @property
    def _open(self) -> set[str]:
        return {name for name, dock in self.docks.items() if not dock.isHidden()}

    def _bring_back(self) -> None:
        tucked, self._tucked = self._tucked or set(), None
        for name in tucked:
            self.docks[name].show()

    def _make_compact(self) -> None:
        docks = [dock for dock in self.docks.values() if not dock.isFloating()]
        self._roomy, self._arranged = self._window.saveState(), None
        self._open_before = self._open
        for dock in docks:
            self._window.addDockWidget(RIGHT, dock)
            if dock is not docks[0]:
                self._window.tabifyDockWidget(docks[0], dock)
        for name, dock in self.docks.items():
            dock.setVisible(name in self._open_before)
        self._window.resizeDocks(docks[:1], [_COLUMN_PX], Qt.Orientation.Horizontal)
        if _FIRST_SHOWN[0] in self._open_before:
            self.docks[_FIRST_SHOWN[0]].raise_()

    def make_roomy(self) -> None:
        """Back to where the panels were, but for those that were closed or opened meanwhile."""
        if self._roomy is None:
            return
        self._bring_back()
        now = self._open
        roomy, self._roomy = self._roomy, None
        self._window.restoreState(roomy)
        for name in self._open_before - now:
            self.docks[name].hide()
        for name in now - self._open_before:
            self.docks[name].show()
        self._arranged = roomy if not now else None

    def fill_menu(self, menu: QMenu) -> None:
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
