"""A small model with random weights, as a file, and frames for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rgbd_seg.models.model_file import save_model
from rgbd_seg.testing import models
from rgbd_seg.testing.models import card_for, random_network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.models.card import ModelCard
    from rgbd_seg.models.deresunet import DeResUNet


@pytest.fixture(scope="session")
def network() -> DeResUNet:
    return random_network()


@pytest.fixture
def card(network: DeResUNet) -> ModelCard:
    return card_for(network)


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory, network: DeResUNet) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(path, network, card_for(network))
    return path


@pytest.fixture
def make_frame() -> Callable[..., RgbdFrame]:
    """Makes frames: a seed, a size, a depth unit."""
    return models.make_frame
