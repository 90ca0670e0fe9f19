"""The few ROS messages that a recording of pictures consists of, out of CDR (ROS 2) or ROS 1's own bytes.

Written by hand because a message from a stranger is data: every length is compared with what is there, and the pixels
are not copied. Sources: OMG's DDS-XTypes 1.3 (CDR), wiki.ros.org/ROS/Technical Overview, sensor_msgs, tf2_msgs and
foxglove_msgs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.messages.encodings import RawPixels
from rgbd_seg.recording.messages.message import Camera, Picture, Transform

_MAX_TRANSFORMS = 10_000


class _Fields:
    """Reads fields one after the other."""

    def __init__(self, data: memoryview, *, ros1: bool) -> None:
        self._data = data
        self._ros1 = ros1
        self._order = "<"
        self._at = self._origin = 0
        self._widest = 1 if ros1 else 8
        if not ros1:
            if len(data) < 4 or data[0] or data[1] > 0x0B:
                raise RecordingError("a message is damaged: it is no CDR")
            self._order = "<" if data[1] & 1 else ">"
            # The second edition aligns numbers of eight bytes to four.
            self._widest = 4 if data[1] >= 0x06 else 8
            self._at = self._origin = 4

    @property
    def big_endian(self) -> bool:
        return self._order == ">"

    def numbers(self, kind: str, count: int = 1) -> tuple[float, ...]:
        size = struct.calcsize(kind)
        align = min(size, self._widest)
        self._at += -(self._at - self._origin) % align
        if count < 0 or self._at + size * count > len(self._data):
            raise RecordingError("a message is cut off or damaged")
        values = struct.unpack_from(f"{self._order}{count}{kind}", self._data, self._at)
        self._at += size * count
        return values

    def number(self, kind: str) -> int:
        return int(self.numbers(kind)[0])

    def bytes(self) -> memoryview:
        length = self.number("I")
        if self._at + length > len(self._data):
            raise RecordingError("a message is cut off or damaged")
        self._at += length
        return self._data[self._at - length : self._at]

    def text(self) -> str:
        return bytes(self.bytes()).rstrip(b"\0").decode("utf-8", "replace")[:1000]

    def floats(self) -> tuple[float, ...]:
        count = self.number("I")
        if count > 1000:
            raise RecordingError("a message is damaged: it has more numbers than any camera's")
        return self.numbers("d", count) if count else ()

    def stamp(self) -> int | None:
        seconds, nanoseconds = self.number("I" if self._ros1 else "i"), self.number("I")
        return seconds * 10**9 + nanoseconds if seconds > 0 or nanoseconds else None

    def header(self) -> tuple[int | None, str]:
        if self._ros1:
            self.number("I")  # seq
        stamp = self.stamp()
        return stamp, self.text()


def _image(fields: _Fields) -> Picture:
    stamp, frame_id = fields.header()
    height, width = fields.number("I"), fields.number("I")
    encoding = fields.text()
    big_endian = bool(fields.number("B"))
    step = fields.number("I")
    return Picture(stamp, frame_id, RawPixels(encoding, width, height, step, big_endian, fields.bytes()))


def _compressed_image(fields: _Fields) -> Picture:
    stamp, frame_id = fields.header()
    text = fields.text()
    return Picture(stamp, frame_id, None, fields.bytes(), text)


def _camera_info(fields: _Fields) -> Camera:
    stamp, frame_id = fields.header()
    height, width = fields.number("I"), fields.number("I")
    model = fields.text()
    d = fields.floats()
    k = fields.numbers("d", 9)
    fields.numbers("d", 9)  # R
    return Camera(stamp, frame_id, width, height, model, d, k, fields.numbers("d", 12))


def _transforms(fields: _Fields) -> tuple[Transform, ...]:
    count = fields.number("I")
    if count > _MAX_TRANSFORMS:
        raise RecordingError("a message is damaged: it has more frames than any robot")
    found = []
    for _ in range(count):
        _, parent = fields.header()
        child = fields.text()
        tx, ty, tz = fields.numbers("d", 3)
        rx, ry, rz, rw = fields.numbers("d", 4)
        found.append(Transform(parent, child, (tx, ty, tz), (rx, ry, rz, rw)))
    return tuple(found)


def _foxglove_raw(fields: _Fields) -> Picture:
    stamp, frame_id = fields.stamp(), fields.text()
    width, height = fields.number("I"), fields.number("I")
    encoding, step = fields.text(), fields.number("I")
    return Picture(stamp, frame_id, RawPixels(encoding, width, height, step, False, fields.bytes(), True))


def _foxglove_compressed(fields: _Fields) -> Picture:
    stamp, frame_id = fields.stamp(), fields.text()
    data = fields.bytes()
    return Picture(stamp, frame_id, None, data, fields.text())


def _ffmpeg_packet(fields: _Fields) -> Picture:
    stamp, frame_id = fields.header()
    fields.numbers("i", 2)  # Width and height, which the video says itself.
    encoder = fields.text()
    fields.numbers("Q")
    fields.numbers("B", 2)
    return Picture(stamp, frame_id, None, fields.bytes(), encoder)


def _foxglove_calibration(fields: _Fields) -> Camera:
    stamp, frame_id = fields.stamp(), fields.text()
    width, height = fields.number("I"), fields.number("I")
    model, d = fields.text(), fields.floats()
    k = fields.numbers("d", 9)
    fields.numbers("d", 9)  # R
    return Camera(stamp, frame_id, width, height, model, d, k, fields.numbers("d", 12))


_READERS: dict[str, Callable[[_Fields], Picture | Camera | tuple[Transform, ...]]] = {
    "sensor_msgs/Image": _image,
    "sensor_msgs/CompressedImage": _compressed_image,
    "sensor_msgs/CameraInfo": _camera_info,
    "tf2_msgs/TFMessage": _transforms,
    "tf/tfMessage": _transforms,
    "foxglove_msgs/RawImage": _foxglove_raw,
    "foxglove_msgs/CompressedImage": _foxglove_compressed,
    "foxglove_msgs/CompressedVideo": _foxglove_compressed,
    "ffmpeg_image_transport_msgs/FFMPEGPacket": _ffmpeg_packet,
    "foxglove_msgs/CameraCalibration": _foxglove_calibration,
}


def plain_name(schema: str) -> str:
    """A message type without ROS 2's middle part: `sensor_msgs/msg/Image` is `sensor_msgs/Image`."""
    return schema.replace("/msg/", "/")


def knows(schema: str) -> bool:
    """Whether messages of this type can be read."""
    return plain_name(schema) in _READERS


def read_message(schema: str, data: bytes | memoryview, *, ros1: bool) -> Picture | Camera | tuple[Transform, ...]:
    """A message of one of the types that `knows` names.

    Args:
        schema: Its type.
        data: Its bytes.
        ros1: Whether they are ROS 1's, else CDR.

    Raises:
        RecordingError: They are cut off or damaged.
    """
    return _READERS[plain_name(schema)](_Fields(memoryview(data), ros1=ros1))


def read_stamp(schema: str, data: bytes | memoryview, *, ros1: bool) -> int | None:
    """When a picture was taken, from its first bytes alone; None where it does not say.

    Raises:
        RecordingError: Not even those are there.
    """
    fields = _Fields(memoryview(data), ros1=ros1)
    if ros1 and not plain_name(schema).startswith("foxglove_msgs/"):
        fields.number("I")
    return fields.stamp()


def read_string(data: bytes | memoryview, *, ros1: bool) -> str:
    """The text of a std_msgs/String.

    Raises:
        RecordingError: It is cut off.
    """
    return _Fields(memoryview(data), ros1=ros1).text()
