"""Tiny labelled pictures that a network can learn in seconds: a board on a wall, a ball, and a hole in the depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("wall", "board", "ball")


def draw(seed: int, height: int = 64, width: int = 64) -> tuple[Any, Any, Any]:
    """Colour (H, W, 3), depth in millimetres (H, W) and labels (H, W): wall 1, board 2, ball 3, void 0."""
    rng = np.random.default_rng(seed)
    label = np.ones((height, width), np.uint8)
    top, left = rng.integers(4, height // 3), rng.integers(4, width // 3)
    label[top : top + height // 3, left : left + width // 3] = 2
    center = (int(rng.integers(width // 3, width - 10)), int(rng.integers(height // 2, height - 10)))
    cv2.circle(label, center, 9, 3, -1)
    paint = np.array([[0, 0, 0], [190, 180, 160], [60, 90, 200], [210, 60, 50]])
    color = np.clip(paint[label] + rng.normal(0, 8, (height, width, 3)), 0, 255).astype(np.uint8)
    depth = np.array([0, 3000, 2500, 1200], np.uint16)[label]
    depth[:4] = 0
    label[:, :3] = 0
    return color, depth, label


def write_folder(root: Path, count: int, first_seed: int = 0, size: tuple[int, int] = (64, 64)) -> Path:
    """A folder data set of `count` pictures."""
    for part in ("image", "depth", "label"):
        (root / part).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        color, depth, label = draw(first_seed + i, *size)
        cv2.imwrite(str(root / "image" / f"{i:03d}.png"), cv2.cvtColor(color, cv2.COLOR_RGB2BGR))
        cv2.imwrite(str(root / "depth" / f"{i:03d}.png"), depth)
        cv2.imwrite(str(root / "label" / f"{i:03d}.png"), label)
    names = ", ".join(f'"{name}"' for name in NAMES)
    (root / LABELS_FILE).write_text(f'{{"name": "small", "classes": [{names}]}}')
    return root
