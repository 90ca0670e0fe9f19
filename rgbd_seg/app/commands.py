"""What the commands of the window do, by the names of the table in `shortcuts`."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QMenu

from rgbd_seg.app.about import AboutDialog, DoctorDialog
from rgbd_seg.app.actions import COMMANDS
from rgbd_seg.app.recording.snapshot import save_snapshot
from rgbd_seg.app.view.viewport import Viewport
from rgbd_seg.app.widgets.file_dialog import choose
from rgbd_seg.app.widgets.keys_overlay import KeysOverlay
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.pipeline.background import Deadline
from rgbd_seg.pipeline.session_recording import start_recording

if TYPE_CHECKING:
    from rgbd_seg.app.widgets.theme import Choice
    from rgbd_seg.app.window import MainWindow


class WindowCommands(QObject):
    """One method a command; the window's parts do the work."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._threads: list[threading.Thread] = []
        self.actions: dict[str, QAction] = {}
        for command in COMMANDS:
            action = QAction(command.text, self)
            action.setShortcuts([QKeySequence(key) for key in command.keys])
            action.triggered.connect(getattr(self, command.name))
            window.addAction(action)
            self.actions[command.name] = action
        for rank in range(9):
            shortcut = QShortcut(QKeySequence(f"Alt+{rank + 1}"), window)
            shortcut.activated.connect(partial(self._solo_rank, rank))
        self.main_menu = self._make_menu()
        self._keys = KeysOverlay(window, window.middle)

    def _make_menu(self) -> QMenu:
        menu = QMenu(self._window)
        for names in (
            ("undo", "redo"),
            ("open_file", "open_folder", "open_model", "close_source"),
            ("save_snapshot", "copy_picture", "export_recording", "label_frames", "train_model"),
            ("ruler", "toggle_full_screen", "toggle_panels"),
        ):
            for name in names:
                menu.addAction(self.actions[name])
            menu.addSeparator()
        panels = menu.addMenu("Panels")
        panels.aboutToShow.connect(lambda: self._window.panels.fill_menu(panels))
        look = menu.addMenu("Look")
        choices: tuple[tuple[Choice, str], ...] = (("system", "Like the system"), ("dark", "Dark"), ("light", "Light"))
        exclusive = QActionGroup(look)
        for choice, text in choices:
            action = look.addAction(text)
            action.setCheckable(True)
            action.triggered.connect(partial(self._window.look.change, choice))
            exclusive.addAction(action)
            look.aboutToShow.connect(lambda a=action, c=choice: a.setChecked(self._window.settings.theme == c))
        menu.addMenu(self._window.settings_control.menu)
        live = menu.addAction("Live output for Foxglove")
        live.setCheckable(True)
        live.toggled.connect(lambda on: live.setChecked(self._window.live_output.switch(on)))
        menu.addSeparator()
        menu.addAction(self.actions["show_keys"])
        menu.addAction("Doctor: what is installed and what is missing").triggered.connect(self.show_doctor)
        menu.addAction("About rgbd-seg").triggered.connect(self.show_about)
        menu.addSeparator()
        menu.addAction(self.actions["quit"])
        return menu

    def close(self, timeout_s: float) -> None:
        """Waits for files that are being written."""
        deadline = Deadline(timeout_s)
        for thread in self._threads:
            thread.join(deadline.left_s)

    # Source and model

    def open_file(self) -> None:
        """Asks for a recording."""
        self._window.sources.choose_file()

    def open_folder(self) -> None:
        """Asks for a folder."""
        self._window.sources.choose_folder()

    def refresh_sources(self) -> None:
        """Looks for cameras."""
        self._window.sources.finder.refresh()

    def close_source(self) -> None:
        """Leaves the source."""
        self._window.sources.close()

    def open_model(self) -> None:
        """Asks for a model."""
        self._window.models.choose_file()

    # Taking back

    def undo(self) -> None:
        """Takes back what was done last."""
        self._window.undos.undo()

    def redo(self) -> None:
        """Does again what was taken back."""
        self._window.undos.redo()

    # Keeping

    def toggle_recording(self) -> None:
        """Begins or ends a recording."""
        window = self._window
        recorder = window.session.status().recorder
        if recorder is not None and recorder.state == "recording":
            window.session.stop_recording()
            return
        try:
            start_recording(window.session, window.settings.recordings)
        except RgbdSegError as error:
            window.say("recorded", str(error), "error")
        else:
            window.banners.clear("recorded")
        window.refresh()

    def save_snapshot(self) -> None:
        """Writes the present moment as files, in the background."""
        window = self._window
        segmentation, pictures = window.presenter.segmentation, window.presenter.pictures
        if segmentation is None or pictures is None:
            return
        overlay = pictures.image("overlay")
        folder, source = window.settings.snapshots, window.session.info

        def body() -> None:
            try:
                path = save_snapshot(folder, segmentation, overlay, source)
                text, kind = f"Snapshot saved in {path}", "info"
            except OSError as error:
                text, kind = f"The snapshot could not be saved in {folder}: {error.strerror or error}.", "error"
            window.bridge.post(lambda: window.say("snapshot", text, kind))

        thread = threading.Thread(target=body, name="rgbd-seg snapshot", daemon=True)
        self._threads = [t for t in self._threads if t.is_alive()] + [thread]
        thread.start()

    def copy_picture(self) -> None:
        """Puts the picture of the first view on the clipboard."""
        image = self._window.grid.visible_panes[0].view.image
        if image is not None:
            QGuiApplication.clipboard().setImage(image.copy())
            self._window.say("snapshot", "The picture was copied.", "info")

    def export_recording(self) -> None:
        """Asks what to export, and how."""
        self._window.exports.ask()

    def label_frames(self) -> None:
        """Label mode, or out of it."""
        self._window.labelling.toggle()

    def train_model(self) -> None:
        """Asks what to train, and on what."""
        self._window.training.ask()

    def choose_record_folder(self) -> None:
        """Asks where recordings go."""
        window = self._window

        def take(folder: str) -> None:
            window.remember(replace(window.settings, record_folder=folder))
            window.refresh()

        choose(window, "Folder for recordings", take, start=window.settings.recordings)

    # Replay

    def toggle_play(self) -> None:
        """Pauses or plays."""
        self._window.replay_bar.toggle()

    def step_on(self) -> None:
        """One frame on."""
        self._window.replay_bar.step(1)

    def step_back(self) -> None:
        """One frame back."""
        self._window.replay_bar.step(-1)

    def jump_on(self) -> None:
        """Ten frames on."""
        self._window.replay_bar.step(10)

    def jump_back(self) -> None:
        """Ten frames back."""
        self._window.replay_bar.step(-10)

    def first_frame(self) -> None:
        """To the start."""
        self._window.replay_bar.seek(0)

    def faster(self) -> None:
        """Next speed."""
        self._window.replay_bar.change_speed(1)

    def slower(self) -> None:
        """Previous speed."""
        self._window.replay_bar.change_speed(-1)

    def toggle_loop(self) -> None:
        """Loop or not."""
        self._window.replay_bar.toggle_loop()

    def mark_start(self) -> None:
        """Start of the range."""
        self._window.replay_bar.mark_start()

    def mark_end(self) -> None:
        """End of the range."""
        self._window.replay_bar.mark_end()

    def clear_range(self) -> None:
        """Exports take everything again."""
        self._window.replay_bar.clear_range()

    # Views

    def one_view(self) -> None:
        """One view."""
        self._window.grid.show_count(1)

    def two_views(self) -> None:
        """Two views."""
        self._window.grid.show_count(2)

    def four_views(self) -> None:
        """Four views."""
        self._window.grid.show_count(4)

    def less_opaque(self) -> None:
        """Fainter labels."""
        self._change_opacity(-0.05)

    def more_opaque(self) -> None:
        """Stronger labels."""
        self._change_opacity(0.05)

    def _change_opacity(self, by: float) -> None:
        presenter = self._window.presenter
        presenter.change(opacity=round(min(max(presenter.display.opacity + by, 0.0), 1.0), 2))

    def toggle_edges(self) -> None:
        """Edges or not."""
        presenter = self._window.presenter
        presenter.change(edges=not presenter.display.edges)

    def reset_view(self) -> None:
        """Whole picture; leaves full screen first."""
        if self._window.isFullScreen():
            self.toggle_full_screen()
            return
        self._window.grid.show_viewport(Viewport())
        self._window.presenter.clear_marks()

    def ruler(self) -> None:
        """Measures between the next two clicks."""
        self._window.presenter.start_ruler()

    def show_all_classes(self) -> None:
        """Hides nothing."""
        self._window.presenter.show_all()

    def find_class(self) -> None:
        """Puts the cursor into the search."""
        self._window.docks["Classes"].show()
        self._window.docks["Classes"].raise_()
        self._window.classes.search.setFocus()

    def _solo_rank(self, rank: int) -> None:
        self._window.presenter.solo_rank(rank)

    # Window

    def toggle_full_screen(self) -> None:
        """Full screen, or as large as before: a maximised window is maximised again."""
        self._window.setWindowState(self._window.windowState() ^ Qt.WindowState.WindowFullScreen)

    def toggle_panels(self) -> None:
        """Hides all panels, or shows those that were hidden."""
        self._window.panels.toggle_all()

    def show_keys(self) -> None:
        """The list of keys."""
        self._keys.toggle()

    def show_doctor(self) -> None:
        """What is installed and what is missing."""
        DoctorDialog(self._window).show()

    def show_about(self) -> None:
        """Versions and licence."""
        AboutDialog(self._window).show()

    def quit(self) -> None:
        """Closes the window."""
        self._window.close()
        QApplication.quit()
