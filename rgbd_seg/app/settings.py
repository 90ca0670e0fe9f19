"""What the window remembers between two starts: one JSON file in the user's configuration folder.

It is written when something changes, in one step, and only what has changed: two windows do not undo each other's work.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_config_path, user_videos_path
from PySide6.QtCore import QLockFile

from rgbd_seg.app.layouts.layout import MAX_LAYOUTS, Layout, accepted, accepted_name
from rgbd_seg.app.view.display import Style
from rgbd_seg.app.view.kinds import VIEW_NAMES
from rgbd_seg.assets import BUNDLED_MODELS, REAL
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.inference.available import BACKENDS, backends
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.system.private_file import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

MAX_RECENT = 10
PRECISIONS = ("auto", "float32", "bfloat16", "float16", "int8")
_LOCKED_MS = 300  # So long another window may take to write; after that this one writes all the same.


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that comes back next time.

    Attributes:
        theme: "system", "dark" or "light".
        source: The last source's URI, "" for none.
        recent_sources: URIs, newest first.
        model: The last model file, "" for none, "real", "real-fine" or "demo" for those that come with the program.
        recent_models: Paths, newest first.
        run: How models are run: back end, device, precision, smoothing, least confidence.
        style: How frames are drawn.
        one_moment: Whether a camera's picture waits for its own labels, instead of lying under those of before.
        views: How many views are shown: 1, 2 or 4.
        panes: What each of the four views shows.
        layouts: Arrangements of the window that were saved, by name.
        record_folder: Where recordings go.
        snapshot_folder: Where snapshots go.
        pre_roll_s: Seconds before the record button that are kept.
        strip_by_doubt: Whether the frames of label mode are sorted by doubt as soon as it is known.
        geometry: Qt's own description of the window, base64.
        state: Qt's own description of the panels, base64.
    """

    theme: str = "system"
    source: str = ""
    recent_sources: tuple[str, ...] = ()
    model: str = REAL
    recent_models: tuple[str, ...] = ()
    run: SegmenterOptions = field(default_factory=lambda: SegmenterOptions(smoothing="low"))
    style: Style = field(default_factory=Style)
    one_moment: bool = False
    views: int = 2
    panes: tuple[str, ...] = ("overlay", "depth", "labels", "cloud")
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    record_folder: str = ""
    snapshot_folder: str = ""
    pre_roll_s: float = 0.0
    strip_by_doubt: bool = True
    geometry: str = ""
    state: str = ""

    def with_recent_source(self, uri: str) -> Settings:
        """A copy in which this source is the last one used."""
        others = tuple(one for one in self.recent_sources if _without_options(one) != _without_options(uri))
        return replace(self, source=uri, recent_sources=_newest_first((uri,), others))

    def with_recent_model(self, path: str) -> Settings:
        """A copy in which this model is the last one used."""
        recent = self.recent_models if path in ("", *BUNDLED_MODELS) else _newest_first((path,), self.recent_models)
        return replace(self, model=path, recent_models=recent)

    @property
    def recordings(self) -> Path:
        return Path(self.record_folder) if self.record_folder else user_videos_path() / "rgbd-seg"

    @property
    def snapshots(self) -> Path:
        return Path(self.snapshot_folder) if self.snapshot_folder else self.recordings / "snapshots"


def _without_options(uri: str) -> str:
    """What tells two sources apart: the same folder read in another way is one; another seed is another room."""
    place, mark, query = uri.partition("?")
    return place if mark and "=" in query and not place.startswith("synthetic:") else uri


def _newest_first(newer: tuple[str, ...], older: tuple[str, ...]) -> tuple[str, ...]:
    return (*newer, *(entry for entry in older if entry not in newer))[:MAX_RECENT]


_NOT_KEPT = ("size", "threads", "frame_size")  # Of how a model is run: they belong to one command.
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
    "precision": PRECISIONS,
    "views": (1, 2, 4),
}


def _accepted(name: str, value: Any, default: Any) -> Any:
    """The value if it fits the field, else the default."""
    if is_dataclass(default):
        return _group(default, value if isinstance(value, dict) else {})
    if name == "backend":
        return value if value in ("auto", *BACKENDS) or value in backends() else default
    if name in _CHOICES:
        return value if value in _CHOICES[name] else default
    if name in _LIMITS:
        if value is None and default is None:
            return None
        low, high = _LIMITS[name]
        fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        return float(value) if fits else default
    if name == "layouts":
        return _accepted_layouts(value)
    if name == "colors":
        return _accepted_colors(value)
    if name == "panes":
        known = isinstance(value, list) and len(value) == 4 and all(kind in VIEW_NAMES for kind in value)
        return tuple(value) if known else default
    if isinstance(default, tuple):
        fits = isinstance(value, list) and all(isinstance(v, str) and len(v) < 4096 for v in value)
        return tuple(value[:MAX_RECENT]) if fits else default
    return value if type(value) is type(default) else default


def _group(defaults: Any, data: dict[str, Any]) -> Any:
    """The defaults with what fits of the data."""
    kept = [one.name for one in fields(defaults) if one.name not in _NOT_KEPT]
    known = {name: _accepted(name, data[name], getattr(defaults, name)) for name in kept if name in data}
    return replace(defaults, **known)


def _accepted_colors(value: Any) -> dict[str, tuple[int, int, int]]:
    if not isinstance(value, dict):
        return {}
    return {
        name: (rgb[0], rgb[1], rgb[2])
        for name, rgb in value.items()
        if isinstance(rgb, list) and len(rgb) == 3 and all(isinstance(c, int) and 0 <= c <= 255 for c in rgb)
    }


def _accepted_layouts(value: Any) -> dict[str, Layout]:
    found: dict[str, Layout] = {}
    for name, data in list(value.items() if isinstance(value, dict) else ())[:MAX_LAYOUTS]:
        with contextlib.suppress(ConfigurationError):
            found[accepted_name(name)] = accepted(data)
    return found


def _merged(mine: DataclassInstance, since: DataclassInstance, theirs: DataclassInstance) -> Any:
    """`theirs` with everything in which `mine` differs from `since`; lists of what was used lately are joined."""
    changes: dict[str, Any] = {}
    for one in fields(mine):
        wanted, before, there = (getattr(group, one.name) for group in (mine, since, theirs))
        if wanted == before:
            continue
        if is_dataclass(wanted):
            wanted = _merged(wanted, before, there)  # type: ignore[arg-type]
        elif one.name.startswith("recent_") and wanted:  # An empty one was emptied by hand.
            wanted = _newest_first(wanted, there)
        changes[one.name] = wanted
    return replace(theirs, **changes)


class SettingsFile:
    """Reads and writes the settings; a broken file is set aside, never fatal."""

    def __init__(self, path: Path | None = None) -> None:
        """Names the file; None for the user's own."""
        self.path = path or user_config_path("rgbd-seg", appauthor=False) / "window.json"

    def load(self) -> tuple[Settings, str]:
        """The settings, and what was wrong with the file in a sentence ("" if nothing); a broken one is set aside."""
        if not os.path.exists(self.path):
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
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            return Settings(), f"The settings could not be read ({why})."
        # Files of earlier versions have the groups' values beside all others.
        groups = {name: data[name] if isinstance(data.get(name), dict) else data for name in ("run", "style")}
        settings: Settings = _group(Settings(), data | groups)
        return settings, ""

    def misfits(self, settings: Settings) -> tuple[list[str], int]:
        """Names in the file that mean nothing here or whose values do not fit, and of how many.

        Args:
            settings: What `read` has made of it.
        """
        data = json.loads(self.path.read_text(encoding="utf-8"))
        kept = json.loads(json.dumps(asdict(settings)))
        for group in ("run", "style"):
            kept |= kept.pop(group)
            inner = data.pop(group, {})
            data |= inner if isinstance(inner, dict) else {group: inner}
        return sorted(name for name, value in data.items() if name not in kept or kept[name] != value), len(data)

    def save(self, settings: Settings) -> str:
        """Writes the settings in one step; returns a sentence if that failed, else ""."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            data = asdict(settings)
            for name in _NOT_KEPT:
                del data["run"][name]
            write_private(self.path, json.dumps(data, indent=2))
        except OSError as error:
            return f"The settings could not be saved to {self.path}: {error.strerror or error}."
        return ""

    def save_changes(self, settings: Settings, since: Settings) -> str:
        """Writes only what differs from `since` over what another window may have written meanwhile; as `save`."""
        lock = QLockFile(f"{self.path}.lock")
        lock.tryLock(_LOCKED_MS)
        try:
            there, _ = self.load()
            return self.save(_merged(settings, since, there) if os.path.exists(self.path) else settings)
        finally:
            lock.unlock()
