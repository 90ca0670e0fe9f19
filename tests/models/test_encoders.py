"""Encoders by name: five scales whatever the library, and names from strangers that reach no hub and no folder."""

from __future__ import annotations

import pytest
import torch

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.inference.torch.fuse_batch_norm import fuse_batch_norm
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import FUSIONS, DeResUNet, DeResUNetConfig
from rgbd_seg.models.encoders import parameters_up_to
from rgbd_seg.models.model_file import load_model, save_model
from tests.models.test_model_file import LABELS

WIDTHS = (32, 16, 16, 8, 8)
ENCODERS = ("timm:tf_efficientnet_lite0", "timm:resnet10t", "torchvision:mobilenet_v3_small", "torchvision:resnet18")


def network(encoder: str, fusion: str = "dual") -> DeResUNet:
    torch.manual_seed(0)
    return DeResUNet(DeResUNetConfig(3, encoder, fusion, decoder_widths=WIDTHS, tail_width=4)).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("encoder", "fusion"), [(encoder, "dual") for encoder in ENCODERS] + [(ENCODERS[1], f) for f in FUSIONS]
)
def test_any_encoder_gives_five_scales_to_any_fusion(encoder: str, fusion: str) -> None:
    built = network(encoder, fusion)
    color, depth = torch.randn(1, 3, 64, 96), torch.randn(1, 1, 64, 96)
    with torch.inference_mode():
        scales = built.encoder(color, depth)
        logits = built(color, depth)
        reads_depth = not torch.equal(logits, built(color, depth + 1))
    assert [tuple(s.shape[-2:]) for s in scales] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert [s.shape[1] for s in scales] == built.encoder.out_channels
    assert reads_depth == (fusion != "color")


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_model_file_brings_it_back(encoder: str, tmp_path: object) -> None:
    built = network(encoder)
    path = f"{tmp_path}/model.safetensors"
    save_model(path, built, ModelCard("any", built.config, LABELS))
    loaded, card = load_model(path)
    assert card.network.encoder == encoder
    color, depth = torch.randn(1, 3, 64, 64), torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded(color, depth), built(color, depth))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_folding_batch_normalisation_keeps_activations_and_answers(encoder: str) -> None:
    built = network(encoder).train()
    with torch.no_grad():  # Statistics that are not those of a new layer.
        built(torch.randn(4, 3, 64, 64), torch.randn(4, 1, 64, 64))
    built.eval()
    color, depth = torch.randn(1, 3, 64, 64), torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        fused = fuse_batch_norm(built)
        expected = built(color, depth)
        assert torch.allclose(fused(color, depth), expected, atol=1e-3 * float(expected.abs().max()))
    before, after = (
        sum(isinstance(module, torch.nn.BatchNorm2d) for module in either.modules()) for either in (built, fused)
    )
    # One whose convolution is hidden in another module, as after a stem of three, may stay.
    assert after <= 2 < before


def test_layers_listed_in_another_order_than_used_are_not_folded() -> None:
    built = network("torchvision:densenet121", "color").eval()
    color, depth = torch.randn(1, 3, 64, 64), torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(fuse_batch_norm(built)(color, depth), built(color, depth), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("encoder", [*ENCODERS, "resnet18"])
def test_frozen_scales_are_all_that_the_features_are_made_of(encoder: str) -> None:
    built = network(encoder, "color").encoder.color
    assert built is not None
    for scales in (1, 3):
        frozen = {id(p) for p in parameters_up_to(built, scales)}  # type: ignore[arg-type]
        for parameter in built.parameters():  # type: ignore[attr-defined]
            parameter.requires_grad_(id(parameter) not in frozen)
        features = built.forward(torch.randn(1, 3, 64, 64))
        assert [f.requires_grad for f in features] == [False] * scales + [True] * (5 - scales)


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        ("timm:hf-hub:someone/something", "encoder must be one of"),
        ("timm:local-dir", "encoder must be one of"),
        ("torchvision:../../etc", "encoder must be one of"),
        ("timm:no_such_network", "timm knows no network 'no_such_network'"),
        ("torchvision:no_such_network", "torchvision knows no network"),
        ("timm:convnext_atto", "features at 1/4, 1/8, 1/16, 1/32"),
        ("torchvision:vit_b_16", "not built as a chain"),
    ],
)
def test_names_that_cannot_be_encoders_are_refused(encoder: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        network(encoder)


def test_widths_of_a_library_are_its_own() -> None:
    with pytest.raises(ConfigurationError, match="base_width is for the ResNets"):
        DeResUNetConfig(3, "timm:resnet10t", base_width=32)


def test_a_pixel_shuffle_begins_without_chequers() -> None:
    built = network("resnet18")
    for layers in (built.bottleneck, *(block.convs for block in built.up)):
        weight = layers[1].conv.weight
        assert torch.equal(weight[::4], weight[3::4])
        assert not torch.equal(weight[0], weight[4])
