"""Exports to look at: videos with the overlay, and point clouds."""

from __future__ import annotations

import resource
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from rgbd_seg.calibration import deproject
from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.convert import convert
from rgbd_seg.recording.exports.formats import ExportOptions
from rgbd_seg.testing.stored import HEIGHT, LABELS, SOURCE, WIDTH, make_stored

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.recording.reader import StoredFrame


@pytest.fixture
def frames() -> list[StoredFrame]:
    return [make_stored(position) for position in range(4)]


class TestPictures:
    def test_a_video_has_every_frame_with_its_labels(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames, tmp_path / "out.mp4", replace(SOURCE, fps=25))
        video = cv2.VideoCapture(str(tmp_path / "out.mp4"))
        assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 4
        assert video.get(cv2.CAP_PROP_FPS) == 25
        ok, picture = video.read()
        video.release()
        assert ok
        assert picture.shape == (HEIGHT, WIDTH, 3)
        right = picture[HEIGHT * 3 // 4 :, WIDTH * 3 // 4 :].reshape(-1, 3).mean(axis=0)[::-1]
        expected = 0.45 * frames[0].color[HEIGHT * 3 // 4 :, WIDTH * 3 // 4 :].reshape(-1, 3).mean(axis=0)
        assert np.allclose(right, expected + 0.55 * LABELS.palette()[1], atol=25)

    def test_frames_of_other_sizes_fit_into_the_first(self, tmp_path: Path) -> None:
        sizes = [(49, 65), (20, 90), (100, 30)]
        stored = [make_stored(i, depth=np.ones(size, np.uint16)) for i, size in enumerate(sizes)]
        convert(stored, tmp_path / "out.mp4", SOURCE)
        video = cv2.VideoCapture(str(tmp_path / "out.mp4"))
        shapes = [video.read()[1].shape for _ in sizes]
        video.release()
        assert shapes == [(48, 64, 3)] * 3

    def test_clouds_hold_the_points_that_geometry_gives(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        convert(frames[:1], tmp_path / "clouds", SOURCE, to="ply")
        cloud = _read_ply(tmp_path / "clouds" / "000000.ply")
        seen = frames[0].depth > 0
        points = deproject(frames[0].depth, frames[0].calibration)[seen]
        assert np.array_equal(np.stack([cloud["x"], cloud["y"], cloud["z"]], axis=-1), points)
        assert np.array_equal(np.stack([cloud["red"], cloud["green"], cloud["blue"]], -1), frames[0].color[seen])
        assert frames[0].truth is not None
        assert np.array_equal(cloud["label"], frames[0].truth.labels[seen])

    def test_clouds_can_be_thinned_and_coloured_by_label(self, frames: list[StoredFrame], tmp_path: Path) -> None:
        options = ExportOptions(cloud_step=4, cloud_colors="labels")
        convert(frames[:1], tmp_path / "clouds", SOURCE, to="ply", options=options)
        cloud = _read_ply(tmp_path / "clouds" / "000000.ply")
        assert len(cloud) == np.count_nonzero(frames[0].depth[::4, ::4])
        palette = LABELS.palette()
        assert np.array_equal(np.stack([cloud["red"], cloud["green"], cloud["blue"]], -1), palette[cloud["label"]])


def test_a_video_on_a_full_disk_is_an_error(tmp_path: Path) -> None:
    """OpenCV itself would say nothing and leave half a file."""
    frames = [make_stored(position, depth=np.ones((240, 320), np.uint16)) for position in range(12)]
    before, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        with pytest.raises(RecordingError, match="disk full"):
            convert(frames, tmp_path / "out.mp4", SOURCE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []


def _read_ply(path: Path) -> np.ndarray:
    """A second reading of the format, by its own header."""
    header, _, body = path.read_bytes().partition(b"end_header\n")
    lines = header.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    kinds = {"float": "<f4", "uchar": "u1"}
    properties = [line.split() for line in lines if line.startswith("property")]
    cloud = np.frombuffer(body, [(name, kinds[kind]) for _, kind, name in properties])
    assert f"element vertex {len(cloud)}" in lines
    return cloud
