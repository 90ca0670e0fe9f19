"""What a screen reader and a keyboard find in the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication, QDialog

from rgbd_seg.app.actions import COMMANDS
from rgbd_seg.app.source.picker import SourcePicker
from rgbd_seg.app.statistics.recording_dialog import RecordingDialog
from rgbd_seg.app.training.log_dialog import LogDialog
from rgbd_seg.app.widgets.announcer import Announcer
from rgbd_seg.app.widgets.keyboard import way_through
from rgbd_seg.app.widgets.palette import CommandPalette
from rgbd_seg.recording.mcap.writer import RecordingWriter
from tests.app.conftest import CALIBRATION, make_frame
from tests.app.watching import says, wait_for_labels, wait_for_picture, wait_for_recorded
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from PySide6.QtCore import QObject
    from PySide6.QtGui import QAccessibleInterface
    from PySide6.QtWidgets import QWidget
    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow

_CONTROLS = (
    QAccessible.Role.Button,
    QAccessible.Role.ButtonMenu,
    QAccessible.Role.ButtonDropDown,
    QAccessible.Role.CheckBox,
    QAccessible.Role.RadioButton,
    QAccessible.Role.ComboBox,
    QAccessible.Role.EditableText,
    QAccessible.Role.Slider,
    QAccessible.Role.SpinBox,
    QAccessible.Role.List,
    QAccessible.Role.Table,
    QAccessible.Role.Tree,
    QAccessible.Role.PageTab,
    QAccessible.Role.ProgressBar,
)


def controls(one: QAccessibleInterface, above: tuple[str, ...] = ()) -> Iterator[tuple[str, QAccessibleInterface]]:
    """Every control under an element of Qt's accessibility tree, with the way to it."""
    thing: QObject | None = one.object()
    way = (*above, type(thing).__name__ if thing is not None else one.role().name)
    if one.role() in _CONTROLS and thing is not None:
        yield "/".join(way), one
    for position in range(one.childCount()):
        child = one.child(position)
        # Fields inside a spin box or a combo box are Qt's own, and read as part of them.
        if child is not None and one.role() not in (QAccessible.Role.SpinBox, QAccessible.Role.ComboBox):
            yield from controls(child, way)


def nameless(root: QWidget) -> list[str]:
    """The ways to the controls without a name; there must be some controls."""
    found = list(controls(QAccessible.queryAccessibleInterface(root)))
    assert found
    return [way for way, one in found if not one.text(QAccessible.Text.Name).strip()]


def test_every_control_has_a_name(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    window.sources.open("steady:one")
    wait_for_labels(window, qtbot)
    window.refresh()
    for dock in window.docks.values():
        dock.show()
    window.commands.run["four_views"]()
    assert len(list(controls(QAccessible.queryAccessibleInterface(window)))) > 40
    assert nameless(window) == []


def test_every_control_of_the_dialogs_and_of_label_mode_has_a_name(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "three.mcap"
    with RecordingWriter(path, CALIBRATION, name="three") as writer:
        for index in range(3):
            writer.write(make_frame(index))
    window.sources.open(str(path))
    wait_for_picture(window, qtbot)
    window.refresh()
    for name in ("export_recording", "train_model", "pick_source", "recording_statistics", "show_about", "show_doctor"):
        window.commands.run[name]()
    LogDialog(tmp_path / "log.txt", "Log", window).show()
    dialogs = {type(one).__name__: one for one in window.findChildren(QDialog) if one.isVisible()}
    assert len(dialogs) == 7
    assert {name: nameless(one) for name, one in dialogs.items()} == {name: [] for name in dialogs}
    for one in dialogs.values():
        one.reject()
    window.commands.run["show_commands"]()
    palette = window.findChild(CommandPalette)
    assert nameless(palette) == []
    palette.close()
    window.commands.run["label_frames"]()
    qtbot.waitUntil(lambda: window.labelling.desk is not None and window.labelling.desk.session.frame is not None)
    assert nameless(window) == []
    window.labelling.leave()
    window.labelling.close(PATIENCE_S)  # A closing window waits for its thread a short while only.


def opened_by(window: MainWindow, qtbot: QtBot, press: Callable[[], None]) -> QWidget | None:
    """The menu that a key opens, which is closed again."""
    found: list[QWidget] = []

    def look() -> None:
        menu = QApplication.activePopupWidget()
        if menu is not None:
            found.append(menu)
            menu.close()

    often = QTimer(window)
    often.timeout.connect(look)
    often.start(10)  # A menu has a loop of its own.
    press()
    often.stop()
    window.activateWindow()  # The offscreen platform leaves that to whoever asks.
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    return found[0] if found else None


def alt_opens(window: MainWindow, qtbot: QtBot, focus: QWidget) -> bool:
    """Whether Alt, pressed and released with the focus there, opens the main menu."""
    focus.setFocus()

    def press() -> None:
        qtbot.keyPress(focus, Qt.Key.Key_Alt)
        qtbot.keyRelease(focus, Qt.Key.Key_Alt, Qt.KeyboardModifier.AltModifier)
        opened = QSignalSpy(window.commands.main_menu.aboutToShow)
        qtbot.waitUntil(lambda: opened.count() == 1)

    return opened_by(window, qtbot, press) is window.commands.main_menu


def test_keys_alone_reach_every_control_and_press_it(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.activateWindow()
    assert opened_by(window, qtbot, lambda: qtbot.keyClick(window, Qt.Key.Key_F10)) is window.commands.main_menu
    alt = Qt.KeyboardModifier.AltModifier
    assert alt_opens(window, qtbot, window.classes.search)
    qtbot.keyPress(window, Qt.Key.Key_Alt)
    qtbot.keyClick(window, Qt.Key.Key_Up, alt)  # Alt with another key is that other command, or none.
    qtbot.keyRelease(window, Qt.Key.Key_Alt)
    qtbot.keyPress(window, Qt.Key.Key_Alt)
    qtbot.mouseClick(window.status_line, Qt.MouseButton.LeftButton, alt)
    qtbot.keyRelease(window, Qt.Key.Key_Alt)
    qtbot.wait(20)
    assert QApplication.activePopupWidget() is None
    control = Qt.KeyboardModifier.ControlModifier
    menu = opened_by(window, qtbot, lambda: qtbot.keyClick(window, Qt.Key.Key_2, control))
    assert menu is not None
    assert "Depth" in [action.text() for action in menu.actions()]
    window.middle.setFocus()
    wanted = [one for part in window.parts() for one in way_through(part)]
    reached: list[QWidget] = []
    for _ in wanted:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())
    assert reached[0] is window.top_bar.source
    assert {window.top_bar.menu, window.classes.search, window.model_panel.threshold} <= set(reached)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Backtab)
    assert QApplication.focusWidget() is reached[-2]
    first_of_panel = []
    for _ in window.parts():
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_F6)
        first_of_panel.append(QApplication.focusWidget())
    assert len(set(first_of_panel)) > 3
    window.top_bar.record.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(window.top_bar.record, Qt.Key.Key_Space)
    wait_for_recorded(window, qtbot, 1)  # And not the window's Space, which would have frozen the view.
    assert not window.presenter.frozen
    window.refresh()
    qtbot.keyClick(window.top_bar.record, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: says(window, "Recorded"))
    source = window.top_bar.source
    source.setFocus(Qt.FocusReason.TabFocusReason)
    assert opened_by(window, qtbot, lambda: qtbot.keyClick(source, Qt.Key.Key_Return)) is window.sources.menu
    qtbot.keyClick(source, Qt.Key.Key_Return, control)  # The newest message's button.
    qtbot.waitUntil(lambda: window.session.uri.endswith(".mcap"))
    qtbot.keyClick(source, Qt.Key.Key_Escape)
    assert window.middle.hasFocus()
    bar = window.grid.panes[1]._bar
    bar.setFocus(Qt.FocusReason.TabFocusReason)
    far_m = window.presenter.depth_ends_m[1]
    qtbot.keyClick(bar, Qt.Key.Key_Down)
    assert window.presenter.display.far_m == pytest.approx(round(far_m - 0.1, 1), abs=0.051)
    qtbot.keyClick(bar, Qt.Key.Key_Delete)
    assert window.presenter.display.far_m is None


def test_what_happens_by_itself_is_read_out_once(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, bool]] = []
    send = Announcer.send

    def hear(self: Announcer, text: str, *, urgent: bool) -> None:
        send(self, text, urgent=urgent)
        read.append((text, urgent))

    monkeypatch.setattr(Announcer, "send", hear)
    QAccessible.setActive(True)
    try:
        window.sources.open("steady:one")
        qtbot.waitUntil(lambda: ("Steady camera is on screen", False) in read)
        window.commands.run["toggle_recording"]()
        qtbot.waitUntil(lambda: ("Recording", False) in read)
        window.commands.run["toggle_recording"]()
        qtbot.waitUntil(lambda: any(text.startswith("Recorded") for text, _ in read))
        window.commands.run["toggle_play"]()
        qtbot.waitUntil(lambda: ("The view is frozen", False) in read)
        window.sources.open("steady:broken")
        qtbot.waitUntil(lambda: any("mend it" in text for text, _ in read))
    finally:
        QAccessible.setActive(False)
    for _ in range(3):
        window.refresh()
    texts = [text for text, _ in read]
    assert len([text for text in texts if "mend it" in text]) == 1


def test_the_class_list_works_without_a_mouse(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    window.sources.open("steady:one")
    wait_for_labels(window, qtbot)
    window.refresh()
    names = [row.name for row in window.presenter.rows]
    listed = window.classes.list
    listed.setFocus()
    qtbot.keyClick(listed, Qt.Key.Key_Home)
    qtbot.keyClick(listed, Qt.Key.Key_Down)
    second = window.classes.model.row_at(listed.currentIndex()).name
    assert second in names
    qtbot.keyClick(listed, Qt.Key.Key_Space)
    assert window.presenter.display.hidden == {second}
    assert not window.presenter.frozen  # Space was the list's, not the window's.
    spoken = listed.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.endswith("hidden")
    qtbot.keyClick(listed, Qt.Key.Key_Space)
    qtbot.keyClick(listed, Qt.Key.Key_Return)
    assert (window.presenter.display.hidden, window.presenter.display.solo) == (frozenset(), second)


def test_the_palette_finds_runs_and_names_the_keys_of_everything(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    palette = window.findChild(CommandPalette)
    offered = {palette.list.topLevelItem(row).text(0) for row in range(palette.list.topLevelItemCount())}
    assert {one.text for one in COMMANDS if one.name != "show_commands"} <= offered
    assert {"View 1: Depth", "Panel: Plots", "Look: Light", "Help: About rgbd-seg", "Model: No model"} <= offered
    assert "Classes: Colours for colour-blind eyes" in offered
    qtbot.keyClicks(palette.search, "xyzzy")
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)  # Nothing to run.
    assert palette.isVisible()
    palette.search.clear()
    qtbot.keyClicks(palette.search, "four vi")
    assert (palette.list.topLevelItem(0).text(0), palette.list.topLevelItem(0).text(1)) == ("Four views", "4")
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert window.grid.count == 4
    assert palette.isHidden()
    window.commands.run["show_commands"]()
    palette = next(one for one in window.findChildren(CommandPalette) if one.isVisible())
    qtbot.keyClicks(palette.search, "view 2: t")
    qtbot.keyClick(palette.search, Qt.Key.Key_Down)
    qtbot.keyClick(palette.search, Qt.Key.Key_Up)
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)
    assert window.grid.panes[1].kind == "truth"


def test_every_control_of_the_dialogs_has_a_name(window: MainWindow, tmp_path: Path) -> None:
    dialogs = (
        SourcePicker("synthetic:", (), ("synthetic:?seed=3",), tmp_path, window),
        RecordingDialog(tmp_path / "walk.mcap", 10, tmp_path / "one.safetensors", True, window),
    )
    for dialog in dialogs:
        dialog.show()
        found = list(controls(QAccessible.queryAccessibleInterface(dialog)))
        assert len(found) > 5
        assert [way for way, one in found if not one.text(QAccessible.Text.Name).strip()] == []
        dialog.close()
