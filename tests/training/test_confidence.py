"""The reliability error by hand, and on a confidence that is honest by construction."""

from __future__ import annotations

import numpy as np
import pytest

from training.results.confidence import Reliability


def test_by_hand() -> None:
    reliability = Reliability()
    labels, truth = np.ones((1, 10), np.uint8), np.ones((1, 10), np.uint8)
    truth[0, :4] = 2  # Four of ten are wrong,
    reliability.add(labels, np.full((1, 10), 204, np.uint8), truth)  # all with confidence 0.8.
    assert reliability.bins() == [(pytest.approx(0.8), pytest.approx(0.6), 10)]
    assert reliability.error() == pytest.approx(0.2)


def test_unlabelled_truth_does_not_count() -> None:
    reliability = Reliability()
    reliability.add(np.ones((2, 2), np.uint8), np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8))
    assert reliability.bins() == []
    assert reliability.error() == 0.0


def test_an_honest_confidence_has_no_error_and_a_boastful_one_has() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.integers(60, 256, (400, 400)).astype(np.uint8)
    right = rng.random(confidence.shape) < confidence / 255
    truth = np.where(right, 1, 2).astype(np.uint8)
    labels = np.ones_like(truth)
    honest, boastful = Reliability(), Reliability()
    honest.add(labels, confidence, truth)
    boastful.add(labels, np.minimum(confidence + 40.0, 255).astype(np.uint8), truth)
    assert honest.error() < 0.01
    assert boastful.error() > 0.08
