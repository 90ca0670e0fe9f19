"""Folding batch normalisation into the convolution before it: the same numbers with fewer passes over memory."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

if TYPE_CHECKING:
    from rgbd_seg.models.deresunet import DeResUNet


def folded(network: DeResUNet) -> DeResUNet:
    """A copy without batch normalisation, for inference only; the network itself stays as it is."""
    result = copy.deepcopy(network).eval()
    for module in list(result.modules()):
        children = list(module.named_children())
        for name, child in children:
            follower = _normalisation_of(name, dict(children))
            if isinstance(child, nn.Conv2d) and follower is not None:
                norm = getattr(module, follower)
                setattr(module, name, fuse_conv_bn_eval(child, norm))
                setattr(module, follower, nn.Identity())
    return result


def _normalisation_of(name: str, children: dict[str, nn.Module]) -> str | None:
    """The sibling that normalises a convolution: conv and bn, conv2 and bn2, or 0 and 1 in a sequence."""
    follower = name.replace("conv", "bn") if "conv" in name else str(int(name) + 1) if name.isdigit() else ""
    return follower if isinstance(children.get(follower), nn.BatchNorm2d) else None
