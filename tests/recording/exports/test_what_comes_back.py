"""What every layout that can be opened again gives back: what was written, or a sentence has said what is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import Prediction, Truth
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import convert
from rgbd_seg.recording.exports.formats import FORMATS, ExportOptions
from rgbd_seg.testing.stored import LABELS, SOURCE, make_stored

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.recording.convert import ConvertResult
    from rgbd_seg.recording.reader import RecordingReader, StoredFrame

# Those that are pictures in folders: other programs' layouts, with our notes beside them.
PICTURES = ["folder", "sunrgbd", "tum", "open3d", "scannet"]
REOPENED = [name for name, one in FORMATS.items() if one.reopens]
RATIONAL = (0.1, -0.2, 0.01, 0.02, 0.03, 0.1, 0.05, 0.02)
WIDTH, HEIGHT = 16, 12


def stored(position: int, **camera: object) -> StoredFrame:
    """A small frame of a camera that is not registered, with a lens; the third comes after a hang of two seconds."""
    lens = Intrinsics(WIDTH, HEIGHT, 15.5, 15.25, 7.75, 5.5, RATIONAL)
    told = Calibration(lens, 0.001, False, "file", "file", "file")
    depth = np.random.default_rng(position).integers(0, 8000, (HEIGHT, WIDTH)).astype(np.uint16)
    frame = make_stored(position, depth=depth)
    time_us = position * 33_333 + (position > 1) * 2_000_000
    return replace(frame, calibration=replace(told, **camera), index=position, time_us=time_us)  # type: ignore[arg-type]


def back(frames: list[StoredFrame], out: Path, to: str) -> tuple[ConvertResult, RecordingReader]:
    path = out / f"out{FORMATS[to].suffix}"
    return convert(frames, path, SOURCE, to=to, options=ExportOptions(color="png")), open_recording(path)


@pytest.mark.parametrize("to", REOPENED)
def test_registration_lens_and_name_come_back(to: str, tmp_path: Path) -> None:
    frames = [stored(i) for i in range(3)]
    _, reader = back(frames, tmp_path, to)
    with reader:
        for before, after in zip(frames, reader, strict=True):
            assert after.calibration.color == before.calibration.color
            assert not after.calibration.registered
            assert np.allclose(after.depth_m, before.depth_m, equal_nan=True)
        assert (reader.info.name, reader.info.details["serial"]) == ("Asus Xtion", "1205")
        assert reader.start_ns == SOURCE.start_ns


@pytest.mark.parametrize("to", [name for name in PICTURES if name != "folder"])
def test_what_other_programs_will_not_see_is_said(to: str, tmp_path: Path) -> None:
    warnings = " ".join(back([stored(0)], tmp_path, to)[0].warnings)
    assert "not registered" in warnings
    assert "lens distortion" in warnings


@pytest.mark.parametrize("to", PICTURES)
def test_times_numbers_and_silence_come_back(to: str, tmp_path: Path) -> None:
    frames = [stored(i) for i in range(3)] + [replace(stored(3), index=7)]
    _, reader = back(frames, tmp_path, to)
    with reader:
        assert [(f.index, f.time_us, f.device_us) for f in reader] == [
            (f.index, f.time_us, f.device_us) for f in frames
        ]
        assert [(gap.after, gap.frames) for gap in reader.info.gaps] == [(1, 0), (2, 4)]
        assert reader.info.missing.startswith("4 frames in 1 gap, and 2.03 s in 1 gap")


@pytest.mark.parametrize("to", PICTURES)
def test_frames_of_one_number_or_one_time_are_all_written(to: str, tmp_path: Path) -> None:
    """Such as recordings that a tool has joined."""
    frames = [stored(0), stored(1), replace(stored(2), index=1, time_us=33_333), replace(stored(3), index=2)]
    _, reader = back(frames, tmp_path, to)
    with reader:
        assert [f.index for f in reader] == [0, 1, 1, 2]
        assert reader.times_us.tolist() == [f.time_us for f in frames]
        for before, after in zip(frames, reader, strict=True):
            assert np.array_equal(after.color, before.color)


@pytest.mark.parametrize("to", PICTURES)
def test_truth_and_predictions_stay_what_they_are(to: str, tmp_path: Path) -> None:
    truth = make_stored(0, depth=stored(0).depth).truth
    assert truth is not None
    seen = Prediction(truth.labels, LABELS, "a model", "ab" * 32, "openvino float32")
    by_hand = Truth(truth.labels, LABELS, truth.instances, "hand")
    frames = [replace(stored(0), truth=by_hand), replace(stored(1), truth=None, prediction=seen)]
    result, reader = back(frames, tmp_path, to)
    assert "The labels of 1 frame are predictions of a model" in result.note
    with reader:
        first, second = reader
        assert first.prediction is None
        assert first.truth is not None
        assert first.truth.origin == "hand"
        assert first.truth.instances is not None
        assert second.truth is None
        assert second.prediction is not None
        found = (second.prediction.model, second.prediction.model_sha256, second.prediction.made)
        assert found == ("a model", "ab" * 32, "openvino float32")


@pytest.mark.parametrize("to", PICTURES)
def test_a_prediction_that_gives_way_to_truth_is_said(to: str, tmp_path: Path) -> None:
    frame = stored(0)
    assert frame.truth is not None
    seen = Prediction(frame.truth.labels, LABELS, "a model")
    assert (
        "What a model saw in 1 of the frames is left out"
        in back([replace(frame, prediction=seen)], tmp_path, to)[0].note
    )


@pytest.mark.parametrize("to", [*PICTURES, "rosbag2"])
def test_a_camera_that_changes_on_the_way_stays_two_cameras(to: str, tmp_path: Path) -> None:
    zoomed = replace(stored(0).calibration.color, fx=20.0)
    frames = [stored(0), stored(1, color=zoomed), stored(2)]
    _, reader = back(frames, tmp_path, to)
    with reader:
        assert [frame.calibration.color.fx for frame in reader] == [15.5, 20.0, 15.5]


@pytest.mark.parametrize("to", [name for name in REOPENED if name not in ("folder", "mcap", "rosbag2")])
def test_rounding_is_said(to: str, tmp_path: Path) -> None:
    result, reader = back([stored(0, depth_unit_m=0.0001)], tmp_path, to)
    assert any("depth is rounded to" in warning for warning in result.warnings)
    with reader:
        assert np.nanmax(np.abs(reader.read(0).depth_m - stored(0, depth_unit_m=0.0001).depth_m)) < 0.0006


@pytest.mark.parametrize("to", REOPENED)
def test_an_assumed_unit_stays_an_assumption(to: str, tmp_path: Path) -> None:
    _, reader = back([stored(0, unit_origin="assumed")], tmp_path, to)
    with reader:
        assert reader.read(0).calibration.unit_origin == "assumed"


@pytest.mark.parametrize("to", [name for name, one in FORMATS.items() if one.not_kept])
def test_formats_that_lose_something_say_it(to: str, tmp_path: Path) -> None:
    assert FORMATS[to].not_kept in convert([make_stored(0)], tmp_path / f"out{FORMATS[to].suffix}", SOURCE, to=to).note
