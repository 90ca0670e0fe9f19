"""Frames and segmentations: what they refuse, and that nobody can change them on the way."""

from __future__ import annotations

import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.frame import RgbdFrame, Segmentation, Truth
from rgbd_seg.labels import LabelSet

HEIGHT, WIDTH = 6, 8
CALIBRATION = Calibration(Intrinsics(WIDTH, HEIGHT, 10, 10, 4, 3))
LABELS = LabelSet.from_dict({"classes": ["a"]})


def make(**changes: object) -> RgbdFrame:
    parts = {
        "color": np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        "depth": np.zeros((HEIGHT, WIDTH), np.uint16),
        "calibration": CALIBRATION,
        "index": 0,
        "host_ns": 1,
    }
    return RgbdFrame(**(parts | changes))  # type: ignore[arg-type]


def test_a_sound_frame_knows_its_size() -> None:
    frame = make()
    assert (frame.height, frame.width) == (HEIGHT, WIDTH)
    assert frame.device_us is None
    assert frame.truth is None


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"color": np.zeros((HEIGHT, WIDTH), np.uint8)}, "colour"),
        ({"color": np.zeros((HEIGHT, WIDTH, 4), np.uint8)}, "colour"),
        ({"color": np.zeros((HEIGHT, WIDTH, 3), np.float32)}, "colour"),
        ({"color": np.zeros((WIDTH, HEIGHT, 3), np.uint8)}, "colour"),
        ({"depth": np.zeros((HEIGHT, WIDTH), np.uint8)}, "depth"),
        ({"depth": np.zeros((HEIGHT, WIDTH + 1), np.uint16)}, "depth"),
        ({"truth": Truth(np.zeros((HEIGHT, 1), np.uint8), LABELS)}, "truth"),
        (
            {"truth": Truth(np.zeros((HEIGHT, WIDTH), np.uint8), LABELS, np.zeros((1, 1), np.uint16))},
            "instances",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(changes: dict[str, object], name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        make(**changes)


def test_nobody_can_change_a_frame_on_its_way() -> None:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    frame = make(truth=Truth(labels, LABELS))
    assert frame.truth is not None
    for array in (frame.color, frame.depth, frame.truth.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
    with pytest.raises(AttributeError):
        frame.index = 7  # type: ignore[misc]


def test_a_segmentation_has_labels_and_their_meaning_or_neither() -> None:
    frame = make()
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    assert Segmentation(frame).labels is None
    assert Segmentation(frame, labels, label_set=LABELS).labels is not None
    for wrong in ({"labels": labels}, {"label_set": LABELS}):
        with pytest.raises(ConfigurationError, match="both labels and a label set"):
            Segmentation(frame, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["labels", "confidence"])
def test_maps_of_another_size_or_kind_are_refused_by_name(name: str) -> None:
    frame = make()
    sound = {"labels": np.zeros((HEIGHT, WIDTH), np.uint8), "confidence": np.zeros((HEIGHT, WIDTH), np.uint8)}
    for wrong in (np.zeros((HEIGHT, 1), np.uint8), np.zeros((HEIGHT, WIDTH), np.int64)):
        with pytest.raises(ConfigurationError, match=name):
            Segmentation(frame, label_set=LABELS, **(sound | {name: wrong}))  # type: ignore[arg-type]


def test_frames_are_compared_by_identity() -> None:
    first, second = make(), make()
    assert first == first
    assert first != second
