"""The panel of training: which run, how it is getting on, its curves, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rgbd_seg.app.widgets.plot_library import PlotLibrary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QResizeEvent, QShowEvent

    from rgbd_seg.app.training.curves import Curves
    from rgbd_seg.app.widgets.theme import Theme

_CONTROLS_PX = 290
_LEAST_PLOTS_PX = 100  # Lower ones would be axes on top of each other.
# What is drawn: titles, and curves with the theme's colour for each.
_PLOTS = {
    "loss": {"training": "accent", "held out": "warning"},
    "held-out mIoU": {"mIoU": "good"},
}


@dataclass(frozen=True, slots=True)
class RunView:
    """What the panel says about a run.

    Attributes:
        text: How it is getting on, in a line or two.
        progress: Share that is done, 0..1; None for no bar.
        running: Whether it can be stopped.
        has_model: Whether its model can be loaded.
        has_start: Whether there is an older model to compare it with.
        has_checkpoint: Whether a model could be made of what it has learned.
    """

    text: str
    progress: float | None = None
    running: bool = False
    has_model: bool = False
    has_start: bool = False
    has_checkpoint: bool = False


class TrainingPanel(QWidget):
    """Shows one run; emits what is wanted."""

    new_wanted = Signal()
    run_wanted = Signal(int)
    stop_wanted = Signal()
    load_wanted = Signal()
    compare_wanted = Signal()
    score_wanted = Signal()
    rescue_wanted = Signal()
    go_on_wanted = Signal()
    log_wanted = Signal()
    folder_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._library = PlotLibrary(self)
        self._library.ready.connect(self._make_plots)
        self._plots: Any = None
        self._subplots: list[Any] = []
        self._legend: Any = None
        self._curves: dict[str, Any] = {}
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(8, 4, 8, 8)
        self._controls = QWidget()
        self._controls.setFixedWidth(_CONTROLS_PX)
        column = QVBoxLayout(self._controls)
        column.setContentsMargins(0, 0, 8, 0)
        row = QHBoxLayout()
        self.runs = QComboBox()
        self.runs.setPlaceholderText("no runs yet")
        self.runs.setToolTip("Runs of this and earlier windows")
        self.runs.activated.connect(self.run_wanted)
        new = QPushButton("Train…")
        new.setToolTip("Train a model on labelled pictures  Ctrl+T")
        new.clicked.connect(self.new_wanted)
        row.addWidget(self.runs, 1)
        row.addWidget(new)
        column.addLayout(row)
        self.text = QLabel()
        self.text.setWordWrap(True)
        column.addWidget(self.text)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("How far the training is")
        self.bar.setTextVisible(False)
        column.addWidget(self.bar)
        self.stop = self._button("Stop and keep the best", "Ends the run; what it has learned becomes a model")
        self.stop.clicked.connect(self.stop_wanted)
        self.load = self._button("Load the model", "Segments what the window shows with the new model")
        self.load.setObjectName("primary")
        self.load.clicked.connect(self.load_wanted)
        self.compare = self._button(
            "Compare", "Old and new model on the held-out frames: IoU by class, and the worst frames"
        )
        self.compare.clicked.connect(self.compare_wanted)
        self.rescue = self._button("Keep the best state", "Makes a model of it, from the checkpoints of the broken run")
        self.rescue.clicked.connect(self.rescue_wanted)
        self.go_on = self._button("Go on", "Trains the broken run further from where it was")
        self.go_on.clicked.connect(self.go_on_wanted)
        column.addWidget(self.stop)
        # Beside each other: the panel has room for what is said above them.
        for one, other in ((self.load, self.compare), (self.go_on, self.rescue)):
            row = QHBoxLayout()
            row.addWidget(one, 1)
            row.addWidget(other)
            column.addLayout(row)
        column.addStretch(1)
        row = QHBoxLayout()
        self.log = self._button("Log", "What the training has printed")
        self.log.clicked.connect(self.log_wanted)
        self.folder = self._button("Folder", "Opens the run's folder: log, metrics, checkpoints, model")
        self.folder.clicked.connect(self.folder_wanted)
        score = self._button("Score…", "Scores any models on any labelled folder")
        score.clicked.connect(self.score_wanted)
        row.addWidget(score)
        row.addWidget(self.log)
        row.addWidget(self.folder)
        row.addStretch(1)
        column.addLayout(row)
        self._row.addWidget(self._controls)
        self._row.addStretch(1)
        self.setMinimumHeight(150)
        self.show_run(None)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        return button

    def showEvent(self, event: QShowEvent) -> None:
        """Makes the plots when they are first seen: their library takes a while to load."""
        self._library.load()
        super().showEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The curves are below the rest where the panel is in a column."""
        super().resizeEvent(event)
        direction = QBoxLayout.Direction
        self._row.setDirection(direction.TopToBottom if self._in_column else direction.LeftToRight)
        if self._plots is not None:
            self._place_plots()
            room = self.height() - (self._controls.sizeHint().height() if self._in_column else 0)
            self._plots.setVisible(room >= _LEAST_PLOTS_PX)
        margins = self._row.contentsMargins()
        self._controls.setFixedWidth(min(_CONTROLS_PX, self.width() - margins.left() - margins.right()))

    @property
    def _in_column(self) -> bool:
        return self.width() < 2 * _CONTROLS_PX

    def _place_plots(self) -> None:
        """One above the other where the panel is in a column: beside each other their labels overlap there."""
        for place, plot in enumerate(self._subplots):
            row, column = (place, 0) if self._in_column else (0, place)
            if self._plots.getItem(row, column) is not plot:
                self._plots.removeItem(plot)
                self._plots.addItem(plot, row, column)

    def _make_plots(self) -> None:
        """Makes one plot after the other, so that the window answers between them."""
        import pyqtgraph

        plots, titles = pyqtgraph.GraphicsLayoutWidget(), list(_PLOTS)

        def make_next() -> None:
            if titles:
                self._make_plot(plots, titles.pop(0))
            else:
                self._finish_plots(plots)
            if self._plots is None:
                QTimer.singleShot(0, self, make_next)

        make_next()

    def _make_plot(self, plots: Any, title: str) -> None:
        plot = plots.addPlot(row=0, col=len(self._subplots), enableMenu=False)
        self._subplots.append(plot)
        plot.setLabel("left", title)
        plot.setLabel("bottom", "steps")
        plot.showGrid(x=False, y=True, alpha=0.15)
        for side in ("left", "bottom"):
            plot.getAxis(side).enableAutoSIPrefix(False)
        if len(_PLOTS[title]) > 1:
            self._legend = plot.addLegend(offset=(-8, 4), labelTextSize="9pt")
        for name in _PLOTS[title]:
            symbol = "o" if name != "training" else None
            self._curves[name] = plot.plot(name=name, symbol=symbol, symbolSize=5, symbolPen=None)

    def _finish_plots(self, plots: Any) -> None:
        self._plots = plots
        self._subplots[-1].setLimits(yMin=0, yMax=1)
        self._place_plots()
        self._paint_theme()
        self._row.takeAt(1)  # The stretch that kept the place.
        self._row.addWidget(self._plots, 1)

    def show_theme(self, theme: Theme) -> None:
        self._theme = theme
        if self._plots is not None:
            self._paint_theme()

    def _paint_theme(self) -> None:
        import pyqtgraph

        theme = self._theme
        self._plots.setBackground(theme.panel)
        for plot in self._subplots:
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(theme.line)
                plot.getAxis(side).setTextPen(theme.quiet)
        self._legend.setLabelTextColor(theme.text)
        for _, label in self._legend.items:
            label.setText(label.text)  # The colour alone does not draw it anew.
        for lines in _PLOTS.values():
            for name, role in lines.items():
                color = getattr(theme, role)
                self._curves[name].setPen(pyqtgraph.mkPen(color, width=1.5))
                self._curves[name].setSymbolBrush(color)

    # Values in

    def show_runs(self, names: Sequence[str], current: int) -> None:
        with QSignalBlocker(self.runs):
            if [self.runs.itemText(i) for i in range(self.runs.count())] != list(names):
                self.runs.clear()
                self.runs.addItems(list(names))
            self.runs.setCurrentIndex(current)

    def show_run(self, view: RunView | None) -> None:
        """Shows how the chosen run is getting on; None for none."""
        one = view or RunView(
            "Train a model on frames that you have labelled: press E on a recording, paint some of its frames, and "
            "start here. The training goes on when the window is closed."
        )
        self.text.setText(one.text)
        self.bar.setVisible(one.progress is not None)
        self.bar.setValue(round((one.progress or 0.0) * 1000))
        self.stop.setVisible(one.running)
        self.load.setVisible(one.has_model)
        self.compare.setVisible(one.has_model and one.has_start)
        self.rescue.setVisible(one.has_checkpoint and not one.has_model and not one.running)
        self.go_on.setVisible(self.rescue.isVisibleTo(self))
        self.log.setVisible(view is not None)
        self.folder.setVisible(view is not None)

    def show_curves(self, curves: Curves | None) -> None:
        """Draws the curves; None for none."""
        if self._plots is None:
            return
        series = (
            {
                "training": (curves.steps, curves.losses),
                "held out": (curves.scored_steps, curves.val_losses),
                "mIoU": (curves.scored_steps, curves.mious),
            }
            if curves
            else {}
        )
        for name, line in self._curves.items():
            line.setData(*series.get(name, ([], [])), connect="finite")
