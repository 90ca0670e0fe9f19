"""What is open in label mode, and how it is saved and shown; the parts of label mode share it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from rgbd_seg.app.labelling.tasks import SAVE

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from rgbd_seg.app.labelling.page import LabelPage
    from rgbd_seg.app.labelling.tasks import Tasks
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference.segmenter import SegmenterInfo
    from rgbd_seg.labelling.data_set import DataSet
    from rgbd_seg.labelling.doubt import Glimpse
    from rgbd_seg.labelling.frames import Frames
    from rgbd_seg.labelling.regions import Regions
    from rgbd_seg.labelling.session import LabellingSession
    from rgbd_seg.labels import LabelSet
    from rgbd_seg.recording.layouts.frame_states import FrameState

_OPACITIES = (0.15, 0.3, 0.45, 0.6, 0.8, 1.0)


class Beside(Protocol):
    """Another view of what is painted: the 3D one, which knows the desk."""

    def show(self) -> None:
        """Shows what is painted now."""

    def toggle(self) -> None:
        """Comes or goes."""

    def close(self) -> None:
        """Ends its thread soon."""

    def wait(self, timeout_s: float) -> None:
        """Waits for its thread."""


@dataclass(slots=True)
class Unsaved:
    """What is painted and not on the disk yet; it outlives the desk, for the case that it cannot be written.

    Attributes:
        frames: The frame, its labels and its state, by name.
        states: What a frame is from now on, where that alone has changed.
        classes: What the labels mean.
    """

    frames: dict[str, tuple[RgbdFrame, NDArray[np.uint8], FrameState]] = field(default_factory=dict)
    states: dict[str, FrameState] = field(default_factory=dict)
    classes: LabelSet | None = None


class Desk:
    """One data set that is open.

    Attributes:
        data: Used by the thread of `tasks` alone, except for what it tells of itself.
        states: Of all frames, as this window knows them: ahead of the disk by what is still to be written.
        hints: Why a frame should be looked at, by name.
        ranking: Names of the frames to label, those that teach most first; empty where nobody has asked.
        order: The rows of the session's frames as the strip shows them.
        damaged: What is wrong with the label file of a frame, by name.
        glimpses: What is known of frames that were looked at, by name.
        doubter: The model that was unsure of them, None where none was asked.
        regions: Of the frames that were open last, by name.
        told_flat: Whether it was said that depth is of no use.
        row: The open frame's row: its place in time.
        wanted_row: That of the frame that was asked for last, which may not be there yet.
        unsaved: What is not on the disk yet.
        save_failed: Whether that is because it could not be written.
        cloud: The 3D view, None until it is first wanted.
    """

    def __init__(
        self,
        page: LabelPage,
        tasks: Tasks,
        data: DataSet,
        frames: Frames,
        session: LabellingSession,
        say: Callable[..., None],
        unsaved: Unsaved,
    ) -> None:
        self.page, self.tasks, self.data, self.frames, self.session, self.say = page, tasks, data, frames, session, say
        self.unsaved = unsaved
        self.states: dict[str, FrameState] = {}
        self.read_states()
        self.hints: dict[str, str] = {}
        self.ranking: list[str] = []
        self.order = list(range(len(session.names)))
        self.damaged: dict[str, str] = {}
        self.glimpses: dict[str, Glimpse] = {}
        self.doubter: SegmenterInfo | None = None
        self.regions: dict[str, Regions] = {}
        self.save_failed = bool(unsaved.frames or unsaved.states)
        self.row = self.wanted_row = 0
        self.told_flat = False
        self.cloud: Beside | None = None
        self._opacity = 2

    @property
    def opacity(self) -> float:
        """Of labels over the picture, 0..1."""
        return _OPACITIES[self._opacity]

    # Saving

    def painted(self) -> None:
        """Shows and saves what a stroke has changed."""
        self.show_labels()
        self.save()

    def save(self) -> None:
        """Writes the open frame's labels and state."""
        session = self.session
        if session.frame is not None and session.state is not None:
            self.unsaved.frames[session.name] = (session.frame, session.labels, session.state)
            self.unsaved.states.pop(session.name, None)
            self.unsaved.classes = session.label_set
            self.states[session.name] = session.state
            self.damaged.pop(session.name, None)  # The file is written anew.
            self.show_states()
            self._write(session.name)

    def save_state(self, name: str, state: FrameState) -> None:
        """Writes the state of a frame alone."""
        self.states[name] = self.unsaved.states[name] = state
        if name in self.unsaved.frames:
            frame, labels, _ = self.unsaved.frames[name]
            self.unsaved.frames[name] = (frame, labels, state)
        self.show_states()
        self._write_state(name)

    def say_unsaved(self, why: str) -> None:
        """Says that something could not be written; the next stroke tries all of it again."""
        self.save_failed = True
        self.say("labelling", f"{why}. What you painted stays here, and the next stroke saves it all.", "error")

    def go_on_saving(self, saved: str = "") -> None:
        """Writes what could not be written before, one thing after the other.

        Args:
            saved: The frame that was written last; newer labels of it are on their way.
        """
        name = next(iter(self.unsaved.frames), saved)
        if name != saved:
            self._write(name)
        elif self.unsaved.states:
            self._write_state(next(iter(self.unsaved.states)))
        elif self.save_failed and not self.unsaved.frames:
            self.save_failed = False
            self.say("labelling", "Everything that you painted is saved now.", "info")

    def read_states(self) -> None:
        """Takes the states that the disk has, but for frames that are newer here."""
        newer = {name: state for name, (_, _, state) in self.unsaved.frames.items()}
        self.states = {**dict(self.data.states), **newer, **self.unsaved.states}

    def save_classes(self) -> None:
        """Writes other names and colours; a set without any labels is written with its first stroke."""
        if self.states:
            label_set = self.session.label_set
            self.tasks.do("save", lambda: self.data.set_classes(label_set), lambda _: self.tell(), SAVE)

    def _write(self, name: str) -> None:
        frame, labels, state = self.unsaved.frames[name]
        data, label_set = self.data, self.session.label_set

        def work() -> None:
            if data.label_set != label_set:
                data.set_classes(label_set)
            data.save(name, frame, labels, state)

        def saved(_: None) -> None:
            if name in self.unsaved.frames and self.unsaved.frames[name][1] is labels:
                del self.unsaved.frames[name]
            self.tell()
            self.go_on_saving(name)

        self.tasks.do("save", work, saved, SAVE)

    def _write_state(self, name: str) -> None:
        state = self.unsaved.states[name]

        def saved(_: None) -> None:
            if self.unsaved.states.get(name) == state:
                del self.unsaved.states[name]
            self.tell()
            if self.save_failed:
                self.go_on_saving()

        self.tasks.do("save", partial(self.data.set_state, name, state), saved, SAVE)

    # The strip

    @property
    def closed(self) -> set[str]:
        """The frames that need no labels any more."""
        return {n for n, state in self.states.items() if state in ("done", "skipped") and n not in self.damaged}

    def sort(self, *, by_doubt: bool) -> None:
        """Puts the strip in order: in time; or what teaches most, then what nobody has asked about, then the rest."""
        names, closed = self.session.names, self.closed
        place = {name: number for number, name in enumerate(self.ranking)}

        def key(row: int) -> tuple[bool, int, int]:
            return names[row] in closed, place.get(names[row], len(names)), row

        by_doubt = by_doubt and bool(self.ranking)
        self.order = sorted(range(len(names)), key=key if by_doubt else None)
        self.page.show_order(self.order, by_doubt=by_doubt)
        self.page.show_row(self.row)

    def beside(self, row: int, steps: int) -> int:
        """The row that the strip shows so many places after another, -1 where it has none."""
        place = self.order.index(row) + steps
        return self.order[place] if 0 <= place < len(self.order) else -1

    # Showing

    def tell(self) -> None:
        """Says what the data set has found out, once."""
        if self.data.messages:
            messages, self.data.messages = self.data.messages, []
            self.say("labelling", ". ".join(messages))

    def change_opacity(self, steps: int) -> None:
        """Labels stronger or fainter."""
        self._opacity = min(max(self._opacity + steps, 0), len(_OPACITIES) - 1)
        self.show_labels()

    def show_labels(self) -> None:
        """Shows the labels of the open frame."""
        if self.session.frame is not None:
            self.page.canvas.show_labels(self.session.labels, self.session.label_set, self.opacity)
        if self.cloud is not None:
            self.cloud.show()

    def show_damage(self, name: str, damage: str) -> None:
        """Shows that the label file of a frame cannot be read, or "" that it can; what is unsaved counts more."""
        if name in self.unsaved.frames:
            damage = ""
        if damage != self.damaged.get(name, ""):
            self.damaged.pop(name, None)
            if damage:
                self.damaged[name] = damage
            self.show_states()

    def show_states(self) -> None:
        session = self.session
        self.page.show_states(session.names, self.states, self.hints, self.damaged)
        whole = [self.states.get(name) for name in session.names if name not in self.damaged]
        counts = [f"{whole.count(state)} {state}" for state in ("done", "travelled")]
        if self.damaged:
            counts.append(f"{len(self.damaged)} damaged")
        here = f"{session.name}  {session.state or 'empty'}"
        self.page.about.setText(f"{here}   ·   {', '.join(counts)} of {len(session.names)}")

    def show_classes(self) -> None:
        self.page.show_classes(self.session.label_set, self.session.active)

    def adopt_classes(self, label_set: LabelSet) -> None:
        """Takes classes that were given back to a set that had lost them."""
        if len(label_set) > len(self.session.label_set):
            self.session.adopt_classes(label_set)
            self.show_classes()
