"""Which frame is to be labelled next, on frames of two made-up places."""

from __future__ import annotations

import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling.doubt import glimpse, suggest

CAMERA = Calibration(Intrinsics(32, 24, 30.0, 30.0, 15.5, 11.5))


def place(color: tuple[int, int, int], depth_mm: int) -> RgbdFrame:
    return RgbdFrame(np.full((24, 32, 3), color, np.uint8), np.full((24, 32), depth_mm, np.uint16), CAMERA, 0, 0)


KITCHEN, HALL = place((200, 60, 60), 1000), place((60, 60, 200), 3000)


def confidence(doubtful: float) -> np.ndarray:
    values = np.full(24 * 32, 250, np.uint8)
    values[: round(doubtful * values.size)] = 20
    return values.reshape(24, 32)


def test_the_frame_that_the_model_is_least_sure_of_comes_first_and_says_so() -> None:
    glimpses = {name: glimpse(KITCHEN, confidence(share)) for name, share in (("a", 0.1), ("b", 0.5), ("c", 0.2))}
    first = suggest(glimpses, done=[])[0]
    assert first.name == "b"
    assert "unsure of 50%" in first.reason


def test_without_a_model_the_frame_that_is_unlike_the_done_ones_comes_first() -> None:
    glimpses = {"a": glimpse(KITCHEN), "b": glimpse(KITCHEN), "c": glimpse(HALL)}
    found = suggest(glimpses, done=["a"])
    assert [one.name for one in found] == ["c", "b"]
    assert "unlike" in found[0].reason
    assert "little is left" in found[1].reason


def test_of_two_equal_doubtful_frames_the_second_waits_until_other_places_are_done() -> None:
    glimpses = {
        "a": glimpse(KITCHEN, confidence(0.6)),
        "b": glimpse(KITCHEN, confidence(0.6)),
        "c": glimpse(HALL, confidence(0.4)),
    }
    assert [one.name for one in suggest(glimpses, done=[])] == ["a", "c", "b"]


def test_nothing_is_suggested_where_nothing_is_left_and_never_more_than_asked() -> None:
    glimpses = {str(i): glimpse(HALL) for i in range(5)}
    assert suggest(glimpses, done=list(glimpses)) == []
    assert len(suggest(glimpses, done=[], count=3)) == 3
    assert "begin with" in suggest(glimpses, done=[])[0].reason
