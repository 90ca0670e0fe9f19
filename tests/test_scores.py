"""Scores that are added up and stored."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.labels import LabelSet
from rgbd_seg.scores import Scores, confusion_matrix
from training.scores import Scores as TrainingScores

THREE = LabelSet.from_dict({"name": "three", "classes": ["a", "b", "c"]})
TWO = LabelSet.from_dict({"name": "two", "classes": ["a", "b"]})
LENS = Calibration(Intrinsics(32, 24, 30.0, 30.0, 15.5, 11.5))
LENS_OF_FOUR = Calibration(Intrinsics(4, 1, 30.0, 30.0, 1.5, 0.0))


def _scores(seed: int, label_set: LabelSet = THREE, frames: int = 2) -> Scores:
    rng = np.random.default_rng(seed)
    scores = Scores()
    for i in range(frames):
        frame = RgbdFrame(np.zeros((24, 32, 3), np.uint8), np.ones((24, 32), np.uint16), LENS, i, 0)
        labels = rng.integers(0, len(label_set) + 1, (24, 32)).astype(np.uint8)
        truth = rng.integers(0, len(label_set) + 1, (24, 32)).astype(np.uint8)
        scores.add_labels(truth, label_set, Segmentation(frame, labels, None, label_set))
    return scores


def test_the_sum_counts_the_frames_of_its_parts() -> None:
    parts = Scores()
    assert str(parts) == "no labels to compare with"
    for part in (Scores(), _scores(0), _scores(1)):
        parts.merge(part)
    assert parts.frames == 4
    total = np.array(_scores(0).to_dict()["confusion"]) + np.array(_scores(1).to_dict()["confusion"])
    assert np.array_equal(parts.to_dict()["confusion"], total)


def test_what_was_merged_is_left_as_it_was() -> None:
    total, part = Scores(), _scores(0)
    before = part.to_dict()
    total.merge(part)
    total.merge(_scores(1))
    assert part.to_dict() == before


def test_a_class_that_is_only_predicted_counts_as_in_training() -> None:
    frame = RgbdFrame(np.zeros((1, 4, 3), np.uint8), np.ones((1, 4), np.uint16), LENS_OF_FOUR, 0, 0)
    truth, labels = np.array([[1, 1, 2, 0]], np.uint8), np.array([[1, 3, 2, 3]], np.uint8)
    scores = Scores()
    scores.add_labels(truth, THREE, Segmentation(frame, labels, None, THREE))
    of_training = TrainingScores(confusion_matrix(truth, labels, len(THREE)), THREE.names)
    assert scores.mean_iou == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert scores.mean_iou == pytest.approx(of_training.miou)


def test_storing_keeps_everything() -> None:
    scores = _scores(0)
    again = Scores.from_dict(json.loads(json.dumps(scores.to_dict())))
    assert again.to_dict() == scores.to_dict()
    assert again.mean_iou == scores.mean_iou
    assert "over 2 frames" in str(again)


def test_other_classes_cannot_be_added() -> None:
    scores = _scores(0)
    with pytest.raises(ConfigurationError, match="two"):
        scores.merge(_scores(0, TWO))


@pytest.mark.parametrize("data", [None, [], {}, {"labels": {"classes": ["a"]}, "confusion": [[1]], "frames": 1}])
def test_what_is_none_is_refused(data: object) -> None:
    with pytest.raises(ConfigurationError):
        Scores.from_dict(data)


def test_classes_that_the_model_does_not_know_are_counted_apart_and_named() -> None:
    frame = RgbdFrame(np.zeros((1, 4, 3), np.uint8), np.ones((1, 4), np.uint16), LENS_OF_FOUR, 0, 0)
    truth, labels = np.array([[1, 2, 3, 3]], np.uint8), np.array([[1, 1, 2, 0]], np.uint8)
    scores = Scores()
    scores.add_labels(truth, THREE, Segmentation(frame, labels, None, TWO))
    assert scores.unknown == ("c",)
    assert (scores.pixel_accuracy, scores.same_share, scores.unknown_share) == (0.5, 0.25, 0.5)
    assert "50.0% of the labelled pixels" in str(scores)
    again = Scores.from_dict(json.loads(json.dumps(scores.to_dict())))
    assert (again.unknown, again.same_share, again.mean_iou) == (("c",), 0.25, scores.mean_iou)
    scores.take_back()
    assert scores.unknown == ()


def test_a_class_that_the_truth_does_not_know_has_no_iou_but_is_wrong() -> None:
    frame = RgbdFrame(np.zeros((1, 4, 3), np.uint8), np.ones((1, 4), np.uint16), LENS_OF_FOUR, 0, 0)
    truth, labels = np.array([[1, 1, 2, 2]], np.uint8), np.array([[1, 3, 2, 2]], np.uint8)
    scores = Scores()
    scores.add_labels(truth, TWO, Segmentation(frame, labels, None, THREE))
    assert scores.class_iou == {"a": 0.5, "b": 1.0}
    assert scores.pixel_accuracy == 0.75


def test_models_without_a_class_in_common_agree_on_nothing() -> None:
    other = LabelSet.from_dict({"name": "other", "classes": ["x", "y"]})
    frame = RgbdFrame(np.zeros((1, 4, 3), np.uint8), np.ones((1, 4), np.uint16), LENS_OF_FOUR, 0, 0)
    scores = Scores()
    ones = np.ones((1, 4), np.uint8)
    scores.add_labels(ones, TWO, Segmentation(frame, ones, None, other))
    assert (scores.same_share, scores.pixel_accuracy, scores.mean_iou) == (0.0, None, None)
    assert str(scores).startswith("nothing to compare: 100.0%")
