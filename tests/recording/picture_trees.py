"""Small recordings made of pictures, in the layouts that others write, with content that tests can predict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HEIGHT, WIDTH = 24, 32


def color_of(frame: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """RGB whose red channel is 10 times the frame's number."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = 10 * frame
    picture[..., 1] = np.arange(width)
    return picture


def depth_of(frame: int, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint16]:
    """Counts that differ in every pixel, with a hole in the first."""
    counts = (1000 * (frame + 1) + np.arange(height * width)).reshape(height, width).astype(np.uint16)
    counts[0, 0] = 0
    return counts


def write_color(path: Path, picture: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def write_gray(path: Path, picture: NDArray[np.generic]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def write_pairs(folder: Path, frames: int = 4, color: str = "rgb/{:d}.png", depth: str = "depth/{:d}.png") -> None:
    for frame in range(frames):
        write_color(folder / color.format(frame), color_of(frame))
        write_gray(folder / depth.format(frame), depth_of(frame))


def write_tum(folder: Path, frames: int = 4, start_s: float = 1305031102.175304) -> None:
    """Depth is 4 ms later than colour, as in the real benchmark."""
    lists: dict[str, list[str]] = {"rgb": ["# color images"], "depth": ["# depth maps"]}
    for frame in range(frames):
        for kind, delay_s in (("rgb", 0.0), ("depth", 0.004)):
            name = f"{kind}/{start_s + frame / 30 + delay_s:.6f}.png"
            lists[kind].append(f"{start_s + frame / 30 + delay_s:.6f} {name}")
            if kind == "rgb":
                write_color(folder / name, color_of(frame))
            else:
                write_gray(folder / name, depth_of(frame))
    for kind, lines in lists.items():
        (folder / f"{kind}.txt").write_text("\n".join(lines) + "\n")


def write_sunrgbd_frame(
    folder: Path, frame: int = 0, height: int = HEIGHT, width: int = WIDTH, polygons: object = None
) -> None:
    """One frame in SUN RGB-D's own layout: rotated depth, a matrix, a scene, and one outline of the left half."""
    stored = depth_of(frame, height, width)
    write_color(folder / "image" / f"{frame:07d}.png", color_of(frame, height, width))
    write_gray(folder / "depth" / f"odd_{frame}_abs.png", (stored << np.uint16(3)) | (stored >> np.uint16(13)))
    filled = np.where(stored == 0, 4321, stored).astype(np.uint16)
    write_gray(folder / "depth_bfx" / f"odd_{frame}_abs.png", (filled << np.uint16(3)) | (filled >> np.uint16(13)))
    (folder / "intrinsics.txt").write_text(f"{width} 0 {width / 2} 0 {width} {height / 2} 0 0 1")
    (folder / "scene.txt").write_text("office")
    if polygons is None:
        half = {"x": [-5, width // 2 - 1, width // 2 - 1, -5], "y": [-5, -5, height + 5, height + 5], "object": 1}
        polygons = {"objects": [None, {"name": "Night Stand 2"}], "frames": [{"polygon": [half]}]}
    (folder / "annotation2Dfinal").mkdir(parents=True)
    (folder / "annotation2Dfinal" / "index.json").write_text(json.dumps(polygons))
