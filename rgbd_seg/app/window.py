"""The window: builds its parts, connects them, and closes them. What the parts do is in their own files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import psutil
from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QDialog, QTabBar, QWidget

from rgbd_seg.app.classes.label_set_controller import LabelSetController
from rgbd_seg.app.commands import WindowCommands
from rgbd_seg.app.drops import DropTarget
from rgbd_seg.app.labelling.controller import LabellingController
from rgbd_seg.app.layouts.controller import LayoutController
from rgbd_seg.app.leaving import Leaving
from rgbd_seg.app.live_output import LiveOutput
from rgbd_seg.app.messages import Messages
from rgbd_seg.app.model.comparison_controller import ComparisonController
from rgbd_seg.app.model.controller import ModelController
from rgbd_seg.app.parts import WindowParts
from rgbd_seg.app.recording.capture_controller import CaptureController
from rgbd_seg.app.recording.controller import RecordingController
from rgbd_seg.app.recording.export_controller import ExportController
from rgbd_seg.app.scoring.controller import ScoringController
from rgbd_seg.app.settings import Settings, SettingsFile
from rgbd_seg.app.settings_controller import SettingsController
from rgbd_seg.app.settings_saver import SettingsSaver
from rgbd_seg.app.source.controller import SourceController
from rgbd_seg.app.source.names import short_name
from rgbd_seg.app.statistics.figures import Figures
from rgbd_seg.app.statistics.recording_statistics import RecordingStatisticsController
from rgbd_seg.app.training.controller import TrainingController
from rgbd_seg.app.undo_controller import UndoController
from rgbd_seg.app.view.display import Display
from rgbd_seg.app.view.freezer import Freezer
from rgbd_seg.app.view.presenter import Presenter
from rgbd_seg.app.widgets.accessible_names import name_controls
from rgbd_seg.app.widgets.announcer import Announcer, spoken_status
from rgbd_seg.app.widgets.plot_library import PlotLibrary
from rgbd_seg.app.widgets.status_line import rate_texts
from rgbd_seg.app.widgets.theme import Theme
from rgbd_seg.app.widgets.theme_switch import ThemeSwitch
from rgbd_seg.app.widgets.top_bar import TopBar
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.pipeline.background import Deadline
from rgbd_seg.pipeline.session import Session
from rgbd_seg.pipeline.session_recording import clock_text, size_text, summary
from rgbd_seg.pipeline.status import ModelState, State, Status

_TICK_MS = 250
_UNDO_NOTICE_MS = 3000
_CLOSING_S = 1.5  # For all threads together; a recording that is being finished has longer.


class MainWindow(WindowParts):
    """The program's window, and the `Context` of its controllers."""

    def __init__(
        self,
        theme: Theme,
        settings_file: SettingsFile | None = None,
        make_session: Callable[[Callable[[], None]], Session] = Session,
        loaded: tuple[Settings, str] | None = None,
    ) -> None:
        """Builds the window with what is remembered; opens nothing.

        Args:
            theme: The colours, applied to the application already.
            settings_file: Where settings are kept; None for the user's own.
            make_session: Makes the session from a wake-up function.
            loaded: What the file's `load` has said, if it was asked before.
        """
        file = settings_file or SettingsFile()
        settings, problem = loaded or file.load()
        super().__init__(theme, settings)
        self._saver = SettingsSaver(self, file, lambda: self.settings)
        self.session = make_session(self.bridge.wake)
        self._status = Status()
        self._process = psutil.Process()
        self.announcer = Announcer(self)
        self._messages = Messages(self.banners, self.status_line, self.announcer)
        self.presenter = Presenter(
            self.grid, self.cloud, self.classes, self.status_line, Display.of(self.settings.style), parent=self
        )
        self.say, self.unsay = self._messages.say, self.banners.clear
        self.post, self.wake = self.bridge.post, self.bridge.wake
        self.sources = SourceController(self, self.source_panel, self.welcome)
        self.models = ModelController(self, self.model_panel)
        self.recordings = RecordingController(self, self.recording_panel, self.grid)
        self.captures = CaptureController(self, self.recording_panel.capture, self.sources.open)
        self.figures = Figures(self, self.plots_panel, self.measure_panel)
        self.scoring = ScoringController(self, self.sources.open)
        self.training = TrainingController(self, self.training_panel, self.models.load, self.scoring)
        self.labelling = LabellingController(
            self, self.stage, self.grid, self.replay_bar, self.docks, self.training.ask
        )
        self.exports = ExportController(self, self.replay_bar, self.cloud, self.sources.open, self.training.ask)
        self.recording_statistics = RecordingStatisticsController(self)
        self.comparisons = ComparisonController(self, self.comparison_panel, self.grid)
        self.live_output = LiveOutput(self)
        self._leaving = Leaving(self, self, self.banners.shows, self.close_now)
        self._closing = False
        self.freezer = Freezer(self)
        self.look = ThemeSwitch(self, theme)
        self.label_sets = LabelSetController(self)
        self.drops = DropTarget(self, self.models, self.sources, self.label_sets)
        self.undos = UndoController(self, self.sources, self.models, self.replay_bar)
        self.settings_control = SettingsController(self, self.grid, self.models, self.look, self.undos)
        self.layouts = LayoutController(self, self.grid, self.panels, self.legend, self.labelling, self._bars)
        self.commands = WindowCommands(self, self)
        self.top_bar = TopBar(theme, self.sources.menu, self.models.menu, self.undos.menu, self.commands.main_menu)
        self.addToolBar(self.top_bar)
        self._connect()
        name_controls(self)
        self.place()
        self._panes_changed()
        self._saver.watch(self.panels)
        if problem:
            self.say("settings", problem)
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self.refresh)
        self._tick.timeout.connect(self.figures.tick)
        self._tick.timeout.connect(self.training.tick)
        self._tick.start()
        self.sources.finder.start()
        self.refresh()

    def _bars(self) -> tuple[QWidget, ...]:
        return (self.status_line, self.top_bar)

    def _connect(self) -> None:
        self.bridge.awake.connect(self._take)
        self.alt_key.alone.connect(lambda: self.commands.run["main_menu"]())
        self.sources.changed.connect(self._source_changed)
        self.models.comparison_wanted.connect(self.comparisons.ask)
        self.presenter.display_changed.connect(self._display_changed)
        self.top_bar.views_wanted.connect(self.grid.show_count)
        self.top_bar.record_wanted.connect(self.recordings.toggle)
        self.top_bar.undo_wanted.connect(self.undos.undo)
        self.top_bar.snapshot_wanted.connect(self.recordings.snapshot)
        self.grid.panes_changed.connect(self._panes_changed)
        self.grid.depth_map_wanted.connect(lambda name: self.presenter.change(depth_map=name))
        self.grid.ends_wanted.connect(lambda near, far: self.presenter.change(near_m=near, far_m=far))
        self.cloud.export_wanted.connect(self.exports.ask_cloud)
        self.recording_panel.export_wanted.connect(self.exports.ask)
        self.training_panel.score_wanted.connect(lambda: self.commands.run["score_folder"]())
        self.undos.changed.connect(self.top_bar.show_undo)
        self.labelling.changed.connect(lambda on: self.undos.begin_strokes(self.labelling.act if on else None))
        self.undos.message.connect(lambda text: self.status_line.show_notice(text, _UNDO_NOTICE_MS))
        self.look.changed.connect(self.show_theme)
        self._saver.failed.connect(lambda problem: self.say("settings", problem, "error"))
        classes, presenter = self.classes, self.presenter
        classes.opacity_wanted.connect(lambda value: presenter.change(opacity=value))
        classes.edges_wanted.connect(lambda on: presenter.change(edges=on))
        classes.palette_wanted.connect(lambda name: presenter.change(palette=name))
        classes.hide_wanted.connect(presenter.toggle_hidden)
        classes.solo_wanted.connect(lambda name: presenter.change(solo=name))
        classes.lit_wanted.connect(lambda name: presenter.change(lit=name))
        classes.color_wanted.connect(presenter.color)
        classes.show_all_wanted.connect(presenter.show_all)
        classes.save_wanted.connect(self.label_sets.ask_save)
        classes.load_wanted.connect(self.label_sets.ask_load)
        classes.rename_wanted.connect(self.label_sets.rename)

    # Frames and figures

    def _take(self) -> None:
        """Shows the newest result, if there is one, and what has changed around it."""
        segmentation, picture = self.session.take(), self.session.take_picture()
        newest = picture or (segmentation.frame if segmentation is not None else None)
        if newest is not None:
            self.captures.offer(newest)
        if segmentation is not None:
            self.live_output.publish(segmentation)
            self.labelling.offer(segmentation)
        if segmentation is not None or picture is not None:
            self.replay_bar.refresh()
        if self.presenter.frozen:
            self.freezer.take()
        else:
            self._show_moment(segmentation, picture)
        drawing = self.cloud_worker.drawings.take_nowait()
        if drawing is not None:
            self.cloud.show_drawing(drawing)
        ended = self.session.ended_recordings.take_nowait()
        if ended is not None and ended.frames:
            self.say("recorded", summary(ended), "info", "Open it", lambda: self.sources.open(str(ended.path)))
        elif ended is not None:
            self.say("recorded", f"No frame came while it was recorded: {ended.path.name} is empty.")
        status = self.session.status()
        if (status.state, status.message, status.model) != (
            self._status.state,
            self._status.message,
            self._status.model,
        ):
            self.refresh()

    def _show_moment(self, segmentation: Segmentation | None, picture: RgbdFrame | None) -> None:
        if segmentation is not None and not self.comparisons.offer(segmentation):
            self.presenter.show(segmentation)
        if self.comparisons.comparison is not None:
            picture = self.presenter.picture = None  # Two models are compared in one moment.
        pair = self.comparisons.take()
        if pair is not None:
            self.presenter.show(pair.first, pair.second)
        if picture is not None:
            self.presenter.show_picture(picture, self.session.leapt_ns)
        shown = self.presenter.segmentation is not None
        if shown and self.stage.currentWidget() is not self.grid and not self.labelling.active:
            self.stage.setCurrentWidget(self.grid)

    def refresh(self) -> None:
        """Brings everything but the pictures up to date; four times a second and when a state changes."""
        status = self._status = self.session.status()
        info = self.session.info
        self.presenter.tick()
        self._show_legend()
        self.exports.tick()
        self.recording_statistics.tick()
        self.comparisons.tick()
        self._leaving.tick()
        kind = info.kind if info else "camera"
        playback = self.session.playback if status.state is State.RUNNING else None
        paused = playback is not None and playback.paused
        age_ms = self.presenter.labels_age_ms
        texts = rate_texts(status, kind, paused=paused, frozen=self.presenter.frozen, labels_age_ms=age_ms)
        self.status_line.show_rates(texts)
        self.model_panel.show_status(status, self._process.memory_info().rss / 1e6)
        self.sources.show_status(status)
        shown = self.presenter.segmentation
        self.sources.show_frame(shown.frame if shown else None, status)
        self.models.show_status()
        self.replay_bar.show_playback(playback, self.session.file_of)
        self.filmstrip.show_recording(self.session.uri if playback else "")
        self.replay_bar.refresh()
        self.grid.show_dimmed(status.state in (State.LOST, State.STOPPED, State.CONNECTING))
        name = info.name if info else short_name(self.session.uri) if self.session.uri else ""
        self._show_names(status, name)
        self.announcer.show(spoken_status(status, name, paused=paused, frozen=self.presenter.frozen))
        self._show_notices(status)
        self._show_stage(status)

    def _show_names(self, status: Status, source: str) -> None:
        self.top_bar.show_source(source)
        model = status.model
        loading = model.state is ModelState.LOADING
        self.top_bar.show_model(
            f"Loading {round(model.progress * 100)} %" if loading else model.info.model if model.info else ""
        )
        self.presenter.expect_labels(loading or model.info is not None)
        recorder = status.recorder
        running = recorder is not None and recorder.state == "recording"
        text = f"{clock_text(recorder.seconds)}  {size_text(recorder.file_bytes)}" if recorder and running else ""
        self.top_bar.show_recording(text, status.state is State.RUNNING)
        self.recording_panel.show_recorder(recorder, self.settings.recordings, status.state is State.RUNNING)
        self.setWindowTitle(f"{source} - rgbd-seg" if source else "rgbd-seg")

    def _show_legend(self) -> None:
        display, label_set = self.presenter.display, self.presenter.label_set
        colors = display.named_colors(label_set) if label_set is not None and not self.legend.isHidden() else {}
        self.legend.show_rows(self.presenter.steady_rows, colors, display.shown_name, display.shows)

    def _show_stage(self, status: Status) -> None:
        if self.labelling.active:
            return
        if status.state is State.IDLE and not self.session.uri:
            self.stage.setCurrentWidget(self.welcome)
        elif self.presenter.segmentation is None:
            failed = status.state is State.STOPPED
            self._waiting.setText("" if failed else f"Opening {short_name(self.session.uri)}…")
            self.stage.setCurrentWidget(self.welcome if failed else self._waiting)

    def _show_notices(self, status: Status) -> None:
        actions = {
            "reopen": ("Try again", self.sources.reopen),
            "choose model": ("Choose a model", self.models.choose_file),
            "stop recording": ("Stop recording", self.recordings.toggle),
            "": ("", None),
        }
        self._messages.show_status(status, self.session.damage, actions)

    # What changes

    def _source_changed(self) -> None:
        self.labelling.leave()
        self.captures.stop()
        for key in ("sources", "settings", "recorded", "export", "export labels"):
            self.banners.clear(key)
        self.presenter.clear()
        self.comparisons.forget_frames()
        self.replay_bar.show_playback(None)
        self.refresh()

    def _panes_changed(self) -> None:
        self.top_bar.show_views(self.grid.count)
        panes = self.comparisons.kinds_before or self.grid.kinds  # Next time there is no second model.
        self.remember(replace(self.settings, views=self.grid.count, panes=panes))

    def _display_changed(self) -> None:
        self.remember(replace(self.settings, style=self.presenter.display.style))

    # What controllers may ask: see `Context`

    @property
    def widget(self) -> QWidget:
        return self

    def remember(self, settings: Settings) -> None:
        """Adopts settings everywhere, and writes them soon."""
        self.settings = settings
        self.sources.show_settings()
        self.models.show_settings()
        self.recording_panel.show_settings(settings.recordings, settings.pre_roll_s)
        self.session.keep_before(settings.pre_roll_s)
        self.session.show_pictures(not settings.one_moment)
        self._saver.soon()

    def show_panel(self, name: str) -> None:
        self.docks[name].show()
        self.docks[name].raise_()

    def parts(self) -> list[QWidget]:
        page = self.stage.currentWidget()
        pages = self.grid.visible_panes if page is self.grid else [page] if page is not None else []
        tabs = [bar for bar in self.findChildren(QTabBar) if bar.parentWidget() is self and bar.isVisible()]
        return [
            self.top_bar,
            self.banners,
            *pages,
            self.replay_bar,
            *tabs,
            *(dock for dock in self.docks.values() if not dock.isFloating()),
        ]

    # Qt's events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Takes what can be opened."""
        self.drops.enter(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Panels share one column where there is little room."""
        super().resizeEvent(event)
        self.panels.fit_soon()

    def dropEvent(self, event: QDropEvent) -> None:
        self.drops.drop(event)

    def close_now(self) -> None:
        """Closes without asking, whatever is going on."""
        self._closing = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remembers everything and ends every thread and child process; once it says what that ends, and stays."""
        if not self._closing and not self._leaving.may():
            event.ignore()
            return
        self._tick.stop()
        self.bridge.close()
        for dialog in self.findChildren(QDialog):
            dialog.close()  # One may have a child process of its own.
        self.labelling.leave()
        self.layouts.leave_full_screen()
        self.comparisons.restore_views()
        self.hide()
        self.panels.make_roomy()
        self._saver.save()
        # First all are told to end, so that they do so side by side; then they are waited for, all together so long.
        self.session.begin_close()
        self.cloud_worker.close(0.0)
        self.filmstrip.close()
        self.exports.cancel()
        self.recording_statistics.cancel()
        self.sources.finder.close()
        self.figures.close()
        deadline = Deadline(_CLOSING_S)
        for part in (
            self.recordings,
            self.captures,
            self.exports,
            self.recording_statistics,
            self.comparisons,
            self.training,
            self.scoring,
            self.live_output,
            self.filmstrip,
            self.labelling,
        ):
            part.close(deadline.left_s)
        for library in self.findChildren(PlotLibrary):
            library.wait(deadline.left_s)
        self.cloud_worker.close(deadline.left_s)
        self.session.close(deadline.left_s)
        event.accept()
