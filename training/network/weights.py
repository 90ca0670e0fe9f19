"""A trained network from wherever it lies: a checkpoint of a run or a model file."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch

from rgbd_seg.errors import ModelError
from rgbd_seg.models.deresunet import DeResUNet
from rgbd_seg.models.deresunet import DeResUNet as Network
from rgbd_seg.models.model_file import ModelCard, load_model

CHECKPOINT_SUFFIX = ".ckpt"
_PREFIX = "network."


def load_trained(path: str | Path) -> tuple[Network, ModelCard]:
    """The network and its card.

    Args:
        path: A `.ckpt` of a run (the averaged weights, where the run averages them) or a model file.

    Returns:
        The network in evaluation mode on the CPU, and its card.

    Raises:
        ModelError: It cannot be read, or is no checkpoint of this module.
    """
    path = Path(path)
    if path.suffix != CHECKPOINT_SUFFIX:
        return load_model(path)
    try:
        # weights_only: numbers and plain containers, so that a checkpoint from a stranger cannot run code.
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError) as error:
        raise unreadable(str(path), error) from None
    if not isinstance(checkpoint, dict) or "card" not in checkpoint or "state_dict" not in checkpoint:
        raise ModelError(f"{path} is no checkpoint of a training run of this program: it has no card")
    card = ModelCard.from_json(checkpoint["card"])
    network = DeResUNet(card.network)
    state = {k.removeprefix(_PREFIX): v for k, v in checkpoint["state_dict"].items() if k.startswith(_PREFIX)}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f"the weights in {path} do not fit its card: {error}") from None
    return network.eval(), card


def unreadable(which: str, error: Exception) -> ModelError:
    """The error for a checkpoint that PyTorch refuses; its own words on code in a file tell how to run that code.

    Args:
        which: Its path, or where it was named.
        error: What PyTorch raised.
    """
    pickled = isinstance(error, pickle.UnpicklingError)
    why = "it is damaged, or holds more than numbers, which could run code" if pickled else str(error)
    return ModelError(f"cannot read the checkpoint {which}: {why}")
