"""Fuzz targets for what others wrote and for what clients of the server send; `targets` has the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.fuzz.targets import TARGETS, first_frames, target, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["TARGETS"]  # All of them, once this file is loaded.


def _bag(name: str, write: Callable[[Path], Path]) -> Callable[[Path], list[bytes]]:
    """Seeds: the one file of a recording that is written into the folder."""

    def seeds(folder: Path) -> list[bytes]:
        path = write(folder / name)
        if path.is_dir():
            (path,) = (found for found in path.iterdir() if found.suffix != ".yaml")
        return [path.read_bytes()]

    return seeds


def _ros2(storage: str) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        from tests.recording.messages.scene import ros_rows, write_ros2

        return write_ros2(path, ros_rows(count=2), storage)

    return write


def _ros1(path: Path) -> Path:
    from tests.recording.messages.scene import ROS1, ros_rows, write_ros1

    return write_ros1(path, ros_rows(ROS1, 2))


def _realsense(path: Path) -> Path:
    from tests.sensors.realsense_bag import write_bag

    write_bag(path, frames=3)
    return path


def _foxglove(path: Path) -> Path:
    from tests.recording.messages.scene import write_foxglove
    from tests.recording.messages.test_reader import fox_rows

    return write_foxglove(path, fox_rows(2))


def _foxglove_json(path: Path) -> Path:
    from tests.recording.messages.test_reader import fox_rows, write_json

    return write_json(path, fox_rows(2))


def _reader(suffix: str) -> Callable[[bytes, Path], object]:
    def read(data: bytes, folder: Path) -> object:
        path = folder / f"fuzz{suffix}"
        path.write_bytes(data)
        return first_frames(path)

    return read


target("ros 2 mcap", _bag("ros2", _ros2("mcap")))(_reader(".mcap"))
target("ros 2 sqlite", _bag("ros2", _ros2("sqlite3")))(_reader(".db3"))
target("ros 1 bag", _bag("seed.bag", _ros1))(_reader(".bag"))
target("realsense bag", _bag("seed.bag", _realsense))(_reader(".bag"))
target("foxglove protobuf", _bag("seed.mcap", _foxglove))(_reader(".mcap"))
target("foxglove json", _bag("seed.mcap", _foxglove_json))(_reader(".mcap"))


def _videos(folder: Path) -> list[bytes]:
    from tests.recording.messages.test_video import ENCODERS, packets

    return [packets(*ENCODERS[name][::2])[0] for name in ("H.264", "H.265")]


@target("video", _videos)
def _video(data: bytes, folder: Path) -> object:
    from rgbd_seg.recording.messages.video import VideoTrack

    kind = "hevc" if data[4:5] == b"\x40" else "h264"
    track = VideoTrack(lambda row: (kind, data), 2)
    return [track.color(row) for row in (1, 0)]


def _stray(name: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        from tests.recording.layouts.test_phones import write_stray

        if not (folder / "stray").is_dir():
            write_stray(folder / "stray")
        return [(folder / "stray" / name).read_bytes()]

    return seeds


@target("stray scanner times", _stray("odometry.csv"))
def _stray_times(data: bytes, folder: Path) -> object:
    (folder / "stray" / "odometry.csv").write_bytes(data)
    return first_frames(folder / "stray")


@target("video file", _stray("rgb.mp4"))
def _stray_video(data: bytes, folder: Path) -> object:
    (folder / "stray" / "rgb.mp4").write_bytes(data)
    return first_frames(folder / "stray")


def _azure(folder: Path) -> list[bytes]:
    from tests.recording.layouts.test_azure_kinect import write as write_mkv

    return [write_mkv(folder / "seed.mkv").read_bytes()]


@target("azure kinect recording", _azure)
def _azure_recording(data: bytes, folder: Path) -> object:
    from rgbd_seg.recording import open_recording

    (folder / "fuzz.mkv").write_bytes(data)
    with open_recording(folder / "fuzz.mkv", registered="no") as reader:
        return reader.read(0)


def _label_channels(folder: Path) -> list[bytes]:
    from rgbd_seg.recording.convert import convert
    from rgbd_seg.testing.stored import SOURCE, make_stored

    convert([make_stored(i) for i in range(2)], folder / "labelled", SOURCE, to="rosbag2")
    return [(folder / "labelled" / "labelled_0.mcap").read_bytes()]


target("labels in rosbag2", _label_channels)(_reader(".mcap"))


def _cdr_messages(folder: Path) -> list[bytes]:
    """Each with a byte before it that says of which type it is."""
    from tests.recording.messages.scene import ROS2, START_NS, color, ros_camera, ros_image, ros_transform

    messages = (
        ros_image(ROS2, START_NS, color(0), "rgb8", pad=2),
        ros_camera(ROS2, START_NS),
        ros_transform(ROS2, "a", "b", (0.1, 0.0, 0.0)),
    )
    return [bytes([i]) + bytes(ROS2.serialize_cdr(m, m.__msgtype__)) for i, m in enumerate(messages)]


@target("ros message", _cdr_messages)
def _cdr(data: bytes, folder: Path) -> object:
    from rgbd_seg.recording.messages.ros import read_message, read_stamp

    types = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo", "tf2_msgs/msg/TFMessage")
    kind, ros1 = types[data[0] % 3 if data else 0], bool(data and data[0] & 128)
    read_stamp("sensor_msgs/msg/Image", data[1:], ros1=ros1)
    return read_message(kind, data[1:], ros1=ros1)


def _camera_files(folder: Path) -> list[bytes]:
    return [
        b'{"width": 640, "height": 480, "intrinsic_matrix": [525.0, 0, 0, 0, 525.0, 0, 319.5, 239.5, 1]}',
        b"%YAML:1.0\n---\ncamera_matrix: !!opencv-matrix\n  rows: 3\n  cols: 3\n  dt: d\n"
        b"  data: [525., 0., 319.5, 0., 525., 239.5, 0., 0., 1.]\n",
        b"525 0 319.5 0\n0 525 239.5 0\n0 0 1 0\n0 0 0 1\n",
        b"m_calibrationColorIntrinsic = 525 0 319.5 0 0 525 239.5 0 0 0 1 0 0 0 0 1\nm_depthShift = 1000\n",
    ]


@target("camera file", _camera_files)
def _camera_file(data: bytes, folder: Path) -> object:
    from rgbd_seg.recording.pictures.camera_files import read_camera_file

    path = folder / ("calibration.yaml" if data.startswith(b"%YAML") else "calibration.txt")
    path.write_bytes(data)
    return read_camera_file(path)


def _arrays(folder: Path) -> list[bytes]:
    import numpy as np

    plane = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.save(folder / "seed.npy", plane)
    np.savez_compressed(folder / "seed.npz", depth=plane)
    pfm = b"Pf\n4 3\n-1.0\n" + plane.tobytes()
    return [(folder / "seed.npy").read_bytes(), (folder / "seed.npz").read_bytes(), pfm]


@target("depth array", _arrays)
def _array(data: bytes, folder: Path) -> object:
    from rgbd_seg.recording.pictures.depth_arrays import read_array

    suffix = ".pfm" if data.startswith(b"Pf") else ".npz" if data.startswith(b"PK") else ".npy"
    path = folder / f"fuzz{suffix}"
    path.write_bytes(data)
    return read_array(path)


@target(
    "label states",
    lambda folder: [b'{"frames": {"000123": "done", "000140": "travelled"}, "weights": {"travelled": 0.3}}'],
)
def _states(data: bytes, folder: Path) -> object:
    from rgbd_seg.recording.layouts.frame_states import read_states

    (folder / "frames.json").write_bytes(data)
    states = read_states(folder)
    return states and states.weight("000140")


def _nobody(*_: Any) -> None:
    return None


@target("foxglove request", lambda folder: [b'{"op": "subscribe", "subscriptions": [{"id": 1, "channelId": 2}]}'])
def _foxglove_request(data: bytes, folder: Path) -> object:
    from rgbd_seg.serving.foxglove import FoxgloveClient
    from rgbd_seg.serving.viewer import Viewer

    client = FoxgloveClient(None, Viewer(5.0), None, _nobody)  # type: ignore[arg-type]
    client._obey(text(data))
    assert len(client._subscriptions) < 100
    return client


@target(
    "page request",
    lambda folder: [
        json.dumps(message).encode()
        for message in (
            {"op": "look", "pictures": ["overlay", "depth"], "pixel": [3, 4]},
            {"op": "shown", "number": 7},
            {"op": "record", "on": True},
        )
    ],
)
def _page_request(data: bytes, folder: Path) -> object:
    from rgbd_seg.serving.page_client import PageClient
    from rgbd_seg.serving.viewer import Viewer

    client = PageClient(None, Viewer(5.0), None, _nobody, None)  # type: ignore[arg-type]
    client._obey(text(data))
    return client
