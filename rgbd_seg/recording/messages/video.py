"""Pictures that lie in messages as compressed video: each is decoded from the key picture before it, by PyAV.

A message holds one picture of H.264, H.265, VP9 or AV1, as Foxglove's CompressedVideo has it. Every picture that comes
out of the decoder carries the row of the message that it came in with, so that seeking gives exactly the picture that
was asked for, whatever the decoder holds back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.codec import MAX_PIXELS
from rgbd_seg.recording.pictures.video_picture import HOW_TO_INSTALL, rgb_of

# FFmpeg's name of a codec -> what formats and encoders call it.
_CODECS = {"h264": "h264|x264|avc", "hevc": "h265|x265|hevc", "vp9": "vp9", "av1": "av1"}
# FFmpeg's own decoder of AV1 wants a graphics card.
_DECODERS = {"av1": "libdav1d"}
# A decoder never holds back more pictures than H.264 and H.265 have room for.
_LONGEST_DELAY = 16
_START_CODE = b"\0\0\1"
_H264_SLICES, _H264_KEYS = range(1, 6), (5, 7)
_HEVC_SLICES, _HEVC_KEYS = range(32), (*range(16, 24), 32, 33)
_AV1_SEQUENCE_HEADER, _AV1_FRAMES = 1, (3, 6)


def video_codec(text: str) -> str:
    """FFmpeg's name of the codec that a picture's format names, such as "h264"; "" if it names no video."""
    return next((name for name, words in _CODECS.items() if re.search(words, text[:100].lower())), "")


def is_key(codec: str, data: bytes) -> bool:
    """Whether a picture can be decoded without those before it."""
    if codec in ("h264", "hevc"):
        return _has_key_unit(data, hevc=codec == "hevc")
    if codec == "vp9":
        # Two bits of mark, two of profile (three for the third), whether an old picture is shown again, whether it is a
        # key picture (0).
        at = 3 if data[:1] and data[0] & 0x30 != 0x30 else 2
        return bool(data) and data[0] >> 6 == 2 and data[0] >> (at - 1) & 3 == 0
    return _has_sequence_header(data)


def _has_key_unit(data: bytes, *, hevc: bool) -> bool:
    """H.264 and H.265: units after start codes; parameters and key pictures stand before all others."""
    keys, slices = (_HEVC_KEYS, _HEVC_SLICES) if hevc else (_H264_KEYS, _H264_SLICES)
    at = data.find(_START_CODE)
    while 0 <= at < len(data) - 3:
        kind = data[at + 3] >> 1 & 0x3F if hevc else data[at + 3] & 0x1F
        if kind in keys:
            return True
        if kind in slices:
            return False
        at = data.find(_START_CODE, at + 3)
    return False


def _has_sequence_header(data: bytes) -> bool:
    """AV1: units with their length, of which one says what the following pictures are like."""
    at = 0
    while at < len(data):
        kind, extended, sized = data[at] >> 3 & 0x0F, data[at] & 4, data[at] & 2
        if kind == _AV1_SEQUENCE_HEADER:
            return True
        if kind in _AV1_FRAMES or not sized:
            return False
        at += 2 if extended else 1
        length = shift = 0
        while at < len(data) and shift < 56:
            length |= (data[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 0x80:
                break
        at += length
    return False


class VideoTrack:
    """The pictures of one topic, at random; reading on from the last one is cheapest. Used from one thread.

    Attributes:
        first: Row of the first picture that can be decoded; those before it need pictures that are not there.
    """

    def __init__(self, packet: Callable[[int], tuple[str, bytes]], count: int) -> None:
        """Looks for the first key picture.

        Args:
            packet: Format and bytes of the picture in a row's message; raises RecordingError if it is damaged.
            count: Number of rows.

        Raises:
            RecordingError: PyAV is missing, or no picture can be decoded by itself.
        """
        try:
            import av
        except ImportError:
            raise RecordingError(f"the pictures are video: {HOW_TO_INSTALL}") from None
        self._av, self._packet, self._count = av, packet, count
        self._keys: dict[int, bool] = {}
        self._decoder: Any = None
        self._next = 0  # The row that goes into the decoder next.
        self._oldest = 0  # The first row whose picture can still come out of it.
        self._ready: dict[int, Any] = {}
        self.first = next((row for row in range(count) if self._is_key(row)), -1)
        if self.first < 0:
            raise RecordingError("the video has no picture that can be decoded by itself")

    def color(self, row: int) -> NDArray[np.uint8]:
        """One picture, (H, W, 3) uint8 RGB.

        Raises:
            RecordingError: It, or one that it builds on, is damaged.
        """
        if row < self.first:
            raise RecordingError("the video begins in the middle: pictures that this one builds on are missing")
        try:
            if row not in self._ready:
                if not self._goes_on_to(row):
                    self._begin(self._key_before(row))
                self._decode_to(row)
            return rgb_of(self._ready[row])
        except (self._av.FFmpegError, ValueError, EOFError) as error:
            self._decoder, self._ready = None, {}
            raise RecordingError(f"a picture of the video is damaged: {error}") from None
        except RecordingError:
            self._decoder, self._ready = None, {}
            raise

    def _is_key(self, row: int) -> bool:
        if row not in self._keys:
            try:
                text, data = self._packet(row)
            except RecordingError:
                return False
            self._keys[row] = is_key(video_codec(text), data)
        return self._keys[row]

    def _key_before(self, row: int) -> int:
        return next((r for r in range(row, self.first, -1) if self._is_key(r)), self.first)

    def _goes_on_to(self, row: int) -> bool:
        """Whether the decoder gets to a row by going on, with no key picture on the way to begin at instead."""
        if self._decoder is None or row < self._oldest:
            return False
        return row < self._next or self._key_before(row) <= self._next

    def _begin(self, row: int) -> None:
        text, data = self._packet(self.first)
        codec = video_codec(text)
        self._decoder = self._av.CodecContext.create(_DECODERS.get(codec, codec), "r")
        self._decoder.thread_count = 1
        self._decoder.options = {"max_pixels": str(MAX_PIXELS)}
        self._ready, self._oldest, self._next = {}, row, row
        if row != self.first:
            # Some encoders say how to decode in the first message alone; what is decoded here is thrown away.
            self._decoder.decode(self._av.Packet(data))
            self._decoder.flush_buffers()

    def _decode_to(self, row: int) -> None:
        """Feeds the decoder until a row's picture is out, and forgets older ones."""
        last = min(row + _LONGEST_DELAY, self._count - 1)
        while row not in self._ready and self._next <= last:
            packet = self._av.Packet(self._packet(self._next)[1])
            packet.pts = self._next
            self._next += 1
            self._keep(self._decoder.decode(packet))
        if row not in self._ready:
            # The end: what is held back comes out, and the decoder is used up.
            self._keep(self._decoder.decode(None))
            self._decoder = None
        if row not in self._ready:
            raise RecordingError("a picture of the video is damaged: nothing comes out of it")
        self._ready = {number: picture for number, picture in self._ready.items() if number >= row}
        self._oldest = row

    def _keep(self, pictures: list[Any]) -> None:
        if any(picture.is_corrupt for picture in pictures):
            raise RecordingError("a picture of the video is damaged")
        self._ready |= {picture.pts: picture for picture in pictures if picture.pts is not None}
