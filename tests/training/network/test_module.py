"""The training step's ends: what an epoch tells of itself, and when it has nothing to tell."""

from __future__ import annotations

import pytest
import torch

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from training.data.depth_statistics import DepthStatistics
from training.network.loss import VOID
from training.network.module import SegmentationModule


@pytest.fixture
def module() -> SegmentationModule:
    labels = LabelSet.from_dict({"name": "two", "classes": ["table", "object"]})
    return SegmentationModule(
        labels, (32, 32), DepthStatistics(2.0, 1.0, 8.0), "resnet18", "color", 8, (32, 16, 16, 8, 8)
    )


def test_a_run_that_goes_on_between_an_epochs_last_step_and_its_end_has_nothing_to_tell(
    module: SegmentationModule,
) -> None:
    module.on_train_epoch_end()


def test_an_epoch_whose_pixels_are_all_void_is_refused(module: SegmentationModule) -> None:
    nothing = torch.full((1, 4, 4), VOID)
    module.train_confusion.update(torch.zeros_like(nothing), nothing)

    with pytest.raises(ConfigurationError, match="no pixel of epoch 0 had a label"):
        module.on_train_epoch_end()
