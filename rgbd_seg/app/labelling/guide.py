"""What label mode does by itself: drafts of the loaded model, labels that travel, and the frame that teaches most."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.app.labelling.tasks import BACKGROUND, HOVER
from rgbd_seg.labelling.doubt import Suggestion, glimpse, suggest
from rgbd_seg.labelling.journey import journeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rgbd_seg.app.labelling.desk import Desk
    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.pipeline.session import Session

# So many frames are looked at by the model before one of them is proposed.
_ASKED_OF_MODEL = 24
_MARKED = 5  # Of the frames that teach most, in the strip.


class Guide:
    """Works on a desk with the model and the replay of the window's session."""

    def __init__(
        self, desk: Desk, pipeline: Session, open_row: Callable[[int], None], by_doubt: Callable[[], bool]
    ) -> None:
        """Does nothing yet.

        Args:
            desk: What is open.
            pipeline: Has the model and the replay.
            open_row: Goes to a frame.
            by_doubt: Whether the strip is to be sorted by doubt.
        """
        self._desk, self._pipeline, self._open_row, self._by_doubt = desk, pipeline, open_row, by_doubt
        self._seen: Segmentation | None = None
        self._draft_wanted = False
        self._to_ask: list[int] = []
        self._journey: Iterator[tuple[int, int]] | None = None

    def stop(self) -> None:
        """Ends what it is about."""
        self._journey = None
        self._to_ask, self._draft_wanted = [], False
        self._desk.tasks.cancel("travel")

    def forget_journey(self) -> None:
        """Labels could not travel on."""
        self._journey = None

    @property
    def _has_model(self) -> bool:
        return self._pipeline.status().model.info is not None

    # Drafts

    def offer(self, segmentation: Segmentation) -> None:
        """Takes what the model has seen in the frame that the replay stands at."""
        self._seen = segmentation
        desk = self._desk
        if desk.session.frame is None or segmentation.labels is None:
            return
        if self._draft_wanted and _same(segmentation.frame, desk.session.frame):
            self.draft()
        if self._to_ask:
            name = desk.frames.names[self._to_ask.pop(0)]
            look = partial(glimpse, segmentation.frame, segmentation.confidence)
            desk.tasks.do(f"look at {name}", look, partial(desk.glimpses.__setitem__, name), HOVER)
            self._ask_model()

    def draft(self) -> None:
        """Takes what the model is sure of in the open frame, as soon as it has seen it."""
        desk, seen = self._desk, self._seen
        session = desk.session
        if session.frame is None:
            return
        if not self._has_model:
            desk.say("labelling", "No model is loaded: leave label mode with E, load one with M, and come back.")
            return
        if seen is None or seen.labels is None or not _same(seen.frame, session.frame):
            self._draft_wanted = True
            desk.say("labelling", "The model is looking at this frame…", "info")
            return
        self._draft_wanted = False
        if session.draft(seen):
            desk.painted()
            desk.show_classes()
        else:
            desk.say("labelling", "The model is sure of nothing that is not painted already.", "info")

    # Travel

    def travel(self) -> None:
        """Lets the labels of the done frames travel, or stops them."""
        desk = self._desk
        if self._journey is not None:
            self._journey = None
            desk.tasks.cancel("travel")
            desk.say("labelling", "The labels have stopped; those that arrived stay.", "info")
        elif "done" not in desk.states.values():
            desk.say("labelling", "Labels travel from done frames, and none is done yet: paint one first.")
        else:
            self._journey = journeys(desk.data, desk.frames)
            self._travel_on((0, 0))

    def _travel_on(self, so_far: tuple[int, int] | None) -> None:
        desk, journey = self._desk, self._journey
        if journey is None:
            return
        desk.read_states()
        desk.show_states()
        if so_far is None:
            self._journey = None
            count = sum(state == "travelled" for state in desk.states.values())
            said, desk.data.messages = desk.data.messages, []
            text = ". ".join([f"Labels have travelled: {count} frames have some of them now", *said])
            desk.say("labelling", f"{text}.", "warning" if said else "info")
            if desk.states.get(desk.session.name) == "travelled":
                self._open_row(desk.row)
            return
        steps, arrived = so_far
        desk.say("labelling", f"Labels travel: {steps} steps, {arrived} frames so far. T stops them.", "info")
        desk.tasks.do("travel", lambda: next(journey, None), self._travel_on, BACKGROUND)

    # The frame that teaches most

    def propose(self) -> None:
        """Goes to it; a loaded model looks at some frames first."""
        desk = self._desk
        model = self._pipeline.status().model.info
        if model != desk.doubter:  # What another one was unsure of says nothing of this one.
            desk.doubter = model
            for name, one in desk.glimpses.items():
                desk.glimpses[name] = replace(one, doubtful=None)
        if model is not None and self._pipeline.playback is not None and not self._to_ask:
            names = desk.frames.names
            closed = desk.closed
            open_ = [p for p in desk.frames.offered if names[p] not in closed]
            glimpses = {position: desk.glimpses.get(names[position]) for position in open_}
            unknown = [position for position, one in glimpses.items() if one is None or one.doubtful is None]
            if unknown:
                picks = np.linspace(0, len(unknown) - 1, min(len(unknown), _ASKED_OF_MODEL)).astype(int)
                self._to_ask = [unknown[i] for i in np.unique(picks)]
        self._ask_model()

    def _ask_model(self) -> None:
        playback = self._pipeline.playback
        if self._to_ask and playback is not None:
            self._desk.say("labelling", f"The model looks at {len(self._to_ask)} more frames…", "info")
            playback.seek_frame(self._to_ask[0])
        else:  # After the last glimpse, which is work of the same thread.
            choose = partial(self._choose, self._desk.closed)
            self._desk.tasks.do("choose a frame", choose, self._show_proposals, BACKGROUND)

    def _choose(self, closed: set[str]) -> list[Suggestion]:
        desk = self._desk
        known = {name: one for name in desk.session.names if (one := desk.glimpses.get(name)) is not None}
        return suggest(known, closed, len(known))

    def _show_proposals(self, found: list[Suggestion]) -> None:
        desk = self._desk
        desk.hints = {one.name: one.reason for one in found[:_MARKED]}
        desk.ranking = [one.name for one in found]
        desk.show_states()
        desk.sort(by_doubt=self._by_doubt())
        if not found:
            desk.say("labelling", "Every frame that was looked at is done or skipped.", "info")
            return
        self._open_row(desk.session.names.index(found[0].name))
        desk.say("labelling", f"{found[0].name} is next: {found[0].reason}.", "info")


def _same(one: RgbdFrame, other: RgbdFrame) -> bool:
    return one.color.shape == other.color.shape and bool(np.array_equal(one.color, other.color))
