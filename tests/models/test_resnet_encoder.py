"""The encoder against torchvision's ResNet with the same weights."""

from __future__ import annotations

import pytest
import torch
from torchvision.models import resnet18, resnet50
from torchvision.models.feature_extraction import create_feature_extractor

from rgbd_seg.models.resnet_encoder import ResNetEncoder

SCALES = ("relu", "layer1", "layer2", "layer3", "layer4")


@pytest.mark.parametrize(("name", "published"), [("resnet18", resnet18), ("resnet50", resnet50)])
def test_features_are_those_of_torchvision(name: str, published: type) -> None:
    torch.manual_seed(5)
    theirs, ours = published(), ResNetEncoder(name, 3)
    missing = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert missing.missing_keys == []
    assert {key.split(".")[0] for key in missing.unexpected_keys} == {"fc"}
    picture = torch.rand(2, 3, 64, 96)
    for training in (True, False):  # In training, batch norm's means are computed and kept, too.
        theirs.train(training)
        ours.train(training)
        wanted = create_feature_extractor(theirs, list(SCALES))(picture)
        for scale, found in zip(SCALES, ours(picture), strict=True):
            torch.testing.assert_close(found, wanted[scale])
