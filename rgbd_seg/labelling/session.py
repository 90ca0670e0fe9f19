"""One person at one data set: the frame that is open, what was painted on it, and what can be taken back. No Qt."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labelling.strokes import painted, stroke_between
from rgbd_seg.labels import LabelClass, LabelSet, distinct_colors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.labelling.strokes import Stroke
    from rgbd_seg.recording.layouts.frame_states import FrameState

#: A new set begins with this class, which the first name that is typed replaces.
PLACEHOLDER = "object"
_SURE = 153  # Confidence (255 = certain) from which a model's answer is taken as a draft.
_MOST_STROKES = 400


@dataclass(slots=True)
class _History:
    done: list[Stroke] = field(default_factory=list)
    undone: list[Stroke] = field(default_factory=list)
    labels: int = 0  # Checksum of the labels that the strokes fit.


class LabellingSession:
    """What is open and painted.

    Attributes:
        names: The frames that are offered, in order.
        label_set: What the ids mean.
        active: The class (1..n) that tools paint.
        name: The open frame, "" for none.
        frame: Its pictures.
        labels: (H, W) uint8 as painted; replaced as a whole by every stroke.
        state: What the open frame is, None while nobody has looked at it.
    """

    def __init__(self, names: Sequence[str], label_set: LabelSet) -> None:
        self.names = list(names)
        self.label_set = label_set
        self.active = 1
        self.name = ""
        self.frame: RgbdFrame | None = None
        self.labels: NDArray[np.uint8] = np.zeros((1, 1), np.uint8)
        self.state: FrameState | None = None
        self._histories: dict[str, _History] = {}

    def open(self, name: str, frame: RgbdFrame, labels: NDArray[np.uint8] | None, state: FrameState | None) -> None:
        """Goes to a frame with what was saved of it."""
        found = np.zeros(frame.depth.shape, np.uint8) if labels is None else labels
        history = self._histories.get(name)
        if history is not None and history.labels != _checksum(found):  # Another window has changed them.
            del self._histories[name]
        self.name, self.frame, self.labels, self.state = name, frame, found, state

    # Strokes

    def paint(self, mask: NDArray[np.bool_], label: int, *, over_labels: bool = True) -> bool:
        """Paints a class (0 erases) over a mask; whether anything changed."""
        return self.replace(painted(self.labels, mask, label, over_labels=over_labels))

    def replace(self, labels: NDArray[np.uint8], state: FrameState = "done") -> bool:
        """Takes another label map as one stroke; whether anything changed."""
        stroke = stroke_between(self.labels, labels)
        if stroke is None:
            return False
        history = self._histories.setdefault(self.name, _History())
        history.done.append(stroke)
        del history.done[:-_MOST_STROKES]
        history.undone.clear()
        history.labels = _checksum(labels)
        self.labels, self.state = labels, state
        return True

    def undo(self) -> bool:
        """Takes the last stroke on this frame back; whether there was one."""
        return self._go(undo=True)

    def redo(self) -> bool:
        """Makes the stroke again that was taken back last; whether there was one."""
        return self._go(undo=False)

    def _go(self, *, undo: bool) -> bool:
        history = self._histories.get(self.name, _History())
        source, target = (history.done, history.undone) if undo else (history.undone, history.done)
        if not source:
            return False
        stroke = source.pop()
        target.append(stroke)
        labels = self.labels.copy()
        if undo:
            stroke.undo(labels)
        else:
            stroke.redo(labels)
        history.labels = _checksum(labels)
        self.labels, self.state = labels, "done"
        return True

    # A model's draft

    def draft(self, segmentation: Segmentation) -> bool:
        """Takes what a model is sure of where nothing is painted yet; its classes come along by name.

        Returns:
            Whether anything changed.
        """
        if segmentation.labels is None or segmentation.label_set is None:
            return False
        labels = segmentation.labels
        if segmentation.confidence is not None:
            labels = np.where(segmentation.confidence >= _SURE, labels, 0).astype(np.uint8)
        wanted = np.where(self.labels == 0, labels, 0)
        table = np.zeros(256, np.uint8)
        for label in np.unique(wanted[wanted > 0]):
            one = segmentation.label_set.classes[int(label) - 1]
            table[label] = self.add_class(one.name, one.color)
        drafted = np.where(wanted > 0, table[wanted], self.labels).astype(np.uint8)
        return self.replace(drafted, "draft" if not self.labels.any() else "done")

    # Classes

    @property
    def untouched(self) -> bool:
        """Whether the set is still the one that everybody begins with."""
        return self.label_set.names == (PLACEHOLDER,) and not self.labels.any() and not self._histories

    def add_class(self, name: str, color: tuple[int, int, int] | None = None) -> int:
        """The id of a class by its name; it is added if there is none, and takes the placeholder's place if it can.

        Raises:
            ConfigurationError: The name is empty or too long, or there is no room for another class.
        """
        name = name.strip()
        if name in self.label_set.names:
            return self.label_set.id_of(name)
        if self.untouched:
            self.label_set = self.label_set.with_class(1, name=name, color=color)
            return 1
        shade = color or distinct_colors(len(self.label_set) + 1)[-1]
        self.label_set = LabelSet(self.label_set.name, (*self.label_set.classes, LabelClass(name, shade)))
        return len(self.label_set)

    def change_class(self, label: int, *, name: str | None = None, color: tuple[int, int, int] | None = None) -> None:
        """Renames or recolours a class.

        Raises:
            ConfigurationError: Another class has that name.
        """
        self.label_set = self.label_set.with_class(label, name=name, color=color)

    def merged(self, label: int, into: int) -> tuple[LabelSet, dict[int, int]]:
        """The set without a class whose pixels become another, and the new ids by old id.

        Raises:
            ConfigurationError: They are one and the same.
        """
        if label == into:
            raise ConfigurationError("a class cannot be merged into itself")
        classes = tuple(one for i, one in enumerate(self.label_set.classes, 1) if i != label)
        after = into - (into > label)
        moved = {label: after, **{i: i - 1 for i in range(label + 1, len(self.label_set) + 1)}}
        return LabelSet(self.label_set.name, classes), moved

    def adopt_classes(self, label_set: LabelSet, moved: dict[int, int] | None = None) -> None:
        """Takes another set; ids that moved are moved on the open frame too, and strokes before it cannot be undone."""
        self.label_set = label_set
        if moved:
            table = np.arange(256, dtype=np.uint8)
            table[list(moved)] = list(moved.values())
            self.labels = table[self.labels]
            self.active = int(table[self.active])
            self._histories.clear()
        self.active = min(self.active, len(label_set))


def _checksum(labels: NDArray[np.uint8]) -> int:
    return zlib.crc32(np.ascontiguousarray(labels).tobytes())
