"""The panel of plots: rates and losses, latency by stage, and share or distance of the classes in view over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QShowEvent

    from rgbd_seg.app.history import History
    from rgbd_seg.app.theme import Theme
    from rgbd_seg.labels import Rgb

_CHOICES = {
    "Rates": ("rates", ("camera fps", "segmentation fps"), "frames a second"),
    "Delay": ("rates", ("ms behind",), "ms"),
    "Network by stage": ("stages_ms", (), "ms"),
    "Losses": ("rates", ("lost", "skipped"), "frames"),
    "Share of classes": ("shares", (), "part of the picture"),
    "Distance of classes": ("distances_m", (), "m"),
}
_LINES = ("#4f9cf9", "#f5a524", "#3fb27f", "#e5484d", "#b07cf0", "#5fd0d8", "#c9c9ce", "#d98a5b")
_MOST_CLASSES = 8


class PlotsPanel(QWidget):
    """Draws one group of figures at a time; wheel and drag zoom and pan, a right click offers Qt's own menu."""

    export_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        row = QHBoxLayout()
        self.choice = QComboBox()
        self.choice.addItems(list(_CHOICES))
        self.choice.activated.connect(self._rebuild)
        self.pause = QPushButton("Pause")
        self.pause.setCheckable(True)
        self.pause.setToolTip("Keeps the plot still; figures are still collected")
        export = QPushButton("CSV…")
        export.setToolTip("Save the last ten minutes as a table")
        export.clicked.connect(self.export_wanted)
        row.addWidget(self.choice, 1)
        row.addWidget(self.pause)
        row.addWidget(export)
        layout.addLayout(row)
        self._theme = theme
        self._plot: Any = None
        self._legend: Any = None
        self._curves: dict[str, Any] = {}
        self._look: tuple[object, ...] = ()  # The colours and names that the curves were made with.
        self.setMinimumHeight(200)

    def showEvent(self, event: QShowEvent) -> None:
        """Makes the plot when it is first seen: its library takes a while to load."""
        if self._plot is None:
            self._make_plot()
        super().showEvent(event)

    def _make_plot(self) -> None:
        import pyqtgraph

        self._plot = pyqtgraph.PlotWidget()
        self._plot.setMinimumHeight(140)
        self._plot.showGrid(x=False, y=True, alpha=0.15)
        self._plot.setLabel("bottom", "seconds")
        self._plot.setLimits(yMin=0)
        self._legend = self._plot.addLegend(offset=(8, 4), labelTextSize="9pt")
        self._paint_theme()
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self._plot)
        self._rebuild()

    def show_theme(self, theme: Theme) -> None:
        """Draws in other colours."""
        self._theme = theme
        if self._plot is not None:
            self._paint_theme()

    def _paint_theme(self) -> None:
        self._plot.setBackground(self._theme.panel)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(self._theme.line)
            axis.setTextPen(self._theme.quiet)
        self._legend.setLabelTextColor(self._theme.text)
        for _, label in self._legend.items:
            label.setText(label.text)  # The colour alone does not draw it anew.

    def _rebuild(self) -> None:
        if self._plot is None:
            return
        self._clear()
        self._plot.setLabel("left", _CHOICES[self.choice.currentText()][2])
        self._plot.enableAutoRange()

    def _clear(self) -> None:
        self._plot.clear()
        self._legend.clear()
        self._curves.clear()

    def show_history(self, history: History, colors: dict[str, Rgb], names: Mapping[str, str]) -> None:
        """Draws the newest figures; does nothing while paused or out of sight.

        Args:
            history: The figures.
            colors: Colours of classes.
            names: Other names for classes, by their own.
        """
        if self.pause.isChecked() or self._plot is None or not self.isVisible() or not history.samples:
            return
        import pyqtgraph

        look = (dict(colors), dict(names))
        if look != self._look:
            self._look = look
            self._clear()
        part, fixed, _ = _CHOICES[self.choice.currentText()]
        shown = list(fixed)
        if not shown:
            last = getattr(history.samples[-1], part)
            shown = [name for name in history.names(part) if name in last or name in self._curves][:_MOST_CLASSES]
        for number, name in enumerate(shown):
            if name not in self._curves:
                color = colors.get(name, _LINES[number % len(_LINES)])
                pen = pyqtgraph.mkPen(color, width=1.5)
                self._curves[name] = self._plot.plot(pen=pen, name=names.get(name, name).replace("_", " "))
            self._curves[name].setData(*history.series(part, name), connect="finite")
