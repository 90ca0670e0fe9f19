"""Labels of other tools into the data set that is open, with the thread of label mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from rgbd_seg.app.labelling.desk import Desk
from rgbd_seg.app.labelling.import_dialog import ImportDialog
from rgbd_seg.app.labelling.tasks import BACKGROUND
from rgbd_seg.labelling.annotations import read_annotations
from rgbd_seg.labelling.annotations.annotations import Annotations, mapped_classes
from rgbd_seg.labelling.annotations.importing import Imported, importing, made_by_of

READING, IMPORTING = "read the labels", "import the labels"


class Importer:
    """Asks, reads and saves, a picture at a time, so that strokes are saved in between."""

    def __init__(self, desk: Desk, open_row: Callable[[int], None]) -> None:
        self._desk, self._open_row = desk, open_row
        self._found: Annotations | None = None
        self._made_by = ""
        self._result = Imported()
        self.dialog: ImportDialog | None = None

    def ask(self) -> None:
        session = self._desk.session
        dialog = self.dialog = ImportDialog(None if session.untouched else session.label_set, self._desk.page)
        dialog.path_wanted.connect(self._read)
        dialog.import_wanted.connect(self._import)
        dialog.finished.connect(self._forget)
        dialog.show()

    def _forget(self) -> None:
        self.dialog = None

    def failed(self, why: str) -> None:
        """Shows why labels could not be read or taken."""
        if self.dialog is not None:
            self.dialog.show_problem(f"{why[:1].upper()}{why[1:]}.")
        else:
            self._desk.say("labelling", why, "error")

    def _read(self, path: Path, form: str | None) -> None:
        def arrived(read: tuple[Annotations, str]) -> None:
            found, self._made_by = read
            self._found = found
            if self.dialog is not None:
                self.dialog.show_classes(found.classes)

        self._desk.tasks.do(READING, lambda: (read_annotations(path, form), made_by_of(path)), arrived)

    def _import(self, mapping: dict[str, str], replace: bool) -> None:
        desk, found = self._desk, self._found
        if found is None:
            return
        session, data = desk.session, desk.data
        known = None if session.untouched else session.label_set

        def begin() -> Iterator[Imported]:
            # What became of "background" and the like was asked for by name.
            label_set, table = mapped_classes(found, mapping, "class", known)
            data.adopt(label_set)
            return importing(found, table, data, desk.frames, self._made_by, replace=replace)

        def on(steps: Iterator[Imported]) -> None:
            desk.tasks.do(IMPORTING, lambda: next(steps, None), lambda so_far: arrived(steps, so_far), BACKGROUND)

        def arrived(steps: Iterator[Imported], so_far: Imported | None) -> None:
            if so_far is not None:
                self._result = so_far
                desk.say("labelling", f"Labels arrive: {len(so_far.taken)} frames so far.", "info")
                on(steps)
            else:
                self._ended(found)

        self._result = Imported()
        desk.tasks.do(IMPORTING, begin, on)

    def _ended(self, found: Annotations) -> None:
        desk, result = self._desk, self._result
        desk.read_states()
        for name in result.taken:
            desk.damaged.pop(name, None)  # Their files were written anew.
        desk.session.adopt_classes(desk.data.label_set)
        desk.show_states()
        desk.show_classes()
        remarks = [*dict.fromkeys(found.messages), *result.remarks("tick the box to take the new ones")]
        said = [f"{remark[:1].upper()}{remark[1:]}" for remark in remarks]
        text = ". ".join([f"{len(result.taken)} frames have the labels now", *said])
        desk.say("labelling", f"{text}.", "warning" if remarks else "info")
        if self.dialog is not None:
            self.dialog.close()
        if desk.session.name in result.taken:
            self._open_row(desk.row)
