"""The panel of plots: rates, latency, classes over time; and the depth of the frame on screen."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from rgbd_seg.app.statistics.depth_curves import Curve, depth_histogram, line_profile
from rgbd_seg.app.widgets.plot_library import PlotLibrary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtGui import QResizeEvent, QShowEvent

    from rgbd_seg.app.statistics.history import History
    from rgbd_seg.app.widgets.theme import Theme
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.labels import Rgb

_CHOICES = {
    "Rates": ("rates", ("camera fps", "segmentation fps"), "fps"),
    "Delay": ("rates", ("ms behind",), "ms"),
    "Network by stage": ("stages_ms", (), "ms"),
    "Losses": ("rates", ("lost", "skipped"), "frames"),
    "Share of classes": ("shares", (), "%"),
    "Distance of classes": ("distances_m", (), "m"),
}
# Of the frame on screen alone: what lies across, and what is drawn.
_MOMENTS = {
    "Histogram of depth": ("metres", "%"),
    "Depth along the ruler": ("pixels along the ruler", "m"),
}
_LINES = ("#4f9cf9", "#f5a524", "#3fb27f", "#e5484d", "#b07cf0", "#5fd0d8", "#c9c9ce", "#d98a5b")
_MOST_CLASSES = 8
_NARROW_PX = 450


class PlotsPanel(QWidget):
    """Draws one group of figures at a time; wheel and drag zoom and pan, a right click offers Qt's own menu."""

    export_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        self._head = QGridLayout()
        self.choice = QComboBox()
        self.choice.setAccessibleName("What is plotted")
        self.choice.addItems([*_CHOICES, *_MOMENTS])
        self.choice.activated.connect(self._rebuild)
        self.pause = QPushButton("Pause")
        self.pause.setCheckable(True)
        self.pause.setToolTip("Keeps the plot still; figures are still collected")
        export = QPushButton("CSV…")
        export.setToolTip("Save the last ten minutes as a table")
        export.clicked.connect(self.export_wanted)
        # Not in the plot as pyqtgraph has it: eight classes would cover the curves of a low panel.
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self._head.addWidget(self.choice, 0, 0)
        self._head.addWidget(self.pause, 0, 2)
        self._head.addWidget(export, 0, 3)
        self._head.setColumnStretch(1, 1)
        self._legend_below: bool | None = None
        self._place_legend(below=False)
        layout.addLayout(self._head)
        self._theme = theme
        self._library = PlotLibrary(self)
        self._library.ready.connect(self._make_plot)
        self._plot: Any = None
        self._curves: dict[str, Any] = {}
        self._look: tuple[object, ...] = ()  # The colours and names that the curves were made with.
        self.setMinimumHeight(200)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The legend is beside the choice, or below it where the panel is in a column."""
        super().resizeEvent(event)
        self._place_legend(below=self.width() < _NARROW_PX)

    def _place_legend(self, *, below: bool) -> None:
        if self._legend_below != below:
            self._legend_below = below
            self._head.addWidget(self.legend, *((1, 0, 1, 4) if below else (0, 1)))

    def showEvent(self, event: QShowEvent) -> None:
        """Makes the plot when it is first seen: its library takes a while to load."""
        self._library.load()
        super().showEvent(event)

    def _make_plot(self) -> None:
        import pyqtgraph

        self._plot = pyqtgraph.PlotWidget()
        self._plot.setMinimumHeight(140)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setAccessibleName("Plot of what is chosen above")
        self._plot.showGrid(x=False, y=True, alpha=0.15)
        self._plot.setLabel("bottom", "seconds")
        self._plot.setLimits(yMin=0)
        self._plot.getAxis("left").enableAutoSIPrefix(False)  # It makes "%" of small shares into "m%".
        self._paint_theme()
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self._plot)
        self._rebuild()

    def show_theme(self, theme: Theme) -> None:
        self._theme = theme
        if self._plot is not None:
            self._paint_theme()

    def _paint_theme(self) -> None:
        self._plot.setBackground(self._theme.panel)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(self._theme.line)
            axis.setTextPen(self._theme.quiet)

    def _rebuild(self) -> None:
        if self._plot is None:
            return
        self._clear()
        choice = self.choice.currentText()
        across, up = _MOMENTS[choice] if choice in _MOMENTS else ("seconds", _CHOICES[choice][2])
        self._plot.setLabel("bottom", across)
        self._plot.setLabel("left", up)
        self._plot.enableAutoRange()

    def _clear(self) -> None:
        self._plot.clear()
        self.legend.clear()
        self._curves.clear()

    def show_history(
        self, history: History, colors: dict[str, Rgb], names: Mapping[str, str], shows: Callable[[str], bool]
    ) -> None:
        """Draws the newest figures; does nothing while paused or out of sight.

        Args:
            history: The figures.
            colors: Colours of classes.
            names: Other names for classes, by their own.
            shows: Whether a class is to be seen: the list of classes chooses for the plots as well.
        """
        if not self._is_drawn or self.choice.currentText() in _MOMENTS or not history.samples:
            return
        import pyqtgraph

        look = (dict(colors), dict(names))
        if look != self._look:
            self._look = look
            self._clear()
        part, fixed, _ = _CHOICES[self.choice.currentText()]
        known = history.names(part)
        shown = [name for name in fixed if name in known] if fixed else self._worth_showing(history, part, shows)
        for name in [name for name in self._curves if name not in shown]:
            self._plot.removeItem(self._curves.pop(name))
        scale = 100.0 if part == "shares" else 1.0
        entries = []
        for number, name in enumerate(shown):
            if name not in self._curves:
                color = colors.get(name, _LINES[number % len(_LINES)])
                self._curves[name] = self._plot.plot(pen=pyqtgraph.mkPen(color, width=1.5))
            curve = self._curves[name]
            seconds, values = history.series(part, name)
            curve.setData(seconds, [scale * value for value in values], connect="finite")
            title = escape(names.get(name, name).replace("_", " ")).replace(" ", "&nbsp;")
            entries.append(f'<span style="color: {curve.opts["pen"].color().name()}">■</span>&nbsp;{title}')
        self.legend.setText("&nbsp; ".join(entries))

    def show_moment(self, frame: RgbdFrame, ruler: tuple[tuple[int, int], tuple[int, int]] | None) -> None:
        """Draws what is chosen of the frame on screen; does nothing while something over time is chosen.

        Args:
            frame: The frame.
            ruler: Both ends of the ruler, (column, row) each; None while there is none.
        """
        choice = self.choice.currentText()
        if not self._is_drawn or choice not in _MOMENTS:
            return
        if choice == "Histogram of depth":
            curve = depth_histogram(frame)
        elif ruler is not None:
            curve = line_profile(frame, ruler)
        else:
            curve = Curve((), (), "Lay the ruler first: D, and two clicks")
        if "" not in self._curves:
            self._curves[""] = self._plot.plot(pen=_LINES[0])
        self._curves[""].setData(curve.across, curve.values, connect="finite")
        self.legend.setText(escape(curve.words))

    @property
    def _is_drawn(self) -> bool:
        return not self.pause.isChecked() and self._plot is not None and self.isVisible()

    def _worth_showing(self, history: History, part: str, shows: Callable[[str], bool]) -> list[str]:
        """A few names: those in view before those that were, in an order that does not change."""
        last = getattr(history.samples[-1], part)
        names = [name for name in history.names(part) if part == "stages_ms" or shows(name)]
        present = [name for name in names if name in last]
        first = set([*present, *(name for name in self._curves if name in names)][:_MOST_CLASSES])
        return [name for name in names if name in first]
