"""Reads out what changes without anybody's doing: messages, and what the source and the model are up to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

from rgbd_seg.pipeline.status import ModelState, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtWidgets import QWidget

    from rgbd_seg.pipeline.status import Status


class Announcer:
    """Tells a screen reader each sentence once in a row; without one it costs nothing."""

    def __init__(self, widget: QWidget) -> None:
        self._widget = widget
        self._last = ""
        self._topics: dict[str, str] = {}

    def say(self, text: str, *, urgent: bool = False) -> None:
        """Has a sentence read out; an urgent one interrupts what is being read."""
        if not text or text == self._last:
            return
        self._last = text
        if QAccessible.isActive():
            self.send(text, urgent=urgent)

    def send(self, text: str, *, urgent: bool) -> None:
        """Gives a sentence to the screen reader."""
        event = QAccessibleAnnouncementEvent(self._widget, text)
        if urgent:
            event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(event)

    def show(self, topics: Mapping[str, str]) -> None:
        """Reads out the topics whose words have changed; "" has nothing to say."""
        for topic, text in topics.items():
            if text != self._topics.get(topic, ""):
                self._topics[topic] = text
                self.say(text)


def spoken_status(status: Status, source: str, *, paused: bool, frozen: bool) -> dict[str, str]:
    """What a status means in words for the ear, by topic: no rates, which would never end."""
    model, recorder = status.model, status.recorder
    running = status.state is State.RUNNING
    opening = status.state is State.CONNECTING
    recording = recorder is not None and recorder.state == "recording"
    ready = model.state is ModelState.READY and model.info is not None
    return {
        "source": f"Opening {source}" if opening else f"{source} is on screen" if running else "",
        "model": f"The model {model.info.model} is running"
        if ready and model.info
        else "A model is being loaded"
        if model.state is ModelState.LOADING
        else "",
        "recording": "Recording" if recording else "",
        "hold": "The view is frozen" if frozen else "The replay is paused" if running and paused else "",
    }
