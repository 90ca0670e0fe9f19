"""Writes the `.bag` of an older librealsense (a ROS 1 bag), which today's librealsense plays but no longer records.

The topics are those of its file format, version 4; the pictures are the software camera's of `realsense_file`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rosbags.rosbag1 import Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from tests.sensors.realsense_file import BASELINE_M, FRAMES, FX, HEIGHT, SERIAL, UNIT_M, WIDTH, scene

if TYPE_CHECKING:
    from pathlib import Path

FILE_VERSION = 4
_STATIC_NS = 1  # What does not change is written at the smallest time there is.
_FIRST_NS = 1_000_000_000
_STREAM_INFO = "uint32 fps\nstring encoding\nbool is_recommended\n"


class _Bag:
    """Messages by their plain names and fields."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._types = writer, get_typestore(Stores.ROS1_NOETIC)
        self._types.register(get_types_from_msg(_STREAM_INFO, "realsense_msgs/msg/StreamInfo"))
        self._connections: dict[str, Any] = {}

    def make(self, kind: str, *fields: object) -> Any:
        return self._types.types[kind.replace("/", "/msg/")](*fields)

    def write(self, topic: str, kind: str, *fields: object, at_ns: int = _STATIC_NS) -> None:
        full = kind.replace("/", "/msg/")
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, full, typestore=self._types)
        message = self._types.serialize_ros1(self.make(kind, *fields), full)
        self._writer.write(self._connections[topic], at_ns, message)

    def header(self, number: int, at_ns: int) -> Any:
        stamp = self.make("builtin_interfaces/Time", at_ns // 10**9, at_ns % 10**9)
        return self.make("std_msgs/Header", number, stamp, "0")

    def camera_info(self, topic: str) -> None:
        matrix = np.array([FX, 0, WIDTH / 2, 0, FX, HEIGHT / 2, 0, 0, 1], np.float64)
        region = self.make("sensor_msgs/RegionOfInterest", 0, 0, 0, 0, False)
        unused = (np.eye(3).ravel(), np.zeros(12), 0, 0, region)
        header = self.header(0, 0)
        self.write(topic, "sensor_msgs/CameraInfo", header, HEIGHT, WIDTH, "None", np.zeros(5), matrix, *unused)

    def transform(self, topic: str, x_m: float) -> None:
        translation = self.make("geometry_msgs/Vector3", x_m, 0.0, 0.0)
        self.write(
            topic, "geometry_msgs/Transform", translation, self.make("geometry_msgs/Quaternion", 0.0, 0.0, 0.0, 1.0)
        )


def write_bag(path: Path, kind: str = "pairs", frames: int = FRAMES) -> None:
    """Writes pairs of depth and colour, 1/30 s apart; depth's camera stands `BASELINE_M` beside colour's.

    Args:
        path: Where.
        kind: "equal-numbers": two pairs each have the same numbers. "clock-back": half-way the camera's clock goes back
            half a second, while recording goes on. "one-without-metadata": that of colour's sixth frame is missing.
            "without-metadata": all of it is.
        frames: How many pairs.
    """
    with Writer(path) as writer:
        bag = _Bag(writer)
        bag.write("/file_version", "std_msgs/UInt32", FILE_VERSION)
        for key, text in (("Name", "Software D435"), ("Serial Number", SERIAL), ("Firmware Version", "5.16.0.1")):
            bag.write("/device_0/info", "diagnostic_msgs/KeyValue", key, text)
        streams = ("/device_0/sensor_0/Depth_0", "/device_0/sensor_1/Color_0")
        for stream, part, encoding in zip(streams, ("Stereo Module", "RGB Camera"), ("mono16", "rgb8"), strict=True):
            bag.write(f"{stream[:18]}/info", "diagnostic_msgs/KeyValue", "Name", part)
            bag.write(f"{stream}/info", "realsense_msgs/StreamInfo", 30, encoding, True)
            bag.camera_info(f"{stream}/info/camera_info")
            bag.transform(f"{stream}/tf/0", BASELINE_M if stream == streams[1] else 0.0)
        bag.write("/device_0/sensor_0/option/Depth_Units/value", "std_msgs/Float32", UNIT_M)
        bag.write("/device_0/sensor_0/option/Depth_Units/description", "std_msgs/String", "metres a count")
        for number in range(frames):
            at_ns = _FIRST_NS + number * 10**9 // 30
            taken_ns = at_ns - (kind == "clock-back" and number >= frames // 2) * 500_000_000
            counted = 1 + (number // 2 if kind == "equal-numbers" else number)
            color, depth = scene(number)
            for stream, pixels, encoding in zip(streams, (depth, color), ("mono16", "rgb8"), strict=True):
                step = pixels.nbytes // HEIGHT
                fields = (HEIGHT, WIDTH, encoding, 0, step, np.frombuffer(pixels.tobytes(), np.uint8))
                is_missing = kind == "one-without-metadata" and encoding == "rgb8" and number == 5
                if not is_missing and kind != "without-metadata":
                    for key, text in (("timestamp_domain", "Hardware Clock"), ("Frame Counter", str(counted))):
                        bag.write(f"{stream}/image/metadata", "diagnostic_msgs/KeyValue", key, text, at_ns=at_ns)
                header = bag.header(counted, taken_ns)
                bag.write(f"{stream}/image/data", "sensor_msgs/Image", header, *fields, at_ns=at_ns)
