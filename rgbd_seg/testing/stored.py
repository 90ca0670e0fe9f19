"""Frames as they lie in a recording, for the tests of conversions."""

from __future__ import annotations

import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.exports.formats import ExportSource
from rgbd_seg.recording.reader import StoredFrame

LABELS = LabelSet.from_dict({"name": "desk", "classes": ["table", "cup", "a: book"]})
SOURCE = ExportSource("Asus Xtion", {"serial": "1205"}, start_ns=1_305_031_102_175_304_000)
HEIGHT, WIDTH = 48, 64


def make_stored(
    position: int, *, depth: np.ndarray | None = None, unit_m: float = 0.001, labelled: bool = True
) -> StoredFrame:
    """Noise with labels in three parts; its second and third frame have one missing between them."""
    random = np.random.default_rng(position)
    if depth is None:
        depth = random.integers(0, 8000, (HEIGHT, WIDTH)).astype(np.uint16)
    height, width = depth.shape
    color = np.repeat(random.integers(0, 256, (height, width, 1)), 3, axis=2).astype(np.uint8)
    color[..., 1] = position
    labels = np.zeros((height, width), np.uint8)
    labels[:, width // 2 :] = 1
    labels[height // 4 : height // 2, width // 4 : width * 3 // 4] = 2
    calibration = Calibration(Intrinsics(width, height, 60.5, 61.25, 31.5, 23.75), unit_m, True, "file", "file", "file")
    truth = Truth(labels, LABELS, labels.astype(np.uint16) * 300) if labelled else None
    # One frame is missing after the second.
    index = position + (position > 1)
    return StoredFrame(color, depth, calibration, index, index * 33_333, 7_000_000 + index * 33_333, truth)


def assert_same(first: StoredFrame, second: StoredFrame) -> None:
    """Both are the same frame, bit for bit."""
    assert np.array_equal(first.color, second.color)
    assert np.array_equal(first.depth, second.depth)
    assert first.calibration == second.calibration
    assert (first.index, first.time_us, first.device_us) == (second.index, second.time_us, second.device_us)
    assert (first.truth is None) == (second.truth is None)
    if first.truth is not None and second.truth is not None:
        assert np.array_equal(first.truth.labels, second.truth.labels)
        assert first.truth.label_set == second.truth.label_set
        assert (first.truth.instances is None) == (second.truth.instances is None)
        if first.truth.instances is not None and second.truth.instances is not None:
            assert np.array_equal(first.truth.instances, second.truth.instances)
