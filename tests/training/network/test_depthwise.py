"""The quicker backward pass of depthwise convolutions computes the same gradients."""

from __future__ import annotations

import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn

from training.network.depthwise import hasten_depthwise


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.Conv2d(8, 8, 5, stride=2, padding=2, groups=8, bias=False),
        nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8),
        Conv2dSame(8, 8, 5, stride=2, groups=8, bias=False),
        nn.Conv2d(8, 8, 3, padding="same", groups=8),
    ],
)
def test_values_and_gradients_stay(convolution: nn.Conv2d) -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 8, 11, 14, requires_grad=True)

    def run() -> list[torch.Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            result = convolution(features)
        inputs = [features, *convolution.parameters()]
        return [result.detach().float(), *torch.autograd.grad(result.float().square().sum(), inputs)]

    expected = run()
    assert hasten_depthwise(nn.Sequential(convolution)) == 1
    for given, wanted in zip(run(), expected, strict=True):
        assert torch.allclose(given, wanted, atol=0.03 * float(wanted.abs().max()))


def test_outside_of_autocast_and_for_other_convolutions_nothing_changes() -> None:
    dense, depthwise = nn.Conv2d(4, 8, 3), nn.Conv2d(4, 4, 3, groups=4)
    network = nn.Sequential(depthwise, dense)
    picture = torch.randn(1, 4, 9, 9)
    expected = network(picture)
    assert hasten_depthwise(network) == 1
    assert torch.equal(network(picture), expected)
