"""From the newest result to everything on screen that shows it: views, class list, score; `pointing` follows."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from rgbd_seg.app.classes.class_rows import ClassRow, SteadyRows, count_classes
from rgbd_seg.app.source.geometry import UNREGISTERED, unit_words
from rgbd_seg.app.view.depth_range import DepthRange
from rgbd_seg.app.view.drawing_choices import DrawingChoices
from rgbd_seg.app.view.kinds import TRUTH_WORDS
from rgbd_seg.app.view.pictures import Pictures, error_colors
from rgbd_seg.app.view.pointing import Pointing
from rgbd_seg.app.view.waiting_picture import WaitingPicture
from rgbd_seg.frame import Segmentation
from rgbd_seg.scores import Scores

if TYPE_CHECKING:
    from rgbd_seg.app.classes.panel import ClassesPanel
    from rgbd_seg.app.view.cloud.view import CloudView
    from rgbd_seg.app.view.display import Display
    from rgbd_seg.app.view.grid import ViewGrid
    from rgbd_seg.app.widgets.status_line import StatusLine
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.labels import LabelSet

# Views that lay what depth says over colour: its points, or labels that were made of both.
_DEPTH_OVER_COLOR = ("overlay", "cloud", "labels", "second", "wipe", "difference")
_OF_THE_PICTURE = (
    "overlay",
    "color",
    "depth",
    "infrared",
    "truth",
    "recorded",
)  # Views that a frame alone can move on.
_OLD_LABELS_MS = 400.0  # From this age on the view itself says so, not the status line alone.
_SINCE = "since the source or the model was opened"


class Presenter(DrawingChoices):
    """Keeps the moment that is shown and how it is shown; draws it again whenever either changes."""

    shown = Signal()  # Another frame is on screen; `segmentation` has it.

    def __init__(
        self,
        grid: ViewGrid,
        cloud: CloudView,
        classes: ClassesPanel,
        status: StatusLine,
        display: Display,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(display, parent)
        self.segmentation: Segmentation | None = None
        self.picture: RgbdFrame | None = None  # A later frame that is on screen already, under these labels.
        self.frozen = False
        self._sought = WaitingPicture(self)
        self._sought.overdue.connect(self._show_unlabelled)
        self._late = False  # The labels of the frame on screen, which a replay was sent to.
        self._undrawn = False
        self._ages_ms: deque[float] = deque(maxlen=30)
        self._second: Segmentation | None = None
        self.scores = Scores()
        self.agreement = Scores()  # With what was recorded.
        self._labels_expected = False
        self._second_expected = False
        self.rows: tuple[ClassRow, ...] = ()  # The classes in view, as of the last tick.
        self.steady_rows: tuple[ClassRow, ...] = ()  # The same, averaged so that they can be read.
        self._grid, self._cloud, self._classes, self._status = grid, cloud, classes, status
        self._pictures: Pictures | None = None
        self._depth_range = DepthRange()
        self._steady = SteadyRows()
        self._model = ""
        self.pointing = Pointing(grid, classes, status, self, lambda: self.segmentation)
        grid.panes_changed.connect(self.redraw)
        classes.show_display(display)

    # Frames

    def show(self, segmentation: Segmentation, second: Segmentation | None = None) -> None:
        """Shows another moment, with what a second model saw in it.

        Figures are those of this moment. While a later picture is on screen its labels are drawn with the next one.
        """
        if self.segmentation is not None and _is_later(self.segmentation.frame, segmentation.frame):
            return  # Of before a replay was sent elsewhere.
        self._second = second
        if self.picture is not None and not _is_later(self.picture, segmentation.frame):
            self.picture = None
        # A frame whose labels are still coming says nothing about the model.
        if segmentation.model != self._model and not (segmentation.labels is None and self._labels_expected):
            self._model = segmentation.model
            self.scores.reset()
            self.agreement.reset()
        elif self.segmentation is not None and segmentation.frame is self.segmentation.frame and not self._lacks_labels:
            if segmentation.frame.prediction is not None:
                self.agreement.take_back()
            self.scores.take_back()  # A picture that stands, looked at again with other settings, counts once.
        self._late = self._late and segmentation.labels is None
        self.segmentation = segmentation
        self.scores.add(segmentation)
        recorded = segmentation.frame.prediction
        if recorded is not None:
            self.agreement.add_labels(recorded.labels, recorded.label_set, segmentation)
        if self.picture is not None:
            self._undrawn = True
            return
        self._ages_ms.clear()
        self._depth_range.follow(segmentation.frame)
        self._grid.show_aspect(segmentation.frame.width / segmentation.frame.height)
        self.redraw()
        self.shown.emit()

    def show_picture(self, frame: RgbdFrame, leapt_ns: int = 0) -> None:
        """Shows the newest frame at once, under the newest labels there are.

        Args:
            frame: It.
            leapt_ns: When its replay was last sent elsewhere: labels of before are of another place.
        """
        one = self.segmentation
        if one is None or (one.frame.height, one.frame.width) != (frame.height, frame.width):
            self.show(Segmentation(frame))
            return
        if not _is_later(frame, one.frame):
            return
        if one.frame.host_ns < leapt_ns <= frame.host_ns:
            self._sought.offer(frame)
            return
        self.picture = frame
        self._ages_ms.append((frame.host_ns - one.frame.host_ns) / 1e6)
        self._depth_range.follow(frame)
        if self._undrawn:
            self.redraw()
        else:
            self._draw_picture()
        self.shown.emit()

    def _show_unlabelled(self, frame: RgbdFrame) -> None:
        if self.segmentation is not None and _is_later(frame, self.segmentation.frame):
            self.picture, self._late = None, True
            self.show(Segmentation(frame))

    @property
    def frame(self) -> RgbdFrame | None:
        """The frame on screen, whether its labels are there or not."""
        return self.picture or (self.segmentation.frame if self.segmentation is not None else None)

    @property
    def labels_age_ms(self) -> float | None:
        """How much older the labels are than the pictures they are drawn over; None where they are of one moment."""
        if self.picture is None or self.segmentation is None or self.segmentation.labels is None:
            return None
        return sum(self._ages_ms) / len(self._ages_ms) if self._ages_ms else None

    def freeze(self) -> RgbdFrame | None:
        """Lets the frame on screen stand, with its own labels alone; returns it if those are still to be found."""
        wanting, self.picture = self.picture, None
        if wanting is not None:
            self.segmentation, self._second = Segmentation(wanting), None
        self.frozen = True
        self.redraw()
        return wanting

    def thaw(self) -> None:
        """Goes on with whatever comes."""
        self.frozen = False
        self.redraw()

    def show_second(self, second: Segmentation | None) -> None:
        """Shows the present moment with another result of a second model, or without one."""
        self._second = second
        self.redraw()

    def expect_labels(self, expected: bool) -> None:
        """Lets views without labels say whether a model, or its first result, is on its way."""
        if expected != self._labels_expected:
            self._labels_expected = expected
            self.redraw()

    def expect_second(self, expected: bool) -> None:
        """Lets views of a second model say whether one is on its way; they are drawn with the next moment."""
        self._second_expected = expected

    def clear(self) -> None:
        """Another source: nothing of the old one stays."""
        self.segmentation, self._second, self._pictures, self.picture = None, None, None, None
        self.frozen, self._undrawn, self._late = False, False, False
        self._sought.forget()
        self._ages_ms.clear()
        self.pointing.forget()
        self._depth_range.reset()
        self.scores.reset()
        self.agreement.reset()
        for pane in self._grid.panes:
            pane.show_picture(None)
        self._cloud.forget()
        self.rows = self.steady_rows = ()
        self._classes.show_rows((), None)
        self._status.show_probe("")

    def redraw(self) -> None:
        if self.segmentation is None:
            return
        self._undrawn = False
        ends_m = self.depth_ends_m
        self._pictures = Pictures(self.segmentation, self.display, ends_m, self._second)
        laid = self._laid()
        visible = self._grid.visible_panes
        # There is one 3D view: where several panes ask for it, the first one has it.
        with_cloud = next((pane for pane in visible if pane.kind == "cloud"), None)
        for pane in visible:
            pane.show_display(self.display, ends_m)
            if pane is with_cloud:
                pane.set_content(self._cloud)
                pane.show_picture(None, self._note(pane.kind))
            else:
                pane.set_content(None)
                pictures = laid if pane.kind in _OF_THE_PICTURE else self._pictures
                image = None if pane.kind == "cloud" else pictures.image(pane.kind)
                pane.show_picture(image, self._note(pane.kind), self._why_none(pane.kind))
        if with_cloud is not None:
            self._cloud.show_moment(self.segmentation, self.display, ends_m, self.picture)
        self.pointing.show()

    def _laid(self) -> Pictures:
        """The pictures of the frame on screen, under the labels there are."""
        assert self.segmentation is not None
        assert self._pictures is not None
        if self.picture is None:
            return self._pictures
        return Pictures(self.segmentation, self.display, self.depth_ends_m, self._second, self.picture)

    def _draw_picture(self) -> None:
        """Draws what a later frame alone changes."""
        if self.segmentation is None or self._pictures is None:
            return
        laid = self._laid()
        for pane in self._grid.visible_panes:
            if pane.kind in _OF_THE_PICTURE:
                pane.show_display(self.display, self.depth_ends_m)
                pane.show_picture(laid.image(pane.kind), self._note(pane.kind), self._why_none(pane.kind))
            elif pane.kind == "cloud" and pane.content is self._cloud:
                self._cloud.show_moment(self.segmentation, self.display, self.depth_ends_m, self.picture)

    def _note(self, kind: str) -> str:
        """A few words beside a view's name: what it shows, and what about it is not as it seems."""
        words = ["frozen", self._state_of(kind)] if self.frozen else [self._state_of(kind)]
        calibration = self.segmentation.frame.calibration if self.segmentation is not None else None
        if calibration is not None and not calibration.registered and kind in _DEPTH_OVER_COLOR:
            words.append(UNREGISTERED)
        if calibration is not None and calibration.unit_origin == "assumed" and kind in ("depth", "cloud"):
            words.append(f"{unit_words(calibration.depth_unit_m)} a count is assumed")
        return ", ".join(filter(None, words))

    def _state_of(self, kind: str) -> str:
        if self._labels_expected and self._lacks_labels and (self.frozen or self._late):
            return "labels are coming"
        age_ms = self.labels_age_ms
        if age_ms is not None and age_ms >= _OLD_LABELS_MS and kind == "overlay":
            return f"labels {age_ms / 1000:.1f} s old"
        if self.segmentation is not None and self.segmentation.labels is None and kind == "overlay":
            return "model is loading" if self._labels_expected else "no model"
        if kind == "error" and self.scores.mean_iou is not None:
            apart = ", ".join(name.replace("_", " ") for name in self.scores.unknown[:4])
            wrong, right = error_colors(self.display.palette)
            legend = f"wrong {wrong[0]}, right {right[0]}, dark: no truth"
            return f"mIoU {self.scores.mean_iou:.3f}; {legend}{f'; not compared: {apart}' if apart else ''}"
        frame = self.segmentation.frame if self.segmentation is not None else None
        if frame is not None and frame.infrared is not None and kind == "infrared":
            return "as the depth camera sees it"
        if frame is not None and frame.prediction is not None and kind == "recorded":
            return f"by {frame.prediction.model or 'a model'}, not truth"
        if frame is not None and frame.truth is not None and kind == "truth":
            return TRUTH_WORDS[frame.truth.origin]
        return ""

    def _why_none(self, kind: str) -> str:
        """Why a view of a model's results is empty, where that is not for want of truth or of a second model."""
        if self._second_expected and kind in ("second", "wipe", "difference"):
            return "The second model is loading"
        if self.segmentation is not None and kind == "error":
            return _why_nothing_is_compared(self.segmentation)
        if self.segmentation is not None and self.segmentation.labels is None and kind in ("labels", "confidence"):
            if self._late:
                return "Labels are coming"
            return "The model is loading" if self._labels_expected else "No model is loaded"
        return ""

    @property
    def _lacks_labels(self) -> bool:
        return self.segmentation is None or self.segmentation.labels is None

    @property
    def pictures(self) -> Pictures | None:
        """The pictures of the newest moment with labels of its own, for snapshots."""
        return self._pictures

    @property
    def depth_ends_m(self) -> tuple[float, float]:
        """Near and far end of the depth colours in metres."""
        return self._depth_range.ends(self.display.near_m, self.display.far_m)

    @property
    def label_set(self) -> LabelSet | None:
        """What the labels on screen mean."""
        known = self.segmentation.known_labels if self.segmentation is not None else None
        return known.label_set if known else None

    def tick(self) -> None:
        """Refreshes figures that would be unreadable at the frame rate. Call it four times a second."""
        if self.segmentation is None:
            return
        if self._undrawn:  # The camera has stopped meanwhile.
            self.redraw()
        self.pointing.measure()
        self.rows = count_classes(self.segmentation)
        self.steady_rows = self._steady.update(self.rows, self.label_set, self._classes.pointed_at)
        self._classes.show_rows(self.steady_rows, self.label_set)
        self._status.show_score(*self._score())

    def _score(self) -> tuple[str, str]:
        """How the model does against the truth, or else against what was recorded, and what that figure is."""
        one = self.segmentation
        miou, accuracy = self.scores.mean_iou, self.scores.pixel_accuracy
        if one is not None and miou is not None and accuracy is not None:
            who = TRUTH_WORDS[one.frame.truth.origin if one.frame.truth else "source"]
            meaning = f"Scored against {who}, {_SINCE}"
            if self.scores.unknown:
                meaning += f". Left out: {self.scores.apart}"
            return f"mIoU {miou:.3f}   pixels right {accuracy:.1%}", meaning
        same = self.agreement.same_share
        if same is not None and one is not None and one.frame.prediction is not None:
            words = f"agrees with the recorded labels on {same:.1%}"
            by = one.frame.prediction.model or "a model"
            return words, f"The recorded labels are predictions of {by}, not truth. Part of their pixels, {_SINCE}"
        return "", ""

    def _display_again(self) -> None:
        self._classes.show_display(self.display)
        self.redraw()

    def solo_rank(self, rank: int) -> None:
        """Shows the class in the given row of the list alone; the same again shows all."""
        row = self._classes.model.row_at(self._classes.model.index(rank))
        if row is not None:
            self.change(solo=None if self.display.solo == row.name else row.name)


def _is_later(frame: RgbdFrame, other: RgbdFrame) -> bool:
    return frame is not other and frame.host_ns > other.host_ns


def _why_nothing_is_compared(one: Segmentation) -> str:
    """Why the view of errors is empty although there are truth and labels; "" where either is missing."""
    truth = one.frame.truth
    if truth is None or one.labels is None or one.label_set is None:
        return ""
    if not truth.labels.any():
        return "The truth of this frame is void everywhere"
    mine, theirs = (", ".join(names[:4]) for names in (one.label_set.names, truth.label_set.names))
    return f"Nothing can be compared: the model's classes ({mine}, …) are not those of the truth ({theirs}, …)"
