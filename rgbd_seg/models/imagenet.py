"""Starting the encoders from torchvision's ImageNet weights."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.error import URLError

import torch
from torchvision.models import ResNet18_Weights, ResNet34_Weights, ResNet50_Weights

from rgbd_seg.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from rgbd_seg.models.deresunet import DeResUNet
    from rgbd_seg.models.resnet_encoder import ResNetEncoder

_PUBLISHED = {"resnet18": ResNet18_Weights, "resnet34": ResNet34_Weights, "resnet50": ResNet50_Weights}
_PUBLISHED_WIDTH = 64
_STEM = "conv1.weight"


def fetch_imagenet_weights(encoder: str) -> Mapping[str, Tensor]:
    """The default weights of a torchvision ResNet: from its cache on this machine, else from its server.

    Args:
        encoder: "resnet18", "resnet34" or "resnet50".

    Raises:
        ModelError: They are not in the cache and cannot be downloaded.
    """
    weights = _PUBLISHED[encoder].DEFAULT
    try:
        # weights_only: what came over the network may hold numbers, never code; the hash is in the file's name.
        state: Mapping[str, Tensor] = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, OSError, RuntimeError) as error:
        raise ModelError(
            f"cannot get the ImageNet weights of {encoder} ({weights.url}): {error}. Without them the encoders start "
            f"from random weights; with a network connection, or the file in {torch.hub.get_dir()}/checkpoints, they "
            "start from ImageNet"
        ) from None
    return state


def start_from_imagenet(network: DeResUNet, weights: Mapping[str, Tensor]) -> None:
    """Copies ImageNet weights into every encoder of a network.

    The first convolution of an encoder over depth, and the fourth channel of one over stacked colour and depth, get
    the mean over the three colour filters: the response to a grey picture, scaled to one channel.

    Args:
        network: Its encoders must have the published width.
        weights: The state of torchvision's ResNet of the same depth (`fetch_imagenet_weights`).

    Raises:
        ModelError: There are no such weights for encoders of this width.
    """
    width = network.config.base_width
    if width != _PUBLISHED_WIDTH:
        raise ModelError(
            f"there are ImageNet weights for encoders of base width {_PUBLISHED_WIDTH}, not {width}: such encoders "
            "start from random weights"
        )
    for encoder in (network.encoder.color, network.encoder.depth):
        if encoder is not None:
            _fill(encoder, weights)


def _fill(encoder: ResNetEncoder, weights: Mapping[str, Tensor]) -> None:
    state = {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}
    color_filters = state[_STEM]
    mean = color_filters.mean(dim=1, keepdim=True)
    by_channels = {1: mean, 3: color_filters, 4: torch.cat([color_filters, mean], dim=1)}
    state[_STEM] = by_channels[encoder.conv1.in_channels]
    try:
        encoder.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f"the ImageNet weights do not fit the encoder: {error}") from None
