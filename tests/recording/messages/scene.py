"""Small pictures with known values, and how ROS and Foxglove pack them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from mcap.writer import Writer
from rosbags.typesys import Stores, get_typestore

from rgbd_seg.recording.mcap.format import protobuf_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

WIDTH, HEIGHT = 32, 24
START_NS = 1_700_000_000_000_000_000
STEP_NS = 33_333_333
K = (40.0, 0.0, 15.5, 0.0, 41.0, 11.5, 0.0, 0.0, 1.0)

ROS2, ROS1 = get_typestore(Stores.ROS2_HUMBLE), get_typestore(Stores.ROS1_NOETIC)

Row = tuple[str, int, Any]  # Topic, log time, message.


def color(i: int = 0, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """RGB: red grows to the right, green downwards, blue tells the frame."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 7, y * 10, np.full_like(x, 20 * i)], axis=-1).clip(0, 255).astype(np.uint8)


def depth(i: int = 0, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint16]:
    """Millimetres: a slope, 100 mm farther with every frame, a hole at the lower right."""
    y, x = np.mgrid[:height, :width]
    counts = (1000 + 10 * x + y + 100 * i).astype(np.uint16)
    counts[-4:, -4:] = 0
    return counts


def packed(picture: NDArray[Any], suffix: str = ".png") -> bytes:
    """RGB or grey as a file in memory."""
    stored = picture[..., ::-1] if picture.ndim == 3 else picture
    return bytes(cv2.imencode(suffix, np.ascontiguousarray(stored))[1])


def rvl(counts: NDArray[np.uint16]) -> bytes:
    """Wilson's RVL with its size before it, written as his paper prints it: number by number."""
    words: list[int] = []
    nibbles: list[int] = []

    def put(value: int) -> None:
        while True:
            nibble, value = value & 7, value >> 3
            nibbles.append(nibble | 8 if value else nibble)
            if not value:
                return

    values = counts.ravel().tolist()
    at = previous = 0
    while at < len(values):
        start = at
        while at < len(values) and values[at] == 0:
            at += 1
        put(at - start)
        start = at
        while at < len(values) and values[at] != 0:
            at += 1
        put(at - start)
        for value in values[start:at]:
            delta = value - previous
            put((delta << 1) ^ (delta >> 31))
            previous = value
    nibbles += [0] * (-len(nibbles) % 8)
    for n in range(0, len(nibbles), 8):
        words.append(sum(nibble << (28 - 4 * k) for k, nibble in enumerate(nibbles[n : n + 8])))
    height, width = counts.shape
    return np.array([width, height], "<u4").tobytes() + np.array(words, "<u4").tobytes()


# ROS.


def header(store: Any, stamp_ns: int, frame: str) -> Any:
    stamp = store.types["builtin_interfaces/msg/Time"](sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    sequence = {} if store is ROS2 else {"seq": 0}
    return store.types["std_msgs/msg/Header"](stamp=stamp, frame_id=frame, **sequence)


def ros_image(
    store: Any, stamp_ns: int, pixels: NDArray[Any], encoding: str, frame: str = "cam_color", pad: int = 0
) -> Any:
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
    rows = np.pad(rows, ((0, 0), (0, pad)), constant_values=7)
    return store.types["sensor_msgs/msg/Image"](
        header=header(store, stamp_ns, frame), height=pixels.shape[0], width=pixels.shape[1], encoding=encoding,
        is_bigendian=0, step=rows.shape[1], data=rows.ravel(),
    )  # fmt: skip


def ros_compressed(store: Any, stamp_ns: int, data: bytes, text: str, frame: str = "cam_color") -> Any:
    return store.types["sensor_msgs/msg/CompressedImage"](
        header=header(store, stamp_ns, frame), format=text, data=np.frombuffer(data, np.uint8)
    )


def ros_camera(
    store: Any, stamp_ns: int, k: Sequence[float] = K, d: Sequence[float] = (), frame: str = "cam_color", **other: Any
) -> Any:
    region = store.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    names = "DKRP" if store is ROS1 else "dkrp"
    p = [k[0], 0, k[2], 0, 0, k[4], k[5], 0, 0, 0, 1, 0]
    numbers = dict(zip(names, map(np.array, (list(d), list(k), np.eye(3).ravel(), p)), strict=True))
    return store.types["sensor_msgs/msg/CameraInfo"](
        header=header(store, stamp_ns, frame), height=other.get("height", HEIGHT), width=other.get("width", WIDTH),
        distortion_model=other.get("model", "plumb_bob"), binning_x=0, binning_y=0, roi=region,
        **{name: value.astype(float) for name, value in numbers.items()},
    )  # fmt: skip


def ros_transform(store: Any, parent: str, child: str, shift: Sequence[float]) -> Any:
    types = store.types
    move = types["geometry_msgs/msg/Transform"](
        types["geometry_msgs/msg/Vector3"](*shift), types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
    )
    one = types["geometry_msgs/msg/TransformStamped"](header(store, START_NS, parent), child, move)
    return types["tf2_msgs/msg/TFMessage"]([one])


def ros_rows(store: Any = ROS2, count: int = 4) -> list[Row]:
    """What a RealSense node with aligned depth publishes."""
    rows: list[Row] = []
    for i in range(count):
        t = START_NS + i * STEP_NS
        rows += [
            ("/camera/color/image_raw", t, ros_image(store, t, color(i), "rgb8", pad=2)),
            ("/camera/color/camera_info", t, ros_camera(store, t)),
            ("/camera/aligned_depth_to_color/image_raw", t, ros_image(store, t, depth(i), "16UC1")),
        ]
    return rows


def write_ros2(path: Path, rows: Iterable[Row], storage: str = "mcap", **options: Any) -> Path:
    """A folder as `ros2 bag record` leaves it."""
    from rosbags.rosbag2 import StoragePlugin
    from rosbags.rosbag2 import Writer as BagWriter

    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    writer = BagWriter(path, version=9, storage_plugin=plugin)
    if options:
        writer.set_compression(**options)
    with writer:
        connections: dict[str, Any] = {}
        for topic, t, message in rows:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, message.__msgtype__, typestore=ROS2)
            writer.write(connections[topic], t, ROS2.serialize_cdr(message, message.__msgtype__))
    return path


def write_ros1(path: Path, rows: Iterable[Row], compression: str = "") -> Path:
    """A bag as `rosbag record` leaves it."""
    from rosbags.rosbag1 import Writer as BagWriter

    writer = BagWriter(path)
    if compression:
        writer.set_compression(BagWriter.CompressionFormat[compression])
    with writer:
        connections: dict[str, Any] = {}
        for topic, t, message in rows:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, message.__msgtype__, typestore=ROS1)
            writer.write(connections[topic], t, ROS1.serialize_ros1(message, message.__msgtype__))
    return path


# Foxglove.


def fox_raw(stamp_ns: int, pixels: NDArray[Any], encoding: str, frame: str = "camera") -> RawImage:
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).tobytes()
    message = RawImage(
        frame_id=frame, width=width, height=height, encoding=encoding, step=len(data) // height, data=data
    )
    message.timestamp.FromNanoseconds(stamp_ns)
    return message


def fox_packed(stamp_ns: int, data: bytes, text: str, frame: str = "camera") -> CompressedImage:
    message = CompressedImage(frame_id=frame, format=text, data=data)
    message.timestamp.FromNanoseconds(stamp_ns)
    return message


def fox_camera(
    stamp_ns: int, k: Sequence[float] = K, d: Sequence[float] = (), frame: str = "camera", **other: Any
) -> CameraCalibration:
    message = CameraCalibration(
        frame_id=frame, width=other.get("width", WIDTH), height=other.get("height", HEIGHT),
        distortion_model=other.get("model", "plumb_bob"), D=list(d), K=list(k), R=np.eye(3).ravel().tolist(),
        P=[k[0], 0, k[2], 0, 0, k[4], k[5], 0, 0, 0, 1, 0],
    )  # fmt: skip
    message.timestamp.FromNanoseconds(stamp_ns)
    return message


def fox_rows(count: int = 4) -> list[Row]:
    rows: list[Row] = []
    for i in range(count):
        t = START_NS + i * STEP_NS
        rows += [
            ("/calib", t, fox_camera(t)),
            ("/depth", t, fox_raw(t, depth(i), "16UC1")),
            ("/rgb", t, fox_packed(t, packed(color(i)), "png")),
        ]
    return rows


def write_foxglove(path: Path, rows: Iterable[Row], **options: Any) -> Path:
    """An MCAP file of protobuf messages, as Foxglove's tools write it."""
    with path.open("wb") as file:
        writer = Writer(file, **options)
        writer.start()
        channels: dict[str, int] = {}
        for topic, t, message in rows:
            if topic not in channels:
                name = message.DESCRIPTOR.full_name
                schema = writer.register_schema(name, "protobuf", protobuf_schema(type(message)))
                channels[topic] = writer.register_channel(topic, "protobuf", schema)
            writer.add_message(channels[topic], t, message.SerializeToString(), t)
        writer.finish()
    return path
