"""A model called with arrays and frames: what it accepts, what it refuses, and whose arrays are whose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rgbd_seg import ConfigurationError, Intrinsics, Model, ModelError, RgbdFrame
from rgbd_seg.api.model import frame_of
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.recording import open_recording
from tests.pipeline.constant_segmenter import ConstantSegmenter
from tests.recording.picture_trees import write_pairs

SIZE = (48, 64)


@pytest.fixture
def model() -> Model:
    return Model(ConstantSegmenter(), SegmenterOptions())


def color() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.zeros((*SIZE, 3), np.uint8)


def depth() -> np.ndarray[Any, np.dtype[np.uint16]]:
    return np.full(SIZE, 1500, np.uint16)


def test_arrays_come_back_as_a_result_and_stay_the_callers(model: Model) -> None:
    rgb, counts = color(), depth()
    result = model(rgb, counts)
    rgb[0, 0], counts[0, 0] = 255, 1
    assert result.labels.shape == SIZE
    assert result.frame.depth[0, 0] == 1500
    assert result.frame.color[0, 0, 0] == 0


def test_a_frame_made_of_the_callers_arrays_leaves_them_writable() -> None:
    rgb, counts = color(), depth()
    frame = RgbdFrame(rgb, counts, frame_of(rgb, counts).calibration, 0, 0)
    rgb[0, 0] = 1
    counts[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        frame.color[0, 0] = 2


@pytest.mark.parametrize(
    ("depth_in", "unit", "metres"),
    [
        (np.full(SIZE, 1500, np.uint16), None, 1.5),
        (np.full(SIZE, 1500, np.int64), None, 1.5),
        (np.full(SIZE, 7500, np.uint16), 0.0002, 1.5),
        (np.full(SIZE, 1.5, np.float32), None, 1.5),
        (np.full(SIZE, 1500.0), 0.001, 1.5),
        (np.full(SIZE, np.nan), None, 0.0),
        (np.full(SIZE, np.inf, np.float32), None, 0.0),
    ],
    ids=["uint16", "int64", "unit", "metres", "float millimetres", "nan", "infinity"],
)
def test_depth_in_other_types_is_the_same_depth(depth_in: Any, unit: float | None, metres: float) -> None:
    frame = frame_of(color(), depth_in, unit)
    assert frame.depth * frame.calibration.depth_unit_m == pytest.approx(metres, abs=0.0006)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((color().astype(float), depth()), {}, r"color must be \(H, W, 3\) uint8 RGB, not float64"),
        ((color()[..., 0], depth()), {}, r"color must be"),
        ((color(), depth()[:-1]), {}, r"depth must be \(48, 64\) like color, not \(47, 64\)"),
        ((color(), depth().astype(np.int32) - 1501), {}, r"depth must be 0\.\.65535, not -1\.\.-1"),
        ((color(), depth().astype(np.int32) * 100), {}, r"depth must be 0\.\.65535"),
        ((color(), depth().astype(float)), {}, "is it in millimetres"),
        ((color(), -depth().astype(float)), {}, "depth must be 0 or more"),
        ((color(), depth() > 0), {}, "depth must be whole numbers or floats"),
        ((color(), depth()), {"depth_unit_m": 0.0}, "depth unit must be"),
        ((color(), depth()), {"intrinsics": Intrinsics(64, 64, 50, 50, 32, 32)}, "intrinsics are for 64x64"),
        ((color(),), {}, "depth is missing"),
        ((frame_of(color(), depth()), depth()), {}, "give the frame alone"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_errors_name_the_argument_and_the_range(model: Model, arguments: Any, options: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        model(*arguments, **options)


def test_frames_of_recordings_are_taken_as_they_are(model: Model, tmp_path: Any) -> None:
    write_pairs(tmp_path / "a", 3)
    with open_recording(tmp_path / "a") as recording:
        stored = list(recording)
    assert model(stored[1]).frame.index == 1
    assert [result.frame.index for result in model.batch(stored)] == [0, 1, 2]


def test_a_closed_model_says_so() -> None:
    model = Model(ConstantSegmenter(), SegmenterOptions())
    with model:
        model(color(), depth())
    with pytest.raises(ModelError, match="closed"):
        model(color(), depth())
