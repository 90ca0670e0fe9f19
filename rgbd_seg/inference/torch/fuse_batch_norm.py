"""Folding batch normalisation into the convolution before it: the same numbers with fewer passes over memory."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

if TYPE_CHECKING:
    from rgbd_seg.models.deresunet import DeResUNet


def fuse_batch_norm(network: DeResUNet) -> DeResUNet:
    """A copy without batch normalisation, for inference only; the network itself stays as it is.

    A normalisation is taken for that of the convolution that its module lists before it. Networks of libraries might
    list their layers in another order than they use them: where the answers differ, nothing is folded.
    """
    result = copy.deepcopy(network).eval()
    for module in list(result.modules()):
        for (name, child), (follower, norm) in pairwise(list(module.named_children())):
            if (
                isinstance(child, nn.Conv2d)
                and isinstance(norm, nn.BatchNorm2d)
                and norm.num_features == child.out_channels
            ):
                setattr(module, name, fuse_conv_bn_eval(child, norm))
                # timm's normalisation layers hold the activation that follows.
                setattr(module, follower, getattr(norm, "act", nn.Identity()))
    return result if ":" not in network.config.encoder or _same_answers(network, result) else copy.deepcopy(network)


@torch.no_grad()
def _same_answers(one: DeResUNet, other: DeResUNet) -> bool:
    generator = torch.Generator().manual_seed(0)
    color, depth = (torch.randn(1, channels, 64, 64, generator=generator) for channels in (3, 1))
    device = next(one.parameters()).device
    expected, given = (network(color.to(device), depth.to(device)) for network in (one, other))
    return torch.allclose(expected, given, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
