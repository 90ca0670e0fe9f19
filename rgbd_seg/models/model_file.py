"""The model file: one safetensors file with the weights, and the model's card in its metadata.

safetensors holds numbers and nothing else, so that a file from a stranger cannot run code. Sizes that a file claims
are compared with the file and with the card before memory is taken. See docs/model-file.md for the format.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet
from rgbd_seg.models.model_header import (
    CARD_KEY,
    COUNTER,
    NO_HASH,
    SCALE,
    STORAGE_KEY,
    STORAGES,
    WEIGHTS_KEY,
    Storage,
    check_weights,
    read_card,
    read_metadata,
    seal_weights,
    stored_as,
)

__all__ = ["ModelCard", "Storage", "load_model", "read_card", "save_model", "stored_as"]

_KINDS = {"F32", "F16", "I8"}
_SMALL = 16_384  # Weights of a convolution; in whole numbers those next to the inputs cost every tenth label.


def save_model(path: str | Path, network: DeResUNet, card: ModelCard, storage: Storage = "float32") -> None:
    """Writes a model file, at once or not at all.

    Args:
        path: The file, usually `*.safetensors`; an existing one is replaced.
        network: The weights.
        card: Its `network` must describe this network.
        storage: How convolution weights are stored: "float32", "float16" (half the size) or "int8" (a quarter: whole
            numbers with one scale for each output channel; small and depthwise ones, which cannot bear that, in
            float16). Loading always gives float32.

    Raises:
        ModelError: The card is for another network, the weights are not finite, or the file cannot be written.
    """
    path = Path(path)
    if card.network != network.config:
        raise ModelError(f"{path}: the card describes another network than the one to be saved")
    if storage not in STORAGES:
        raise ConfigurationError(f"storage must be one of {', '.join(STORAGES)}, not {storage!r}")
    tensors: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        if not name.endswith(COUNTER):
            _refuse_not_finite(path, name, tensor)
            tensors |= _encode(name, tensor.detach().cpu(), storage)
    partial = path.with_name(path.name + ".part")
    try:
        partial.touch()
        permissions = partial.stat().st_mode  # Those of any file here; safetensors lets the owner alone read.
        notes = {CARD_KEY: card.to_json(), STORAGE_KEY: storage, WEIGHTS_KEY: NO_HASH}
        save_file(tensors, partial, metadata=notes)
        seal_weights(partial)
        partial.chmod(permissions)
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise ModelError(f"cannot write the model file {path}: {error}") from None


def load_model(path: str | Path) -> tuple[DeResUNet, ModelCard]:
    """Reads a model file.

    Returns:
        The network in float32 on the CPU and in evaluation mode, and its card.

    Raises:
        ModelError: The file is missing, damaged, or its weights do not fit its card.
    """
    path = Path(path)
    card, _ = read_metadata(path)
    with torch.device("meta"):  # Shapes without memory: nothing is allocated before the file was compared with them.
        network = DeResUNet(card.network)
    expected = {name: t for name, t in network.state_dict().items() if not name.endswith(COUNTER)}
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}
            shapes = {name: tuple(entry.get_shape()) for name, entry in slices.items()}
            whole = {name for name, entry in slices.items() if entry.get_dtype() == "I8"}
            _compare(path, shapes, expected, whole)
            kinds = {entry.get_dtype() for entry in slices.values()}
            if not kinds <= _KINDS:
                raise ModelError(f"{path}: weights of the kinds {sorted(kinds - _KINDS)} are not read")
            network.to_empty(device="cpu")
            state = network.state_dict()
            for name, target in state.items():
                if name.endswith(COUNTER):
                    target.zero_()
                    continue
                tensor = file.get_tensor(name)
                _refuse_not_finite(path, name, tensor)
                if name + SCALE in shapes:
                    scale = file.get_tensor(name + SCALE)
                    _refuse_not_finite(path, name + SCALE, scale)
                    tensor = tensor.float() * scale.reshape(-1, *[1] * (tensor.dim() - 1))
                target.copy_(tensor)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged and cannot be loaded: {error}. Get the file again") from None
    check_weights(path)
    return network.eval(), card


def _encode(name: str, tensor: Tensor, storage: Storage) -> dict[str, Tensor]:
    """One tensor as it is stored; only convolution weights are made smaller, the rest is tiny."""
    if storage == "float32" or tensor.dim() < 4:
        return {name: tensor.float().contiguous()}
    if storage == "float16" or tensor.shape[1] == 1 or tensor.numel() < _SMALL:
        return {name: tensor.half().contiguous()}
    scale = (tensor.float().abs().amax(dim=(1, 2, 3)) / 127).clamp_min(1e-12)
    whole = torch.round(tensor.float() / scale.reshape(-1, 1, 1, 1)).to(torch.int8)
    return {name: whole.contiguous(), name + SCALE: scale}


def _refuse_not_finite(path: Path, name: str, tensor: Tensor) -> None:
    if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
        raise ModelError(f"{path}: the weights {name} are not finite numbers: the training of this model went wrong")


def _compare(path: Path, shapes: dict[str, tuple[int, ...]], expected: dict[str, Tensor], whole: set[str]) -> None:
    """Refuses weights that do not fit the network of the card."""
    wanted = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    wanted |= {name + SCALE: (shape[0],) for name, shape in wanted.items() if name in whole}
    last = "classify.weight"
    if last in shapes and last in wanted and shapes[last][:1] != wanted[last][:1]:
        raise ModelError(
            f"{path}: the weights have {shapes[last][0]} classes, but the card and its label set have "
            f"{wanted[last][0]}: card and weights do not belong together"
        )
    missing, surplus = sorted(wanted.keys() - shapes.keys()), sorted(shapes.keys() - wanted.keys())
    if missing or surplus:
        what = f"lack {missing[0]}" if missing else f"have {surplus[0]!r:.100}, which the network does not know"
        raise ModelError(
            f"{path}: the weights do not fit the network in the card: they {what} "
            f"({len(missing)} missing, {len(surplus)} surplus)"
        )
    for name, shape in wanted.items():
        if shapes[name] != shape:
            raise ModelError(
                f"{path}: the weights do not fit the network in the card: {name} is {shapes[name]}, not {shape}"
            )
