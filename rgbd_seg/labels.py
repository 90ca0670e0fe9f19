"""Label sets: which id means which class, and in which colour it is drawn.

Id 0 always means unlabelled (void in truth, below the confidence threshold in a prediction). A network with n output
channels predicts ids 1..n: channel c is id c + 1.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.assets import asset
from rgbd_seg.errors import ConfigurationError

BUILT_IN = ("sunrgbd37", "sunrgbd13", "nyu40")
MAX_CLASSES = 254  # Ids travel as uint8, and 255 stays free.
_MAX_FILE_BYTES = 1_000_000

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class: its name and its colour (R, G, B, each 0..255)."""

    name: str
    color: Rgb

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip() or len(self.name) > 100:
            raise ConfigurationError(f"a class name must have 1 to 100 characters, this one is {self.name!r:.120}")
        in_range = all(isinstance(c, int) and 0 <= c <= 255 for c in self.color)
        if len(self.color) != 3 or not in_range:
            raise ConfigurationError(
                f"the colour of class {self.name!r} must be three numbers 0..255, not {self.color!r:.80}"
            )


@dataclass(frozen=True, slots=True)
class LabelSet:
    """An ordered list of classes; the class at position i has id i + 1."""

    name: str
    classes: tuple[LabelClass, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.classes) <= MAX_CLASSES:
            raise ConfigurationError(
                f"label set {self.name!r} has {len(self.classes)} classes; 1 to {MAX_CLASSES} are possible"
            )
        names = [c.name for c in self.classes]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ConfigurationError(f"label set {self.name!r} has classes twice: {', '.join(twice)}")

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """The class names in the order of their ids 1..n."""
        return tuple(c.name for c in self.classes)

    def name_of(self, label: int) -> str:
        """The class name of an id; "unlabelled" for 0 and for ids outside the set."""
        return self.classes[label - 1].name if 1 <= label <= len(self.classes) else "unlabelled"

    def id_of(self, name: str) -> int:
        """The id (1..n) of a class name.

        Raises:
            ConfigurationError: The set has no such class.
        """
        try:
            return self.names.index(name) + 1
        except ValueError:
            known = ", ".join(self.names)
            raise ConfigurationError(f"label set {self.name!r} has no class {name!r}, but {known}") from None

    def palette(self) -> NDArray[np.uint8]:
        """Colours by id: (256, 3) uint8 RGB; row 0 and all rows beyond the set are black."""
        table = np.zeros((256, 3), np.uint8)
        table[1 : len(self.classes) + 1] = [c.color for c in self.classes]
        return table

    def with_class(self, label: int, *, name: str | None = None, color: Rgb | None = None) -> LabelSet:
        """A copy in which the class with this id (1..n) is renamed or recoloured.

        Raises:
            ConfigurationError: The id is outside the set, or the new name or colour is not permitted.
        """
        if not 1 <= label <= len(self.classes):
            raise ConfigurationError(f"label set {self.name!r} has ids 1..{len(self.classes)}, not {label}")
        classes = list(self.classes)
        old = classes[label - 1]
        classes[label - 1] = LabelClass(name or old.name, color or old.color)
        return replace(self, classes=tuple(classes))

    def to_json(self) -> str:
        """The text of a label-set file; `from_json` reads it back."""
        rows = [{"name": c.name, "color": list(c.color)} for c in self.classes]
        body = ",\n    ".join(json.dumps(row) for row in rows)
        return f'{{\n  "name": {json.dumps(self.name)},\n  "classes": [\n    {body}\n  ]\n}}\n'

    @staticmethod
    def from_json(text: str, origin: str = "label set") -> LabelSet:
        """Reads `{"name": ..., "classes": [{"name": ..., "color": [r, g, b]}, ...]}`.

        Args:
            text: The JSON text.
            origin: How messages call it, such as the file's path.

        Raises:
            ConfigurationError: The text is not such a label set; the message says where.
        """
        try:
            data = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ConfigurationError(f"{origin} is not JSON: {error}") from None
        return LabelSet.from_dict(data, origin)

    @staticmethod
    def from_dict(data: Any, origin: str = "label set") -> LabelSet:
        """The same as `from_json`, from parsed JSON. Classes may be bare names: they then get distinct colours."""
        if not isinstance(data, dict) or not isinstance(data.get("classes"), list):
            raise ConfigurationError(f'{origin} must hold {{"name": ..., "classes": [...]}}')
        rows = data["classes"]
        if len(rows) > MAX_CLASSES:
            raise ConfigurationError(f"{origin} has {len(rows)} classes; at most {MAX_CLASSES} are possible")
        colors = distinct_colors(len(rows))
        classes = []
        for row, fallback in zip(rows, colors, strict=True):
            entry = {"name": row} if isinstance(row, str) else row
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                raise ConfigurationError(f"{origin}: a class must be a name or an object with a name, not {row!r:.80}")
            color = entry.get("color", list(fallback))
            if not isinstance(color, list | tuple):
                raise ConfigurationError(
                    f"{origin}: the colour of {entry['name']!r:.80} must be a list of three numbers"
                )
            classes.append(LabelClass(entry["name"], tuple(color)))
        return LabelSet(str(data.get("name", "labels"))[:100], tuple(classes))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` reads it back."""
        return {
            "name": self.name,
            "classes": [{"name": c.name, "color": list(c.color)} for c in self.classes],
        }

    @staticmethod
    def load(source: str | Path) -> LabelSet:
        """A built-in set by its name (one of `BUILT_IN`) or a JSON file by its path.

        Raises:
            ConfigurationError: There is no such set or file, or it is not a label set.
        """
        if source in BUILT_IN:
            path = asset(f"label_sets/{source}.json")
        else:
            path = Path(source)
        try:
            if path.stat().st_size > _MAX_FILE_BYTES:
                raise ConfigurationError(f"{path} is too large for a label set (over {_MAX_FILE_BYTES} bytes)")
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            if isinstance(error, ConfigurationError):
                raise
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise ConfigurationError(
                f"cannot read the label set {source}: {why}. Built-in sets are {', '.join(BUILT_IN)}"
            ) from None
        return LabelSet.from_json(text, str(source))


def distinct_colors(count: int) -> list[Rgb]:
    """Colours far apart in hue and lightness: golden-angle hues over three lightness steps."""
    colors: list[Rgb] = []
    for i in range(count):
        hue = (i * 0.61803398875 + 0.07) % 1.0
        saturation, value = ((0.75, 0.95), (0.55, 0.75), (0.85, 0.6))[i % 3]
        sector, part = divmod(hue * 6, 1)
        low, falling, rising = (
            value * (1 - saturation),
            value * (1 - saturation * part),
            value * (1 - saturation * (1 - part)),
        )
        triples = (
            (value, rising, low),
            (falling, value, low),
            (low, value, rising),
            (low, falling, value),
            (rising, low, value),
            (value, low, falling),
        )
        r, g, b = triples[int(sector) % 6]
        colors.append((round(r * 255), round(g * 255), round(b * 255)))
    return colors
