"""Recordings of phones with a LiDAR, as they are documented: Stray Scanner, Record3D, ARKitScenes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.testing.layouts import ReaderConformance
from tests.recording.picture_trees import color_of, depth_of, write_color, write_gray

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.recording.reader import RecordingReader

HEIGHT, WIDTH, COUNT = 72, 96, 8
SMALL = (HEIGHT // 3, WIDTH // 3)
START_S = 8_123.25


def write_stray(folder: Path, *, suffix: str = ".png", per_frame: bool = True, odometry: bool = True) -> Path:
    """As version 1.3 of the app writes it: HEVC, with pictures that are stored in another order than shown."""
    av: Any = pytest.importorskip("av")
    (folder / "depth").mkdir(parents=True)
    (folder / "confidence").mkdir()
    with av.open(str(folder / "rgb.mp4"), "w") as file:
        stream = file.add_stream("libx265", rate=30, options={"x265-params": "keyint=4:bframes=2:log-level=none"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.thread_count = 1
        for i in range(COUNT):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(color_of(i, HEIGHT, WIDTH), format="rgb24")))
        file.mux(stream.encode(None))
    rows = ["timestamp, frame, x, y, z, qx, qy, qz, qw" + (", fx, fy, cx, cy" if per_frame else "")]
    for i in range(COUNT):
        depth = depth_of(i, *SMALL)
        if suffix == ".npy":
            np.save(folder / "depth" / f"{i:06d}.npy", depth)
        else:
            write_gray(folder / "depth" / f"{i:06d}.png", depth)
        write_gray(folder / "confidence" / f"{i:06d}.png", np.full(SMALL, 2, np.uint8))
        lens = f", {80 + i}.0, {81 + i}.0, 47.5, 35.5" if per_frame else ""
        rows.append(f"{START_S + i / 30:.6f}, {i:06d}, 0, 0, 0, 0, 0, 0, 1{lens}")
    (folder / "camera_matrix.csv").write_text("70.0, 0.0, 47.5\n0.0, 71.0, 35.5\n0.0, 0.0, 1.0\n")
    if odometry:
        (folder / "odometry.csv").write_text("\n".join(rows) + "\n")
    return folder


def shown(path: Path) -> list[NDArray[np.uint8]]:
    import av

    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


class TestStrayScanner(ReaderConformance):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> Iterator[RecordingReader]:
        with open_recording(write_stray(tmp_path / "a")) as reader:
            yield reader


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_the_video_of_stray_scanner(tmp_path: Path, suffix: str) -> None:
    folder = write_stray(tmp_path / "71de12f9", suffix=suffix)
    expected = shown(folder / "rgb.mp4")
    with open_recording(folder) as reader:
        assert reader.info.layout == "Stray Scanner"
        assert len(reader) == COUNT
        assert np.abs(reader.times_us - np.arange(COUNT) * 1e6 / 30).max() <= 1
        for position in (0, 1, 2, 7, 3, 6, 2, 5, 4, 0):
            frame = reader.read(position)
            assert np.array_equal(frame.color, expected[position])
            assert np.abs(frame.color.astype(int) - color_of(position, HEIGHT, WIDTH)).mean() < 12
            assert np.array_equal(frame.depth, depth_of(position, *SMALL).repeat(3, axis=0).repeat(3, axis=1))
            lens = frame.calibration.color
            assert (lens.fx, lens.fy, lens.cx, lens.cy) == (80 + position, 81 + position, 47.5, 35.5)
            assert (frame.calibration.depth_unit_m, frame.calibration.registered) == (0.001, True)
        assert any("stretched over colour" in note for note in reader.info.notes)


def test_an_older_recording_has_one_camera_and_times_of_the_video(tmp_path: Path) -> None:
    with open_recording(write_stray(tmp_path / "a", per_frame=False, odometry=False)) as reader:
        assert np.abs(reader.times_us - np.arange(COUNT) * 1e6 / 30).max() <= 1
        assert (reader.read(2).calibration.color.fx, reader.read(2).calibration.origin) == (70, "file")
    (tmp_path / "a" / "odometry.csv").write_text("timestamp, frame\n1, x\n")
    (tmp_path / "a" / "depth" / "000009.png").write_bytes((tmp_path / "a" / "depth" / "000000.png").read_bytes())
    with open_recording(tmp_path / "a") as reader:
        assert len(reader) == COUNT
        assert any("odometry.csv cannot be used" in note for note in reader.info.notes)
        assert any("1 depth pictures have no picture in rgb.mp4" in warning for warning in reader.info.warnings)


def test_a_video_that_is_none_or_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_stray(tmp_path / "a")
    whole = (folder / "rgb.mp4").read_bytes()
    for data in (b"", b"no video", whole[: len(whole) // 2]):
        (folder / "rgb.mp4").write_bytes(data)
        with pytest.raises(RecordingError, match=r"rgb\.mp4"):
            open_recording(folder)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(RecordingError, match=r"pip install 'rgbd-seg\[video\]'"):
        open_recording(folder)


def test_record3ds_exr_and_jpg(tmp_path: Path) -> None:
    """`metadata.json` with the matrix column by column for the JPEG's size, depth in metres at another size."""
    exr: Any = pytest.importorskip("OpenEXR")
    matrix = [80.0, 0, 0, 0, 81.0, 0, 47.5, 35.5, 1]
    about = {"h": HEIGHT, "w": WIDTH, "dh": SMALL[0], "dw": SMALL[1], "fps": 60, "K": matrix, "poses": []}
    for i in range(3):
        write_color(tmp_path / "rgb" / f"{i}.jpg", color_of(i, HEIGHT, WIDTH))
        (tmp_path / "depth").mkdir(exist_ok=True)
        header = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}
        metres = np.ascontiguousarray(depth_of(i, *SMALL) / 1000, np.float32)
        exr.File(header, {"R": metres}).write(str(tmp_path / "depth" / f"{i}.exr"))
    (tmp_path / "metadata.json").write_text(json.dumps(about))
    with open_recording(tmp_path) as reader:
        assert len(reader) == 3
        for i in (2, 0, 1):
            frame = reader.read(i)
            assert np.array_equal(frame.depth, depth_of(i, *SMALL).repeat(3, axis=0).repeat(3, axis=1))
            lens = frame.calibration.color
            assert (lens.fx, lens.fy, lens.cx, lens.cy) == (80, 81, 47.5, 35.5)
            assert frame.calibration.registered
            assert frame.calibration.origin == "file"
        assert np.abs(np.diff(reader.times_us) - 1e6 / 60).max() <= 1


def test_record3ds_own_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.r3d").write_bytes(b"PK")
    with pytest.raises(RecordingError, match="export it from the app as EXR and JPG"):
        open_recording(tmp_path / "a.r3d")


def test_arkitscenes(tmp_path: Path) -> None:
    """Names hold the video and the time; depth comes less often, confidence and larger pictures lie beside it."""
    video = "41048190"
    for i in range(6):
        t = 3414.466 + i / 60
        write_color(tmp_path / "lowres_wide" / f"{video}_{t:.3f}.png", color_of(i))
        write_color(tmp_path / "vga_wide" / f"{video}_{t:.3f}.png", color_of(i, HEIGHT, WIDTH))
        height, width = color_of(0).shape[:2]
        (tmp_path / "lowres_wide_intrinsics").mkdir(exist_ok=True)
        pincam = tmp_path / "lowres_wide_intrinsics" / f"{video}_{t:.3f}.pincam"
        pincam.write_text(f"{width} {height} 30.5 31.5 15.5 11.5")
        if i % 2 == 0:
            write_gray(tmp_path / "lowres_depth" / f"{video}_{t + 0.001:.3f}.png", depth_of(i))
            confidence = tmp_path / "confidence" / f"{video}_{t + 0.001:.3f}.png"
            confidence.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(confidence), np.full((height, width), 2, np.uint8))
    with open_recording(tmp_path) as reader:
        assert len(reader) == 3
        for position, i in ((2, 4), (0, 0), (1, 2)):
            frame = reader.read(position)
            assert np.array_equal(frame.color, color_of(i))
            assert np.array_equal(frame.depth, depth_of(i))
            lens = frame.calibration.color
            assert (lens.fx, lens.fy, lens.cx, lens.cy) == (30.5, 31.5, 15.5, 11.5)
            assert frame.calibration.registered
        assert np.abs(reader.times_us - np.array([0, 33_333, 66_667])).max() <= 1_000
