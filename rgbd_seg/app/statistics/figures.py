"""Collects figures while frames run, and feeds the panels of plots and measurements when they are seen."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject

from rgbd_seg.app.context import Context
from rgbd_seg.app.statistics.history import History
from rgbd_seg.app.statistics.measure_panel import MeasurementLog, MeasurePanel
from rgbd_seg.app.statistics.plots_panel import PlotsPanel
from rgbd_seg.app.widgets.file_dialog import TABLES, choose
from rgbd_seg.measurements import Measurement, measure

MEASURE_EVERY_S = 0.5


class Figures(QObject):
    """Ticks with the window."""

    def __init__(self, context: Context, plots: PlotsPanel, measures: MeasurePanel) -> None:
        super().__init__(context.widget)
        self._context, self._plots, self._measures = context, plots, measures
        self.history = History()
        self.log: MeasurementLog | None = None
        self._measured_s = 0.0
        self._measured: tuple[object, ...] | None = None  # Frame, its time, the model, and renamed classes.
        plots.export_wanted.connect(self._choose_csv)
        measures.log_wanted.connect(self._switch_log)

    def tick(self) -> None:
        """Takes the present moment; call it four times a second."""
        presenter = self._context.presenter
        segmentation = presenter.segmentation
        if segmentation is None:
            if self._measured is not None:  # Of a source that is closed.
                self._measured = None
                self._measures.show_measurements(())
            return
        label_set = presenter.label_set
        self.history.add(self._context.session.status(), presenter.rows)
        display = presenter.display
        colors = display.named_colors(label_set) if label_set is not None else {}
        self._plots.show_history(self.history, colors, display.names, display.shows)
        self._plots.show_moment(segmentation.frame, presenter.pointing.ruler)
        self._measures.show_selection(presenter.pointing.selection)
        wanted = self._measures.isVisible() or self.log is not None
        moment = (segmentation.frame.index, segmentation.frame.host_ns, segmentation.model, *display.names.items())
        if wanted and moment != self._measured and time.monotonic() - self._measured_s >= MEASURE_EVERY_S:
            self._measured_s, self._measured = time.monotonic(), moment
            measurements = tuple(replace(one, name=display.chosen_name(one.name)) for one in measure(segmentation))
            self._measures.show_measurements(measurements)
            if self.log is not None:
                self._append(segmentation.frame.index, measurements)

    def _append(self, index: int, measurements: tuple[Measurement, ...]) -> None:
        assert self.log is not None
        try:
            self.log.add(index, measurements)
        except OSError as error:
            self._context.say("measure", f"The log ended: {error.strerror or error}.", "error")
            self.close()

    def _switch_log(self, on: bool) -> None:
        if not on:
            path = self.log.path if self.log else None
            self.close()
            if path:
                self._context.say("measure", f"Measurements saved in {path}", "info")
            return
        folder = self._context.settings.recordings
        path = folder / f"{time.strftime('%Y-%m-%d %H.%M.%S')} measurements.csv"
        try:
            self.log = MeasurementLog(path)
            self._measured = None  # The moment on screen belongs into the log, too.
        except OSError as error:
            self._context.say("measure", f"{path} cannot be written: {error.strerror or error}.", "error")
        self._measures.show_logging(self.log.path if self.log else None)

    def _choose_csv(self) -> None:
        proposed = self._context.settings.recordings / "figures.csv"
        choose(self._context.widget, "Save figures", self._save_csv, files=TABLES, save_as=proposed)

    def _save_csv(self, path: str) -> None:
        try:
            self.history.save_csv(Path(path), self._context.presenter.display.chosen_name)
            self._context.say("measure", f"Figures saved in {path}", "info")
        except OSError as error:
            self._context.say("measure", f"{path} cannot be written: {error.strerror or error}.", "error")

    def close(self) -> None:
        if self.log is not None:
            self.log.close()
            self.log = None
        self._measures.show_logging(None)
