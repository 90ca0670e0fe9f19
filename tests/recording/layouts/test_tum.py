"""TUM RGB-D folders: association by time, the unit, and lists that lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.layouts.tum import associate
from tests.recording.picture_trees import WIDTH, color_of, depth_of, write_gray, write_tum

if TYPE_CHECKING:
    from pathlib import Path


def test_frames_times_and_unit(tmp_path: Path) -> None:
    write_tum(tmp_path, 4)
    reader = open_recording(tmp_path)
    assert reader.info.layout == "tum"
    assert list(reader.times_us) == [0, 33333, 66667, 100000]
    for position, frame in enumerate(reader):
        assert np.array_equal(frame.color, color_of(position))
        assert np.array_equal(frame.depth, depth_of(position))
        assert frame.calibration.depth_unit_m == 1 / 5000
    assert reader.read(0).device_us == 1305031102175304
    assert reader.read(0).calibration.color.fx == pytest.approx(525 * WIDTH / 640)


def test_order_of_the_lists_does_not_matter(tmp_path: Path) -> None:
    write_tum(tmp_path, 4)
    lines = (tmp_path / "rgb.txt").read_text().splitlines()
    (tmp_path / "rgb.txt").write_text("\n".join(reversed(lines)))
    assert [frame.color[0, 0, 0] for frame in open_recording(tmp_path)] == [0, 10, 20, 30]


def test_colour_without_depth_in_time_is_left_out_and_said(tmp_path: Path) -> None:
    write_tum(tmp_path, 4)
    lines = (tmp_path / "depth.txt").read_text().splitlines()
    (tmp_path / "depth.txt").write_text("\n".join(lines[:2] + lines[3:]))
    reader = open_recording(tmp_path)
    assert [frame.index for frame in reader] == [0, 2, 3]
    assert "1 colour picture without depth" in reader.info.warnings[0]


@pytest.mark.parametrize(
    "name", ["../outside.png", "/etc/passwd", "rgb/../../x.png", "C:\\x.png", "..\\x.png", "rgb\\..\\..\\x.png"]
)
@pytest.mark.parametrize("which", ["rgb.txt", "depth.txt"])
def test_names_outside_the_folder_are_refused(tmp_path: Path, name: str, which: str) -> None:
    folder = tmp_path / "recording"
    write_tum(folder, 2)
    write_gray(tmp_path / "outside.png", depth_of(0))
    with (folder / which).open("a") as file:
        file.write(f"1305031103.0 {name}\n")
    with pytest.raises(RecordingError, match=rf"{which}, line 4: .*outside"):
        open_recording(folder)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "abc rgb/1.png\n", "nan rgb/1.png\n", "1.0\n", "1e300 x\n"])
def test_lists_that_cannot_be_used_are_named(tmp_path: Path, text: str) -> None:
    write_tum(tmp_path, 2)
    (tmp_path / "depth.txt").write_text(text)
    with pytest.raises(RecordingError, match=r"depth\.txt"):
        open_recording(tmp_path)


def test_lists_of_two_recordings_are_refused(tmp_path: Path) -> None:
    write_tum(tmp_path, 2)
    (tmp_path / "depth.txt").write_text("99.0 depth/x.png\n")
    with pytest.raises(RecordingError, match="are they of one recording"):
        open_recording(tmp_path)


def test_association_takes_the_nearest_first_and_each_once() -> None:
    first, second = np.array([0.0, 0.010, 1.0]), np.array([0.009, 0.5, 1.019])
    assert associate(first, second, 0.02) == [(1, 0), (2, 2)]
    assert associate(first, second, 0.0011) == [(1, 0)]
    assert associate(first, np.array([]), 0.02) == []


def test_association_agrees_with_trying_all_pairs() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        first = np.sort(rng.uniform(0, 1, 40))
        second = np.sort(rng.uniform(0, 1, 35))
        everything = sorted((abs(a - b), i, j) for i, a in enumerate(first) for j, b in enumerate(second))
        left, right, expected = set(range(40)), set(range(35)), []
        for difference, i, j in everything:
            if difference <= 0.005 and i in left and j in right:
                expected.append((i, j))
                left.remove(i)
                right.remove(j)
        assert associate(first, second, 0.005) == sorted(expected)


def test_the_same_time_over_and_over_stays_cheap() -> None:
    same = np.zeros(20_000)
    assert len(associate(same, same, 0.02)) > 0
