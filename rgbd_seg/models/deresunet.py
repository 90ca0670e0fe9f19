"""DeResUNet: residual encoders for colour and depth, fused at every scale, and a U-shaped decoder of pixel shuffles.

The full network has two ResNet50 encoders and 203,780,570 parameters at 50 classes; the same class builds smaller
members of the family and, for comparisons, networks with one encoder.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rgbd_seg.models.encoders import build_encoder
from rgbd_seg.models.network_config import FUSIONS, DeResUNetConfig, Fusion

__all__ = ["FUSIONS", "STRIDE", "DeResUNet", "DeResUNetConfig", "Fusion", "pad_to_stride"]

STRIDE = 32  # The coarsest features are 1/32 of the input: inputs are padded to a multiple of it.

# Channels that enter the encoder named color and the one named depth; 0: there is no such encoder.
_INPUTS: dict[str, tuple[int, int]] = {"dual": (3, 1), "early": (4, 0), "color": (3, 0), "depth": (0, 1)}


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
        self.fusion = config.fusion
        self.color = build_encoder(config, color_channels) if color_channels else None
        self.depth = build_encoder(config, depth_channels) if depth_channels else None
        both = [encoder.out_channels for encoder in (self.color, self.depth) if encoder is not None]
        self.out_channels = [sum(channels) for channels in zip(*both, strict=True)]

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
        self._draw_weights()

    def _draw_weights(self) -> None:
        """Random weights: He's for our own layers; encoders of a library come with those that it draws."""
        of_libraries = set(self.encoder.modules()) if ":" in self.config.encoder else set()
        for module in self.modules():
            # On the meta device there is nothing to draw, and PyTorch would import its compiler for it.
            if isinstance(module, nn.Conv2d) and module not in of_libraries and not module.weight.is_meta:
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for layers in (self.bottleneck, *(block.get_submodule("convs") for block in self.up)):
            start_without_chequers(layers.get_parameter("1.conv.weight"))

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


def start_without_chequers(weight: Tensor) -> None:
    """Gives the four channels that a pixel shuffle lays into one square the same weights, so that it begins smooth.

    "ICNR" of Aitken et al., "Checkerboard artifact free sub-pixel convolution", 2017.

    Args:
        weight: (out_channels, in_channels, k, k) of the convolution before the shuffle; changed in place.
    """
    if not weight.is_meta:
        with torch.no_grad():
            weight.copy_(weight[::4].repeat_interleave(4, dim=0))


def pad_to_stride(picture: Tensor) -> Tensor:
    """Adds zeros (the mean colour; no depth) below and to the right up to multiples of `STRIDE`."""
    height, width = picture.shape[-2:]
    below, right = -height % STRIDE, -width % STRIDE
    if below == 0 and right == 0:
        return picture
    return functional.pad(picture, (0, right, 0, below))
