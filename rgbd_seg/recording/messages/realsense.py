"""What librealsense writes around its pictures: names of cameras, depth unit, the device's clock, where cameras are.

Its recordings are bags of ROS (`.bag`: ROS 1, `.db3`: rosbag2) whose topics say which camera they are of, such as
`/device_0/sensor_1/Color_0/image/data`. Frame ids, units and places stand in messages of its own.
"""

from __future__ import annotations

import contextlib
import re
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.messages.choice import CameraStream, PictureStream
from rgbd_seg.recording.messages.message import Camera, Transform
from rgbd_seg.recording.messages.ros import read_string

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rgbd_seg.recording.messages.store import MessageStore, Topic

_TOPIC = re.compile(r"^/device_\d+/(info$|sensor_\d+/)|^/file_version$")
_STREAM = re.compile(r"^(/device_\d+/sensor_\d+/([A-Za-z]+_\d+))/")
_UNIT = re.compile(r"^/device_\d+/sensor_\d+/option/Depth[_ ]Units/value$")
_REFERENCE = "reference"
_POSE = struct.Struct("<7d")
_DETAILS = {"Name": "camera", "Serial Number": "serial", "Firmware Version": "firmware"}


@dataclass(frozen=True, slots=True)
class RealSense:
    """What a recording of librealsense says besides its pictures.

    Attributes:
        depth_unit_m: Metres per count, None if it does not say.
        details: Camera, serial number, firmware.
        stamps: By topic of pictures when each was taken by the device's clock, nanoseconds; None where the file has
            no records of that.
        notes: What is missing, in whole sentences.
    """

    depth_unit_m: float | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    stamps: Mapping[str, NDArray[np.int64] | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def is_topic(topic: str) -> bool:
    """Whether a topic is one of librealsense's."""
    return _TOPIC.match(topic) is not None


def stream_of(topic: str) -> str:
    """The camera of a topic, such as `Color_0`; "" where it is none's."""
    match = _STREAM.match(topic)
    return match[2] if match else ""


def adapt(
    store: MessageStore, topics: Mapping[str, Topic], pictures: Sequence[PictureStream], cameras: Sequence[CameraStream]
) -> tuple[RealSense, tuple[PictureStream, ...], tuple[CameraStream, ...], tuple[Transform, ...]]:
    """Names pictures, calibrations and places of cameras by the streams that they are of."""
    unit_m: float | None = None
    details: dict[str, str] = {}
    transforms: list[Transform] = []
    models: dict[str, str] = {}
    for name, topic in topics.items():
        if not len(topic.places):
            continue
        if _UNIT.match(name) and stream_unit(store, topic) is not None:
            unit_m = unit_m or stream_unit(store, topic)
        elif re.match(r"^/device_\d+/info$", name):
            details |= {_DETAILS[key]: text for key, text in _pairs(store, topic) if key in _DETAILS}
        elif "/tf/" in name and topic.channel.encoding == "ros1":
            with contextlib.suppress(RecordingError, struct.error):
                x, y, z, *turn = _POSE.unpack_from(_data(store, topic, 0))
                # From the reference to the stream.
                qx, qy, qz, qw = turn
                transforms.append(Transform(stream_of(name), _REFERENCE, (x, y, z), (qx, qy, qz, qw)))
        elif name.endswith("/camera_info") and topic.channel.schema.endswith("String"):
            models[stream_of(name)] = dict(_pairs(store, topic)).get("model", "")
    named = tuple(replace(p, frame_id=stream_of(p.topic) or p.frame_id) for p in pictures)
    if transforms:
        frames = {c.topic: replace(c.camera, frame_id=stream_of(c.topic) or c.camera.frame_id) for c in cameras}
    else:  # rosbag2 has tf_static, by frame ids without numbers.
        named, frames = tuple(pictures), {c.topic: c.camera for c in cameras}
    calibrations = tuple(CameraStream(name, _with_model(camera, models, name)) for name, camera in frames.items())
    notes: list[str] = []
    # ROS 1's bags have the device's clock in the pictures' own headers, rosbag2's in messages beside them.
    beside = [p.topic for p in named if topics[p.topic].channel.encoding != "ros1" and _STREAM.match(p.topic)]
    stamps = {topic: _device_clock(store, topics, topic, notes) for topic in beside}
    return RealSense(unit_m, details, stamps, tuple(notes)), named, calibrations, tuple(transforms)


def stream_unit(store: MessageStore, topic: Topic) -> float | None:
    """The depth unit in an option's value: a number in ROS 1's bags, a text in rosbag2's."""
    with contextlib.suppress(RecordingError, ValueError, struct.error):
        data = _data(store, topic, 0)
        if topic.channel.schema.endswith("String"):
            value = float(read_string(data, ros1=topic.channel.encoding == "ros1"))
        else:
            (value,) = struct.unpack("<f", data[:4])
        if 1e-6 <= value <= 0.1:
            return float(f"{value:.6g}")  # A float of 32 bits is not quite 0.001.
    return None


def _with_model(camera: Camera, models: Mapping[str, str], topic: str) -> Camera:
    """The lens model that librealsense itself names: its rosbag2 writer calls all of them plumb_bob."""
    model = models.get(stream_of(topic), "")
    return replace(camera, model=model) if model else camera


def _device_clock(
    store: MessageStore, topics: Mapping[str, Topic], topic: str, notes: list[str]
) -> NDArray[np.int64] | None:
    """When each picture of a topic was taken, by the messages beside them; None if most have none."""
    match, pictures = _STREAM.match(topic), topics[topic]
    beside = topics.get(f"{match[1]}/image/metadata") if match else None
    said: dict[int, int] = {}  # By when both were written, which is the same.
    for row, place in enumerate(beside.places if beside else ()):
        assert beside is not None
        with contextlib.suppress(RecordingError, KeyError, ValueError, OverflowError):
            stamp = round(float(dict(_pairs_of(_data(store, beside, row), ros1=False))["timestamp"]) * 1e6)
            if 0 < stamp < 2**62:
                said[int(place[0])] = stamp
    log = pictures.places[:, 0]
    rows = np.flatnonzero([int(time_ns) in said for time_ns in log])
    missing = len(log) - len(rows)
    if 2 * len(rows) < len(log) or not len(rows):
        notes.append(f"{stream_of(topic)} has no record of when its pictures were taken.")
        return None
    known = np.array([said[int(log[row])] for row in rows], np.int64)
    if not missing:
        return known
    some = "1 picture" if missing == 1 else f"{missing} pictures"
    notes.append(f"{some} of {stream_of(topic)} without a record of when they were taken: it is estimated.")
    # Pictures come regularly, while they are written when the disk has time.
    interval = float(np.median(np.diff(known) / np.diff(rows))) if len(rows) > 1 else 0.0
    every = np.arange(len(log))
    first, last = rows[0], rows[-1]
    inside = np.interp(every, rows, known - known[0])
    outside = np.where(every < first, (every - first) * interval, (every - last) * interval)
    inside += np.where((every < first) | (every > last), outside, 0)
    stamps: NDArray[np.int64] = known[0] + np.round(inside).astype(np.int64)
    return stamps


def _pairs(store: MessageStore, topic: Topic) -> list[tuple[str, str]]:
    """Keys and values of all messages on a topic (the first hundred)."""
    found: list[tuple[str, str]] = []
    for row in range(min(len(topic.places), 100)):
        with contextlib.suppress(RecordingError):
            found += _pairs_of(_data(store, topic, row), ros1=topic.channel.encoding == "ros1")
    return found


def _pairs_of(data: bytes | memoryview, *, ros1: bool) -> list[tuple[str, str]]:
    """ROS 1's KeyValue, or rosbag2's `key=value;key=value`."""
    if ros1:
        key = read_string(data, ros1=True)
        rest = memoryview(data)[4 + len(key.encode()) :]
        return [(key, read_string(rest, ros1=True))]
    parts = (part.partition("=") for part in read_string(data, ros1=False).split(";"))
    return [(key.strip(), value.strip()[:200]) for key, mark, value in parts if mark]


def _data(store: MessageStore, topic: Topic, row: int) -> bytes | memoryview:
    place = topic.places[row]
    return store.message(int(place[3]), place[:3])
