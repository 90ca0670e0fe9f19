"""What is open in label mode, and how it is saved and shown; the parts of label mode share it."""

from __future__ import annotations

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


class Desk:
    """One data set that is open.

    Attributes:
        data: Used by the thread of `tasks` alone, except for what it tells of itself.
        states: Of all frames, as this window knows them: ahead of the disk by what is still to be written.
        hints: Why a frame should be looked at, by name.
        glimpses: What is known of frames that were looked at, by name.
        regions: Of the frames that were open last, by name.
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
    ) -> None:
        self.page, self.tasks, self.data, self.frames, self.session, self.say = page, tasks, data, frames, session, say
        self.states: dict[str, FrameState] = dict(data.states)
        self.hints: dict[str, str] = {}
        self.glimpses: dict[str, Glimpse] = {}
        self.regions: dict[str, Regions] = {}
        self.unsaved: dict[str, tuple[RgbdFrame, NDArray[np.uint8], FrameState]] = {}
        self.cloud: Beside | None = None
        self._opacity = 2

    @property
    def opacity(self) -> float:
        """Of labels over the picture, 0..1."""
        return _OPACITIES[self._opacity]

    @property
    def row(self) -> int:
        """The open frame's place in the strip."""
        names = self.session.names
        return names.index(self.session.name) if self.session.name in names else 0

    # Saving

    def painted(self) -> None:
        """Shows and saves what a stroke has changed."""
        self.show_labels()
        self.save()

    def save(self) -> None:
        """Writes the open frame's labels and state."""
        session = self.session
        if session.frame is not None and session.state is not None:
            self.unsaved[session.name] = (session.frame, session.labels, session.state)
            self.states[session.name] = session.state
            self.show_states()
            self._write(session.name)

    def save_state(self, name: str, state: FrameState) -> None:
        """Writes the state of a frame alone."""
        self.states[name] = state
        self.show_states()
        self.tasks.do("save", partial(self.data.set_state, name, state), lambda _: self.tell(), SAVE)

    def save_classes(self) -> None:
        """Writes other names and colours; a set without any labels is written with its first stroke."""
        if self.states:
            label_set = self.session.label_set
            self.tasks.do("save", lambda: self.data.set_classes(label_set), lambda _: self.tell(), SAVE)

    def _write(self, name: str) -> None:
        frame, labels, state = self.unsaved[name]
        data, label_set = self.data, self.session.label_set

        def work() -> None:
            if data.label_set != label_set:
                data.set_classes(label_set)
            data.save(name, frame, labels, state)

        def saved(_: None) -> None:
            if name in self.unsaved and self.unsaved[name][1] is labels:
                del self.unsaved[name]
            self.tell()
            again = next(iter(self.unsaved), name)
            if again != name:  # It could not be written before.
                self._write(again)

        self.tasks.do("save", work, saved, SAVE)

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

    def show_states(self) -> None:
        session = self.session
        self.page.show_states(session.names, self.states, self.hints)
        counts = [f"{sum(s == state for s in self.states.values())} {state}" for state in ("done", "travelled")]
        here = f"{session.name}  {session.state or 'empty'}"
        self.page.about.setText(f"{here}   ·   {', '.join(counts)} of {len(session.names)}")

    def show_classes(self) -> None:
        self.page.show_classes(self.session.label_set, self.session.active)

    def adopt_classes(self, label_set: LabelSet) -> None:
        """Takes classes that were given back to a set that had lost them."""
        if len(label_set) > len(self.session.label_set):
            self.session.adopt_classes(label_set)
            self.show_classes()
