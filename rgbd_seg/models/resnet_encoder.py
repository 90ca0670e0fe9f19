"""The ResNet encoder of the DeResUNet family: five scales of features from a picture with any number of channels.

Attribute names follow torchvision's ResNet, so that its ImageNet weights fit without renaming.
"""

from __future__ import annotations

from torch import Tensor, nn

from rgbd_seg.models.residual_blocks import BasicBlock, Bottleneck

_BLOCKS: dict[str, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
}


class ResNetEncoder(nn.Module):
    """ResNet without its pooling and classifier (He et al., "Deep Residual Learning for Image Recognition", 2015).

    Args:
        encoder: One of `network_config.ENCODERS`.
        in_channels: Channels of the picture (3 for colour, 1 for depth).
        base_width: Channels of the stem; 64 is the published network, smaller ones are narrower throughout.
    """

    def __init__(self, encoder: str, in_channels: int, base_width: int = 64) -> None:
        super().__init__()
        block, depths = _BLOCKS[encoder]
        self.conv1 = nn.Conv2d(in_channels, base_width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(base_width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        width = base_width
        stages = []
        for i, depth in enumerate(depths):
            stages.append(_stage(block, width, base_width * 2**i, depth, stride=1 if i == 0 else 2))
            width = base_width * 2**i * block.expansion
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.out_channels = self.channels(encoder, base_width)

    @staticmethod
    def channels(encoder: str, base_width: int = 64) -> tuple[int, int, int, int, int]:
        """Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input size."""
        wide = [base_width * 2**i * _BLOCKS[encoder][0].expansion for i in range(4)]
        return base_width, wide[0], wide[1], wide[2], wide[3]

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Features at 1/2, 1/4, 1/8, 1/16 and 1/32.

        Args:
            picture: (N, in_channels, H, W) float, H and W multiples of 32.
        """
        half = self.relu(self.bn1(self.conv1(picture)))
        quarter = self.layer1(self.maxpool(half))
        eighth = self.layer2(quarter)
        sixteenth = self.layer3(eighth)
        return half, quarter, eighth, sixteenth, self.layer4(sixteenth)


def _stage(
    block: type[BasicBlock] | type[Bottleneck], in_channels: int, width: int, depth: int, stride: int
) -> nn.Sequential:
    """`depth` residual blocks, the first of which changes size and channels."""
    out_channels = width * block.expansion
    shortcut = None
    if stride != 1 or in_channels != out_channels:
        shortcut = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
            nn.BatchNorm2d(out_channels),
        )
    first = block(in_channels, width, stride, shortcut)
    return nn.Sequential(first, *(block(out_channels, width) for _ in range(depth - 1)))
