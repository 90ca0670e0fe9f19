"""Training in the window: asks, starts, finds again, watches, stops, and loads the result."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QUrl
from PySide6.QtGui import QDesktopServices

from rgbd_seg.app.context import Context
from rgbd_seg.app.model.controller import known_models
from rgbd_seg.app.scoring.controller import ScoringController
from rgbd_seg.app.training.curves import Curves
from rgbd_seg.app.training.data_survey import survey
from rgbd_seg.app.training.dialog import TrainingDialog
from rgbd_seg.app.training.log_dialog import LogDialog
from rgbd_seg.app.training.pace import known_pace, measure
from rgbd_seg.app.training.panel import RunView, TrainingPanel
from rgbd_seg.app.training.plan import TrainingPlan
from rgbd_seg.app.training.run_folder import LOG_FILE, RunFolder, Stage, new_run, runs_in
from rgbd_seg.app.training.start_model import read_start_model
from rgbd_seg.app.training.words import run_text, run_title
from rgbd_seg.app.typed_path import typed_path
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.pipeline.background import Background
from rgbd_seg.training_files import METRICS_FILE

_LOOK_EVERY_S = 1.0
_MEASURE_AFTER_S = 2.0


class TrainingController(QObject):
    """Watches the runs in the folder of trainings; which window has begun them makes no difference."""

    def __init__(
        self, context: Context, panel: TrainingPanel, load_model: Callable[[str], None], scoring: ScoringController
    ) -> None:
        super().__init__(context.widget)
        self._context, self._scoring = context, scoring
        self._panel, self._load_model = panel, load_model
        self._dialog: TrainingDialog | None = None
        self._background = Background()
        self._stages: dict[Path, Stage] = {}
        self._no_measuring = threading.Event()
        self._curves = Curves(Path())
        self._looked_s = 0.0
        self._begun: list[RunFolder] = []  # By this window.
        self.runs: list[RunFolder] = []
        self.run: RunFolder | None = None
        panel.new_wanted.connect(self.ask)
        panel.run_wanted.connect(lambda index: self.show_run(self.runs[index]))
        panel.stop_wanted.connect(self.stop)
        panel.load_wanted.connect(self.load)
        panel.compare_wanted.connect(lambda: self.run and self._compare(self.run))
        panel.rescue_wanted.connect(lambda: self._take_up("--only-export"))
        panel.go_on_wanted.connect(lambda: self._take_up("--go-on"))
        panel.log_wanted.connect(self._show_log)
        panel.folder_wanted.connect(self._open_folder)

    @property
    def folder(self) -> Path:
        return self._context.settings.recordings / "training"

    @property
    def begun_here(self) -> list[str]:
        """The names of the runs that this window has begun and that go on."""
        names = [run.name for run in self._begun if run.state().stage.running]
        return list(dict.fromkeys(names))

    # Beginning

    def ask(self, folder: str = "") -> None:
        """Opens the dialog, for the pictures in a folder if one is named."""
        self.show_panel()
        if self._dialog is not None:
            self._dialog.close()
        starts = known_models(self._context.settings)
        dialog = self._dialog = TrainingDialog(folder, starts, self._context.widget)
        dialog.finished.connect(self._forget_dialog)
        dialog.folder_wanted.connect(self._survey)
        dialog.start_wanted.connect(self._read_start)
        dialog.plan_made.connect(self.start)
        dialog.pace_wanted.connect(self._find_pace)
        dialog.show()
        self._read_start(starts[0][1] if starts else "")
        if folder:
            self._survey(folder)

    def _forget_dialog(self) -> None:
        self._dialog = None
        self._no_measuring.set()

    def _find_pace(self, plan: TrainingPlan) -> None:
        """Looks up how fast runs of this kind are, or measures it; what was being measured before is given up."""
        self._no_measuring.set()
        given_up = self._no_measuring = threading.Event()
        dialog = self._dialog

        def body() -> None:
            pace = known_pace(self.folder, plan.kind)
            # Whoever is still choosing sizes need not wait for the speed of each; a run has the machine for itself.
            if pace is None and not given_up.wait(_MEASURE_AFTER_S):
                try:
                    pace = measure(self.folder, plan, given_up.is_set)
                except OSError:
                    pass  # Starting the run will say that its folder cannot be written.
            if not given_up.is_set():
                self._context.post(
                    lambda: dialog.show_pace(plan.kind, pace) if dialog and dialog is self._dialog else None
                )

        self._background.begin("measure the pace of training", body)

    def _survey(self, folder: str) -> None:
        self._look(lambda: survey(typed_path(folder)), lambda dialog, found: dialog.show_data(found))

    def _read_start(self, path: str) -> None:
        if path:
            self._look(lambda: read_start_model(Path(path)), lambda dialog, found: dialog.show_start(found))
        elif self._dialog is not None:
            self._dialog.show_start(None)

    def _look(self, find: Callable[[], Any], show: Callable[[TrainingDialog, Any], None]) -> None:
        """Finds something out on a thread and shows it, or the reason why not, in the dialog that asked."""
        dialog = self._dialog

        def body() -> None:
            try:
                found = find()
            except OSError as error:
                found = f"{error.filename} cannot be read: {error.strerror or error}."
            except RgbdSegError as error:
                found = str(error)[:1].upper() + str(error)[1:]
            self._context.post(lambda: show(dialog, found) if dialog and dialog is self._dialog else None)

        self._background.begin("look before training", body)

    def start(self, plan: TrainingPlan) -> None:
        """Begins a run in a process of its own."""
        busy = next((run for run in runs_in(self.folder) if run.state().stage.running), None)
        problem = f"“{busy.name}” is being trained: let it finish or stop it first." if busy else ""
        if not problem:
            try:
                run = new_run(self.folder, plan)
                problem = "" if _launch(run.folder) else f"{sys.executable} could not be started."
            except OSError as error:
                problem = f"The run cannot be written in {self.folder}: {error.strerror or error}."
        if problem:
            if self._dialog is not None:
                self._dialog.show_problem(problem)
            return
        self._begun.append(run)
        if self._dialog is not None:
            self._dialog.close()
        self.show_run(run)
        self.show_panel()

    # Watching

    def tick(self) -> None:
        """Looks at the runs once a second; call it often."""
        if time.monotonic() - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = time.monotonic()
        self.runs = runs_in(self.folder)
        if self.run is None or self.run.folder not in {run.folder for run in self.runs}:
            self.run = self.runs[0] if self.runs else None
            self._curves = Curves(self.run.folder / METRICS_FILE) if self.run else Curves(Path())
        for run in self.runs:
            self._note_stage(run)
        self._refresh()

    def show_run(self, run: RunFolder) -> None:
        self.run, self._curves = run, Curves(run.folder / METRICS_FILE)
        self._looked_s = 0.0
        self._panel.show_curves(None)
        self.tick()

    def show_panel(self) -> None:
        self._context.show_panel("Training")

    def _note_stage(self, run: RunFolder) -> None:
        """Tells the user when a run has ended, or that one of an earlier window is going on."""
        before = self._stages.get(run.folder)
        if before is not None and not before.running:
            return
        state = run.state()
        self._stages[run.folder] = state.stage
        say = self._context.say
        if before is None:
            if state.stage.running and not self._panel.isVisibleTo(self._context.widget):
                say("training", f"“{run.name}” is being trained.", "info", "Watch", lambda: self._watch(run))
            elif state.stage is Stage.LOST and run is self.runs[0] and run.has_checkpoint:
                self._tell_failure(run, "its process was killed, or the machine was switched off")
        elif state.stage is Stage.FINISHED:
            say("training", f"“{run.name}” is trained.", "info", "Load and compare", lambda: self._adopt(run))
        elif not state.stage.running:
            self._tell_failure(run, state.error or "its process was killed, or the machine was switched off")

    def _tell_failure(self, run: RunFolder, why: str) -> None:
        """Says why a run broke off, and offers what can be done about it."""
        text = f"The training of “{run.name}” broke off: {why}"
        if run.has_checkpoint:
            self._context.say("training", text, "error", "Go on", lambda: self._go_on(run))
        else:
            self._context.say("training", text, "error", "Watch", lambda: self._watch(run))

    def _go_on(self, run: RunFolder) -> None:
        self._watch(run)
        self._take_up("--go-on")

    def _watch(self, run: RunFolder) -> None:
        self._context.unsay("training")
        self.show_run(run)
        self.show_panel()

    def _refresh(self) -> None:
        panel, run = self._panel, self.run
        if not panel.isVisible():
            return
        folders = [one.folder for one in self.runs]
        panel.show_runs([run_title(one) for one in self.runs], folders.index(run.folder) if run else -1)
        if run is None:
            panel.show_run(None)
            panel.show_curves(None)
            return
        self._curves.read()
        state = run.state()
        running = state.stage.running
        view = RunView(
            run_text(run, state, self._curves),
            self._curves.progress if running else None,
            state.stage in (Stage.STARTING, Stage.TRAINING) and not run.stopping,
            state.stage is Stage.FINISHED and run.model is not None,
            bool(run.start_path),
            not running and run.has_checkpoint,
        )
        panel.show_run(view)
        panel.show_curves(self._curves)

    # What can be done with a run

    def stop(self) -> None:
        """Ends the shown run; what it has learned becomes a model."""
        if self.run is None:
            return
        try:
            self.run.stop()
        except OSError as error:
            self._context.say("training", f"It cannot be stopped: {error.strerror or error}.", "error")
        self._refresh()

    def load(self) -> None:
        if self.run is not None:
            self._load(self.run)

    def _load(self, run: RunFolder) -> None:
        self._context.unsay("training")
        if run.model is not None:
            self._load_model(str(run.model))

    def _adopt(self, run: RunFolder) -> None:
        """Loads a run's model, and shows whether it is better than the one that it began with."""
        self._load(run)
        if run.start_path:
            self._compare(run)

    def _compare(self, run: RunFolder) -> None:
        """Scores a run's model and the one that it began with on the frames that were held out."""
        if run.model is not None:
            models = [(run.start or Path(run.start_path).name, run.start_path)] if run.start_path else []
            new = run.name if run.name != run.start else f"{run.name} (new)"
            self._scoring.ask(run.data, [*models, (new, str(run.model))], run.held_out, go=True)

    def _take_up(self, how: str) -> None:
        """Trains the shown run further, which broke off, or makes a model of its best checkpoint.

        Args:
            how: What its process is told: "--go-on" or "--only-export".
        """
        run = self.run
        if run is None:
            return
        try:
            run.mark_starting()
        except OSError as error:
            self._context.say("training", f"{run.folder} cannot be written: {error.strerror or error}.", "error")
            return
        self._context.unsay("training")  # That it broke off, and can go on.
        self._stages[run.folder] = Stage.STARTING
        self._begun.append(run)
        _launch(run.folder, how)

    def _show_log(self) -> None:
        if self.run is not None:
            LogDialog(self.run.folder / LOG_FILE, f"Log of {self.run.name}", self._context.widget).show()

    def _open_folder(self) -> None:
        if self.run is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.run.folder)))

    def close(self, timeout_s: float) -> None:
        """Waits for what is being looked at; runs go on."""
        self._no_measuring.set()
        self._background.join(timeout_s)


def _launch(folder: Path, *more: str) -> bool:
    """Starts the process of a run: detached, so that it outlives the window."""
    process = QProcess()
    process.setProgram(sys.executable)
    process.setArguments(["-m", "rgbd_seg.app.training.job", str(folder), *more])
    process.setStandardInputFile(QProcess.nullDevice())
    log = str(folder / LOG_FILE)
    process.setStandardOutputFile(log, QProcess.OpenModeFlag.Append)
    process.setStandardErrorFile(log, QProcess.OpenModeFlag.Append)
    return bool(process.startDetached())
