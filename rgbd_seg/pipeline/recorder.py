"""Records frames in a thread of its own, from a queue bounded in bytes; dropping is the last resort, never silent."""

from __future__ import annotations

import atexit
import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from rgbd_seg.calibration import Calibration
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions
from rgbd_seg.sensors.sensor import SensorInfo

_log = logging.getLogger(__name__)

MIB = 1024 * 1024
QUEUE_FULL = "the disk or the processor was too slow"

# How long the thread sleeps at most while no frame comes; a chunk is then at most so much older than it should be.
_IDLE_S = 0.2
_DISK_CHECK_S = 1.0

RecorderState = Literal["recording", "finished", "failed"]


@dataclass(frozen=True, slots=True)
class RecorderOptions:
    """How a recorder works.

    Attributes:
        queue_bytes: Frames waiting for the disk may take so much memory; 640x480 at 30 fps needs 46 MB a second.
        min_free_bytes: The recording stops itself when less space is left on the disk.
        writer: How the file is written.
    """

    queue_bytes: int = 256 * MIB
    min_free_bytes: int = 512 * MIB
    writer: WriterOptions = field(default_factory=WriterOptions)

    def __post_init__(self) -> None:
        if self.queue_bytes < MIB:
            raise ConfigurationError(f"the recorder's queue needs at least {MIB} bytes, not {self.queue_bytes}")
        if self.min_free_bytes < 0:
            raise ConfigurationError(f"the free space to leave must be 0 bytes or more, not {self.min_free_bytes}")


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How a recording is getting on.

    Attributes:
        path: The file.
        state: "recording", then "finished" or "failed"; what was written can be read in any case.
        frames: Written so far.
        seconds: From the first frame to the last one written.
        file_bytes: Size of the file.
        dropped: Frames that were offered and are not in the file, whether the queue was full or the disk.
        gaps: Places where frames are missing, whoever lost them.
        queued_frames: Frames that wait for the disk.
        queued_bytes: Memory they take.
        free_bytes: Space left on the disk, as last seen.
        reason: Why the recording ended, in a sentence; "" while it runs.
    """

    path: Path
    state: RecorderState
    frames: int
    seconds: float
    file_bytes: int
    dropped: int
    gaps: int
    queued_frames: int
    queued_bytes: int
    free_bytes: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """What waits in the queue: a frame or a late segmentation, and the gaps before it."""

    frame: RgbdFrame | None
    segmentation: Segmentation | None
    size: int
    gaps: Mapping[str, tuple[float, int]]


class Recorder:
    """One recording: it begins when the object is made and ends with `stop`, or by itself when the disk is full.

    `offer` never blocks unless it is asked to, and may be called from any thread.
    """

    def __init__(
        self,
        path: str | Path,
        calibration: Calibration,
        source: SensorInfo,
        *,
        settings: Mapping[str, str] | None = None,
        options: RecorderOptions | None = None,
        on_end: Callable[[RecorderStatus], None] | None = None,
    ) -> None:
        """Creates the file and starts the thread.

        Args:
            path: The file; its folder must exist, the file must not.
            calibration: Of the stream.
            source: What is recorded.
            settings: Stream mode, exposure and the like, as plain text.
            options: How it works.
            on_end: Called from the recorder's thread when the recording ends by itself, after the file is closed.

        Raises:
            RecordingError: The file exists, cannot be created, or the disk is nearly full already.
        """
        self.path = Path(path)
        self._options = options or RecorderOptions()
        self._on_end = on_end
        self._free_bytes = self._look_at_disk()
        if self._free_bytes < self._options.min_free_bytes:
            raise RecordingError(self._disk_nearly_full())
        details = {
            "uri": source.uri,
            "serial": source.serial,
            "connection": source.connection,
            "firmware": source.firmware,
            **source.details,
            **(settings or {}),
        }
        _log.info("recording %s into %s: %s", source.name, self.path, details)
        self._writer = RecordingWriter(
            self.path,
            calibration,
            name=source.name,
            details={key: value for key, value in details.items() if value},
            options=self._options.writer,
        )
        self._changed = threading.Condition()
        self._queue: deque[_Entry] = deque()
        self._queued_bytes = 0
        self._queued_frames = 0
        self._taken = self._dropped = 0
        self._gaps: dict[str, tuple[float, int]] = {}  # Reason -> seconds, frames.
        self._stopping = False
        self._state: RecorderState = "recording"
        self._reason = ""
        self._note_progress()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        # A program that ends without stopping its recording still gets a finished file.
        atexit.register(self.stop)
        self._thread.start()

    def status(self) -> RecorderStatus:
        with self._changed:
            frames, seconds, size, gaps = self._written
            return RecorderStatus(
                path=self.path,
                state=self._state,
                frames=frames,
                seconds=seconds,
                file_bytes=size,
                dropped=self._dropped,
                gaps=gaps,
                queued_frames=self._queued_frames,
                queued_bytes=self._queued_bytes,
                free_bytes=self._free_bytes,
                reason=self._reason,
            )

    def offer(self, frame: RgbdFrame, segmentation: Segmentation | None = None, *, wait_s: float = 0.0) -> bool:
        """Hands over a frame.

        Args:
            frame: The frame; frames must come in the order of their capture.
            segmentation: What a model saw in it, if that is known already.
            wait_s: How long to wait for room; for sources that can wait, such as files.

        Returns:
            False if it could not be kept: the queue is full (which the file will say) or the recording has ended.
        """
        size = frame.color.nbytes + frame.depth.nbytes
        if segmentation is not None and segmentation.labels is not None:
            size += segmentation.labels.nbytes
        if frame.truth is not None:
            size += frame.truth.labels.nbytes
            size += frame.truth.instances.nbytes if frame.truth.instances is not None else 0
        if frame.prediction is not None:
            size += frame.prediction.labels.nbytes
        return self._put(frame, segmentation, size, wait_s)

    def offer_labels(self, segmentation: Segmentation) -> bool:
        """Hands over what a model saw in a frame that was offered earlier.

        Returns:
            False if there is no room for it now. Nothing is marked as lost then: the frame itself is kept.
        """
        if segmentation.labels is None:
            return False
        return self._put(None, segmentation, segmentation.labels.nbytes, 0.0)

    def mark_gap(self, reason: str, seconds: float = 0.0, frames: int = 0) -> None:
        """Says why frames are missing before the next one.

        Args:
            reason: In a few words: "camera lost", "paused", ...
            seconds: For how long, as far as the times of the frames do not tell.
            frames: How many, as far as their indices do not tell.
        """
        with self._changed:
            self._explain(reason, seconds, frames)

    def stop(self) -> RecorderStatus:
        """Writes what waits in the queue, finalises the file and ends the thread. Stopping twice does nothing."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        atexit.unregister(self.stop)
        return self.status()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def _put(self, frame: RgbdFrame | None, segmentation: Segmentation | None, size: int, wait_s: float) -> bool:
        def has_room() -> bool:
            return not self._queue or self._queued_bytes + size <= self._options.queue_bytes

        with self._changed:
            if wait_s > 0:
                self._changed.wait_for(lambda: has_room() or self._stopping or self._state != "recording", wait_s)
            if self._stopping or self._state != "recording":
                return False
            if not has_room():
                if frame is not None:
                    self._dropped += 1
                    self._explain(QUEUE_FULL, 0.0, 1)
                return False
            gaps: Mapping[str, tuple[float, int]] = {}
            if frame is not None:
                gaps, self._gaps = self._gaps, {}
                self._taken += 1
                self._queued_frames += 1
            self._queue.append(_Entry(frame, segmentation, size, gaps))
            self._queued_bytes += size
            self._changed.notify_all()
            return True

    def _explain(self, reason: str, seconds: float, frames: int) -> None:
        known_s, known_frames = self._gaps.get(reason, (0.0, 0))
        self._gaps[reason] = (known_s + seconds, known_frames + frames)

    def _run(self) -> None:
        reason, state = "", "recording"
        try:
            reason = self._write_until_stopped()
        except RecordingError as error:
            reason, state = str(error), "failed"
        except Exception as error:  # A fault in an encoder must not leave the file open.
            _log.exception("recording %s failed", self.path)
            reason, state = f"the recording of {self.path} failed: {error!r}", "failed"
        is_deleted = self._writer.is_deleted
        try:
            self._writer.close()
        except RecordingError as error:
            if state != "failed":
                reason, state = str(error), "failed"
        if self._writer.frames == 0:
            self.path.unlink(missing_ok=True)  # Nothing was recorded: an empty file would only be in the way.
        with self._changed:
            self._note_progress()
            if is_deleted:
                self._written = (0, 0.0, 0, 0)  # Whatever was written is gone.
            by_itself = not self._stopping
            self._state = "failed" if state == "failed" else "finished"
            self._reason = reason
            # In the queue still, or in the chunk that a full disk refused.
            self._dropped += self._taken - self._written[0]
            self._queue.clear()
            self._queued_bytes = self._queued_frames = 0
            self._changed.notify_all()
        _log.info("recorded %s: %d frames, %d lost; %s", self.path, self._writer.frames, self._dropped, reason)
        if by_itself and self._on_end is not None:
            self._on_end(self.status())

    def _write_until_stopped(self) -> str:
        """Writes what comes; returns why it ended.

        Raises:
            RecordingError: The disk is full or gone.
        """
        next_look = time.monotonic() + _DISK_CHECK_S
        while True:
            entry = self._take()
            if entry is not None:
                self._write(entry)
            elif self._stopping:
                for reason, (seconds, frames) in self._gaps.items():
                    self._writer.mark_gap(reason, seconds, frames)
                return "stopped"
            else:
                self._writer.flush_if_due()
            with self._changed:
                self._note_progress()
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + _DISK_CHECK_S
                self._free_bytes = self._look_at_disk()
                if self._writer.is_deleted:
                    raise RecordingError(f"{self.path} was deleted while it was being recorded")
                if self._free_bytes < self._options.min_free_bytes:
                    return self._disk_nearly_full()

    def _take(self) -> _Entry | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopping, _IDLE_S)
            self._writer.hurry = self._queued_bytes > self._options.queue_bytes // 2
            return self._queue.popleft() if self._queue else None

    def _write(self, entry: _Entry) -> None:
        try:
            for reason, (seconds, frames) in entry.gaps.items():
                self._writer.mark_gap(reason, seconds, frames)
            if entry.frame is not None:
                self._writer.write(entry.frame, entry.segmentation)
            elif entry.segmentation is not None:
                self._writer.write_segmentation(entry.segmentation)
        finally:
            # Only now: memory of a frame that is being written counts as queued.
            with self._changed:
                self._queued_bytes -= entry.size
                self._queued_frames -= entry.frame is not None
                self._changed.notify_all()

    def _note_progress(self) -> None:
        writer = self._writer
        self._written = (writer.frames, writer.duration_s, writer.bytes_written, len(writer.gaps))

    def _look_at_disk(self) -> int:
        try:
            return shutil.disk_usage(self.path.parent).free
        except OSError as error:
            folder = self.path.parent
            raise RecordingError(f"the folder {folder} of the recording is gone: {error.strerror or error}") from None

    def _disk_nearly_full(self) -> str:
        free, least = self._free_bytes / 1e6, self._options.min_free_bytes / 1e6
        return (
            f"only {free:.0f} MB are left on the disk of {self.path}, and recording stops below {least:.0f} MB: "
            "make room, or choose another folder"
        )
