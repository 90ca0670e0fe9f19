"""Matroska files as k4arecorder writes them, made by PyAV: pictures, times, depth moved by the calibration inside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rgbd_seg.calibration import Intrinsics, register_depth
from rgbd_seg.errors import RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.testing.layouts import ReaderConformance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rgbd_seg.recording.reader import RecordingReader

av: Any = pytest.importorskip("av")

SHIFT_M = -0.032
LENS = (0.5, -2.7, 1.5, 0.38, -2.5, 1.4)  # k1 to k6


def camera(place: str, fx: float, shift_m: float) -> dict[str, Any]:
    parameters = [0.5, 0.5, fx, fx, *LENS, 0.0, 0.0, -0.0002, 0.0005]
    return {
        "Location": f"CALIBRATION_CameraLocation{place}",
        "Intrinsics": {"ModelParameterCount": 14, "ModelParameters": parameters},
        "Rt": {"Rotation": [1, 0, 0, 0, 1, 0, 0, 0, 1], "Translation": [shift_m, 0.0, 0.0]},
    }


def depth_of(i: int) -> np.ndarray:
    counts = np.full((288, 320), 1500 + 10 * i, np.uint16)
    counts[:, 150:170] = 800
    return counts


def write(path: Path, *, calibrated: bool = True, depth: bool = True) -> Path:
    cameras = [camera("D0", 0.49, 0.0), camera("PV0", 0.47, SHIFT_M)]
    with av.open(str(path), "w", options={"allow_raw_vfw": "1"}) as file:
        color = file.add_stream("mjpeg", rate=30, options={"qmin": "1", "qmax": "2"})
        color.width, color.height, color.pix_fmt, color.metadata["title"] = 1280, 720, "yuvj422p", "COLOR"
        streams = [color]
        if depth:
            raw = file.add_stream("rawvideo", rate=30)
            raw.width, raw.height, raw.pix_fmt, raw.metadata["title"] = 320, 288, "gray16be", "DEPTH"
            streams.append(raw)
        if calibrated:
            text = json.dumps({"CalibrationInformation": {"Cameras": cameras}})
            file.add_attachment("calibration.json", "application/octet-stream", text.encode())
        for i in range(4):
            shown = av.VideoFrame.from_ndarray(np.full((720, 1280, 3), (50 * i, 60, 90), np.uint8), format="rgb24")
            shown.pts = i
            file.mux(color.encode(shown))
            if depth:
                far = av.VideoFrame.from_ndarray(depth_of(i), format="gray16le").reformat(format="gray16be")
                far.pts = i
                file.mux(raw.encode(far))
        for stream in streams:
            file.mux(stream.encode(None))
    return path


class TestConformance(ReaderConformance):
    @pytest.fixture
    def reader(self, tmp_path: Path) -> Iterator[RecordingReader]:
        with open_recording(write(tmp_path / "a.mkv")) as reader:
            yield reader


def test_pictures_times_and_both_cameras(tmp_path: Path) -> None:
    with open_recording(write(tmp_path / "a.mkv")) as reader:
        assert len(reader) == 4
        assert np.abs(reader.times_us - np.array([0, 33_333, 66_667, 100_000])).max() <= 1000  # Its clock has ms.
        frame = reader.read(3)
    assert np.abs(frame.color.astype(int) - (150, 60, 90)).max() <= 6
    # 0.47 of 1280 pixels; the middle of 960 rows, 120 of which are cut away; pixel centres are at integers.
    lens = frame.calibration.color
    assert (lens.fx, lens.fy, lens.cx, lens.cy) == pytest.approx((601.6, 451.2, 639.5, 359.5))
    assert lens.distortion == (0.5, -2.7, 0.0005, -0.0002, 1.5, 0.38, -2.5, 1.4)
    depth_lens = Intrinsics(320, 288, 0.49 * 512, 0.49 * 512, 159.5, 165.5 - 0.0, lens.distortion)
    assert depth_lens.cy == 512 / 2 - 90 - 0.5
    expected = register_depth(depth_of(3), depth_lens, lens, 0.001, np.eye(3), np.array([SHIFT_M, 0.0, 0.0]))
    assert np.array_equal(frame.depth, expected)
    assert frame.calibration.registered
    assert (frame.depth == 1530).mean() > 0.3


def test_depth_can_stay_where_it_was_seen(tmp_path: Path) -> None:
    with open_recording(write(tmp_path / "a.mkv"), registered="no") as reader:
        frame = reader.read(1)
    assert not frame.calibration.registered
    assert frame.depth.shape == (720, 1280)
    assert np.median(frame.depth) == 1510


def test_without_a_calibration_it_says_so(tmp_path: Path) -> None:
    with open_recording(write(tmp_path / "a.mkv", calibrated=False)) as reader:
        assert any("no calibration" in note for note in reader.info.notes)
        found = reader.read(0).calibration
    assert (found.origin, found.registered) == ("assumed", False)


def test_another_matroska_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"no depth of an Azure Kinect; it holds: COLOR \(mjpeg"):
        open_recording(write(tmp_path / "a.mkv", depth=False))


@pytest.mark.parametrize("length", [4, 100, 3000])
def test_a_file_that_is_cut_off_is_an_error_or_shorter(tmp_path: Path, length: int) -> None:
    path = write(tmp_path / "a.mkv")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(RecordingError):
        open_recording(path)
