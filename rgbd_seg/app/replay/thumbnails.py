"""Small pictures of a recording for its timeline, made in the background with a reader of their own. No Qt."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from rgbd_seg.errors import RecordingError
from rgbd_seg.sensors import open_any_recording

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from rgbd_seg.recording.reader import RecordingReader

_log = logging.getLogger(__name__)
HEIGHT_PX = 68  # Twice the strip's height, for sharp screens.
MOST = 32  # Bounds time and memory: under half a megabyte in all.
_MAX_WIDTH_PX = 3 * HEIGHT_PX
_SHARE = 0.15  # At most this part of one processor core: the network and the replay come first.


def spread(length: int, count: int) -> list[int]:
    """Positions of `count` frames, evenly over a recording, first those that are far apart: 0, the middle, ..."""
    count = min(length, count)
    even = [round(i * (length - 1) / max(count - 1, 1)) for i in range(count)]
    order: list[int] = []
    step = 1
    while step < count:
        step *= 2
    while step >= 1:
        order += [i for i in range(0, count, step) if i not in order]
        step //= 2
    return [even[i] for i in order]


class Thumbnails:
    """Begins when it is made; `close` ends it after the frame that is being read."""

    def __init__(self, path: Path, options: Mapping[str, str], wake: Callable[[], None]) -> None:
        """Starts the thread.

        Args:
            path: The recording.
            options: Of its reader.
            wake: Called from the thread after each picture.
        """
        self._path, self._options, self._wake = path, dict(options), wake
        self._lock = threading.Lock()
        self._pictures: dict[int, NDArray[np.uint8]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rgbd-seg thumbnails", daemon=True)
        self._thread.start()

    @property
    def pictures(self) -> dict[int, NDArray[np.uint8]]:
        """Those that are ready, by position: (HEIGHT_PX, W, 3) uint8 RGB."""
        with self._lock:
            return dict(self._pictures)

    def close(self, timeout_s: float = 0.0) -> None:
        """Asks the thread to end, and waits for it as long as that."""
        self._stop.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            with open_any_recording(self._path, **self._options) as reader:
                for position in spread(len(reader), MOST):
                    started = time.perf_counter()
                    self._add(reader, position)
                    if self._stop.wait((time.perf_counter() - started) * (1 / _SHARE - 1)):
                        return
        except RecordingError:
            return  # The replay says what is wrong with it.
        except Exception:  # Pictures on a timeline are worth no more than a line in the log.
            _log.exception("no thumbnails of %s", self._path)

    def _add(self, reader: RecordingReader, position: int) -> None:
        import cv2
        import numpy as np

        try:
            color = reader.read(position).color
        except RecordingError:
            return  # A damaged frame; its neighbours stand in for it.
        width = min(max(round(color.shape[1] / color.shape[0] * HEIGHT_PX), 1), _MAX_WIDTH_PX)
        small = np.asarray(cv2.resize(color, (width, HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8)
        with self._lock:
            self._pictures[position] = small
        self._wake()
