"""The last seconds of frames, so that a recording can begin before the button was pressed."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from rgbd_seg.frame import RgbdFrame


class PreRoll:
    """Keeps the last seconds of frames, so that a recording can begin before the button was pressed."""

    def __init__(self, seconds: float, max_bytes: int) -> None:
        """Makes an empty one.

        Args:
            seconds: How far back, 0..60.
            max_bytes: Most memory that the frames may take, whatever `seconds` says.

        Raises:
            ConfigurationError: An argument is out of its range.
        """
        if not 0 <= seconds <= 60:
            raise ConfigurationError(f"the time before the start must be 0 to 60 s, not {seconds}")
        if max_bytes < 0:
            raise ConfigurationError(f"the memory for it must be 0 bytes or more, not {max_bytes}")
        self._span_ns = round(seconds * 1e9)
        self._max_bytes = max_bytes
        self._frames: deque[RgbdFrame] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def offer(self, frame: RgbdFrame) -> None:
        """Keeps a frame, and forgets those that are too old or too many."""
        with self._lock:
            self._frames.append(frame)
            self._bytes += frame.color.nbytes + frame.depth.nbytes
            oldest_ns = frame.host_ns - self._span_ns
            while self._frames and (self._frames[0].host_ns <= oldest_ns or self._bytes > self._max_bytes):
                gone = self._frames.popleft()
                self._bytes -= gone.color.nbytes + gone.depth.nbytes

    def take(self) -> list[RgbdFrame]:
        """Hands over the frames, oldest first, and forgets them."""
        with self._lock:
            frames, self._bytes = list(self._frames), 0
            self._frames.clear()
            return frames
