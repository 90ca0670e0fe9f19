"""The classes of label mode: chosen by key, found or added by name, renamed, recoloured, merged."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog

from rgbd_seg.app.labelling.desk import Desk
from rgbd_seg.app.labelling.tasks import SAVE
from rgbd_seg.errors import RgbdSegError


class LabelClasses(QObject):
    """Changes the set of a desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.page)
        self._desk = desk
        page = desk.page
        page.class_wanted.connect(self.choose)
        page.class_typed.connect(self.type)
        page.rename_wanted.connect(lambda label, name: self._change(label, name=name))
        page.color_wanted.connect(self._ask_color)
        page.merge_wanted.connect(self.merge)

    def choose(self, label: int) -> None:
        """Paints another class from now on."""
        session = self._desk.session
        if 1 <= label <= len(session.label_set):
            session.active = label
            self._desk.show_classes()

    def type(self, text: str) -> None:
        """Goes to the class of that name, or to the only one that begins with these one or two letters, or adds one."""
        session = self._desk.session
        names = [name.lower() for name in session.label_set.names]
        begins = [i for i, name in enumerate(names, 1) if name.startswith(text.lower())]
        try:
            if text.lower() in names:
                label = names.index(text.lower()) + 1
            elif len(begins) == 1 and len(text) < 3:
                label = begins[0]
            else:
                label = session.add_class(text)
        except RgbdSegError as error:
            self._desk.say("labelling", str(error))
            return
        self._desk.save_classes()
        self.choose(label)

    def merge(self, label: int, into: int) -> None:
        """Makes one class of two in all frames."""
        desk, session, data = self._desk, self._desk.session, self._desk.data
        before = session.label_set
        label_set, moved = session.merged(label, into)

        def work() -> None:
            if data.label_set != before:
                data.set_classes(before)
            data.set_classes(label_set, moved)

        def merged(_: None) -> None:
            session.adopt_classes(label_set, moved)
            desk.show_labels()
            desk.show_classes()
            text = f"“{before.name_of(label)}” is “{before.name_of(into)}” now. The labels as they were are in backup/."
            desk.say("labelling", text, "info")

        desk.tasks.do("merge the classes", work, merged, SAVE)

    def _change(self, label: int, **changes: Any) -> None:
        desk = self._desk
        try:
            desk.session.change_class(label, **changes)
        except RgbdSegError as error:
            desk.say("labelling", str(error))
            return
        desk.save_classes()
        desk.show_labels()
        desk.show_classes()

    def _ask_color(self, label: int) -> None:
        one = self._desk.session.label_set.classes[label - 1]
        found = QColorDialog.getColor(QColor(*one.color), self._desk.page, f"Colour of {one.name}")
        if found.isValid():
            self._change(label, color=(found.red(), found.green(), found.blue()))
