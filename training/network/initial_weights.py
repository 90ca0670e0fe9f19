"""Where the weights of a new run start: at random, from ImageNet's encoders, or from another model file."""

from __future__ import annotations

from torch import nn

from rgbd_seg.assets import model_path
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.models.deresunet import DeResUNet
from rgbd_seg.models.imagenet import fetch_imagenet_weights, start_from_imagenet
from rgbd_seg.models.model_file import load_model

_HEAD = "classify."


def load_initial_weights(network: DeResUNet, label_set: LabelSet, source: str) -> str:
    """Fills a new network.

    Args:
        network: Changed in place.
        label_set: Its classes; a model file with other ones gives everything but its head.
        source: "random", "imagenet", one of `rgbd_seg.assets.BUNDLED_MODELS`, or the path of a model file.

    Returns:
        What was done, in a few words.

    Raises:
        ConfigurationError: The network of the model file is another member of the family.
        ModelError: The weights cannot be read, or there are none for such encoders.
    """
    if source == "random":
        return "random weights"
    if source == "imagenet":
        start_from_imagenet(network, fetch_imagenet_weights(network.config.encoder))
        return "encoders from ImageNet, the rest at random"
    other, card = load_model(model_path(source))
    mine = network.state_dict()
    keep_head = card.label_set.names == label_set.names
    taken = {name: t for name, t in other.state_dict().items() if keep_head or not name.startswith(_HEAD)}
    if any(name not in mine or mine[name].shape != tensor.shape for name, tensor in taken.items()):
        theirs = card.network
        raise ConfigurationError(
            f"the weights of {source} belong to another network; to start from them set "
            f"model.encoder={theirs.encoder}, model.fusion={theirs.fusion}, model.base_width={theirs.base_width}, "
            f"model.decoder_widths={list(theirs.decoder_widths)} and model.tail_width={theirs.tail_width}"
        )
    network.load_state_dict(taken, strict=False)
    said = f"weights of {card.name}" + ("" if keep_head else ", with a new head")
    convolutions = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    at_random = [name for name in convolutions if f"{name}.weight" not in taken and f"{name}." != _HEAD]
    if at_random:
        said += f", but {len(at_random)} of {len(convolutions)} convolutions, which it has not, at random: "
        said += f"model.encoder={card.network.encoder} would take all of it"
    return said
