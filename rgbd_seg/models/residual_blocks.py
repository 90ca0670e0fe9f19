"""The two residual blocks of ResNet, with torchvision's attribute names.

They are not taken from torchvision, whose import brings in PyTorch's compiler and so nearly doubles the time until a
model is loaded.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., "Deep Residual Learning for Image Recognition", 2015).

    Args:
        in_channels: Of the input.
        width: Of the output.
        stride: Of the first convolution.
        downsample: Brings the input to the output's shape; None where both are the same.
    """

    expansion: ClassVar[int] = 1

    def __init__(self, in_channels: int, width: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, features: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, width, H / stride, W / stride)."""
        shortcut = features if self.downsample is None else self.downsample(features)
        inner = self.relu(self.bn1(self.conv1(features)))
        output: Tensor = self.relu(self.bn2(self.conv2(inner)) + shortcut)
        return output


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; the 3x3 one strides ("ResNet v1.5", as in torchvision).

    Args:
        in_channels: Of the input.
        width: Of the two inner convolutions; the output has four times as many.
        stride: Of the 3x3 convolution.
        downsample: Brings the input to the output's shape; None where both are the same.
    """

    expansion: ClassVar[int] = 4

    def __init__(self, in_channels: int, width: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * self.expansion, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, features: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, 4 width, H / stride, W / stride)."""
        shortcut = features if self.downsample is None else self.downsample(features)
        inner = self.relu(self.bn1(self.conv1(features)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        output: Tensor = self.relu(self.bn3(self.conv3(inner)) + shortcut)
        return output
