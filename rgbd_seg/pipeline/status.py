"""What a running pipeline can tell about itself: states, counters, rates, and how it ended."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rgbd_seg.inference.segmenter import SegmenterInfo
    from rgbd_seg.pipeline.recorder import RecorderStatus


class State(Enum):
    """Where a pipeline stands."""

    IDLE = "idle"
    CONNECTING = "connecting"
    RUNNING = "running"
    LOST = "lost"  # The camera went away; reopening it is being tried.
    STOPPED = "stopped"


class StopReason(Enum):
    """Every way in which a pipeline can end."""

    REQUESTED = "stopped by the user"
    END_OF_STREAM = "the recording has ended"
    SENSOR_FAILED = "the source cannot be opened or read"
    INTERNAL_ERROR = "a part of the program failed"


class ModelState(Enum):
    """Where the model stands."""

    NONE = "none"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"  # The last load failed; an older model may still be running.


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """What the pipeline knows of its model.

    Attributes:
        state: Whether one is loading, ready, or the last load failed.
        info: The model that is running, None if there is none.
        progress: 0..1 while loading.
        stage: What the loader is doing, in words.
        error: Why the last load failed or the running model was stopped, "" if nothing did.
    """

    state: ModelState = ModelState.NONE
    info: SegmenterInfo | None = None
    progress: float = 0.0
    stage: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot of a pipeline.

    Attributes:
        state: Where it stands.
        message: What a person should know now ("waiting for the camera to come back"), "" if nothing.
        captured: Frames that arrived.
        missed: Frames that the source counted but that never arrived (gaps in the index).
        silent_s: How long nothing came, far longer than usual, from a source that did not count anything meanwhile.
        segmented: Frames that went through the inference thread.
        skipped: Frames that were overwritten by a newer one before the inference thread took them.
        unseen: Results that were overwritten by a newer one before anybody looked.
        capture_fps: Rate of arrival over the last seconds.
        segment_fps: Rate of results over the last seconds.
        behind_ms: From a frame's arrival to its result, mean over the last results.
        stage_ms: Mean milliseconds by stage of the network over the last results.
        reopened: How often a lost source came back.
        model: The model's own status.
        recorder: The recording that is running or ended by itself, None if there is none.
        stop_reason: How it ended, None while it has not.
        error: The sentence behind a stop with an error, "" otherwise.
    """

    state: State = State.IDLE
    message: str = ""
    captured: int = 0
    missed: int = 0
    silent_s: float = 0.0
    segmented: int = 0
    skipped: int = 0
    unseen: int = 0
    capture_fps: float = 0.0
    segment_fps: float = 0.0
    behind_ms: float = 0.0
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    reopened: int = 0
    model: ModelStatus = field(default_factory=ModelStatus)
    recorder: RecorderStatus | None = None
    stop_reason: StopReason | None = None
    error: str = ""


def losses_text(status: Status) -> str:
    """What was lost, in a few words: frames that were counted, and how long nothing came."""
    silent = f", {status.silent_s:.1f} s silent" if status.silent_s else ""
    return f"{status.missed} lost{silent}"


_A_FEW = 4  # Of so many events in the window their distances say little.


class RateMeter:
    """Events per second over the last `window_s` seconds. Not thread-safe: the caller holds its lock."""

    def __init__(self, window_s: float = 2.0) -> None:
        self._window_ns = round(window_s * 1e9)
        self._times_ns: deque[int] = deque(maxlen=1000)
        self._first_ns = 0

    def tick(self, now_ns: int) -> None:
        self._first_ns = self._first_ns or now_ns
        self._times_ns.append(now_ns)

    def rate(self, now_ns: int) -> float:
        """Events per second; 0 when fewer than two fell into the window."""
        while self._times_ns and now_ns - self._times_ns[0] > self._window_ns:
            self._times_ns.popleft()
        many = len(self._times_ns)
        if many < 2:
            return 0.0
        rate = (many - 1) * 1e9 / max(self._times_ns[-1] - self._times_ns[0], 1)
        if many > _A_FEW:
            return rate
        # Two that come close behind each other after a pause make no hundreds a second.
        return min(rate, (many + 1) * 1e9 / max(min(self._window_ns, now_ns - self._first_ns), 1))


class StageMeter:
    """Means of named durations over the last `size` results. Not thread-safe: the caller holds its lock."""

    def __init__(self, size: int = 30) -> None:
        self._rows: deque[Mapping[str, float]] = deque(maxlen=size)

    def add(self, seconds: Mapping[str, float]) -> None:
        self._rows.append(seconds)

    def clear(self) -> None:
        """Forgets everything (another model)."""
        self._rows.clear()

    def means_ms(self) -> dict[str, float]:
        """Milliseconds by name, in the order of the newest result."""
        if not self._rows:
            return {}
        return {name: 1000 * sum(row.get(name, 0.0) for row in self._rows) / len(self._rows) for name in self._rows[-1]}
