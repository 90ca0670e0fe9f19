"""Label sets in the window: renaming a class, saving names and colours as a file, and taking them from one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QInputDialog

from rgbd_seg.app.context import Context
from rgbd_seg.app.widgets.file_dialog import LABEL_SETS, choose
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.labels import LabelSet


class LabelSetController(QObject):
    """Works on the label set of what is on screen."""

    def __init__(self, context: Context) -> None:
        super().__init__(context.widget)
        self._context = context

    def rename(self, name: str) -> None:
        """Asks for another name; it goes into the label set that can be saved."""
        presenter = self._context.presenter
        if presenter.label_set is None:
            return
        dialog = QInputDialog(self._context.widget)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Rename class")
        dialog.setLabelText(f"Name of {name}:")
        dialog.setTextValue(presenter.display.names.get(name, name))
        dialog.textValueSelected.connect(lambda text: presenter.rename(name, text.strip()))
        dialog.setModal(False)
        dialog.show()

    def ask_save(self) -> None:
        """Asks where to write the label set with chosen names and colours."""
        label_set = self._context.presenter.chosen_label_set()
        if label_set is None:
            self._context.say("snapshot", "There is no label set yet: load a model first.")
            return

        def save(path: str) -> None:
            try:
                Path(path).write_text(label_set.to_json(), encoding="utf-8")
                self._context.say("snapshot", f"Label set saved as {path}", "info")
            except OSError as error:
                self._context.say("snapshot", f"{path} could not be written: {error.strerror or error}.", "error")

        proposed = self._context.settings.recordings / f"{label_set.name}.json"
        choose(self._context.widget, "Save label set", save, files=LABEL_SETS, save_as=proposed)

    def ask_load(self) -> None:
        """Asks which file to take names and colours from."""
        choose(self._context.widget, "Load label set", self.load, files=LABEL_SETS)

    def load(self, path: str) -> None:
        """Takes names and colours from a label-set file."""
        presenter = self._context.presenter
        before = presenter.display
        try:
            presenter.adopt_label_set(LabelSet.load(Path(path)))
        except RgbdSegError as error:
            self._context.say("snapshot", str(error), "error")
            return
        # It also takes away what was said of a wrong file just before.
        changed = presenter.display != before
        text = f"Names and colours are those of {path}" if changed else f"{path} has the names and colours of now"
        self._context.say("snapshot", text, "info")
