"""The card of a model: everything besides the weights that is needed to use them, and where they come from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.models.network_config import DeResUNetConfig

Rgb = tuple[float, float, float]

# Means and standard deviations of ImageNet's colours, which torchvision's encoders were trained with.
IMAGENET_MEAN: Rgb = (0.485, 0.456, 0.406)
IMAGENET_STD: Rgb = (0.229, 0.224, 0.225)

_FORMAT = 1
MIN_SIDE, MAX_SIDE = 32, 4096
_MOST_LAYERS = 10_000


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model is, what it expects, and what is known about it.

    Attributes:
        name: How people call it.
        network: Which member of the DeResUNet family the weights fit.
        label_set: The classes; channel c of the network is id c + 1.
        size: Network input (height, width) in pixels that it was trained for.
        color_mean: Mean of each colour channel, on a scale of 0..1.
        color_std: Standard deviation of each colour channel, on a scale of 0..1.
        depth_mean_m: Mean depth of the training data in metres.
        depth_std_m: Its standard deviation in metres.
        depth_max_m: Depth beyond this is taken as this.
        temperature: Divides the logits before the softmax, so that the confidence is calibrated.
        trained_on: Training data in words; empty for random weights.
        scores: Figures by name, such as `{"miou": 0.48}`; shares are 0..1.
        licence: Terms of use of the weights.
        details: Further facts as text (recipe, epochs, date).
        ranges: For int8, the lowest and the highest value that enters each convolution, by its name; empty where
            nobody has measured them.
    """

    name: str
    network: DeResUNetConfig
    label_set: LabelSet
    size: tuple[int, int] = (240, 320)
    color_mean: Rgb = IMAGENET_MEAN
    color_std: Rgb = IMAGENET_STD
    depth_mean_m: float = 2.29
    depth_std_m: float = 1.11
    depth_max_m: float = 8.0
    temperature: float = 1.0
    trained_on: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    licence: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not 1 <= len(self.name.strip()) <= 200:
            raise ConfigurationError(f"a model's name must have 1 to 200 characters, not {self.name!r:.220}")
        if len(self.label_set) != self.network.classes:
            raise ConfigurationError(
                f"the network has {self.network.classes} classes, but the label set {self.label_set.name!r} has "
                f"{len(self.label_set)}"
            )
        if len(self.size) != 2 or not all(isinstance(s, int) and MIN_SIDE <= s <= MAX_SIDE for s in self.size):
            raise ConfigurationError(f"size must be two numbers {MIN_SIDE}..{MAX_SIDE}, not {self.size!r:.80}")
        for name, low, high in (("color_mean", 0.0, 1.0), ("color_std", 1e-3, 10.0)):
            values = getattr(self, name)
            if len(values) != 3:
                raise ConfigurationError(f"{name} must be three numbers, not {values!r:.80}")
            for value in values:
                _check_number(name, value, low, high)
        _check_number("depth_mean_m", self.depth_mean_m, 0.0, 100.0)
        _check_number("depth_std_m", self.depth_std_m, 1e-3, 100.0)
        _check_number("depth_max_m", self.depth_max_m, 0.1, 100.0)
        _check_number("temperature", self.temperature, 0.01, 100.0)
        for name, value in self.scores.items():
            _check_number(f"the score {name!r:.80}", value, -1e9, 1e9)

    def to_json(self) -> str:
        """The text that travels in the model file."""
        return json.dumps(
            {
                "format": _FORMAT,
                "name": self.name,
                "network": self.network.to_dict(),
                "label_set": self.label_set.to_dict(),
                "size": list(self.size),
                "color_mean": list(self.color_mean),
                "color_std": list(self.color_std),
                "depth_mean_m": self.depth_mean_m,
                "depth_std_m": self.depth_std_m,
                "depth_max_m": self.depth_max_m,
                "temperature": self.temperature,
                "trained_on": self.trained_on,
                "scores": dict(self.scores),
                "licence": self.licence,
                "details": dict(self.details),
                **({"ranges": {name: list(ends) for name, ends in self.ranges.items()}} if self.ranges else {}),
            }
        )

    @staticmethod
    def from_json(text: str) -> ModelCard:
        """Reads what `to_json` wrote; every value is checked.

        Raises:
            ConfigurationError: It is not such a text; the message names the field.
        """
        try:
            data = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ConfigurationError(f"the card is not JSON: {error}") from None
        if not isinstance(data, dict):
            raise ConfigurationError("the card must be an object with named fields")
        if data.get("format") != _FORMAT:
            raise ConfigurationError(
                f"the card has format {data.get('format')!r:.40}, this program reads format {_FORMAT}: "
                "a newer program may read it"
            )
        try:
            return ModelCard(
                name=data["name"],
                network=DeResUNetConfig.from_dict(data["network"]),
                label_set=LabelSet.from_dict(data["label_set"], "the card's label set"),
                size=tuple(data["size"]),
                color_mean=tuple(data["color_mean"]),
                color_std=tuple(data["color_std"]),
                depth_mean_m=data["depth_mean_m"],
                depth_std_m=data["depth_std_m"],
                depth_max_m=data["depth_max_m"],
                temperature=data["temperature"],
                trained_on=_text(data, "trained_on"),
                scores=_mapping(data, "scores"),
                licence=_text(data, "licence"),
                details={str(k)[:200]: str(v)[:10_000] for k, v in _mapping(data, "details").items()},
                ranges=read_ranges(_mapping(data, "ranges")),
            )
        except KeyError as error:
            raise ConfigurationError(f"the card lacks its field {error}") from None
        except TypeError as error:
            raise ConfigurationError(f"a field of the card has the wrong kind of value: {error}") from None


def read_ranges(data: Any) -> dict[str, tuple[float, float]]:
    """The ranges for int8, from parsed JSON; every value is checked.

    Raises:
        ConfigurationError: They are none; the message names the convolution.
    """
    if not isinstance(data, dict) or len(data) > _MOST_LAYERS:
        raise ConfigurationError(f"ranges must be an object with at most {_MOST_LAYERS} convolutions")
    found = {}
    for name, ends in data.items():
        if not isinstance(ends, list) or len(ends) != 2:
            raise ConfigurationError(f"the range of {name!r:.80} must be two numbers, not {ends!r:.80}")
        _check_number(f"the low end of the range of {name!r:.80}", ends[0], -1e9, 0.0)
        _check_number(f"the high end of the range of {name!r:.80}", ends[1], 1e-9, 1e9)
        found[str(name)] = (float(ends[0]), float(ends[1]))
    return found


def _check_number(name: str, value: object, low: float, high: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not low <= value <= high:  # type: ignore[operator]
        raise ConfigurationError(f"{name} must be a number {low:g}..{high:g}, not {value!r:.80}")


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name, "")
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be text, not {value!r:.80}")
    return value


def _mapping(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name, {})
    if not isinstance(value, dict):
        raise ConfigurationError(f"{name} must be an object with named values, not {value!r:.80}")
    return value
