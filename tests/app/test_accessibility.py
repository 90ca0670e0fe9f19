"""What a screen reader and a keyboard find in the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible

from rgbd_seg.app.actions import COMMANDS
from rgbd_seg.app.widgets.palette import CommandPalette
from tests.app.watching import wait_for_labels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PySide6.QtCore import QObject
    from PySide6.QtGui import QAccessibleInterface
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


def test_every_control_has_a_name(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.models.load(str(tmp_path / "one.safetensors"))
    window.sources.open("steady:one")
    wait_for_labels(window, qtbot)
    window.refresh()
    for dock in window.docks.values():
        dock.show()
    window.commands.run["four_views"]()
    found = list(controls(QAccessible.queryAccessibleInterface(window)))
    assert len(found) > 40
    nameless = [way for way, one in found if not one.text(QAccessible.Text.Name).strip()]
    assert nameless == []


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
    assert {"View 1: Depth", "Panel: Plots", "Look: Light", "About rgbd-seg"} <= offered
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
