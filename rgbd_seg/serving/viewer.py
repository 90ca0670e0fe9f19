"""One connection that gets frames: the newest wins, few are on their way at once, and who does not read is dropped."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.serving.contents import Contents

#: Frames that may be sent before the first of them is acknowledged. Two keep the connection busy; more would only lie
#: in buffers, where a slow client falls behind.
_ON_THE_WAY = 2
_HEARTBEAT_S = 2.0


class Stalled(Exception):
    """The client has not read for too long."""


class Viewer:
    """The queue of one client, for its event loop only: a place for one frame, and a count of what is on its way.

    Each frame ends with something that the client answers once it has read the frame (a ping; the page says what it has
    drawn). So the next frame is chosen when the client is ready for it, whatever the buffers between could hold.

    Args:
        patience_s: How long a client may leave what it was sent unanswered.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._newest: Contents | None = None
        self._poked = False
        self._changed = asyncio.Event()
        self._sent_s: dict[int, float] = {}  # When what is on its way was sent, by number.
        self._number = 0
        self.behind_s = 0.0  # From a frame's arrival to the answer, of the newest answer that has such a time.
        self._host_ns: dict[int, int] = {}
        self._last: RgbdFrame | None = None

    def offer(self, contents: Contents) -> None:
        """Puts the newest frame in its place; one that is still there is skipped."""
        self._newest = contents
        self._changed.set()

    def poke(self) -> None:
        """Asks for a heartbeat as soon as there is room, for what is sent along with it."""
        self._poked = True
        self._changed.set()

    def answered(self, number: int) -> None:
        """The client has read everything up to this number; other numbers are passed over."""
        if number not in self._sent_s:
            return
        now = time.monotonic()
        if number in self._host_ns:
            self.behind_s = now - self._host_ns[number] / 1e9
        for known in [n for n in self._sent_s if n <= number]:
            del self._sent_s[known]
            self._host_ns.pop(known, None)
        self._changed.set()

    @property
    def deadline_s(self) -> float | None:
        """Until when (monotonic) something must be answered; None while nothing is on its way."""
        return min(self._sent_s.values()) + self._patience_s if self._sent_s else None

    async def next(self) -> tuple[int, Contents | None]:
        """Waits for something to send: the newest frame once there is room for it, or a heartbeat in between.

        Returns:
            A number that the client's answer must bear, and the frame, None for a heartbeat.

        Raises:
            Stalled: The client did not answer in time.
        """
        beat_s = time.monotonic() + _HEARTBEAT_S
        while True:
            if (self._newest is not None or self._poked) and len(self._sent_s) < _ON_THE_WAY:
                contents, self._newest, self._poked = self._newest, None, False
                number = self._note_sent()
                if contents is not None and contents.segmentation.frame is not self._last:  # What stands is not late.
                    self._last = contents.segmentation.frame
                    self._host_ns[number] = self._last.host_ns
                return number, contents
            now, deadline_s = time.monotonic(), self.deadline_s
            if deadline_s is not None and now >= deadline_s:
                raise Stalled
            if deadline_s is None and now >= beat_s:
                return self._note_sent(), None
            self._changed.clear()
            try:
                async with asyncio.timeout((beat_s if deadline_s is None else deadline_s) - now):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _note_sent(self) -> int:
        self._number += 1
        self._sent_s[self._number] = time.monotonic()
        return self._number
