"""The card beside somebody else's network: what an ONNX file takes and gives, so that it runs like our own models.

An ONNX file does not say in which order it wants red, green and blue, which numbers stand for a metre, or what its
channels mean. A JSON file of the same name beside it (`net.onnx`, `net.json`) does; docs/backends.md describes it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.labels import LabelSet

ColorLayout = Literal["NCHW", "NHWC"]
DepthResize = Literal["nearest-exact", "nearest"]
DepthLayout = Literal["NCHW", "NHWC", "NHW"]
OutputKind = Literal["logits", "probabilities", "labels"]
Rgb = tuple[float, float, float]

_MAX_FILE_BYTES = 1_000_000
MIN_SIDE, MAX_SIDE = 16, 4096


@dataclass(frozen=True, slots=True)
class ColorInput:
    """How the network wants the colour picture: `(value / scale - mean) / std` for each channel.

    Attributes:
        input: Name of the network's input.
        layout: Order of its axes.
        order: Order of its channels.
        scale: Divides the 8-bit values; 255 gives 0..1.
        mean: Taken off each channel (R, G, B) after that.
        std: Divides each channel (R, G, B) after that.
    """

    input: str
    layout: ColorLayout = "NCHW"
    order: Literal["RGB", "BGR"] = "RGB"
    scale: float = 255.0
    mean: Rgb = (0.0, 0.0, 0.0)
    std: Rgb = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class DepthInput:
    """How the network wants depth: `(metres / unit_m - mean) / std`, with its own value at holes.

    Attributes:
        input: Name of the network's input.
        layout: Order of its axes; "NHW" has no axis for channels.
        channels: 1, or 3 for networks that want the same depth three times.
        unit_m: Metres per count of the network (0.001: it was trained on millimetres).
        range_m: Depth outside of it counts as a hole, (nearest, farthest) in metres.
        mean: Taken off, in counts of the network.
        std: Divides after that, in counts of the network.
        hole: The value that the network sees where there is no depth, after normalisation.
        resize: How depth was resized for its training, in OpenCV's words: "nearest-exact", or "nearest", whose pixels
            lie up to half of one further up and left.
    """

    input: str
    layout: DepthLayout = "NCHW"
    channels: int = 1
    unit_m: float = 0.001
    range_m: tuple[float, float] = (0.0, 65.535)
    mean: float = 0.0
    std: float = 1.0
    hole: float = 0.0
    resize: DepthResize = "nearest-exact"


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """What comes out.

    Attributes:
        output: Name of the network's output.
        layout: Order of its axes; "NHW" only for labels.
        kind: Logits or probabilities by class, or the class numbers themselves.
        first_id: Label id of channel (or class number) 0: 1, or 0 for networks whose first class is void.
        temperature: Divides logits before the softmax, so that the confidence is calibrated.
    """

    output: str
    layout: Literal["NCHW", "NHWC", "NHW"] = "NCHW"
    kind: OutputKind = "logits"
    first_id: int = 1
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class NetworkCard:
    """Everything that is needed to run an ONNX file, and where it comes from.

    Attributes:
        name: How people call it.
        size: Network input (height, width) in pixels.
        color: Its colour input.
        depth: Its depth input, None for a network that sees colour only.
        output: Its output.
        label_set: What the classes mean.
        trained_on: Training data in words.
        licence: Terms of use.
    """

    name: str
    size: tuple[int, int]
    color: ColorInput
    depth: DepthInput | None
    output: NetworkOutput
    label_set: LabelSet
    trained_on: str = ""
    licence: str = ""

    @property
    def channels(self) -> int:
        """Channels that the output must have: one a class, and one for void if `first_id` is 0."""
        return len(self.label_set) + 1 - self.output.first_id


def card_path(network: str | Path) -> Path:
    """Where the card of an ONNX file is: the same name with the ending `.json`."""
    return Path(network).with_suffix(".json")


def read_network_card(network: str | Path) -> NetworkCard:
    """Reads the card beside an ONNX file.

    Args:
        network: Path of the ONNX file.

    Raises:
        ModelError: There is no card, or a field is missing, unknown or out of range; the message names it.
    """
    path = card_path(network)
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ModelError(f"{path} is too large for a network's card (over {_MAX_FILE_BYTES} bytes)")
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{network} needs a card beside it that says what its inputs and classes are: write {path.name} "
            "as docs/backends.md describes"
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ModelError(f"cannot read the network's card {path}: {error}") from None
    try:
        return _parse(data, path)
    except ConfigurationError as error:
        raise ModelError(f"{path}: {error}") from None


def _parse(data: Any, path: Path) -> NetworkCard:
    fields = _Fields(data, "the card")
    name = fields.text("name", default=path.stem)
    size = fields.numbers("size", 2, MIN_SIDE, MAX_SIDE)
    if any(side != int(side) for side in size):
        raise ConfigurationError(f"size must be two whole numbers of pixels (height, width), not {list(size)}")
    color = _color(fields.part("color"))
    depth_fields = fields.optional_part("depth")
    depth = None if depth_fields is None else _depth(depth_fields)
    output = _output(fields.part("output"))
    label_set = _labels(fields.take("labels"), path)
    trained_on, licence = fields.text("trained_on", default=""), fields.text("licence", default="")
    fields.refuse_rest()
    return NetworkCard(name, (int(size[0]), int(size[1])), color, depth, output, label_set, trained_on, licence)


def _color(fields: _Fields) -> ColorInput:
    mean = fields.numbers("mean", 3, -1e4, 1e4, default=(0.0, 0.0, 0.0))
    std = fields.numbers("std", 3, 1e-6, 1e4, default=(1.0, 1.0, 1.0))
    result = ColorInput(
        input=fields.text("input"),
        layout=fields.choice("layout", ("NCHW", "NHWC")),
        order=fields.choice("order", ("RGB", "BGR")),
        scale=fields.number("scale", 1e-6, 1e6, default=255.0),
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
    )
    fields.refuse_rest()
    return result


def _depth(fields: _Fields) -> DepthInput:
    nearest, farthest = fields.numbers("range_m", 2, 0.0, 1000.0, default=(0.0, 65.535))
    if nearest >= farthest:
        raise ConfigurationError(f"depth.range_m must be (nearest, farthest) in metres, not {[nearest, farthest]}")
    result = DepthInput(
        input=fields.text("input"),
        layout=fields.choice("layout", ("NCHW", "NHWC", "NHW")),
        channels=int(fields.choice("channels", (1, 3))),
        unit_m=fields.number("unit_m", 1e-7, 1.0, default=0.001),
        range_m=(nearest, farthest),
        mean=fields.number("mean", -1e9, 1e9, default=0.0),
        std=fields.number("std", 1e-9, 1e9, default=1.0),
        hole=fields.number("hole", -1e9, 1e9, default=0.0),
        resize=fields.choice("resize", ("nearest-exact", "nearest")),
    )
    fields.refuse_rest()
    if result.layout == "NHW" and result.channels != 1:
        raise ConfigurationError("depth.layout NHW has no axis for channels: depth.channels must be 1")
    return result


def _output(fields: _Fields) -> NetworkOutput:
    kind = fields.choice("kind", ("logits", "probabilities", "labels"))
    layouts = ("NHW", "NCHW", "NHWC") if kind == "labels" else ("NCHW", "NHWC")
    result = NetworkOutput(
        output=fields.text("output"),
        layout=fields.choice("layout", layouts),
        kind=kind,
        first_id=int(fields.choice("first_id", (1, 0))),
        temperature=fields.number("temperature", 0.01, 100.0, default=1.0),
    )
    fields.refuse_rest()
    return result


def _labels(value: Any, path: Path) -> LabelSet:
    """A label set: written out, the name of a built-in one, or the name of a file in the card's folder."""
    if not isinstance(value, str):
        return LabelSet.from_dict(value, "labels")
    if value.endswith(".json"):
        if Path(value).name != value:
            raise ConfigurationError(f"labels must name a file in the card's own folder, not {value!r:.100}")
        return LabelSet.load(path.parent / value)
    return LabelSet.load(value)


class _Fields:
    """The named fields of one JSON object, taken one by one and checked; what nobody takes is refused as unknown."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise ConfigurationError(f"{where} must be an object with named fields, not {data!r:.80}")
        self._rest = dict(data)
        self._prefix = "" if where == "the card" else f"{where}."

    def take(self, name: str) -> Any:
        if name not in self._rest:
            raise ConfigurationError(f"the field {self._prefix}{name} is missing")
        return self._rest.pop(name)

    def part(self, name: str) -> _Fields:
        return _Fields(self.take(name), name)

    def optional_part(self, name: str) -> _Fields | None:
        value = self._rest.pop(name, None)
        return None if value is None else _Fields(value, name)

    def text(self, name: str, default: str | None = None) -> str:
        value = self.take(name) if default is None else self._rest.pop(name, default)
        if not isinstance(value, str) or len(value) > 1000 or (default is None and not value):
            raise ConfigurationError(f"{self._prefix}{name} must be text, not {value!r:.80}")
        return value

    def choice(self, name: str, allowed: tuple[Any, ...]) -> Any:
        """One of `allowed`; the first is the default."""
        value = self._rest.pop(name, allowed[0])
        if isinstance(value, bool) or value not in allowed:
            raise ConfigurationError(
                f"{self._prefix}{name} must be one of {', '.join(map(str, allowed))}, not {value!r:.80}"
            )
        return value

    def number(self, name: str, low: float, high: float, default: float) -> float:
        return _checked(f"{self._prefix}{name}", self._rest.pop(name, default), low, high)

    def numbers(
        self, name: str, count: int, low: float, high: float, default: tuple[float, ...] | None = None
    ) -> tuple[float, ...]:
        value = self.take(name) if default is None else self._rest.pop(name, default)
        if not isinstance(value, list | tuple) or len(value) != count:
            raise ConfigurationError(f"{self._prefix}{name} must be {count} numbers, not {value!r:.80}")
        return tuple(_checked(f"each of {self._prefix}{name}", one, low, high) for one in value)

    def refuse_rest(self) -> None:
        if self._rest:
            unknown = ", ".join(repr(key)[:40] for key in list(self._rest)[:5])
            raise ConfigurationError(f"unknown field {self._prefix}{unknown}: is it a spelling mistake?")


def _checked(name: str, value: Any, low: float, high: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= value <= high:
        raise ConfigurationError(f"{name} must be a number {low:g}..{high:g}, not {value!r:.80}")
    return float(value)
