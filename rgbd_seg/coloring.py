"""Colours for ids and distances: the same in the window, in pictures and in videos.

Labels lie over the camera's picture with a constant opacity; where there is no label the camera shows through, and
the border between two labels is one pixel darker. Depth runs through a perceptual map from near to far, holes black.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

OPACITY = 0.55
#: How much black lies over borders (0..255) at opacities of one half and more.
EDGE_ALPHA = 120

# Name in the menu -> OpenCV's map; near is its bright end.
_DEPTH_MAPS = {
    "turbo": cv2.COLORMAP_TURBO,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "cividis": cv2.COLORMAP_CIVIDIS,
    "inferno": cv2.COLORMAP_INFERNO,
    "grey": cv2.COLORMAP_BONE,
}
DEPTH_MAPS = tuple(_DEPTH_MAPS)


def paint_overlay(
    color: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    opacity: float = OPACITY,
    visible: NDArray[np.bool_] | None = None,
    *,
    edges: bool = True,
) -> NDArray[np.uint8]:
    """Labels over the camera's picture.

    Args:
        color: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8 ids; 0 stays camera.
        palette: (256, 3) uint8 RGB by id.
        opacity: Share of the label's colour, 0..1.
        visible: (256,) bool by id; None draws every id but 0.
        edges: Whether borders between ids are darkened.

    Returns:
        (H, W, 3) uint8 RGB, a new array.
    """
    shown = np.ones(256, bool) if visible is None else visible.copy()
    shown[0] = False
    alpha = np.where(shown, np.clip(opacity, 0, 1), 0.0)[:, None]
    keep = np.repeat(np.round(255 * (1 - alpha)).astype(np.uint8), 3, axis=1)
    add = np.round(palette * alpha).astype(np.uint8)
    # Two table look-ups, one product, one sum: numpy's own blend takes over ten times as long.
    blended = cv2.add(cv2.multiply(color, _by_id(labels, keep), scale=1 / 255), _by_id(labels, add))
    if edges:
        drawn = labels if shown[1:].all() else np.where(shown, np.arange(256), 0).astype(np.uint8)[labels]
        darker = cv2.convertScaleAbs(blended, alpha=1 - EDGE_ALPHA * min(1.0, opacity * 2) / 255)
        cv2.copyTo(darker, label_edges(drawn), blended)
    return np.asarray(blended, np.uint8)


def label_edges(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Borders between labels.

    Returns:
        (H, W) uint8: 1 where the right or the lower neighbour has another id, else 0.
    """
    borders = np.zeros_like(labels)
    borders[:, :-1] = labels[:, :-1] != labels[:, 1:]
    borders[:-1] |= (labels[:-1] != labels[1:]).view(np.uint8)
    return borders


def paint_depth(
    depth: NDArray[np.uint16], depth_unit_m: float, near_m: float, far_m: float, color_map: str = "turbo"
) -> NDArray[np.uint8]:
    """Depth in colours, holes black.

    Args:
        depth: (H, W) uint16 counts, 0 = no return.
        depth_unit_m: Metres per count.
        near_m: Where the colours begin; nearer pixels have the first colour.
        far_m: Where they end; farther pixels have the last colour.
        color_map: One of `DEPTH_MAPS`.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    steps = np.take(depth_table(depth_unit_m, round(near_m * 1000), round(far_m * 1000)), depth)
    return _by_id(steps, depth_color_map(color_map))


@lru_cache(maxsize=8)
def depth_color_map(name: str) -> NDArray[np.uint8]:
    """(256, 3) uint8 RGB: entry 0 (no return) black, 1..255 from near to far. Unknown names give turbo."""
    number = _DEPTH_MAPS.get(name, _DEPTH_MAPS["turbo"])
    # Without the darkest and brightest steps, which would pass for holes.
    ramp = cv2.applyColorMap(np.linspace(8, 247, 255).astype(np.uint8).reshape(1, -1), number)[0, :, ::-1]
    table = np.zeros((256, 3), np.uint8)
    table[1:] = ramp[::-1]
    table.flags.writeable = False
    return table


@lru_cache(maxsize=4)
def depth_table(unit_m: float, near_mm: int, far_mm: int) -> NDArray[np.uint8]:
    """(65536,) uint8 by depth count: 0 for no return, 1 at and before `near_mm`, 255 at and beyond `far_mm`."""
    metres = np.arange(65536, dtype=np.float32) * unit_m
    share = (metres * 1000 - near_mm) / max(far_mm - near_mm, 1)
    table = (1 + np.clip(share, 0, 1) * 254).astype(np.uint8)
    table[0] = 0
    table.flags.writeable = False
    return table


def depth_ends_m(depth: NDArray[np.uint16], depth_unit_m: float) -> tuple[float, float]:
    """A range that shows most of a picture: the 2nd and 98th percentile of its depths; 0.4 to 6 m where it has none."""
    counts = depth[::4, ::4]
    counts = counts[counts > 0]
    if not counts.size:
        return 0.4, 6.0
    near, far = np.percentile(counts, (2, 98)) * depth_unit_m
    return float(near), float(max(far, near + 0.1))


def _by_id(ids: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) colours of (H, W) ids from a (256, 3) table, whichever way round its channels are."""
    return np.asarray(cv2.applyColorMap(ids, np.ascontiguousarray(table).reshape(256, 1, 3)), np.uint8)
