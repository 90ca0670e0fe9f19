"""The pictures of a video file at random: exactly the one that was asked for, by PyAV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.codec import MAX_PIXELS
from rgbd_seg.recording.pictures.video_picture import HOW_TO_INSTALL, rgb_of

_MAX_PACKETS = 20_000_000


class VideoFile:
    """An open video. Used from one thread.

    Attributes:
        path: The file.
        size: Width and height as its header says.
        times_us: (N,) microseconds of its own clock, in the order in which the pictures are shown.
    """

    def __init__(self, path: Path) -> None:
        """Looks through the file's packets, decoding none.

        Raises:
            RecordingError: PyAV is missing, or it is no video.
        """
        try:
            import av
        except ImportError:
            raise RecordingError(f"{path} is a video: {HOW_TO_INSTALL}") from None
        self.path = path
        self._errors = (av.FFmpegError, OSError, ValueError, EOFError, IndexError)
        try:
            self._file = av.open(str(path))
        except self._errors as error:
            raise RecordingError(f"{path} cannot be read: {error}") from None
        try:
            self._stream = self._file.streams.video[0]
            if self._stream.codec_context is None:
                raise RecordingError(f"{path} is coded in a way that is not known")
            self._stream.thread_type = "NONE"
            self._stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            self._pts = self._all_pts()
            self.size = (self._stream.width, self._stream.height)
            if not len(self._pts) or self._stream.time_base is None:
                raise RecordingError(f"{path} holds no pictures")
            seconds = self._pts * float(self._stream.time_base)
            self.times_us: NDArray[np.int64] = np.round(seconds * 1e6).astype(np.int64)
        except self._errors as error:
            self.close()
            raise RecordingError(f"{path} cannot be read: {error}") from None
        except BaseException:
            self.close()
            raise
        self._next: Any = None  # The pictures that follow the last one, decoded as they are asked for.
        self._next_row = -1

    def __len__(self) -> int:
        return len(self._pts)

    def read(self, row: int) -> NDArray[np.uint8]:
        """One picture, (H, W, 3) uint8 RGB, as the sensor saw it: a rotation for showing it is not applied.

        Raises:
            RecordingError: It is damaged.
        """
        wanted = int(self._pts[row])
        try:
            if self._next is None or row != self._next_row:
                self._file.seek(wanted, stream=self._stream, backward=True)
                self._next = self._file.decode(self._stream)
            for picture in self._next:
                if picture.pts is not None and picture.pts >= wanted:
                    break
            else:
                raise RecordingError(f"picture {row} of {self.path} is missing")
            if picture.pts != wanted:
                raise RecordingError(f"picture {row} of {self.path} is damaged")
            self._next_row = row + 1
            return rgb_of(picture)
        except self._errors as error:
            self._next = None
            raise RecordingError(f"picture {row} of {self.path} is damaged: {error}") from None
        except RecordingError:
            self._next = None
            raise

    def close(self) -> None:
        self._next = None
        self._file.close()

    def _all_pts(self) -> NDArray[np.int64]:
        found: list[int] = []
        for packet in self._file.demux(self._stream):
            # What an edit list cuts away is decoded but never shown.
            if packet.pts is not None and not packet.is_discard:
                found.append(packet.pts)
            if len(found) > _MAX_PACKETS:
                raise RecordingError(f"{self.path} has more pictures than can be looked through")
        return np.unique(np.array(found, np.int64))
