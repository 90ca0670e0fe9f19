"""Video in messages: every picture is the one that was asked for, however it is sought."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from rosbags.typesys import get_types_from_msg

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.messages.video import VideoTrack, is_key, video_codec
from rgbd_seg.testing.layouts import ReaderConformance
from tests.recording.messages.scene import (
    ROS2,
    START_NS,
    STEP_NS,
    depth,
    fox_camera,
    fox_raw,
    header,
    ros_camera,
    ros_compressed,
    ros_image,
    write_foxglove,
    write_ros2,
)
from tests.recording.messages.test_reader import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.recording.reader import RecordingReader

av: Any = pytest.importorskip("av")

WIDTH, HEIGHT, COUNT = 64, 48, 12
# Encoder, its options: keys every four pictures without and with pictures that build on later ones, two sets of
# parameters, and the other codecs that Foxglove names.
ENCODERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "H.264": ("libx264", "h264", {"tune": "zerolatency", "x264-params": "keyint=4:min-keyint=4:scenecut=0"}),
    "H.264, reordered": ("libx264", "h264", {"x264-params": "keyint=4:min-keyint=4:scenecut=0:bframes=2:b-adapt=0"}),
    "H.264, one key": ("libx264", "h264", {"tune": "zerolatency", "x264-params": "keyint=1000:scenecut=0"}),
    "H.265": ("libx265", "h265", {"x265-params": "keyint=4:min-keyint=4:bframes=0:log-level=none"}),
    "VP9": ("libvpx-vp9", "vp9", {"g": "4", "deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}),
    "AV1": ("libsvtav1", "av1", {"preset": "11", "g": "4", "crf": "12", "svtav1-params": "pred-struct=1:lookahead=0"}),
}


def picture(i: int) -> NDArray[np.uint8]:
    """Smooth, and unlike every other one."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([x * 3 + 5 * i, y * 4, np.full_like(x, 20 * i)], axis=-1).clip(0, 255).astype(np.uint8)


def packets(encoder: str, options: dict[str, str]) -> list[bytes]:
    try:
        codec = av.CodecContext.create(encoder, "w")
    except ValueError:
        pytest.skip(f"this PyAV has no {encoder}")
    codec.width, codec.height, codec.pix_fmt, codec.framerate = WIDTH, HEIGHT, "yuv420p", 30
    codec.options = options
    codec.thread_count = 1
    found = []
    for i in range(COUNT):
        frame = av.VideoFrame.from_ndarray(picture(i), format="rgb24").reformat(format="yuv420p")
        frame.pts = i
        found += codec.encode(frame)
    return [bytes(packet) for packet in found + codec.encode(None)]


def rows(data: list[bytes], text: str) -> list[tuple[str, int, Any]]:
    found: list[tuple[str, int, Any]] = []
    for i, one in enumerate(data):
        t = START_NS + i * STEP_NS
        video = CompressedVideo(frame_id="camera", data=one, format=text)
        video.timestamp.FromNanoseconds(t)
        far = fox_raw(t, depth(i, WIDTH, HEIGHT), "16UC1")
        found += [("/calib", t, fox_camera(t, width=WIDTH, height=HEIGHT)), ("/depth", t, far), ("/video", t, video)]
    return found


def in_ros2(folder: Path, data: list[bytes], text: str, message: Callable[[int, bytes], Any]) -> Path:
    found = []
    for i, one in enumerate(data):
        t = START_NS + i * STEP_NS
        info = ros_camera(ROS2, t, width=WIDTH, height=HEIGHT)
        far = ros_image(ROS2, t, depth(i, WIDTH, HEIGHT), "16UC1")
        found += [("/cam/camera_info", t, info), ("/cam/depth", t, far), ("/cam/video", t, message(t, one))]
    return write_ros2(folder, found)


def foxglove_ros(text: str) -> Callable[[int, bytes], Any]:
    kind = "foxglove_msgs/msg/CompressedVideo"
    if kind not in ROS2.types:
        fields = "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format"
        ROS2.register(get_types_from_msg(fields, kind))
    stamp = ROS2.types["builtin_interfaces/msg/Time"]
    return lambda t, one: ROS2.types[kind](
        timestamp=stamp(t // 10**9, t % 10**9), frame_id="cam_color", data=np.frombuffer(one, np.uint8), format=text
    )


def ffmpeg_packet(encoder: str) -> Callable[[int, bytes], Any]:
    kind = "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"
    if kind not in ROS2.types:
        fields = (
            "std_msgs/Header header\nint32 width\nint32 height\nstring encoding\nuint64 pts\nuint8 flags\n"
            "bool is_bigendian\nuint8[] data"
        )
        ROS2.register(get_types_from_msg(fields, kind))
    return lambda t, one: ROS2.types[kind](
        header=header(ROS2, t, "cam_color"), width=WIDTH, height=HEIGHT, encoding=encoder, pts=t, flags=0,
        is_bigendian=False, data=np.frombuffer(one, np.uint8),
    )  # fmt: skip


WRITTEN: dict[str, Callable[[Path, list[bytes]], Path]] = {
    "protobuf": lambda folder, data: write_foxglove(folder / "a.mcap", rows(data, "h264")),
    "JSON": lambda folder, data: write_json(folder / "a.mcap", rows(data, "h264")),
    "ROS 2": lambda folder, data: in_ros2(folder / "a", data, "h264", foxglove_ros("h264")),
    "ROS 2, ffmpeg": lambda folder, data: in_ros2(folder / "a", data, "h264", ffmpeg_packet("libx264")),
    "ROS 2, CompressedImage": lambda folder, data: in_ros2(
        folder / "a", data, "h264", lambda t, one: ros_compressed(ROS2, t, one, "h264")
    ),
}


def in_order(data: list[bytes]) -> list[NDArray[np.uint8]]:
    """All pictures by FFmpeg's own way through a file."""
    with av.open(io.BytesIO(b"".join(data)), format="h264") as file:
        file.streams.video[0].thread_type = "NONE"
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


class TestConformance(ReaderConformance):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> Iterator[RecordingReader]:
        data = packets(*ENCODERS["H.264"][::2])
        with open_recording(WRITTEN["protobuf"](tmp_path, data)) as reader:
            yield reader


@pytest.mark.parametrize("how", WRITTEN)
def test_a_picture_is_that_of_its_message(how: str, tmp_path: Path) -> None:
    data = packets(*ENCODERS["H.264"][::2])
    expected = in_order(data)
    with open_recording(WRITTEN[how](tmp_path, data)) as reader:
        assert len(reader) == COUNT
        assert "h264 video" in reader.info.details["colour stream"]
        for position in (0, 11, 3, 4, 10, 5, 5, 1, 7):
            frame = reader.read(position)
            assert np.array_equal(frame.color, expected[position])
            assert np.array_equal(frame.depth, depth(position, WIDTH, HEIGHT))
            assert np.abs(frame.color.astype(int) - picture(position)).mean() < 6
            assert frame.time_us == position * STEP_NS // 1000


@pytest.mark.parametrize("name", ENCODERS)
def test_any_order_of_any_codec(name: str) -> None:
    encoder, text, options = ENCODERS[name]
    data = packets(encoder, options)
    track = VideoTrack(lambda row: (text, data[row]), len(data))
    forwards = [track.color(row) for row in range(COUNT)]
    if name == "H.264, reordered":  # A message's picture is then not the next one that was taken.
        shown = in_order(data)
        assert all(any(np.array_equal(one, other) for other in shown) for one in forwards)
        assert len({one.tobytes() for one in forwards}) == COUNT
    else:
        assert all(np.abs(one.astype(int) - picture(i)).mean() < 8 for i, one in enumerate(forwards))
    keys = [row for row in range(COUNT) if is_key(video_codec(text), data[row])]
    assert keys[0] == 0
    assert len(keys) == (1 if "one key" in name else COUNT // 4), keys
    for row in (*reversed(range(COUNT)), 2, 9, 3, 4, 0, 11):
        assert np.array_equal(track.color(row), forwards[row]), row


def test_what_comes_before_the_first_key_is_left_out_and_said(tmp_path: Path) -> None:
    data = packets(*ENCODERS["H.264"][::2])
    with open_recording(write_foxglove(tmp_path / "a.mcap", rows(data, "h264")[6:])) as reader:
        assert len(reader) == COUNT - 4
        assert np.array_equal(reader.read(0).color, in_order(data)[4])
        assert any("begins in the middle: its first 2 pictures" in note for note in reader.info.notes)


def test_parameters_in_the_first_message_alone() -> None:
    data = packets(*ENCODERS["H.264"][::2])
    bare = [data[0]]
    for one in data[1:]:
        units = one.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
        bare.append(b"".join(b"\0\0\1" + unit for unit in units if unit and unit[0] & 31 not in (7, 8)))
    track = VideoTrack(lambda row: ("h264", bare[row]), len(bare))
    assert np.array_equal(track.color(9), in_order(data)[9])


def test_a_damaged_picture_costs_those_that_build_on_it() -> None:
    data = packets(*ENCODERS["H.264"][::2])
    for bad in (data[5][: len(data[5]) // 2], data[5][:12] + bytes(b ^ 0x55 for b in data[5][12:])):
        damaged = [*data[:5], bad, *data[6:]]
        track = VideoTrack(lambda row, damaged=damaged: ("h264", damaged[row]), COUNT)
        for row in (5, 6):
            with pytest.raises(RecordingError, match="damaged"):
                track.color(row)
    for row in (4, 8, 3):
        assert np.array_equal(track.color(row), in_order(data)[row])


@pytest.mark.parametrize("data", [b"", b"nothing", b"\0\0\0\1\x67", b"\0\0\1\x65" + bytes(40)])
def test_no_video_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(RecordingError):
        open_recording(write_foxglove(tmp_path / "a.mcap", rows([data] * 3, "h264")))


def test_without_pyav_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_foxglove(tmp_path / "a.mcap", rows(packets(*ENCODERS["H.264"][::2]), "h264"))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(RecordingError, match=r"/video \(h264 video: .*pip install 'rgbd-seg\[video\]'"):
        open_recording(path)
