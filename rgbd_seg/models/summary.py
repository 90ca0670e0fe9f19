"""The layer table of a network: every call of a module with its output's shape and its parameters.

Counting follows torchsummary, by which the network was published: one row for each call of a module, containers other
than Sequential and ModuleList included, so that a ReLU that is called three times has three rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig

LAYER_TYPES = ("Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "PixelShuffle")
FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One call of a module.

    Attributes:
        number: Counts the calls from 1.
        type: Class of the module.
        path: Where it is in the network, such as "encoder.color.conv1".
        output_shape: (channels, height, width).
        parameters: Learnable numbers of the module itself, without those of modules inside it.
        operations: Multiplications and additions of a convolution, 0 for everything else.
    """

    number: int
    type: str
    path: str
    output_shape: tuple[int, ...]
    parameters: int
    operations: int


@dataclass(frozen=True, slots=True)
class LayerCount:
    """How many layers of one type a network has, and how many parameters they hold."""

    type: str
    layers: int
    parameters: int


def layer_table(config: DeResUNetConfig, size: tuple[int, int]) -> list[LayerRow]:
    """Runs a network without memory or arithmetic (on torch's meta device) and lists its layers in the order of calls.

    Args:
        config: The network.
        size: Height and width of the input in pixels.
    """
    rows: list[LayerRow] = []

    def listener(path: str) -> Callable[[nn.Module, Any, Any], None]:
        def on_call(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):
                shape = tuple(output.shape[1:])
            else:  # The encoder returns all scales; its row shows the coarsest.
                shape = tuple(output[-1].shape[1:])
            parameters = sum(p.numel() for p in module.parameters(recurse=False))
            operations = _operations(module, shape) if isinstance(module, nn.Conv2d) else 0
            rows.append(LayerRow(len(rows) + 1, type(module).__name__, path, shape, parameters, operations))

        return on_call

    with torch.device("meta"), torch.inference_mode():
        network = DeResUNet(config).eval()
        for path, module in network.named_modules():
            if path and not isinstance(module, nn.Sequential | nn.ModuleList):
                module.register_forward_hook(listener(path))
        network(torch.empty(1, 3, *size), torch.empty(1, 1, *size))
    return rows


def count_by_type(rows: Iterable[LayerRow], types: Iterable[str] = LAYER_TYPES) -> list[LayerCount]:
    """The two counts for each layer type, in the order of `types`."""
    listed = list(rows)
    counts = []
    for name in types:
        mine = [row for row in listed if row.type == name]
        counts.append(LayerCount(name, len(mine), sum(row.parameters for row in mine)))
    return counts


def _operations(convolution: nn.Conv2d, shape: tuple[int, ...]) -> int:
    """Two (a multiplication and an addition) for each weight and output pixel."""
    return 2 * convolution.weight.numel() * shape[-2] * shape[-1]
