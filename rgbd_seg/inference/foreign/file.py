"""Somebody else's network: an ONNX file and the card beside it, checked before any runtime sees them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import onnx
from google.protobuf.message import DecodeError

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.cache import file_digest
from rgbd_seg.inference.foreign.card import card_path, read_network_card
from rgbd_seg.inference.model_info import NOTHING
from rgbd_seg.inference.segmenter import SegmenterInfo, SegmenterOptions

_NO_CONFIDENCE = "this network does not say how sure it is: every pixel counts as certain"
_NO_SMOOTHING = "networks from ONNX files run without smoothing"


class NetworkFile:
    """An ONNX file whose card fits it.

    Args:
        path: The ONNX file.
        options: Its size must be the card's, or None.

    Raises:
        ModelError: The file or its card cannot be used, or they do not belong together.
        ConfigurationError: Another size or "int8" was asked for.
    """

    def __init__(self, path: Path, options: SegmenterOptions) -> None:
        self.path = path
        model = _read(path)
        self.card = read_network_card(path)
        self.label_set = self.card.label_set
        if options.size not in (None, self.card.size):
            height, width = self.card.size
            raise ConfigurationError(f"{path.name} runs at the {width}x{height} of its card; leave the size out")
        if options.precision == "int8":
            raise ConfigurationError(f"{path.name} cannot be calibrated for int8: only our own model files can")
        weights = {tensor.name for tensor in model.graph.initializer}
        # Names that are no text come as bytes; no card can name them.
        inputs = [str(i.name) for i in model.graph.input if i.name not in weights]
        wanted = [part.input for part in (self.card.color, self.card.depth) if part is not None]
        _compare(path, "inputs", wanted, inputs)
        outputs = [str(o.name) for o in model.graph.output]
        if self.card.output.output not in outputs:
            _compare(path, "output", [self.card.output.output], outputs)
        self._smoothing = options.smoothing

    def digest(self) -> str:
        """Names the contents of the file and its card, for the cache."""
        return file_digest(self.path) + file_digest(card_path(self.path))

    def describe(self, backend: str, device: str, precision: str, reason: str) -> SegmenterInfo:
        card = self.card
        said = {_NO_CONFIDENCE: card.output.kind == "labels", _NO_SMOOTHING: self._smoothing != "off"}
        notes = tuple(note for note, applies in said.items() if applies)
        details = {"classes": f"{card.label_set.name} ({len(card.label_set)})"}
        details |= {"licence": card.licence} if card.licence else {}
        trained_on, origin = card.trained_on or NOTHING, str(self.path)
        return SegmenterInfo(
            card.name, origin, trained_on, backend, device, precision, card.size, reason, notes, details
        )

    def check_output(self, shape: tuple[int, ...]) -> None:
        """Compares the shape of the network's output with the card.

        Raises:
            ModelError: It has another number of classes or another layout.
        """
        output = self.card.output
        fits = len(shape) == len(output.layout) and shape[0] == 1
        if fits and output.kind != "labels":
            fits = shape[output.layout.index("C")] == self.card.channels
        if not fits:
            expected = f" with {self.card.channels} channels" if output.kind != "labels" else ""
            raise ModelError(
                f"{self.path.name} gives {output.output} in the shape {list(shape)}, but its card says "
                f"{output.layout}{expected}: correct layout, labels or first_id in {card_path(self.path).name}"
            )


def _read(path: Path) -> onnx.ModelProto:
    """The file's graph without weights that are kept in other files, which must lie in the same folder."""
    try:
        model = onnx.load(path, load_external_data=False)
    except (OSError, DecodeError) as error:
        raise ModelError(f"cannot read the network {path}: {error}") from None
    for tensor in _tensors(model.graph):
        for entry in tensor.external_data:
            is_path = isinstance(entry.value, str)  # Bytes, where it is no text.
            if entry.key == "location" and not (is_path and _is_beside(path, entry.value)):
                raise ModelError(
                    f"{path.name} wants weights from {entry.value!r:.200}, which is not a file beside it: "
                    "it is not opened"
                )
    return model


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """All weights of a graph, also those inside its nodes and the nodes' own graphs."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner) if inner.node or inner.initializer else ()


def _is_beside(path: Path, location: str) -> bool:
    relative = PurePosixPath(location)
    if relative.is_absolute() or ".." in relative.parts or "\\" in location or ":" in location:
        return False
    folder = path.parent.resolve()
    return (folder / relative).resolve().is_relative_to(folder)


def _compare(path: Path, what: str, wanted: list[str], found: list[str]) -> None:
    if sorted(wanted) != sorted(found):
        raise ModelError(
            f"{path.name} has the {what} {', '.join(found)}, but {card_path(path).name} names {', '.join(wanted)}: "
            "correct the card"
        )
