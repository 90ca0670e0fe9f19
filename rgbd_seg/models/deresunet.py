"""DeResUNet: residual encoders for colour and depth, fused at every scale, and a U-shaped decoder of pixel shuffles.

The full network has two ResNet50 encoders and 203,780,570 parameters at 50 classes; the same class builds smaller
members of the family and, for comparisons, networks with one encoder.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn
from torch.nn import functional

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import MAX_CLASSES
from rgbd_seg.models.resnet_encoder import ENCODERS, ResNetEncoder

if TYPE_CHECKING:
    from torch import Tensor

STRIDE = 32  # The coarsest features are 1/32 of the input: inputs are padded to a multiple of it.

Encoder = Literal["resnet18", "resnet34", "resnet50"]
Fusion = Literal["dual", "early", "color", "depth"]
FUSIONS = ("dual", "early", "color", "depth")
# Channels that enter the encoder named color and the one named depth; 0: there is no such encoder.
_INPUTS: dict[str, tuple[int, int]] = {"dual": (3, 1), "early": (4, 0), "color": (3, 0), "depth": (0, 1)}


@dataclass(frozen=True, slots=True)
class DeResUNetConfig:
    """What defines one member of the family.

    Attributes:
        classes: Output channels.
        encoder: Depth of the residual encoders.
        fusion: "dual": one encoder each for colour and depth, concatenated at every scale (the published network);
            "early": one encoder over the four stacked channels; "color" or "depth": one encoder, the other input is
            ignored.
        base_width: Channels of an encoder's stem (64 as published).
        decoder_widths: Channels of the bottleneck and of the four up-blocks, coarse to fine; multiples of 4.
        tail_width: Channels at full resolution, before the last 1x1 convolution.
    """

    classes: int
    encoder: Encoder = "resnet50"
    fusion: Fusion = "dual"
    base_width: int = 64
    decoder_widths: tuple[int, int, int, int, int] = (2048, 1024, 512, 256, 64)
    tail_width: int = 8

    def __post_init__(self) -> None:
        _check_range("classes", self.classes, 1, MAX_CLASSES)
        if self.encoder not in ENCODERS:
            raise ConfigurationError(f"encoder must be one of {', '.join(ENCODERS)}, not {self.encoder!r:.80}")
        if self.fusion not in FUSIONS:
            raise ConfigurationError(f"fusion must be one of {', '.join(FUSIONS)}, not {self.fusion!r:.80}")
        _check_range("base_width", self.base_width, 4, 256)
        if not isinstance(self.decoder_widths, tuple) or len(self.decoder_widths) != 5:
            raise ConfigurationError(f"decoder_widths must be five numbers, not {self.decoder_widths!r:.80}")
        for width in self.decoder_widths:
            _check_range("each of decoder_widths", width, 4, 4096)
            if width % 4:
                raise ConfigurationError(f"each of decoder_widths must be a multiple of 4, {width} is not")
        _check_range("tail_width", self.tail_width, 1, 512)

    @staticmethod
    def lite(classes: int) -> DeResUNetConfig:
        """The member for laptops: two narrow ResNet18 encoders, about 8 million parameters."""
        return DeResUNetConfig(classes, "resnet18", base_width=32, decoder_widths=(256, 128, 64, 32, 32))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"decoder_widths": list(self.decoder_widths)}

    @staticmethod
    def from_dict(data: Any) -> DeResUNetConfig:
        """Reads what `to_dict` wrote.

        Raises:
            ConfigurationError: A field is missing, unknown or out of range.
        """
        if not isinstance(data, dict):
            raise ConfigurationError("a network's description must be an object with named fields")
        fields = dict(data)
        if isinstance(fields.get("decoder_widths"), list):
            fields["decoder_widths"] = tuple(fields["decoder_widths"])
        try:
            return DeResUNetConfig(**fields)
        except TypeError:  # A name that is missing, or one that does not exist.
            known = ", ".join(DeResUNetConfig.__dataclass_fields__)
            named = ", ".join(str(key)[:40] for key in list(fields)[:20])
            raise ConfigurationError(f"a network's description has the fields {known}; this one has {named}") from None


def _check_range(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigurationError(f"{name} must be a whole number {low}..{high}, not {value!r:.80}")


class ConvBnRelu(nn.Module):
    """A 3x3 convolution, batch normalisation and ReLU; the size stays."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H, W)."""
        return self.relu(self.bn(self.conv(features)))  # type: ignore[no-any-return]


class UpBlock(nn.Module):
    """Doubles the size by a pixel shuffle, concatenates the encoders' features of that scale, and convolves twice."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int) -> None:
        super().__init__()
        self.shuffle = nn.PixelShuffle(2)
        self.convs = nn.Sequential(
            ConvBnRelu(in_channels // 4 + skip_channels, out_channels), ConvBnRelu(out_channels, out_channels)
        )

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        """(N, in_channels, H, W) and (N, skip_channels, 2H, 2W) to (N, out_channels, 2H, 2W)."""
        return self.convs(torch.cat([self.shuffle(features), skip], dim=1))  # type: ignore[no-any-return]


class FusionEncoder(nn.Module):
    """The encoders of a network and how colour and depth come together."""

    def __init__(self, config: DeResUNetConfig) -> None:
        super().__init__()
        color_channels, depth_channels = _INPUTS[config.fusion]
        name, width = config.encoder, config.base_width
        self.fusion = config.fusion
        self.color = ResNetEncoder(name, color_channels, width) if color_channels else None
        self.depth = ResNetEncoder(name, depth_channels, width) if depth_channels else None
        encoders = sum(1 for encoder in (self.color, self.depth) if encoder)
        self.out_channels = [encoders * c for c in ResNetEncoder.channels(name, width)]

    def forward(self, color: Tensor, depth: Tensor) -> list[Tensor]:
        """Fused features at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input.

        The encoders are stepped through here and not called as modules, which is how the published layer table lists
        them.
        """
        scales = []
        if self.color is not None:
            picture = torch.cat([color, depth], dim=1) if self.fusion == "early" else color
            scales.append(self.color.forward(picture))
        if self.depth is not None:
            scales.append(self.depth.forward(depth))
        return [torch.cat(features, dim=1) for features in zip(*scales, strict=True)]


class DeResUNet(nn.Module):
    """The network. Its input is normalised colour and depth, its output one logit per class and pixel.

    Args:
        config: Which member of the family to build; the weights are random.
    """

    def __init__(self, config: DeResUNetConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = FusionEncoder(config)
        skips = self.encoder.out_channels
        widths = config.decoder_widths
        self.bottleneck = nn.Sequential(ConvBnRelu(skips[4], widths[0]), ConvBnRelu(widths[0], widths[0]))
        self.up = nn.ModuleList(UpBlock(widths[i], skips[3 - i], widths[i + 1]) for i in range(4))
        self.shuffle = nn.PixelShuffle(2)
        self.tail = ConvBnRelu(widths[4] // 4, config.tail_width)
        self.classify = nn.Conv2d(config.tail_width, config.classes, kernel_size=1)
        for module in self.modules():
            # On the meta device there is nothing to draw, and PyTorch would import its compiler for it.
            if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def decode(self, color: Tensor, depth: Tensor) -> list[Tensor]:
        """What the decoder holds at 1/32, 1/16, 1/8, 1/4 and 1/2 of the input, coarse to fine.

        Training may hang further losses on these; `forward` uses the last.

        Args:
            color: (N, 3, H, W) float, H and W multiples of `STRIDE`.
            depth: (N, 1, H, W) float.
        """
        skips = self.encoder(color, depth)
        scales: list[Tensor] = [self.bottleneck(skips[4])]
        for i, block in enumerate(self.up):
            scales.append(block(scales[-1], skips[3 - i]))
        return scales

    def classify_features(self, features: Tensor) -> Tensor:
        """Logits (N, classes, H, W) from the decoder's finest features (N, decoder_widths[4], H / 2, W / 2)."""
        return self.classify(self.tail(self.shuffle(features)))  # type: ignore[no-any-return]

    def forward(self, color: Tensor, depth: Tensor) -> Tensor:
        """Segments.

        Args:
            color: (N, 3, H, W) float, normalised colour; any H and W.
            depth: (N, 1, H, W) float, normalised depth, 0 at holes.

        Returns:
            (N, classes, H, W) float logits; channel c is label id c + 1.
        """
        height, width = color.shape[-2:]
        padded_color, padded_depth = pad_to_stride(color), pad_to_stride(depth)
        logits = self.classify_features(self.decode(padded_color, padded_depth)[-1])
        return logits[..., :height, :width]


def pad_to_stride(picture: Tensor) -> Tensor:
    """Adds zeros (the mean colour; no depth) below and to the right up to multiples of `STRIDE`."""
    height, width = picture.shape[-2:]
    below, right = -height % STRIDE, -width % STRIDE
    if below == 0 and right == 0:
        return picture
    return functional.pad(picture, (0, right, 0, below))
