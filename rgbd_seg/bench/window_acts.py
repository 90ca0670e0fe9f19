"""What a person does in the window, one act after the other: for the measurement of its longest pause."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog

from rgbd_seg.app.layouts.layout import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.app.window import MainWindow

_KINDS = ("overlay", "color", "depth", "labels", "confidence", "cloud", "truth", "error", "infrared")
_DIALOGS = ("show_commands", "pick_source", "show_about")


def acts(window: MainWindow) -> list[tuple[str, Callable[[], object]]]:
    """Names and functions, once through everything that ends by itself."""
    run, presenter, grid = window.commands.run, window.presenter, window.grid
    found: list[tuple[str, Callable[[], object]]] = []
    for command in ("one_view", "four_views", "two_views", "toggle_edges", "toggle_edges", "toggle_legend"):
        found.append((command, run[command]))
    for kind in _KINDS:
        found.append((f"view: {kind}", partial(grid.panes[1].kind_wanted.emit, kind)))
    found.append(("view: depth", partial(grid.panes[1].kind_wanted.emit, "depth")))
    for name in window.docks:
        found.append((f"panel: {name}", partial(window.show_panel, name)))
    for name in ("Measuring", "Presenting", "Looking"):
        found.append((f"layout: {name}", partial(window.layouts.apply, BUILT_IN[name])))
    for command in _DIALOGS:
        found += [(command, run[command]), (f"{command} closed", partial(_close, window))]
    found += [("show_keys", run["show_keys"]), ("show_keys closed", run["show_keys"])]
    for command in ("ruler", "select_area"):
        found.append((command, run[command]))
        for pixel in ((40, 40), (200, 160)):
            found.append((f"{command} click", partial(grid.clicked.emit, pixel, Qt.KeyboardModifier.NoModifier)))
    found += [
        ("measured", partial(window.show_panel, "Measurements")),
        ("marks away", presenter.pointing.clear_marks),
        ("opacity", run["less_opaque"]),
        ("opacity back", run["more_opaque"]),
        ("colour-blind", partial(presenter.change, palette="colour-blind")),
        ("standard colours", partial(presenter.change, palette="standard")),
        ("light", partial(window.look.change, "light")),
        ("dark", partial(window.look.change, "dark")),
        ("freeze or pause", run["toggle_play"]),
        ("go on", run["toggle_play"]),
        ("snapshot", run["save_snapshot"]),
        ("record", run["toggle_recording"]),
        ("recording", lambda: None),
        ("stop", run["toggle_recording"]),
        ("label mode", run["label_frames"]),
        ("labelling", lambda: None),
        ("label mode left", window.labelling.leave),
        ("full screen", run["toggle_full_screen"]),
        ("full screen left", run["toggle_full_screen"]),
        ("another size", partial(window.resize, 960, 600)),
        ("size back", partial(window.resize, 1280, 720)),
        ("source again", window.sources.reopen),
        ("source opened", lambda: None),
        ("legend away", window.legend.hide),
    ]
    return found


def _close(window: MainWindow) -> None:
    popup = QApplication.activePopupWidget()
    if popup is not None:
        popup.close()
    for dialog in window.findChildren(QDialog):
        dialog.close()
