"""Encoders of the DeResUNet family by name: the ResNets here, and the networks of timm and torchvision.

An encoder takes a picture with any number of channels and gives features at 1/2, 1/4, 1/8, 1/16 and 1/32 of its size.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.models.resnet_encoder import ResNetEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from rgbd_seg.models.network_config import DeResUNetConfig

REDUCTIONS = (2, 4, 8, 16, 32)


def build_encoder(config: DeResUNetConfig, in_channels: int) -> Encoder:
    """The encoder of a network with random weights.

    Raises:
        ConfigurationError: The library does not know the name, or the network has not these five scales.
        ModelError: The library is not installed.
    """
    library, _, name = config.encoder.rpartition(":")
    if library == "timm":
        return TimmEncoder(name, in_channels)
    if library == "torchvision":
        return TorchvisionEncoder(name, in_channels)
    return ResNetEncoder(name, in_channels, config.base_width)


class TimmEncoder(nn.Module):
    """A network of timm without its head; parameters are named as in timm's `features_only` networks.

    Args:
        name: As `timm.list_models` gives it.
        in_channels: Channels of the picture.
    """

    def __init__(self, name: str, in_channels: int) -> None:
        super().__init__()
        try:
            import timm
        except ImportError:
            raise ModelError(f"the encoder timm:{name} needs the package timm: pip install timm") from None
        if not timm.is_model(name):
            near = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:6])
            raise ConfigurationError(f"timm knows no network {name!r}" + (f"; near: {near}" if near else ""))
        try:
            features: Any = timm.create_model(name, pretrained=False, features_only=True, in_chans=in_channels)
        except (RuntimeError, AssertionError, NotImplementedError, ValueError, TypeError) as error:
            raise ConfigurationError(f"timm:{name} cannot be used as an encoder: {error}") from None
        check_reductions(f"timm:{name}", features.feature_info.reduction())
        self.out_channels: list[int] = features.feature_info.channels()
        self.features = features

    def forward(self, picture: Tensor) -> list[Tensor]:
        """As that of `ResNetEncoder`."""
        return self.features(picture)  # type: ignore[no-any-return]


class TorchvisionEncoder(nn.Module):
    """A network of torchvision without its head: its ResNets and relatives, and those that are a chain `features`.

    Args:
        name: As `torchvision.models.list_models` gives it.
        in_channels: Channels of the picture.
    """

    def __init__(self, name: str, in_channels: int) -> None:
        super().__init__()
        from torchvision.models import get_model, list_models

        if name not in list_models():
            raise ConfigurationError(f"torchvision knows no network {name!r}: see torchvision.models.list_models()")
        whole = get_model(name, weights=None)
        if hasattr(whole, "layer4"):
            parts = {part: child for part, child in whole.named_children() if part not in ("avgpool", "fc")}
        elif isinstance(getattr(whole, "features", None), nn.Sequential):
            parts = dict(whole.features.named_children())
        else:
            raise ConfigurationError(f"torchvision:{name} is not built as a chain of stages and cannot be an encoder")
        self.trunk = nn.Sequential(OrderedDict(parts))
        adapt_stem(self.trunk, in_channels)
        ends, self.out_channels = _scales(self.trunk, in_channels)
        check_reductions(f"torchvision:{name}", list(ends))
        self.ends = list(ends.values())

    def forward(self, picture: Tensor) -> list[Tensor]:
        """As that of `ResNetEncoder`."""
        scales = []
        features = picture
        for place, part in enumerate(self.trunk):
            features = part(features)
            if place in self.ends:
                scales.append(features)
        return scales


Encoder = ResNetEncoder | TimmEncoder | TorchvisionEncoder


def parameters_up_to(encoder: Encoder, scales: int) -> list[nn.Parameter]:
    """The parameters that an encoder's first scales are computed with, for freezing.

    Args:
        encoder: What `build_encoder` gave.
        scales: 1 for those of the features at 1/2, 2 for those at 1/4 as well, ... 5.
    """
    if isinstance(encoder, TimmEncoder):
        features: Any = encoder.features
        end = features.feature_info.module_name(scales - 1).replace(".", "_")
        modules = [(f"{name.replace('.', '_')}_", module) for name, module in features.named_modules()]
        last = max(place for place, (name, _) in enumerate(modules) if name.startswith(f"{end}_"))
        return [p for _, module in modules[: last + 1] for p in module.parameters(recurse=False)]
    if isinstance(encoder, TorchvisionEncoder):
        end = encoder.ends[scales - 1]
        return [p for part in list(encoder.trunk)[: end + 1] for p in part.parameters()]
    stages = (encoder.conv1, encoder.bn1, encoder.layer1, encoder.layer2, encoder.layer3, encoder.layer4)
    return [p for part in stages[: scales + 1] for p in part.parameters()]


def check_reductions(encoder: str, reductions: Sequence[int]) -> None:
    """Refuses encoders without the five scales.

    Raises:
        ConfigurationError: It gives others.
    """
    if tuple(reductions) != REDUCTIONS:
        given = ", ".join(f"1/{reduction}" for reduction in reductions)
        raise ConfigurationError(
            f"{encoder} gives features at {given}; an encoder here must give them at 1/2, 1/4, 1/8, 1/16 and 1/32"
        )


def adapt_stem(trunk: nn.Module, in_channels: int) -> None:
    """Gives the first convolution another number of input channels, with new random weights."""
    for path, module in trunk.named_modules():
        if isinstance(module, nn.Conv2d):
            if module.in_channels != in_channels:
                parent, _, name = path.rpartition(".")
                stem = nn.Conv2d(
                    in_channels,
                    module.out_channels,
                    module.kernel_size,  # type: ignore[arg-type]
                    module.stride,  # type: ignore[arg-type]
                    module.padding,  # type: ignore[arg-type]
                    bias=module.bias is not None,
                )
                setattr(trunk.get_submodule(parent), name, stem)
            return


def _scales(trunk: nn.Sequential, in_channels: int) -> tuple[dict[int, int], list[int]]:
    """Which part of a chain gives the last features of each scale, by reduction, and how many channels they have."""
    side = 64
    ends: dict[int, int] = {}
    channels: dict[int, int] = {}
    features = torch.zeros(1, in_channels, side, side, device=next(trunk.parameters()).device)
    training = trunk.training
    with torch.no_grad():
        for place, part in enumerate(trunk.eval()):
            features = part(features)
            reduction = side // features.shape[-1]
            if reduction in REDUCTIONS:
                ends[reduction], channels[reduction] = place, features.shape[1]
    trunk.train(training)
    return dict(sorted(ends.items())), [channels[reduction] for reduction in sorted(channels)]
