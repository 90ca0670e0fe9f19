"""What the header of a model file says, without its weights: card, storage, number of parameters.

Does without PyTorch, so that what is compiled already runs where that is not loaded. Sizes that a file claims are
compared with the file before memory is taken.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError, safe_open

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.models.card import ModelCard

Storage = Literal["float32", "float16", "int8"]
STORAGES = ("float32", "float16", "int8")

CARD_KEY = "rgbd_seg.card"
STORAGE_KEY = "rgbd_seg.storage"
#: SHA-256 of everything behind the header, in hexadecimal.
WEIGHTS_KEY = "rgbd_seg.weights_sha256"
NO_HASH = "0" * 64
_NOTES = "__metadata__"  # What safetensors calls them.
SCALE = ".scale"  # An int8 weight W is stored as round(W / scale) with one scale for each output channel.
COUNTER = "num_batches_tracked"  # BatchNorm's step counter: of no use after training, not stored.
_NO_PARAMETERS = (SCALE, "running_mean", "running_var", COUNTER)
_PART_BYTES = 1 << 20
_MAX_HEADER_BYTES = 4_000_000  # The full network's header with a card of 254 classes has about 0.1 MB.


def read_card(path: str | Path) -> ModelCard:
    """The card of a model file, without its weights.

    Raises:
        ModelError: The file is missing, damaged, or not a model file of this program.
    """
    card, _ = read_metadata(path)
    return card


def stored_as(path: str | Path) -> Storage:
    """How the weights of a model file are stored.

    Raises:
        ModelError: As `read_card`.
    """
    _, storage = read_metadata(path)
    return storage


def count_parameters(path: str | Path) -> int:
    """How many parameters the weights of a model file have; what batch normalisation has measured is none.

    Raises:
        ModelError: As `read_card`.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise damaged(path, error) from None
    return sum(math.prod(shape) for name, shape in shapes.items() if not name.endswith(_NO_PARAMETERS))


def read_metadata(path: str | Path) -> tuple[ModelCard, Storage]:
    """Card and storage.

    Raises:
        ModelError: As `read_card`.
    """
    path = Path(path)
    _check_beginning(path)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise damaged(path, error) from None
    if CARD_KEY not in metadata:
        raise ModelError(
            f"{path} holds weights but no card, so that their classes and their input are unknown: "
            "it is not a model file of rgbd-seg"
        )
    storage = metadata.get(STORAGE_KEY)
    if storage not in STORAGES:
        raise ModelError(f"{path}: the weights are stored as {storage!r:.40}; {', '.join(STORAGES)} are known")
    try:
        card = ModelCard.from_json(metadata[CARD_KEY])
    except ConfigurationError as error:
        raise ModelError(f"{path} has a card that cannot be used: {error}") from None
    return card, storage


def weights_hash(path: str | Path) -> str:
    """The hash of the weights that a model file carries; "" in files of older versions.

    Raises:
        ModelError: The file is missing or damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return str((file.metadata() or {}).get(WEIGHTS_KEY, ""))
    except (SafetensorError, OSError) as error:
        raise damaged(path, error) from None


def hash_weights(path: str | Path) -> str:
    """SHA-256 of everything behind the header of a safetensors file, in hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        (header_bytes,) = struct.unpack("<Q", file.read(8))
        file.seek(8 + header_bytes)
        while part := file.read(_PART_BYTES):
            digest.update(part)
    return digest.hexdigest()


def check_weights(path: str | Path) -> None:
    """Compares the weights with the hash that the file carries; files of older versions carry none.

    Raises:
        ModelError: They are not the weights that were saved.
    """
    told = weights_hash(path)
    try:
        found = hash_weights(path) if told else ""
    except OSError as error:
        raise damaged(path, error) from None
    if found != told:
        raise ModelError(
            f"{path} is damaged: its weights are not those that were saved (their SHA-256 is {found[:12]}..., not "
            f"{told[:12]}...). Get the file again"
        )


def seal_weights(path: Path) -> None:
    """Writes the hash of the weights into a file that was saved with `NO_HASH` in its place.

    Its notes are put into order, so that the same weights and card always give the same file.

    Raises:
        OSError: It cannot be written.
    """
    found = hash_weights(path)
    with path.open("r+b") as file:
        (header_bytes,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_bytes))
        header[_NOTES] = dict(sorted((header[_NOTES] | {WEIGHTS_KEY: found}).items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) > header_bytes:
            raise OSError(f"its header does not fit into {header_bytes} bytes")
        file.seek(8)
        file.write(text.ljust(header_bytes))


def damaged(path: str | Path, error: Exception) -> ModelError:
    """The error for a file that safetensors refuses."""
    return ModelError(f"{path} is damaged or cut off: {error}. Get the file again")


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
