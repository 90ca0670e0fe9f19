"""The scores against two libraries that compute the same figures in their own way."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix as sklearn_matrix
from sklearn.metrics import jaccard_score
from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.scores import confusion_matrix
from training.results.evaluate import deviation
from training.scores import Scores

CLASSES = 5
NAMES = tuple("abcde")


@pytest.fixture
def labels():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, CLASSES + 1, (40, 50), dtype=np.uint8)
    guess = np.where(rng.random(truth.shape) < 0.6, np.maximum(truth, 1), rng.integers(1, CLASSES + 1, truth.shape))
    return truth, guess.astype(np.uint8)


def test_matrix_is_sklearns_without_void(labels):
    truth, predicted = labels
    seen = truth > 0
    expected = sklearn_matrix(truth[seen], predicted[seen], labels=range(1, CLASSES + 1))
    matrix = confusion_matrix(truth, predicted, CLASSES)
    np.testing.assert_array_equal(matrix[1:, 1:], expected)
    assert matrix.sum() == expected.sum()


def test_figures_are_torchmetrics_figures(labels):
    truth, predicted = labels
    scores = Scores(confusion_matrix(truth, predicted, CLASSES), NAMES)
    target, guess = torch.from_numpy(truth).long() - 1, torch.from_numpy(predicted).long() - 1
    iou = MulticlassJaccardIndex(CLASSES, average="none", ignore_index=-1)(guess, target)
    np.testing.assert_allclose(scores.iou, iou.numpy(), rtol=1e-6)
    assert scores.miou == pytest.approx(float(iou.mean()), rel=1e-6)
    for average, value in (("micro", scores.pixel_accuracy), ("macro", scores.mean_accuracy)):
        assert value == pytest.approx(
            float(MulticlassAccuracy(CLASSES, average=average, ignore_index=-1)(guess, target))
        )


@pytest.mark.parametrize("seed", range(20))
def test_mean_iou_of_random_maps_is_that_of_both_libraries(seed: int):
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 38))
    truth = rng.integers(0, classes + 1, (30, 40), dtype=np.uint8)
    predicted = np.where(rng.random(truth.shape) < rng.random(), truth, rng.integers(1, classes + 1, truth.shape))
    predicted = np.maximum(predicted, 1).astype(np.uint8)
    miou = Scores(confusion_matrix(truth, predicted, classes), tuple(map(str, range(classes)))).miou
    seen = truth > 0
    present = np.union1d(truth[seen], predicted[seen])
    theirs = jaccard_score(truth[seen], predicted[seen], labels=present, average="macro")
    assert miou == pytest.approx(theirs, rel=1e-9)
    target, guess = torch.from_numpy(truth).long() - 1, torch.from_numpy(predicted).long() - 1
    iou = MulticlassJaccardIndex(classes, average="none", ignore_index=-1)(guess, target).numpy()
    assert miou == pytest.approx(float(iou[present.astype(int) - 1].mean()), rel=1e-5)


def test_one_global_matrix_is_not_the_mean_over_pictures():
    a = confusion_matrix(np.array([[1, 1, 1, 2]], np.uint8), np.array([[1, 1, 1, 1]], np.uint8), 2)
    b = confusion_matrix(np.array([[2, 2, 2, 2]], np.uint8), np.array([[2, 2, 2, 2]], np.uint8), 2)
    assert Scores(a + b, "ab").miou == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert Scores(a + b, "ab").miou != pytest.approx((Scores(a, "ab").miou + Scores(b, "ab").miou) / 2)


def test_a_class_in_neither_picture_leaves_the_mean():
    scores = Scores(confusion_matrix(np.array([1, 1, 2], np.uint8), np.array([1, 2, 2], np.uint8), 3), "abc")
    assert np.isnan(scores.iou[2])
    assert scores.miou == pytest.approx(0.5)
    assert "1 absent" in scores.table()


def test_void_predictions_count_as_wrong():
    matrix = confusion_matrix(np.array([1, 1, 2, 0], np.uint8), np.array([1, 0, 0, 0], np.uint8), 2)
    assert matrix.tolist() == [[0, 0, 0], [1, 1, 0], [1, 0, 0]]
    assert Scores(matrix, "ab").iou.tolist() == [0.5, 0.0]


def test_other_shapes_and_labels_are_refused():
    with pytest.raises(ConfigurationError, match="prediction is"):
        confusion_matrix(np.ones((2, 2), np.uint8), np.ones((2, 3), np.uint8), 2)
    with pytest.raises(ConfigurationError, match="above 2"):
        confusion_matrix(np.full((2, 2), 3, np.uint8), np.ones((2, 2), np.uint8), 2)


def test_scores_deviate_only_where_pictures_differ() -> None:
    """Half the pictures all right, half all wrong: the share of right ones is binomial."""
    good, bad = np.zeros((2, 3, 3), np.int32)
    good[1, 1] = good[2, 2] = bad[1, 2] = bad[2, 1] = 50
    assert deviation(np.stack([good] * 40), ("one", "two")) == 0
    mixed = deviation(np.stack([good, bad] * 20), ("one", "two"))
    assert 0.04 < mixed < 0.10  # sqrt(0.25 / 40) = 0.079 of the pixels; IoU at a half changes by 8/9 of it.
