"""An arrangement of the window as a value: kept in the settings by name, and carried elsewhere as JSON.

A file may come from a stranger, and so nothing of Qt's own binary state is in it: every field is checked by itself.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rgbd_seg.app.view.kinds import VIEW_NAMES, ViewKind
from rgbd_seg.errors import ConfigurationError

Side = Literal["left", "right", "below"]
SIDES: tuple[Side, ...] = ("left", "right", "below")
PANELS = ("Source", "Classes", "Model", "Recording", "Measurements", "Comparison", "Plots", "Training")
MAX_LAYOUTS, MAX_NAME = 30, 60
_FORMAT = 1
_MAX_BYTES = 100_000
_SMALLEST_PX, _LARGEST_PX = 40, 4000


@dataclass(frozen=True, slots=True)
class PanelPlace:
    """Where a panel that is shown lies.

    Attributes:
        name: Its title.
        side: Of the window.
        width: In pixels.
        height: In pixels.
    """

    name: str
    side: Side
    width: int = 280
    height: int = 300


@dataclass(frozen=True, slots=True)
class Layout:
    """How the window is arranged.

    Attributes:
        views: 1, 2 or 4.
        panes: What each of the four views shows.
        panels: Those that are shown; of those that share a place the last one is in front.
        legend: Whether the classes in view stand in large letters below the picture.
        full_screen: Whether the window fills the screen, without its bars.
        label_mode: Whether label mode is on.
    """

    views: int
    panes: tuple[ViewKind, ...]
    panels: tuple[PanelPlace, ...] = ()
    legend: bool = False
    full_screen: bool = False
    label_mode: bool = False


BUILT_IN: dict[str, Layout] = {
    "Looking": Layout(
        2,
        ("overlay", "depth", "labels", "cloud"),
        (PanelPlace("Classes", "right", 280, 280), PanelPlace("Model", "right", 280, 370)),
    ),
    "Labelling": Layout(
        2,
        ("overlay", "depth", "truth", "confidence"),
        (PanelPlace("Source", "left", 230), PanelPlace("Classes", "right"), PanelPlace("Training", "below", 600, 240)),
        label_mode=True,
    ),
    "Measuring": Layout(
        2,
        ("overlay", "depth", "cloud", "confidence"),
        (PanelPlace("Measurements", "right", 340, 400), PanelPlace("Plots", "below", 600, 260)),
    ),
    "Presenting": Layout(1, ("overlay", "depth", "labels", "cloud"), legend=True, full_screen=True),
}


def to_json(name: str, layout: Layout) -> str:
    return json.dumps({"rgbd_seg_layout": _FORMAT, "name": name, **asdict(layout)}, indent=2)


def read_layout(path: Path) -> tuple[str, Layout]:
    """Name and layout of a file.

    Raises:
        ConfigurationError: It is none; the message names the field and what it may be.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        text = file.read(_MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise ConfigurationError("a layout's file has at most 100 kB")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"it is not JSON: {error}") from None
    if not isinstance(data, dict) or data.get("rgbd_seg_layout") != _FORMAT:
        raise ConfigurationError('it is no layout of this program: those have "rgbd_seg_layout": 1')
    return accepted_name(data.get("name")), accepted(data)


def accepted_name(name: object) -> str:
    """A name that a layout may have.

    Raises:
        ConfigurationError: It may not.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise ConfigurationError(f"a layout's name is a line of 1 to {MAX_NAME} letters")
    if name.strip() in BUILT_IN:
        raise ConfigurationError(f"{name.strip()} is built in: choose another name")
    return name.strip()


def accepted(data: Any) -> Layout:
    """The layout that JSON describes.

    Raises:
        ConfigurationError: It describes none; the message names the field and what it may be.
    """
    if not isinstance(data, dict):
        raise ConfigurationError("a layout is an object with named fields")
    views, panes, panels = data.get("views"), data.get("panes"), data.get("panels", [])
    if views not in (1, 2, 4) or isinstance(views, bool):
        raise ConfigurationError(f"views is 1, 2 or 4, not {views!r:.40}")
    if not isinstance(panes, list | tuple) or len(panes) != 4 or not all(_is_kind(kind) for kind in panes):
        raise ConfigurationError(f"panes are four of {', '.join(VIEW_NAMES)}, not {panes!r:.80}")
    if not isinstance(panels, list | tuple) or len(panels) > len(PANELS):
        raise ConfigurationError(f"panels is a list of at most {len(PANELS)}, not {panels!r:.80}")
    places = tuple(_accepted_place(one) for one in panels)
    if len({place.name for place in places}) != len(places):
        raise ConfigurationError("a panel is there twice")
    flags = {name: data.get(name, False) for name in ("legend", "full_screen", "label_mode")}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise ConfigurationError(f"{name} is true or false, not {value!r:.40}")
    return Layout(int(views), tuple(panes), places, **flags)


def _is_kind(kind: object) -> bool:
    return isinstance(kind, str) and kind in VIEW_NAMES


def _accepted_place(data: Any) -> PanelPlace:
    if not isinstance(data, dict) or data.get("name") not in PANELS or data.get("side") not in SIDES:
        raise ConfigurationError(
            f"a panel has a name of {', '.join(PANELS)} and a side of {', '.join(SIDES)}, not {data!r:.80}"
        )
    sizes = {name: data.get(name, getattr(PanelPlace("", "left"), name)) for name in ("width", "height")}
    for name, value in sizes.items():
        if type(value) is not int or not _SMALLEST_PX <= value <= _LARGEST_PX:
            raise ConfigurationError(f"a panel's {name} is {_SMALLEST_PX} to {_LARGEST_PX} pixels, not {value!r:.40}")
    return PanelPlace(data["name"], data["side"], **sizes)
