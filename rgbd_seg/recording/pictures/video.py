"""MP4 video from pictures at a constant rate: H.264, which browsers play, where PyAV is installed, else MPEG-4.

Pictures keep their own times: one that lasts longer than the rate says is repeated until the next one is due.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError, RecordingError

# Pictures in a burst are shown one after the other, at most so much later than they came.
_LATEST_S = 0.25


class VideoWriter:
    """One video being written. Its size is that of the first picture; others are fitted in with black borders.

    Attributes:
        left_out: Pictures that came faster than the video's rate for so long that there was no room for them.
    """

    def __init__(self, path: Path, fps: float) -> None:
        """Names the file; it is created with the first picture.

        Args:
            path: Ends in .mp4.
            fps: Pictures per second, 0.1 to 240.

        Raises:
            ConfigurationError: The rate is out of range, or the name does not end in .mp4.
        """
        if not 0.1 <= fps <= 240:
            raise ConfigurationError(f"a video needs 0.1 to 240 pictures per second, not {fps:g}")
        if path.suffix.lower() != ".mp4":
            raise ConfigurationError(f"a video is written as .mp4, not as {path.name}")
        self.path = path
        self._fps = fps
        self._written = 0
        self._first_s: float | None = None
        self._last: NDArray[np.uint8] | None = None
        self.left_out = 0
        self._writer: Any = None
        self._size = (0, 0)

    def write(self, picture: NDArray[np.uint8], time_s: float) -> None:
        """Appends a picture.

        Args:
            picture: (H, W, 3) uint8 RGB.
            time_s: When it is to be shown, in seconds from any moment; never less than the one before.

        Raises:
            RecordingError: The file cannot be created.
        """
        self._first_s = time_s if self._first_s is None else self._first_s
        due = round((time_s - self._first_s) * self._fps)
        if self._written - due > max(1.0, _LATEST_S * self._fps):
            self.left_out += 1
            return
        if self._writer is None:
            height, width = picture.shape[:2]
            # The codec stores colour at half the resolution, so that odd sizes lose their last row and column.
            self._size = (max(2, width // 2 * 2), max(2, height // 2 * 2))
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = _open_writer(self.path, self._fps, self._size)
            if self._writer is None:
                raise RecordingError(
                    f"cannot write the video {self.path}: is the folder writable and the disk not full?"
                )
        while self._last is not None and self._written < due:
            self._append(self._last)
        self._last = np.asarray(cv2.cvtColor(_fitted(picture, self._size), cv2.COLOR_RGB2BGR), np.uint8)
        self._append(self._last)

    def _append(self, picture: NDArray[np.uint8]) -> None:
        self._writer.write(picture)
        self._written += 1

    def close(self) -> None:
        """Finishes the file. Closing twice does nothing.

        Raises:
            RecordingError: Not every picture is in it.
        """
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        writer.release()
        # OpenCV says nothing of a disk that is full: the file tells.
        video = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        kept = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
        video.release()
        if kept != self._written:
            raise RecordingError(
                f"the video {self.path} could not be written whole ({kept} of {self._written} pictures): "
                "is the disk full?"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _H264:
    """What OpenCV's writer does, by PyAV."""

    def __init__(self, av: Any, path: Path, fps: float, size: tuple[int, int]) -> None:
        self._av, self._errors = av, (av.FFmpegError, OSError)
        # The index at the front: a browser shows the first picture before the rest is there.
        self._file = av.open(str(path), "w", options={"movflags": "+faststart"})
        rate = Fraction(fps).limit_denominator(1000)
        self._stream = self._file.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "18"})
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Appends a BGR picture; what the disk does not take is told at the end."""
        try:
            self._file.mux(self._stream.encode(self._av.VideoFrame.from_ndarray(picture, format="bgr24")))
        except self._errors:
            return

    def release(self) -> None:
        try:
            self._file.mux(self._stream.encode(None))
            self._file.close()
        except self._errors:
            return


def _open_writer(path: Path, fps: float, size: tuple[int, int]) -> Any:
    """A writer of BGR pictures, None if the file cannot be made."""
    try:
        import av
    except ImportError:
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
        return writer if writer.isOpened() else None
    try:
        return _H264(av, path, fps, size)
    except (av.FFmpegError, OSError):
        return None


def _fitted(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture at a size (width, height): cut by a pixel where that is all, otherwise scaled with black borders."""
    width, height = size
    if picture.shape[0] - height in (0, 1) and picture.shape[1] - width in (0, 1):
        return picture[:height, :width]
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    canvas = np.zeros((height, width, 3), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA)
    return canvas
