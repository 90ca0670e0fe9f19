"""What the window remembers between two starts: one JSON file in the user's configuration folder."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_videos_path

from rgbd_seg.app.view.kinds import VIEW_NAMES
from rgbd_seg.inference.available import BACKENDS
from rgbd_seg.private_file import write_private

MAX_RECENT = 10
PRECISIONS = ("auto", "float32", "bfloat16", "float16", "int8")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that comes back next time; each field has a plain JSON type.

    Attributes:
        theme: "system", "dark" or "light".
        palette: "standard" or "colour-blind".
        source: The last source's URI, "" for none.
        recent_sources: URIs, newest first.
        model: The last model file, "" for none, "demo" for the one that comes with the program.
        recent_models: Paths, newest first.
        backend: As in `SegmenterOptions`.
        device: As in `SegmenterOptions`.
        precision: As in `SegmenterOptions`.
        smoothing: As in `SegmenterOptions`.
        min_confidence: As in `SegmenterOptions`.
        opacity: Of the labels over the colour picture, 0..1.
        edges: Whether the borders between classes are darkened.
        depth_map: Name of the depth colour map.
        near_m: Manual near end of the depth colours in metres, None for automatic.
        far_m: Manual far end.
        views: How many views are shown: 1, 2 or 4.
        panes: What each of the four views shows.
        record_folder: Where recordings go.
        snapshot_folder: Where snapshots go.
        pre_roll_s: Seconds before the record button that are kept.
        colors: Colours of classes that were chosen by hand: {"class": [r, g, b]}.
        geometry: Qt's own description of the window, base64.
        state: Qt's own description of the panels, base64.
    """

    theme: str = "system"
    palette: str = "standard"
    source: str = ""
    recent_sources: tuple[str, ...] = ()
    model: str = "demo"
    recent_models: tuple[str, ...] = ()
    backend: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    smoothing: str = "low"
    min_confidence: float = 0.0
    opacity: float = 0.55
    edges: bool = True
    depth_map: str = "turbo"
    near_m: float | None = None
    far_m: float | None = None
    views: int = 2
    panes: tuple[str, ...] = ("overlay", "depth", "labels", "cloud")
    record_folder: str = ""
    snapshot_folder: str = ""
    pre_roll_s: float = 0.0
    colors: dict[str, list[int]] = field(default_factory=dict)
    geometry: str = ""
    state: str = ""

    def with_recent_source(self, uri: str) -> Settings:
        """A copy in which this source is the last one used."""
        return replace(self, source=uri, recent_sources=_newest_first(uri, self.recent_sources))

    def with_recent_model(self, path: str) -> Settings:
        """A copy in which this model is the last one used."""
        recent = self.recent_models if path in ("", "demo") else _newest_first(path, self.recent_models)
        return replace(self, model=path, recent_models=recent)

    @property
    def recordings(self) -> Path:
        """The folder for recordings."""
        return Path(self.record_folder) if self.record_folder else user_videos_path() / "rgbd-seg"

    @property
    def snapshots(self) -> Path:
        """The folder for snapshots."""
        return Path(self.snapshot_folder) if self.snapshot_folder else self.recordings / "snapshots"


def _newest_first(entry: str, others: tuple[str, ...]) -> tuple[str, ...]:
    return (entry, *(other for other in others if other != entry))[:MAX_RECENT]


_LIMITS: dict[str, tuple[float, float]] = {
    "opacity": (0, 1),
    "min_confidence": (0, 1),
    "near_m": (0, 100),
    "far_m": (0, 100),
    "pre_roll_s": (0, 30),
}
_CHOICES: dict[str, tuple[object, ...]] = {
    "theme": ("system", "dark", "light"),
    "palette": ("standard", "colour-blind"),
    "smoothing": ("off", "low", "high"),
    "backend": ("auto", *BACKENDS),
    "precision": PRECISIONS,
    "views": (1, 2, 4),
}


def _accepted(name: str, value: Any, default: Any) -> Any:
    """The value if it fits the field, else the default."""
    if name in _CHOICES:
        return value if value in _CHOICES[name] else default
    if name in _LIMITS:
        if value is None and default is None:
            return None
        low, high = _LIMITS[name]
        fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        return float(value) if fits else default
    if name == "colors":
        return _accepted_colors(value)
    if name == "panes":
        known = isinstance(value, list) and len(value) == 4 and all(kind in VIEW_NAMES for kind in value)
        return tuple(value) if known else default
    if isinstance(default, tuple):
        fits = isinstance(value, list) and all(isinstance(v, str) and len(v) < 4096 for v in value)
        return tuple(value[:MAX_RECENT]) if fits else default
    return value if type(value) is type(default) else default


def _accepted_colors(value: Any) -> dict[str, list[int]]:
    if not isinstance(value, dict):
        return {}
    return {
        name: rgb
        for name, rgb in value.items()
        if isinstance(rgb, list) and len(rgb) == 3 and all(isinstance(c, int) and 0 <= c <= 255 for c in rgb)
    }


class SettingsFile:
    """Reads and writes the settings; a broken file is set aside, never fatal."""

    def __init__(self, path: Path | None = None) -> None:
        """Names the file; None for the user's own."""
        self.path = path or user_config_path("rgbd-seg", appauthor=False) / "window.json"

    def load(self) -> tuple[Settings, str]:
        """The settings, and what was wrong with the file in a sentence ("" if nothing); a broken one is set aside."""
        if not self.path.exists():
            return Settings(), ""
        settings, problem = self.read()
        if problem:
            aside = self.path.with_suffix(".broken.json")
            with contextlib.suppress(OSError):
                os.replace(self.path, aside)
            problem = f"{problem} They were set aside as {aside.name}."
        return settings, problem

    def read(self) -> tuple[Settings, str]:
        """As `load`, but leaves a broken file where it is."""
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(data, dict):
                raise ValueError("it does not hold an object")
        except (OSError, ValueError, RecursionError) as error:
            return Settings(), f"The settings could not be read ({error})."
        defaults = Settings()
        known = {
            f.name: _accepted(f.name, data[f.name], getattr(defaults, f.name))
            for f in fields(Settings)
            if f.name in data
        }
        return Settings(**known), ""

    def save(self, settings: Settings) -> str:
        """Writes the settings in one step; returns a sentence if that failed, else ""."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_private(self.path, json.dumps(asdict(settings), indent=2))
        except OSError as error:
            return f"The settings could not be saved to {self.path}: {error.strerror or error}."
        return ""
