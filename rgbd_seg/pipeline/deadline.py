"""One limit for several waits: what the first takes, the others have less."""

from __future__ import annotations

import time


class Deadline:
    """Begins when it is made."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds that may still be waited, never negative."""
        return max(self._until - time.monotonic(), 0.0)
