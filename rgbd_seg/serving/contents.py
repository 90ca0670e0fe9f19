"""What is made of one result for those who look: each picture once, however many look, and only if somebody does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.frame import RgbdFrame, Segmentation

T = TypeVar("T")


class Encoder(Protocol):
    """Runs a function on the thread that makes pictures, for all clients."""

    async def __call__(self, function: Callable[..., T], *arguments: Any) -> T:
        """What the function returned."""


class Contents:
    """One published result with what was made of it. Used by one thread.

    Attributes:
        segmentation: The result.
        time_ns: Wall-clock time of the frame's arrival, nanoseconds since 1970.
    """

    def __init__(self, segmentation: Segmentation, time_ns: int) -> None:
        self.segmentation, self.time_ns = segmentation, time_ns
        self._made: dict[str, object] = {}

    def once(self, name: str, make: Callable[[Segmentation], T]) -> T:
        """What `make` returns for the result; made at the first call with this name."""
        if name not in self._made:
            self._made[name] = make(self.segmentation)
        return self._made[name]  # type: ignore[return-value]


class WallClock:
    """Wall-clock times of frames, the same one whenever the same frame comes again.

    Frames carry the monotonic clock. The distance to the wall clock is taken once, and again only when somebody has set
    the wall clock: taken for every frame, it would tremble.
    """

    _SET_NS = 500_000_000

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._last: RgbdFrame | None = None

    def time_ns(self, frame: RgbdFrame) -> int:
        """Nanoseconds since 1970 at the frame's arrival."""
        if frame is not self._last:
            offset_ns = time.time_ns() - time.monotonic_ns()
            if abs(offset_ns - self._offset_ns) > self._SET_NS:
                self._offset_ns = offset_ns
            self._last = frame
        return frame.host_ns + self._offset_ns
