"""Forms in dialogs: whole where there is room, scrolled where there is none, with buttons always in reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit

from rgbd_seg.app.widgets.form_area import FormArea

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_a_dialog_is_as_high_as_its_form_and_never_higher_than_the_screen(qtbot: QtBot) -> None:
    dialog = QDialog()
    qtbot.addWidget(dialog)
    area = FormArea(dialog, 300)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    area.column.addWidget(buttons)
    text = QLabel()
    text.setWordWrap(True)
    area.form.addRow(text)
    area.form.addRow("Name", QLineEdit())
    dialog.show()
    text.setText(20 * "What is said about it becomes longer. ")
    qtbot.waitUntil(lambda: text.height() > 100)
    qtbot.waitUntil(lambda: not area.verticalScrollBar().isVisible())
    for number in range(60):
        area.form.addRow(str(number), QLineEdit())
    qtbot.waitUntil(lambda: area.verticalScrollBar().isVisible())
    assert dialog.height() <= dialog.screen().availableGeometry().height()
    assert dialog.rect().contains(buttons.geometry())
