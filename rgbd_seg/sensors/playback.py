"""Where a replay is and how it goes on: pause, seek, step, speed, loop. Shared by two threads.

The window calls the controls; the thread that reads frames calls `next_position`. A change wakes the reader at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError, EndOfStream
from rgbd_seg.recording.reader import Gap, usual_fps, video_fps

MIN_SPEED = 0.1
MAX_SPEED = 8.0
_MOST_WARNINGS = 100


class Playback:
    """The controls of a replay. All members may be used from any thread.

    In real time, frames come when they are due and late ones are left out. In "every frame" none is left out: a slow
    reader slows the replay down. Offline work switches `paced` off and gets every frame as fast as it reads.
    """

    def __init__(
        self,
        times_us: NDArray[np.int64],
        gaps: Sequence[Gap] = (),
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Starts before the first frame, running in real time.

        Args:
            times_us: (N,) microseconds of the frames, never decreasing.
            gaps: Where frames are missing, for the timeline.
            clock_ns: A monotonic clock.
        """
        self._changed = threading.Condition()
        self._times_us = times_us
        self._gaps = tuple(gaps)
        self._clock_ns = clock_ns
        self._position = -1
        self._next = 0
        self._sought = False  # `_next` was set by hand and has not been delivered yet.
        self._backwards = False
        self._paused = False
        self._speed = 1.0
        self._loop = False
        self._every_frame = False
        self._paced = True
        self._hold_at_end = False
        self._anchor: tuple[int, int] | None = None  # (clock in ns, recording in us) at one moment of running.
        self._left_out = 0
        self._leapt = False
        self._unreadable: dict[int, str] = {}

    # What can be seen.

    @property
    def length(self) -> int:
        return len(self._times_us)

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the last."""
        return float(self._times_us[-1] - self._times_us[0]) / 1e6 if len(self._times_us) else 0.0

    @property
    def fps(self) -> float:
        """The usual number of frames per second."""
        return usual_fps(self._times_us)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Where frames are missing."""
        return self._gaps

    @property
    def position(self) -> int:
        """The frame that was delivered last, or the one that was sought; -1 before the first."""
        with self._changed:
            return self._next if self._sought else self._position

    @property
    def time_s(self) -> float:
        """Seconds from the first frame to `position`."""
        return self.time_of(max(0, self.position))

    @property
    def at_end(self) -> bool:
        """Whether the last frame was delivered and nothing is sought."""
        with self._changed:
            return not self._sought and self._next >= self.length

    @property
    def leapt(self) -> bool:
        """Whether the last frame was sought, or begins another round: what was delivered before it is elsewhere."""
        with self._changed:
            return self._leapt

    @property
    def left_out(self) -> int:
        """Frames that real time skipped because the reader was late."""
        with self._changed:
            return self._left_out

    @property
    def unreadable(self) -> int:
        """How many frames turned out to be damaged and were passed over."""
        with self._changed:
            return len(self._unreadable)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each damaged frame met so far (the first hundred)."""
        with self._changed:
            return tuple(list(self._unreadable.values())[:_MOST_WARNINGS])

    @property
    def video_fps(self) -> float:
        """The rate of a video of it."""
        return video_fps(self._times_us)

    def time_of(self, position: int) -> float:
        """Seconds from the first frame to the frame at a position."""
        return float(self._times_us[position] - self._times_us[0]) / 1e6 if len(self._times_us) else 0.0

    # What can be done.

    @property
    def paused(self) -> bool:
        """Whether it stands still; the reader then gets nothing but frames that are sought."""
        with self._changed:
            return self._paused

    def pause(self) -> None:
        """Stands still after the present frame."""
        with self._changed:
            self._paused = True
            self._wake()

    def resume(self) -> None:
        """Runs on; at the end, from the start."""
        with self._changed:
            if self._next >= self.length and not self._sought:
                self._next = 0
            self._paused = False
            self._wake()

    def seek_frame(self, position: int) -> None:
        """Goes to a frame (the nearest end if there is none such); shows it even while paused."""
        with self._changed:
            self._go_to(position, backwards=False)

    def step(self, frames: int = 1) -> None:
        """Pauses and goes on or back by some frames."""
        with self._changed:
            self._paused = True
            here = self._next if self._sought else self._position
            self._go_to(here + frames, backwards=frames < 0)

    def stand_on_first(self, fps: float) -> None:
        """Stands still on the first frame; played, all come at this rate, whatever their times. Before any is read."""
        with self._changed:
            self._times_us = (np.arange(self.length) * (1e6 / fps)).astype(np.int64)
            self._paused = True
            self._go_to(0, backwards=False)

    @property
    def speed(self) -> float:
        """How many times as fast as recorded, 0.1 to 8."""
        with self._changed:
            return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        if not MIN_SPEED <= value <= MAX_SPEED:
            raise ConfigurationError(f"the speed of a replay must be {MIN_SPEED:g} to {MAX_SPEED:g}, not {value!r}")
        with self._changed:
            self._speed = float(value)
            self._wake()

    @property
    def loop(self) -> bool:
        """Whether it starts again after the last frame."""
        with self._changed:
            return self._loop

    @loop.setter
    def loop(self, value: bool) -> None:
        with self._changed:
            self._loop = bool(value)
            self._wake()

    @property
    def every_frame(self) -> bool:
        """Whether a late reader delays the replay instead of missing frames."""
        with self._changed:
            return self._every_frame

    @every_frame.setter
    def every_frame(self, value: bool) -> None:
        with self._changed:
            self._every_frame = bool(value)
            self._wake()

    @property
    def paced(self) -> bool:
        """Whether frames wait until they are due; off for offline work, which also gets every frame."""
        with self._changed:
            return self._paced

    @paced.setter
    def paced(self, value: bool) -> None:
        with self._changed:
            self._paced = bool(value)
            self._wake()

    @property
    def hold_at_end(self) -> bool:
        """Whether it pauses on the last frame, ready to be sought again, instead of ending the stream."""
        with self._changed:
            return self._hold_at_end

    @hold_at_end.setter
    def hold_at_end(self, value: bool) -> None:
        with self._changed:
            self._hold_at_end = bool(value)
            self._wake()

    # What the reading thread calls.

    def next_position(self, timeout_s: float) -> int | None:
        """Waits until a frame is due and claims it.

        Returns:
            Its position, or None if none was due within `timeout_s` seconds (paused, slow, or a gap in time).

        Raises:
            EndOfStream: The last frame has been claimed, and it neither loops nor holds.
        """
        deadline_ns = self._clock_ns() + round(timeout_s * 1e9)
        with self._changed:
            while True:
                wait_ns = self._claim_or_wait()
                if wait_ns is None:
                    return self._position
                remaining_ns = min(wait_ns, deadline_ns - self._clock_ns())
                if remaining_ns <= 0:
                    return None
                self._changed.wait(remaining_ns / 1e9)

    def pass_over(self, position: int, reason: str) -> None:
        """Tells that a claimed frame is damaged: a search goes on to its neighbour.

        Raises:
            EndOfStream: Every frame is damaged.
        """
        with self._changed:
            self._unreadable[position] = reason
            if len(self._unreadable) >= self.length:
                raise EndOfStream("no frame could be read")
            if self._paused and self._next == position + 1:
                neighbour = position - 1 if self._backwards and position > 0 else position + 1
                if neighbour < self.length:
                    self._go_to(neighbour, backwards=self._backwards and position > 0)

    def restart(self) -> None:
        """Goes back before the first frame, as when it was new; the settings stay."""
        with self._changed:
            self._position, self._next, self._sought, self._anchor = -1, 0, False, None

    # All below is called with the lock held.

    def _wake(self) -> None:
        self._anchor = None
        self._changed.notify_all()

    def _go_to(self, position: int, *, backwards: bool) -> None:
        self._next = min(max(position, 0), max(0, self.length - 1))
        self._sought = True
        self._backwards = backwards
        self._wake()

    def _claim_or_wait(self) -> int | None:
        """Claims a frame and returns None, or returns the nanoseconds to wait for a change or for the next frame."""
        for_ever = 3_600_000_000_000
        if self._paused and not self._sought:
            return for_ever
        if self._next >= self.length:
            if not self._loop or not self.length:
                if not self._hold_at_end or not self.length:
                    raise EndOfStream("the recording has ended")
                self._paused = True
                return for_ever
            self._next = 0
            self._anchor = self._anchor_of_next_round()
        if self._sought or not self._paced:
            self._claim(self._next)
            return None
        now_ns = self._clock_ns()
        if self._anchor is None:
            # Runs on from the frame on show, so that after a seek the next frame keeps its distance.
            shown = self._position if 0 <= self._position == self._next - 1 else self._next
            self._anchor = (now_ns, int(self._times_us[shown]))
        clock_ns, start_us = self._anchor
        due_ns = clock_ns + round((int(self._times_us[self._next]) - start_us) * 1000 / self._speed)
        if due_ns > now_ns:
            return due_ns - now_ns
        if self._every_frame:
            self._anchor = (now_ns if now_ns - due_ns > _LATE_NS else due_ns, int(self._times_us[self._next]))
            self._claim(self._next)
            return None
        shown_us = start_us + int((now_ns - clock_ns) * self._speed / 1000)
        newest = max(self._next, int(np.searchsorted(self._times_us, shown_us, side="right")) - 1)
        self._left_out += newest - self._next
        self._claim(newest)
        return None

    def _claim(self, position: int) -> None:
        self._leapt = self._sought or position <= self._position
        self._position = position
        self._next = position + 1
        if self._sought and not self._paused:
            self._anchor = None
        self._sought = False

    def _anchor_of_next_round(self) -> tuple[int, int]:
        """When looping, the first frame comes one usual interval after the last."""
        now_ns = self._clock_ns()
        last_ns = now_ns
        if self._anchor is not None:
            clock_ns, start_us = self._anchor
            last_ns = clock_ns + round((int(self._times_us[-1]) - start_us) * 1000 / self._speed)
        intervals_us = np.diff(self._times_us[:1000])
        interval_us = int(np.median(intervals_us)) if intervals_us.any() else _LONE_FRAME_US
        return max(last_ns + round(interval_us * 1000 / self._speed), now_ns), int(self._times_us[0])


# A reader that is less late than this keeps the rhythm; a later one starts a new one.
_LATE_NS = 50_000_000
# How long a recording of a single frame (or a single time) is shown before it begins again.
_LONE_FRAME_US = 500_000
