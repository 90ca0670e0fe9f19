"""Depthwise convolutions that train quickly on a CPU in bfloat16.

oneDNN has no fast backward pass for them there: a 5x5 one of 1,152 channels takes 80 ms, in float32 6 ms (one core
of an AMD EPYC with AVX-512 and bfloat16, PyTorch 2.14). So the forward pass stays in bfloat16, the backward one is done
in float32.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def hasten_depthwise(network: nn.Module) -> int:
    """Makes the depthwise convolutions of a network use the quicker backward pass under bfloat16 autocast.

    Returns:
        How many there are.
    """
    count = 0
    for module in network.modules():
        # timm's convolution with TensorFlow's padding is a subclass whose forward pads first.
        if not isinstance(module, nn.Conv2d) or type(module).__name__ not in ("Conv2d", "Conv2dSame"):
            continue
        if 1 < module.groups == module.in_channels == module.out_channels:
            module.forward = MethodType(_forward, module)  # type: ignore[method-assign]
            count += 1
    return count


def _forward(self: nn.Conv2d, features: Tensor) -> Tensor:
    if not torch.is_autocast_enabled("cpu") or self.padding_mode != "zeros" or isinstance(self.padding, str):
        return type(self).forward(self, features)
    padding = self.padding
    if type(self) is not nn.Conv2d:
        from timm.layers.padding import pad_same

        features = pad_same(features, list(self.kernel_size), list(self.stride), list(self.dilation))
        padding = (0, 0)
    narrow = features.to(torch.get_autocast_dtype("cpu"))
    result: Tensor = _Depthwise.apply(narrow, self.weight, self.stride, padding, self.dilation)
    return result if self.bias is None else result + self.bias.to(result.dtype)[:, None, None]


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, stride: Any, padding: Any, dilation: Any) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.geometry = (list(stride), list(padding), list(dilation))
        groups = weight.shape[0]
        return functional.conv2d(features, weight.to(features.dtype), None, stride, padding, dilation, groups)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        features, weight = ctx.saved_tensors
        stride, padding, dilation = ctx.geometry
        to_features, to_weight, _ = torch.ops.aten.convolution_backward(
            gradient.float(),
            features.float(),
            weight.float(),
            None,
            stride,
            padding,
            dilation,
            False,
            [0, 0],
            weight.shape[0],
            [ctx.needs_input_grad[0], ctx.needs_input_grad[1], False],
        )
        return to_features.to(features.dtype) if to_features is not None else None, to_weight, None, None, None
