"""The tools of label mode in one table: names, keys, hints, and how the hands use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Hands = Literal["click", "stroke", "box", "corners"]

#: Grains of the region tool, fine to coarse, in regions a picture.
GRAINS = (3000, 1200, 600, 300, 150, 80, 40, 20, 10, 5)
#: Sizes of brush and eraser, radius in pixels.
RADII = (1, 2, 4, 7, 12, 20, 32, 50, 80)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    Attributes:
        name: In code.
        text: On its button.
        key: Qt's name of its key.
        hands: What the hands do: click, draw a stroke, drag a box, or set corners.
        hint: How it is used, in a line.
        sizes: What the wheel goes through, empty where it zooms.
        usual: Which of them is taken at first.
    """

    name: str
    text: str
    key: str
    hands: Hands
    hint: str
    sizes: tuple[int, ...] = ()
    usual: int = 3


TOOLS = (
    Tool(
        "region",
        "Region",
        "Q",
        "stroke",
        "Click takes the region under the pointer, dragging takes more. Wheel: coarser or finer",
        GRAINS,
        usual=5,
    ),
    Tool(
        "brush", "Brush", "B", "stroke", "Stays on the surface where it starts; Alt paints anywhere. Wheel: size", RADII
    ),
    Tool("polygon", "Polygon", "P", "corners", "Click the corners; Enter or a click on the first one closes it"),
    Tool("rectangle", "Rectangle", "R", "box", "Drag from corner to corner"),
    Tool("fill", "Fill", "F", "click", "Fills up to the edges of labels and surfaces; Alt: of labels only"),
    Tool("cut_out", "Cut-out", "C", "box", "Drag a box around a thing: it is cut out by colour and depth"),
    Tool("plane", "Plane", "W", "click", "Takes the whole flat surface: floor, wall, table top"),
    Tool("cluster", "Thing", "G", "click", "Takes what hangs together in space, without what it stands on"),
    Tool("eraser", "Eraser", "X", "stroke", "Back to void. Wheel: size", RADII),
)

#: Other keys of label mode, for hints and the list of keys.
KEYS = (
    ("1 … 9", "class to paint"),
    ("Shift", "paint void only"),
    ("Left, Right", "frame before or after"),
    ("Return", "done, and on to the next"),
    ("K", "skip this frame"),
    ("N", "the frame that teaches most"),
    ("O", "frames in the order of time, or by doubt"),
    ("M", "draft from the loaded model"),
    ("T", "labels travel to the frames around"),
    ("Ctrl+Z, Ctrl+Y", "undo, redo"),
    ("Ctrl+wheel, right drag", "zoom, pan"),
    ("L", "find or add a class"),
    ("V", "3D view: a click in it takes a thing"),
    ("E, Escape", "leave label mode"),
)
