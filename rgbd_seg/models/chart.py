"""A bar chart of a network's layers and parameters by layer type, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rgbd_seg.models.summary import LayerCount

_WIDTH, _PANEL_HEIGHT, _MARGIN = 900, 330, 40
_NAME_WIDTH, _VALUE_WIDTH = 170, 150
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_PAPER, _INK, _QUIET = (255, 255, 255), (40, 36, 35), (130, 125, 120)
_BARS = ((249, 156, 79), (36, 165, 245))  # OpenCV's order: blue, green, red.


def draw_chart(counts: Sequence[LayerCount], title: str) -> NDArray[np.uint8]:
    """Horizontal bars, above the number of layers, below the number of parameters.

    Args:
        counts: One bar in each half for each of these.
        title: Written on top.

    Returns:
        (H, W, 3) uint8 in OpenCV's channel order, ready for `cv2.imwrite`.
    """
    picture = np.full((2 * _PANEL_HEIGHT + 2 * _MARGIN, _WIDTH, 3), _PAPER, np.uint8)
    _write(picture, title, (_MARGIN, _MARGIN), 0.75, _INK)
    halves = (("layers", [c.layers for c in counts]), ("parameters", [c.parameters for c in counts]))
    for i, (name, values) in enumerate(halves):
        top = _MARGIN + 30 + i * _PANEL_HEIGHT
        _write(picture, f"{name} by layer type: {sum(values):,} in all", (_MARGIN, top + 24), 0.55, _QUIET)
        _draw_bars(picture, [c.type for c in counts], values, top + 44, _BARS[i])
    return picture


def _draw_bars(
    picture: NDArray[np.uint8], names: Sequence[str], values: Sequence[int], top: int, color: tuple[int, int, int]
) -> None:
    left = _MARGIN + _NAME_WIDTH
    longest = _WIDTH - _MARGIN - _VALUE_WIDTH - left
    step = (_PANEL_HEIGHT - 60) // max(len(values), 1)
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        y = top + i * step
        length = round(longest * value / max(*values, 1))
        if length:
            cv2.rectangle(picture, (left, y), (left + length, y + step - 16), color, cv2.FILLED)
        middle = y + (step - 16) // 2 + 6
        _write(picture, name, (_MARGIN, middle), 0.55, _INK)
        _write(picture, f"{value:,}", (left + length + 10, middle), 0.55, _INK)


def _write(
    picture: NDArray[np.uint8], text: str, place: tuple[int, int], size: float, color: tuple[int, int, int]
) -> None:
    cv2.putText(picture, text, place, _FONT, size, color, 1, cv2.LINE_AA)
