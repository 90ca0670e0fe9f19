"""What the commands of the window do, by the names of the table in `actions`; keys and the main menu run them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QMenu

from rgbd_seg.app.about import AboutDialog, DoctorDialog
from rgbd_seg.app.actions import COMMANDS
from rgbd_seg.app.source.names import recording_of
from rgbd_seg.app.view.kinds import VIEW_NAMES
from rgbd_seg.app.view.viewport import Viewport
from rgbd_seg.app.widgets.keys_overlay import KeysOverlay
from rgbd_seg.app.widgets.palette import CommandPalette, Entry
from rgbd_seg.labelling.data_set import data_set_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from rgbd_seg.app.classes.panel import ClassesPanel
    from rgbd_seg.app.context import Context
    from rgbd_seg.app.labelling.controller import LabellingController
    from rgbd_seg.app.layouts.controller import LayoutController
    from rgbd_seg.app.live_output import LiveOutput
    from rgbd_seg.app.model.controller import ModelController
    from rgbd_seg.app.recording.controller import RecordingController
    from rgbd_seg.app.recording.export_controller import ExportController
    from rgbd_seg.app.replay.bar import ReplayBar
    from rgbd_seg.app.scoring.controller import ScoringController
    from rgbd_seg.app.settings_controller import SettingsController
    from rgbd_seg.app.source.controller import SourceController
    from rgbd_seg.app.statistics.recording_statistics import RecordingStatisticsController
    from rgbd_seg.app.training.controller import TrainingController
    from rgbd_seg.app.undo_controller import UndoController
    from rgbd_seg.app.view.freezer import Freezer
    from rgbd_seg.app.view.grid import ViewGrid
    from rgbd_seg.app.widgets.banner import Banners
    from rgbd_seg.app.widgets.panels import Panels
    from rgbd_seg.app.widgets.theme import Choice
    from rgbd_seg.app.widgets.theme_switch import ThemeSwitch
    from rgbd_seg.app.widgets.top_bar import TopBar


class Parts(Protocol):
    """The parts of the window that have commands."""

    sources: SourceController
    models: ModelController
    undos: UndoController
    recordings: RecordingController
    exports: ExportController
    recording_statistics: RecordingStatisticsController
    labelling: LabellingController
    layouts: LayoutController
    training: TrainingController
    scoring: ScoringController
    settings_control: SettingsController
    live_output: LiveOutput
    look: ThemeSwitch
    replay_bar: ReplayBar
    freezer: Freezer
    grid: ViewGrid
    classes: ClassesPanel
    panels: Panels
    top_bar: TopBar
    banners: Banners
    middle: QWidget

    def go_to_part(self, forward: bool) -> None:
        """Moves the keys' focus."""


class WindowCommands(QObject):
    """One function a command; the window's parts do the work."""

    def __init__(self, context: Context, parts: Parts) -> None:
        super().__init__(context.widget)
        self._context, self._parts = context, parts
        self._window = context.widget.window()
        self._keys = KeysOverlay(context.widget, parts.middle)
        self.run = self._table()
        self.actions: dict[str, QAction] = {}
        for command in COMMANDS:
            action = QAction(command.text, self)
            action.setShortcuts([QKeySequence(key) for key in command.keys])
            action.triggered.connect(partial(self._run, command.name))
            context.widget.addAction(action)
            self.actions[command.name] = action
        for rank in range(9):
            shortcut = QShortcut(QKeySequence(f"Alt+{rank + 1}"), context.widget)
            shortcut.activated.connect(partial(context.presenter.solo_rank, rank))
        for number in range(1, 5):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), context.widget)
            shortcut.activated.connect(partial(parts.grid.choose_kind, number))
        self.main_menu = self._make_menu()

    def _table(self) -> dict[str, Callable[[], object]]:
        parts, bar, grid, presenter = self._parts, self._parts.replay_bar, self._parts.grid, self._context.presenter
        return {
            "open_file": parts.sources.choose_file,
            "open_folder": parts.sources.choose_folder,
            "pick_source": parts.sources.pick,
            "refresh_sources": parts.sources.finder.refresh,
            "close_source": parts.sources.close,
            "open_model": parts.models.choose_file,
            "undo": parts.undos.undo,
            "redo": parts.undos.redo,
            "toggle_recording": parts.recordings.toggle,
            "save_snapshot": parts.recordings.snapshot,
            "copy_picture": parts.recordings.copy_picture,
            "export_recording": parts.exports.ask,
            "recording_statistics": parts.recording_statistics.ask,
            "label_frames": parts.labelling.toggle,
            "train_model": self._train_model,
            "score_folder": self._score_folder,
            "toggle_play": self._pause_or_freeze,
            "step_on": partial(bar.step, 1),
            "step_back": partial(bar.step, -1),
            "jump_on": partial(bar.step, 10),
            "jump_back": partial(bar.step, -10),
            "first_frame": partial(bar.seek, 0),
            "faster": partial(bar.change_speed, 1),
            "slower": partial(bar.change_speed, -1),
            "toggle_loop": bar.toggle_loop,
            "mark_start": bar.mark_start,
            "mark_end": bar.mark_end,
            "clear_range": bar.clear_range,
            "one_view": partial(grid.show_count, 1),
            "two_views": partial(grid.show_count, 2),
            "four_views": partial(grid.show_count, 4),
            "less_opaque": partial(self._change_opacity, -0.05),
            "more_opaque": partial(self._change_opacity, 0.05),
            "toggle_edges": lambda: presenter.change(edges=not presenter.display.edges),
            "toggle_legend": parts.layouts.toggle_legend,
            "reset_view": self._reset_view,
            "ruler": presenter.pointing.start_ruler,
            "select_area": self._select_area,
            "show_all_classes": presenter.show_all,
            "find_class": self._find_class,
            "toggle_full_screen": self._toggle_full_screen,
            "toggle_panels": parts.panels.toggle_all,
            "next_part": partial(parts.go_to_part, True),
            "part_before": partial(parts.go_to_part, False),
            "answer": parts.banners.answer,
            "show_commands": self._show_palette,
            "main_menu": lambda: parts.top_bar.menu.showMenu(),
            "source_menu": lambda: parts.top_bar.source.showMenu(),
            "model_menu": lambda: parts.top_bar.model.showMenu(),
            "show_keys": self._keys.toggle,
            "show_doctor": lambda: DoctorDialog(self._context.widget, self._context.settings.recordings).show(),
            "show_about": lambda: AboutDialog(self._context.widget).show(),
            "quit": self._quit,
        }

    def _run(self, name: str, _checked: bool = False) -> None:
        self.run[name]()

    def _make_menu(self) -> QMenu:
        menu = QMenu(self._context.widget)
        for names in (
            ("undo", "redo"),
            ("open_file", "open_folder", "pick_source", "open_model", "close_source"),
            ("save_snapshot", "copy_picture", "export_recording", "label_frames", "train_model", "score_folder"),
            ("toggle_full_screen", "toggle_panels"),
        ):
            for name in names:
                menu.addAction(self.actions[name])
            menu.addSeparator()
        measure = menu.addMenu("Measure")
        for name in ("ruler", "select_area", "recording_statistics"):
            measure.addAction(self.actions[name])
        menu.addMenu(self._parts.layouts.menu)
        panels = menu.addMenu("Panels")
        panels.aboutToShow.connect(lambda: self._parts.panels.fill_menu(panels))
        look = menu.addMenu("Look")
        choices: tuple[tuple[Choice, str], ...] = (("system", "Like the system"), ("dark", "Dark"), ("light", "Light"))
        exclusive = QActionGroup(look)
        for choice, text in choices:
            action = look.addAction(text)
            action.setCheckable(True)
            action.triggered.connect(partial(self._parts.look.change, choice))
            exclusive.addAction(action)
            look.aboutToShow.connect(lambda a=action, c=choice: a.setChecked(self._context.settings.theme == c))
        menu.addMenu(self._parts.settings_control.menu)
        live = menu.addAction("Live output for Foxglove")
        live.setCheckable(True)
        live.toggled.connect(lambda on: live.setChecked(self._parts.live_output.switch(on)))
        rest = menu.addMenu("Help")
        rest.addAction(self.actions["show_commands"])
        rest.addAction(self.actions["show_keys"])
        doctor = rest.addAction("Doctor: what is installed and what is missing")
        doctor.triggered.connect(partial(self._run, "show_doctor"))
        rest.addAction("About rgbd-seg").triggered.connect(partial(self._run, "show_about"))
        menu.addSeparator()
        menu.addAction(self.actions["quit"])
        return menu

    def entries(self) -> list[Entry]:
        """Everything that can be done, for the palette: the commands, then what the menus have besides."""
        grid = self._parts.grid
        entries = [
            Entry(one.text, " or ".join(one.keys), self.actions[one.name].trigger)
            for one in COMMANDS
            if one.name != "show_commands"
        ]
        for number, pane in enumerate(grid.visible_panes, start=1):
            for kind, name in VIEW_NAMES.items():
                entries.append(Entry(f"View {number}: {name}", "", partial(pane.kind_wanted.emit, kind)))
        for name in self._parts.panels.docks:
            entries.append(Entry(f"Panel: {name}", "", partial(self._parts.panels.toggle, name)))
        known = {one.text for one in COMMANDS}
        for heading, menu in (
            ("Source: ", self._parts.sources.menu),
            ("Model: ", self._parts.models.menu),
            ("Classes: ", self._parts.classes.menu),
        ):
            menu.aboutToShow.emit()  # It is filled then.
            offered = _entries_of(menu, set(), heading)
            entries += [one for one in offered if one.text.removeprefix(heading) not in known]
        entries += [
            one for one in _entries_of(self._parts.classes.menu, set(), "Classes: ") if "Show all" not in one.text
        ]
        return [*entries, *_entries_of(self.main_menu, set(self.actions.values()))]

    def _show_palette(self) -> None:
        CommandPalette(self._window, self.entries()).show()

    def _change_opacity(self, by: float) -> None:
        presenter = self._context.presenter
        presenter.change(opacity=round(min(max(presenter.display.opacity + by, 0.0), 1.0), 2))

    def _pause_or_freeze(self) -> None:
        """A replay pauses; the view of a camera stands still, while the camera goes on."""
        if self._context.session.playback is not None:
            self._parts.replay_bar.toggle()
        else:
            self._parts.freezer.toggle()

    def _score_folder(self) -> None:
        """Of the data set that is being labelled, or of what is open."""
        parts, session = self._parts, self._context.session
        opened = recording_of(session.uri)[0] if session.playback is not None else ""
        parts.scoring.ask(parts.labelling.folder or str(opened))

    def _train_model(self) -> None:
        """On the data set that is being labelled, or on the labels of what is open."""
        parts, session = self._parts, self._context.session
        beside = data_set_folder(recording_of(session.uri)[0]) if session.playback is not None else None
        known = str(beside) if beside is not None and (beside / "label").is_dir() else ""
        parts.training.ask(parts.labelling.folder or known)

    def _reset_view(self) -> None:
        """Whole picture; leaves full screen first."""
        if self._window.isFullScreen():
            self._toggle_full_screen()
            return
        self._parts.middle.setFocus()  # The keys go back to the pictures.
        self._parts.grid.show_viewport(Viewport())
        self._context.presenter.pointing.clear_marks()

    def _select_area(self) -> None:
        """The panel says how the figures come about."""
        self._context.show_panel("Measurements")
        self._context.presenter.pointing.start_selection()

    def _find_class(self) -> None:
        """Puts the cursor into the search."""
        self._context.show_panel("Classes")
        self._parts.classes.search.setFocus()

    def _toggle_full_screen(self) -> None:
        """Full screen, or as large as before: a maximised window is maximised again."""
        if self._window.isFullScreen() and self._parts.layouts.leave_full_screen():
            return
        self._window.setWindowState(self._window.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _quit(self) -> None:
        if self._window.close():
            QApplication.quit()


def _entries_of(menu: QMenu, known: set[QAction], heading: str = "") -> list[Entry]:
    """What a menu and those in it offer, but for what is known already."""
    found: list[Entry] = []
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu):
            found += _entries_of(inner, known, f"{heading}{action.text()}: ")
        elif not action.isSeparator() and action not in known:
            found.append(Entry(heading + action.text(), "", action.trigger))
    return found
