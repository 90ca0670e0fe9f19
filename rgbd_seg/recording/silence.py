"""When a source that does not count its frames has fallen silent: nothing came for much longer than usual."""

from __future__ import annotations

from collections import deque
from statistics import median

_REMEMBERED = 30
_TIMES_USUAL = 10.0
_SHORTEST_S = 0.5


class SilenceWatch:
    """Learns the usual interval between frames, and tells what is far longer."""

    def __init__(self) -> None:
        self._intervals_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._last_ns: int | None = None

    def silent_s(self, now_ns: int) -> float:
        """Seconds since the last frame if that is a silence, else 0.

        Args:
            now_ns: When this frame came; times of one clock.
        """
        last_ns, self._last_ns = self._last_ns, now_ns
        if last_ns is None:
            return 0.0
        interval_s = (now_ns - last_ns) / 1e9
        if self._intervals_s and interval_s >= max(_SHORTEST_S, _TIMES_USUAL * median(self._intervals_s)):
            return interval_s
        self._intervals_s.append(interval_s)
        return 0.0
