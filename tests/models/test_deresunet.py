"""The network: its published figures, its family, and inputs of any size."""

from __future__ import annotations

import pytest
import torch

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.models.deresunet import FUSIONS, DeResUNet, DeResUNetConfig

TINY = DeResUNetConfig(5, "resnet18", base_width=8, decoder_widths=(32, 16, 16, 8, 8), tail_width=4)


def tiny(fusion: str = "dual") -> DeResUNet:
    torch.manual_seed(0)
    fields = TINY.to_dict() | {"fusion": fusion}
    return DeResUNet(DeResUNetConfig.from_dict(fields)).eval()


def count_parameters(config: DeResUNetConfig) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in DeResUNet(config).parameters())


def test_full_network_has_the_published_number_of_parameters() -> None:
    parameters = count_parameters(DeResUNetConfig(50))
    assert parameters == 203_780_570
    assert round(parameters * 4 / 2**20, 2) == 777.36


def test_lite_network_has_eight_million_parameters() -> None:
    assert count_parameters(DeResUNetConfig.lite(50)) == 8_075_546


@pytest.mark.parametrize(("height", "width"), [(32, 32), (240, 320), (53, 71), (1, 1)])
def test_any_size_comes_back(height: int, width: int) -> None:
    with torch.inference_mode():
        logits = tiny()(torch.rand(2, 3, height, width), torch.rand(2, 1, height, width))
    assert logits.shape == (2, 5, height, width)
    assert torch.isfinite(logits).all()


def test_padding_is_below_and_to_the_right_and_holds_zeros() -> None:
    network = tiny()
    color, depth = torch.randn(1, 3, 40, 50), torch.randn(1, 1, 40, 50)
    padded_color, padded_depth = torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    padded_color[..., :40, :50], padded_depth[..., :40, :50] = color, depth
    with torch.inference_mode():
        assert torch.equal(network(color, depth), network(padded_color, padded_depth)[..., :40, :50])


@pytest.mark.parametrize("fusion", FUSIONS)
def test_each_fusion_reads_the_inputs_that_it_names(fusion: str) -> None:
    network = tiny(fusion)
    color, depth = torch.randn(1, 3, 64, 64), torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        logits = network(color, depth)
        reads_color = not torch.equal(logits, network(color + 1, depth))
        reads_depth = not torch.equal(logits, network(color, depth + 1))
    assert reads_color == (fusion != "depth")
    assert reads_depth == (fusion != "color")


def test_every_parameter_gets_a_gradient() -> None:
    network = tiny().train()
    network(torch.randn(2, 3, 64, 64), torch.randn(2, 1, 64, 64)).square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_decoder_scales_halve() -> None:
    with torch.inference_mode():
        scales = tiny().decode(torch.zeros(1, 3, 64, 96), torch.zeros(1, 1, 64, 96))
    assert [tuple(s.shape[1:]) for s in scales] == [(32, 2, 3), (16, 4, 6), (16, 8, 12), (8, 16, 24), (8, 32, 48)]


def test_configuration_survives_json() -> None:
    assert DeResUNetConfig.from_dict(TINY.to_dict()) == TINY


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"classes": 0}, "classes"),
        ({"classes": True}, "classes"),
        ({"encoder": "resnet101"}, "encoder"),
        ({"fusion": ["dual"]}, "fusion"),
        ({"base_width": 10**9}, "base_width"),
        ({"decoder_widths": [64, 64, 64]}, "decoder_widths"),
        ({"decoder_widths": [64, 64, 64, 64, 30]}, "multiple of 4"),
        ({"tail_width": "8"}, "tail_width"),
        ({"depth": 3}, "has the fields"),
    ],
)
def test_wrong_configurations_are_refused_by_name(change: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        DeResUNetConfig.from_dict(TINY.to_dict() | change)
