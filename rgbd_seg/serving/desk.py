"""What a page can ask of whoever publishes: how it is getting on, and to record."""

from __future__ import annotations

from typing import Protocol

from rgbd_seg.pipeline.status import Status


class Desk(Protocol):
    """Whoever publishes, as the server's thread sees it. No method may wait for a device or a disk."""

    @property
    def name(self) -> str:
        """What the source is called."""

    def status(self) -> Status:
        """Counters and states."""

    def record(self, on: bool) -> None:
        """Begins or ends a recording, in its own time; how it went is in `status().recorder` or in `note`."""

    @property
    def note(self) -> str:
        """What a person should know besides the status: where a recording was written, why none could be begun."""
