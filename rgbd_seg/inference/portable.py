"""Our own model files without PyTorch: the network's layers come from a small ONNX file beside it, without weights.

`NAME.graph.onnx` is the network of `NAME.safetensors` as ONNX, its weights empty: it changes with the network and its
input size, not with training. The weights are filled in from the model file when it is opened; what is around the
network is put together by `surroundings`. Bundled models bring
such a file; `rgbd-seg model export FILE --to graph` writes one, where PyTorch is. Where there is one it is taken even
if PyTorch is installed: the first labels are there after a second or two instead of ten to fifteen.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ModelError
from rgbd_seg.inference.cache import cache_folder, cache_key, file_digest, read_entry, write_entry
from rgbd_seg.inference.chain import Chain
from rgbd_seg.inference.kept_ranges import ranges_of
from rgbd_seg.inference.model_info import OwnModelFile
from rgbd_seg.inference.quantised import quantise
from rgbd_seg.inference.resize import Size
from rgbd_seg.inference.segmenter import SegmenterInfo, SegmenterOptions
from rgbd_seg.inference.surroundings import NETWORK_KEY, decision, describe_network, smoothed_decision, with_preparation
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.model_header import SCALE, damaged, read_metadata

SUFFIX = ".graph.onnx"
_LARGEST_GRAPH_BYTES = 8_000_000
_BY_PYTORCH = "float16"  # Networks in this are made from the weights by PyTorch alone.


def pytorch_is_missing() -> bool:
    """Whether our own model files have to do without PyTorch here."""
    return find_spec("torch") is None


def is_portable(path: Path, options: SegmenterOptions, precision: str) -> bool:
    """Whether a model file, run in that way, has a graph of its network: beside it, or in the cache.

    Raises:
        ModelError: The model file cannot be used.
    """
    card, _ = read_metadata(path)
    graph = path.with_name(path.stem + SUFFIX)
    if precision == _BY_PYTORCH or (options.size or card.size) != card.size:
        return False
    return _fits(graph, card) or _kept(card) is not None


def _fits(graph: Path, card: ModelCard) -> bool:
    """Whether there is a graph and it is of that network."""
    try:
        # Metadata lies in the file as it is: so much can be seen without loading ONNX, which a cached graph needs not.
        return graph.stat().st_size <= _LARGEST_GRAPH_BYTES and describe_network(card).encode() in graph.read_bytes()
    except OSError:
        return False


class PortableModel(OwnModelFile):
    """A model file and the graph beside it.

    Args:
        path: The model file.
        size: Height and width at which the network runs; None for the card's.
        precision: Of the device; "int8" wants ranges in the card or a calibration of the user's own.
        convert: Makes of a serialised ONNX model what the back end compiles.
        channels_last: Whether the logits go from part to part as (1, h, w, classes).

    Raises:
        ModelError: There is no such graph, or it does not fit; or there are no ranges.
    """

    def __init__(
        self,
        path: Path,
        size: Size | None,
        precision: str,
        convert: Callable[[bytes], Any],
        *,
        channels_last: bool = False,
    ) -> None:
        super().__init__(path, size)
        self._convert, self._last = convert, channels_last
        if precision == _BY_PYTORCH:
            raise ModelError(f"a network in {precision} needs PyTorch: pip install 'rgbd-seg[torch]', or choose auto")
        self._ranges, self._calibrated = ranges_of(path, self._card, self._size) if precision == "int8" else ({}, "")
        self._graph_path = graph_of(path, self._card, self._size)

    def describe(self, backend: str, device: str, precision: str, reason: str) -> SegmenterInfo:
        info = super().describe(backend, device, precision, reason)
        return replace(info, details={**info.details, "int8": self._calibrated}) if self._ranges else info

    def parts(self, frame_size: Size) -> Chain:
        """The graph for frames of that size, in two parts."""
        classes, last = self._card.network.classes, self._last
        return Chain(
            {
                "scores": lambda: self._convert(self._scores(frame_size)),
                "labels": lambda: self._convert(decision(classes, self._size, frame_size, channels_last=last)),
            },
            lambda: self._convert(smoothed_decision(classes, self._size, frame_size, channels_last=last)),
        )

    def contents(self, frame_size: Size) -> str:
        """Names what the parts are made from, for the cache."""
        ranges = sorted(self._ranges.items())
        return f"{file_digest(self._path)} {file_digest(self._graph_path)} {ranges} {self._size} {frame_size}"

    def make_ready(self, *_: object) -> None:
        """Nothing has to be converted."""

    def _scores(self, frame_size: Size) -> bytes:
        network = network_model(self._path, self._card, self._size)
        if self._ranges:
            quantise(network, self._ranges)
        return with_preparation(network, self._card, frame_size, self._size, channels_last=self._last)


def network_model(path: Path, card: ModelCard, size: Size) -> Any:
    """The network of a model file at a size, as an `onnx.ModelProto` with its weights.

    Raises:
        ModelError: There is no graph of it, or it does not fit.
    """
    return filled(graph_of(path, card, size), path, replace(card, size=size))


def graph_of(path: Path, card: ModelCard, size: Size) -> Path:
    """The graph beside a model file; where there is none of that size, one that PyTorch makes and the cache keeps.

    Raises:
        ModelError: It has to be made, and PyTorch is not installed or fails.
    """
    beside = path.with_name(path.stem + SUFFIX)
    if size == card.size and (beside.is_file() if pytorch_is_missing() else _fits(beside, card)):
        return beside
    if pytorch_is_missing():
        if size != card.size:
            raise ModelError(f"another size than {card.size} needs PyTorch: pip install 'rgbd-seg[torch]'")
        raise ModelError(
            f"{path.name} needs PyTorch here (pip install 'rgbd-seg[torch]'), or the file {beside.name} "
            f"beside it, which rgbd-seg model export {path.name} --to graph writes where PyTorch is installed"
        )
    card = replace(card, size=size)
    return _kept(card) or _make_graph(path, card)


def _cache_name(card: ModelCard) -> str:
    return cache_key(describe_network(card)) + SUFFIX


def _kept(card: ModelCard) -> Path | None:
    """The graph of a network that int8 has needed once; the weights may be others."""
    return read_entry(_cache_name(card))


def _make_graph(path: Path, card: ModelCard) -> Path:
    """Makes a graph, in another process where PyTorch is not loaded: its exporter holds Python's lock for long."""
    name = _cache_name(card)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / name
        (_make_here if "torch" in sys.modules else _make_apart)(path, output, card.size)
        contents = output.read_bytes()
    kept = write_entry(name, partial(_write, contents))
    if kept is None:
        raise ModelError(f"the graph of {path.name} cannot be kept in {cache_folder()}: is the disk full?")
    return kept


def _make_here(path: Path, output: Path, size: Size) -> None:
    from rgbd_seg.inference.portable_export import write_graph

    try:
        write_graph(path, output, size)
    except (ImportError, RuntimeError) as error:  # Of the exporter: an operation that it does not know, for instance.
        raise ModelError(f"PyTorch could not write the graph of {path.name}: {str(error)[-500:]}") from None


def _make_apart(path: Path, output: Path, size: Size) -> None:
    wanted = ["--to", "graph", "--size", f"{size[0]}x{size[1]}", "-o", str(output)]
    command = [sys.executable, "-m", "rgbd_seg", "model", "export", str(path), *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not output.is_file():
        raise ModelError(f"PyTorch could not write the graph of {path.name}: {done.stderr.strip()[-500:]}")


def _write(contents: bytes, path: Path) -> None:
    path.write_bytes(contents)


def filled(graph_path: Path, path: Path, card: ModelCard) -> Any:
    """The network as an `onnx.ModelProto` with the weights of the model file.

    Raises:
        ModelError: The graph is damaged, or is that of another network.
    """
    import onnx
    from google.protobuf.message import DecodeError
    from safetensors import SafetensorError, safe_open

    misfit = f"{graph_path.name} does not fit {path.name}: write it again with rgbd-seg model export {path} --to graph"
    if graph_path.stat().st_size > _LARGEST_GRAPH_BYTES:
        raise ModelError(misfit)
    try:
        model = onnx.load_model_from_string(graph_path.read_bytes())
    except (DecodeError, OSError) as error:
        raise ModelError(f"{graph_path} cannot be read: {error}") from None
    if {entry.key: entry.value for entry in model.metadata_props}.get(NETWORK_KEY) != describe_network(card):
        raise ModelError(misfit)
    try:
        with safe_open(path, framework="numpy") as file:
            names = set(file.keys())
            for tensor in model.graph.initializer:
                if tensor.HasField("raw_data"):
                    continue  # A constant of the graph itself.
                if tensor.name not in names:
                    raise ModelError(misfit)
                weights = _weights(file, tensor.name, names)
                if list(weights.shape) != list(tensor.dims) or not np.isfinite(weights).all():
                    raise ModelError(misfit)
                tensor.raw_data = weights.astype("<f4").tobytes()
    except (SafetensorError, OSError) as error:
        raise damaged(path, error) from None
    return model


def _weights(file: Any, name: str, names: set[str]) -> NDArray[np.float32]:
    weights = np.asarray(file.get_tensor(name), np.float32)
    if name + SCALE in names:
        scale = np.asarray(file.get_tensor(name + SCALE), np.float32)
        weights = weights * scale.reshape(-1, *[1] * (weights.ndim - 1))
    return weights
