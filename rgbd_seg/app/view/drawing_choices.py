"""How frames are drawn, as the panels choose it: one `Display` that changes field by field."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from rgbd_seg.app.undo import differing

if TYPE_CHECKING:
    from rgbd_seg.app.view.display import Display
    from rgbd_seg.labels import LabelSet


class DrawingChoices(QObject):
    """Keeps the choices; whoever draws inherits it, and says what `label_set` is on screen."""

    display_changed = Signal()

    def __init__(self, display: Display, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.display = display

    @property
    def label_set(self) -> LabelSet | None:
        """What the labels on screen mean; None where there are none."""
        raise NotImplementedError

    def _display_again(self) -> None:
        """Draws by the choices as they are now."""
        raise NotImplementedError

    def change(self, **changes: Any) -> None:
        """Adopts other choices about drawing, by the names of `Display`'s fields."""
        wanted = replace(self.display, **changes)
        if wanted == self.display:
            return
        self.display = wanted
        self._display_again()
        self.display_changed.emit()

    def adopt(self, display: Display) -> None:
        """Draws in another way altogether, except what follows the pointer."""
        self.change(**differing(self.display, display)[1])

    def toggle_hidden(self, name: str) -> None:
        """Hides a class, or shows it again."""
        self.change(hidden=self.display.hidden ^ {name}, solo=None)

    def show_all(self) -> None:
        self.change(hidden=frozenset(), solo=None)

    def color(self, name: str, rgb: tuple[int, int, int] | None) -> None:
        """Draws a class in another colour; None for its own."""
        colors = {**self.display.colors, name: rgb} if rgb else dict(self.display.colors)
        if rgb is None:
            colors.pop(name, None)
        self.change(colors=colors)

    def rename(self, name: str, wanted: str) -> None:
        """Calls a class otherwise on screen and in the label set that is saved; its own name or "" undoes it."""
        names = {**self.display.names, name: wanted}
        if wanted in ("", name):
            names.pop(name)
        self.change(names=names)

    def chosen_label_set(self) -> LabelSet | None:
        """The label set on screen with the names and colours that were chosen."""
        label_set = self.label_set
        if label_set is None:
            return None
        colors = self.display.named_colors(label_set)
        for label, name in enumerate(label_set.names, start=1):
            label_set = label_set.with_class(label, name=self.display.names.get(name), color=colors[name])
        return label_set

    def adopt_label_set(self, label_set: LabelSet) -> None:
        """Takes colours, and names where the number of classes is the same, from a label set."""
        mine = self.label_set
        if mine is not None and len(mine) == len(label_set):
            pairs = list(zip(mine.names, label_set.classes, strict=True))
            names = {old: one.name for old, one in pairs if old != one.name}
            self.change(colors={old: one.color for old, one in pairs}, names=names)
        else:
            self.change(colors={one.name: one.color for one in label_set.classes})
