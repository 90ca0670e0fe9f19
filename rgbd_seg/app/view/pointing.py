"""What is pointed at and measured on the pictures: probe, pin, ruler, and the box of area and volume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

from rgbd_seg.app.view.image_view import Marks
from rgbd_seg.app.view.probe import distance_m, probe
from rgbd_seg.selection import Selection, measure_selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.app.classes.panel import ClassesPanel
    from rgbd_seg.app.view.drawing_choices import DrawingChoices
    from rgbd_seg.app.view.grid import ViewGrid
    from rgbd_seg.app.view.image_view import Pixel
    from rgbd_seg.app.widgets.status_line import StatusLine
    from rgbd_seg.frame import RgbdFrame, Segmentation


class Pointing(QObject):
    """Follows the pointer over all views; what it finds is on the line at the bottom and in the marks."""

    def __init__(
        self,
        grid: ViewGrid,
        classes: ClassesPanel,
        status: StatusLine,
        choices: DrawingChoices,
        moment: Callable[[], Segmentation | None],
    ) -> None:
        """Connects itself to the views.

        Args:
            grid: The views.
            classes: Lights up the class that is pointed at.
            status: Says what is under the pointer.
            choices: Names of classes, and where two models' pictures meet.
            moment: What is on screen.
        """
        super().__init__(choices)
        self._grid, self._classes, self._status = grid, classes, status
        self._choices, self._moment = choices, moment
        self._pointer: Pixel | None = None
        self.pin: Pixel | None = None
        self._pin_before: Pixel | None = None  # As it was before the last click.
        self._ruler: tuple[Pixel, Pixel | None] | None = None
        self._ruling = False
        self._box: tuple[Pixel, Pixel | None] | None = None
        self._boxing = False
        self.selection: Selection | None = None  # What was measured in the box, four times a second.
        self._measured: tuple[RgbdFrame, object] | None = None
        grid.hovered.connect(self._hover)
        grid.clicked.connect(self._click)
        grid.double_clicked.connect(self._forget_click)

    def show(self) -> None:
        """Brings what is pointed at and marked up to date with another moment."""
        if self._pointer or self.pin:
            self._show_probe()
        if self._ruler:
            self._show_marks()

    def forget(self) -> None:
        """Another source: no mark stays."""
        self.pin, self._ruler, self._box = None, None, None
        self.selection = self._measured = None

    def start_ruler(self) -> None:
        """The next two clicks measure a distance."""
        self._ruler, self._ruling, self._boxing = None, True, False
        self._show_marks()
        self._status.show_probe("Ruler: click the first point")

    def start_selection(self) -> None:
        """The next two clicks are corners of what is measured by area and volume."""
        self._box, self._boxing, self._ruling = None, True, False
        self.measure()
        self._show_marks()
        self._status.show_probe("Area and volume: click one corner")

    def clear_marks(self) -> None:
        self.pin, self._ruler, self._ruling = None, None, False
        self._box, self._boxing = None, False
        self.measure()
        self._show_marks()

    def measure(self) -> None:
        """Measures the selection in the frame that is on screen, if that is another one."""
        moment = self._moment()
        frame = moment.frame if moment is not None else None
        box = self._box
        if frame is None or box is None or box[1] is None:
            self.selection = self._measured = None
        elif self._measured is None or self._measured[0] is not frame or self._measured[1] != box:
            self._measured = (frame, box)
            self.selection = measure_selection(frame, box[0], box[1])
            self._show_marks()

    @property
    def ruler(self) -> tuple[Pixel, Pixel] | None:
        """Both ends of the ruler; None while there are none."""
        return (self._ruler[0], self._ruler[1]) if self._ruler is not None and self._ruler[1] is not None else None

    @property
    def ruler_m(self) -> float | None:
        """The distance that the ruler shows."""
        moment = self._moment()
        if moment is None or self.ruler is None:
            return None
        return distance_m(moment, *self.ruler)

    def _hover(self, pixel: Pixel | None) -> None:
        self._pointer = pixel
        if self._boxing and self._box is not None:
            self._show_marks()
        wiping = any(pane.kind == "wipe" and pane.underMouse() for pane in self._grid.visible_panes)
        moment = self._moment()
        if wiping and pixel is not None and moment is not None:
            self._choices.change(wipe=pixel[0] / moment.frame.width)
        self._show_probe()

    def _click(self, pixel: Pixel | None, modifiers: Qt.KeyboardModifier) -> None:
        self._pin_before = self.pin
        if pixel is None:
            return
        if self._boxing:
            if self._box is None:
                self._box = (pixel, None)
                self._status.show_probe("Area and volume: click the opposite corner")
            else:
                self._box, self._boxing = (self._box[0], pixel), False
                self.measure()
                self._status.show_probe(f"Area and volume: {self.selection or 'no depth there'}")
        elif self._ruling or modifiers & Qt.KeyboardModifier.ShiftModifier:
            if self._ruler is None or self._ruler[1] is not None:
                self._ruler, self._ruling = (pixel, None), True
                self._status.show_probe("Ruler: click the second point")
            else:
                self._ruler, self._ruling = (self._ruler[0], pixel), False
                metres = self.ruler_m
                self._status.show_probe("Ruler: no depth there" if metres is None else f"Ruler: {metres:.3f} m")
        else:
            self.pin = None if self.pin == pixel else pixel
        self._show_marks()

    def _forget_click(self) -> None:
        """The click before was the first half of a double click, which pins nothing."""
        self.pin = self._pin_before
        self._show_marks()

    def _show_marks(self) -> None:
        text = ""
        if self._ruler is not None and self._ruler[1] is not None:
            metres = self.ruler_m
            text = "no depth there" if metres is None else f"{metres:.3f} m"
        box, words = self._box, ""
        if box is not None and box[1] is None:
            box = (box[0], self._pointer)
        elif box is not None:
            words = str(self.selection) if self.selection is not None else "no depth there"
        self._grid.show_marks(Marks(None, self.pin, self._ruler, text, box, words))

    def _show_probe(self) -> None:
        pixel, moment = self._pointer or self.pin, self._moment()
        facts = probe(moment, *pixel) if pixel is not None and moment is not None else None
        shown = self._choices.display.shown_name
        words: object = ""
        if facts:
            names = (facts.name, facts.truth, facts.recorded)
            name, truth, recorded = map(shown, names)
            words = replace(facts, name=name, truth=truth, recorded=recorded)
        self._status.show_probe(str(words))
        self._classes.light(facts.name or None if facts and self._pointer is not None else None)
