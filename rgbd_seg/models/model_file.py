"""The model file: one safetensors file with the weights, and the model's card in its metadata.

safetensors holds numbers and nothing else, so that a file from a stranger cannot run code. Sizes that a file claims
are compared with the file and with the card before memory is taken. See docs/model-file.md for the format.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ModelCard", "Storage", "load_model", "read_card", "save_model", "stored_as"]

Storage = Literal["float32", "float16", "int8"]
STORAGES = ("float32", "float16", "int8")

_CARD_KEY = "rgbd_seg.card"
_STORAGE_KEY = "rgbd_seg.storage"
_SCALE = ".scale"  # An int8 weight W is stored as round(W / scale) with one scale for each output channel.
_COUNTER = "num_batches_tracked"  # BatchNorm's step counter: of no use after training, not stored.
_KINDS = {"F32", "F16", "I8"}
_MAX_HEADER_BYTES = 4_000_000  # The full network's header with a card of 254 classes has about 0.1 MB.


def save_model(path: str | Path, network: DeResUNet, card: ModelCard, storage: Storage = "float32") -> None:
    """Writes a model file, at once or not at all.

    Args:
        path: The file, usually `*.safetensors`; an existing one is replaced.
        network: The weights.
        card: Its `network` must describe this network.
        storage: How convolution weights are stored: "float32", "float16" (half the size) or "int8" (a quarter: whole
            numbers with one scale for each output channel). Loading always gives float32.

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
        if not name.endswith(_COUNTER):
            _refuse_not_finite(path, name, tensor)
            tensors |= _encode(name, tensor.detach().cpu(), storage)
    partial = path.with_name(path.name + ".part")
    try:
        save_file(tensors, partial, metadata={_CARD_KEY: card.to_json(), _STORAGE_KEY: storage})
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise ModelError(f"cannot write the model file {path}: {error}") from None


def read_card(path: str | Path) -> ModelCard:
    """The card of a model file, without its weights.

    Raises:
        ModelError: The file is missing, damaged, or not a model file of this program.
    """
    card, _ = _read_metadata(Path(path))
    return card


def stored_as(path: str | Path) -> Storage:
    """How the weights of a model file are stored.

    Raises:
        ModelError: As `read_card`.
    """
    _, storage = _read_metadata(Path(path))
    return storage


def load_model(path: str | Path) -> tuple[DeResUNet, ModelCard]:
    """Reads a model file.

    Returns:
        The network in float32 on the CPU and in evaluation mode, and its card.

    Raises:
        ModelError: The file is missing, damaged, or its weights do not fit its card.
    """
    path = Path(path)
    card, storage = _read_metadata(path)
    with torch.device("meta"):  # Shapes without memory: nothing is allocated before the file was compared with them.
        network = DeResUNet(card.network)
    expected = {name: t for name, t in network.state_dict().items() if not name.endswith(_COUNTER)}
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}
            shapes = {name: tuple(entry.get_shape()) for name, entry in slices.items()}
            _compare(path, shapes, expected, storage)
            kinds = {entry.get_dtype() for entry in slices.values()}
            if not kinds <= _KINDS:
                raise ModelError(f"{path}: weights of the kinds {sorted(kinds - _KINDS)} are not read")
            network.to_empty(device="cpu")
            state = network.state_dict()
            for name, target in state.items():
                if name.endswith(_COUNTER):
                    target.zero_()
                    continue
                tensor = file.get_tensor(name)
                _refuse_not_finite(path, name, tensor)
                if storage == "int8" and name + _SCALE in shapes:
                    scale = file.get_tensor(name + _SCALE)
                    _refuse_not_finite(path, name + _SCALE, scale)
                    tensor = tensor.float() * scale.reshape(-1, *[1] * (tensor.dim() - 1))
                target.copy_(tensor)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged and cannot be loaded: {error}. Get the file again") from None
    return network.eval(), card


def _encode(name: str, tensor: Tensor, storage: Storage) -> dict[str, Tensor]:
    """One tensor as it is stored; only convolution weights are made smaller, the rest is tiny."""
    if storage == "float32" or tensor.dim() < 4:
        return {name: tensor.float().contiguous()}
    if storage == "float16":
        return {name: tensor.half().contiguous()}
    scale = (tensor.float().abs().amax(dim=(1, 2, 3)) / 127).clamp_min(1e-12)
    whole = torch.round(tensor.float() / scale.reshape(-1, 1, 1, 1)).to(torch.int8)
    return {name: whole.contiguous(), name + _SCALE: scale}


def _refuse_not_finite(path: Path, name: str, tensor: Tensor) -> None:
    if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
        raise ModelError(f"{path}: the weights {name} are not finite numbers: the training of this model went wrong")


def _compare(path: Path, shapes: dict[str, tuple[int, ...]], expected: dict[str, Tensor], storage: Storage) -> None:
    """Refuses weights that do not fit the network of the card."""
    wanted = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    if storage == "int8":
        wanted |= {name + _SCALE: (shape[0],) for name, shape in wanted.items() if len(shape) == 4}
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


def _read_metadata(path: Path) -> tuple[ModelCard, Storage]:
    """Card and storage from the file's header."""
    _check_beginning(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged or cut off: {error}. Get the file again") from None
    if _CARD_KEY not in metadata:
        raise ModelError(
            f"{path} holds weights but no card, so that their classes and their input are unknown: "
            "it is not a model file of rgbd-seg"
        )
    storage = metadata.get(_STORAGE_KEY)
    if storage not in STORAGES:
        raise ModelError(f"{path}: the weights are stored as {storage!r:.40}; {', '.join(STORAGES)} are known")
    try:
        card = ModelCard.from_json(metadata[_CARD_KEY])
    except ConfigurationError as error:
        raise ModelError(f"{path} has a card that cannot be used: {error}") from None
    return card, storage


def _check_beginning(path: Path) -> None:
    """Tells apart what people may choose by mistake, before a library sees the file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise ModelError(f"cannot open the model file {path}: {error.strerror or error}") from None
    if len(start) < 9:
        raise ModelError(f"{path} has only {size} bytes: it is no model file")
    if start[8:9] != b"{":
        if start[:2] == b"PK" or start[:1] == b"\x80":
            raise ModelError(
                f"{path} is a pickle (a PyTorch checkpoint or archive), which can run code when it is opened; it is "
                "not loaded. Save the model as safetensors with its card"
            )
        raise ModelError(f"{path} is not a safetensors file. Models end in .safetensors and carry a card")
    (header_bytes,) = struct.unpack("<Q", start[:8])
    if header_bytes > _MAX_HEADER_BYTES:
        raise ModelError(f"{path} claims a header of {header_bytes} bytes: it is damaged or not a model file")
    if header_bytes + 8 > size:
        raise ModelError(f"{path} is cut off within its header: get the file again")
