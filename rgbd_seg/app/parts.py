"""Everything that is seen in the window, and where it lies; what it does is for the controllers."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from rgbd_seg.app.bridge import Bridge
from rgbd_seg.app.classes.panel import ClassesPanel
from rgbd_seg.app.model.comparison_panel import ComparisonPanel
from rgbd_seg.app.model.panel import ModelPanel
from rgbd_seg.app.recording.panel import RecordingPanel
from rgbd_seg.app.replay.bar import ReplayBar
from rgbd_seg.app.replay.filmstrip import Filmstrip
from rgbd_seg.app.settings import Settings
from rgbd_seg.app.source.panel import SourcePanel
from rgbd_seg.app.source.welcome import Welcome
from rgbd_seg.app.statistics.measure_panel import MeasurePanel
from rgbd_seg.app.statistics.plots_panel import PlotsPanel
from rgbd_seg.app.training.panel import TrainingPanel
from rgbd_seg.app.view.cloud.view import CloudView
from rgbd_seg.app.view.cloud.worker import CloudWorker
from rgbd_seg.app.view.grid import ViewGrid
from rgbd_seg.app.widgets.banner import Banners
from rgbd_seg.app.widgets.keyboard import KeyboardWindow
from rgbd_seg.app.widgets.legend import Legend
from rgbd_seg.app.widgets.panels import BELOW, LEFT, RIGHT, Panels
from rgbd_seg.app.widgets.stage import Stage
from rgbd_seg.app.widgets.status_line import StatusLine
from rgbd_seg.app.widgets.theme import Theme

_SMALLEST_PX = (640, 330)  # A screen of 640x360, less the frame that a window manager draws.
_WIDE_PX = 1500  # From this width on there is room for the source panel without taking it from the picture.


class WindowParts(KeyboardWindow):
    """Views in the middle, panels around them, line and bars; nothing is connected yet."""

    def __init__(self, theme: Theme, settings: Settings) -> None:
        """Builds all of it.

        Args:
            theme: The colours.
            settings: What is remembered, of views and models.
        """
        super().__init__()
        self.theme, self.settings = theme, settings
        self.bridge = Bridge(self)
        self._build_views()
        self._build_panels()

    def _build_views(self) -> None:
        settings = self.settings
        self.grid = ViewGrid(settings.panes, settings.views)  # type: ignore[arg-type]  # The settings accept only permitted words.
        self.cloud_worker = CloudWorker(self.bridge.wake)
        self.cloud = CloudView(self.cloud_worker)
        self.cloud.hide()
        self.welcome = Welcome(self.theme)
        self._waiting = QLabel()
        self._waiting.setObjectName("title")
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.stage = Stage()
        for page in (self.welcome, self._waiting, self.grid):
            self.stage.addWidget(page)
        self.banners = Banners(self.theme)
        self.replay_bar = ReplayBar(self.theme)
        self.replay_bar.hide()
        self.filmstrip = Filmstrip(self.replay_bar.timeline, self.bridge, self)
        self.middle = QWidget()
        column = QVBoxLayout(self.middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banners)
        column.addWidget(self.stage, 1)
        self.legend = Legend()
        column.addWidget(self.legend)
        column.addWidget(self.replay_bar)
        self.setCentralWidget(self.middle)
        # A click on the pictures takes the keys back from a search field or list; they begin there, too.
        self.middle.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.middle.setFocus()
        self.status_line = StatusLine()
        self.setStatusBar(self.status_line)
        self.setAcceptDrops(True)

    def _build_panels(self) -> None:
        self.panels = panels = Panels(self, self.theme)
        self.docks = panels.docks
        # Plots and curves lie below the picture alone: the class list keeps its height.
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        self.source_panel = SourcePanel(self.theme)
        self.classes = ClassesPanel(self.theme)
        self.model_panel = ModelPanel(self.theme, self.settings.run)
        self.recording_panel = RecordingPanel()
        self.measure_panel = MeasurePanel()
        self.comparison_panel = ComparisonPanel()
        self.plots_panel = PlotsPanel(self.theme)
        self.training_panel = TrainingPanel(self.theme)
        panels.add("Source", self.source_panel, LEFT, 210)
        panels.add("Classes", self.classes, RIGHT, 250)
        panels.add("Model", self.model_panel, RIGHT, 250, scrolled=True)
        panels.add("Recording", self.recording_panel, RIGHT, 250, scrolled=True)
        panels.add("Measurements", self.measure_panel, RIGHT, 340)
        panels.add("Comparison", self.comparison_panel, RIGHT, 250)
        panels.add("Plots", self.plots_panel, BELOW, 250)
        panels.add("Training", self.training_panel, BELOW, 250)
        panels.tab("Plots", "Training")
        panels.tab("Model", "Recording", "Measurements", "Comparison")
        self.docks["Plots"].hide()

    def place(self) -> None:
        self.setWindowTitle("rgbd-seg")
        self.setMinimumSize(*_SMALLEST_PX)  # Else it could not be drawn smaller than the panels beside each other need.
        room = self.screen().availableGeometry()
        width, height = max(1280, round(room.width() * 0.8)), max(720, round(room.height() * 0.8))
        self.resize(min(width, room.width()), min(height, room.height()))
        if self.settings.state:
            # Before the window is maximised: of a state that does not fit then Qt keeps a second copy, and crashes when
            # docks move meanwhile, as they do where there is little room.
            self.restoreState(_bytes(self.settings.state))
        if width >= room.width() or height >= room.height():
            self.setWindowState(Qt.WindowState.WindowMaximized)  # Frame and title must have room as well.
        restored = self.settings.geometry and self.restoreGeometry(_bytes(self.settings.geometry))
        if not self.settings.state:
            self.resizeDocks([self.docks["Classes"], self.docks["Model"]], [280, 370], Qt.Orientation.Vertical)
        if not self.settings.state and not restored:
            self.docks["Source"].setVisible(self.screen().availableGeometry().width() >= _WIDE_PX)

    def show_theme(self, theme: Theme) -> None:
        self.theme = theme
        for part in (
            self.source_panel,
            self.classes,
            self.plots_panel,
            self.training_panel,
            self.replay_bar,
            self.banners,
        ):
            part.show_theme(theme)


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromBase64(QByteArray(text.encode()))
