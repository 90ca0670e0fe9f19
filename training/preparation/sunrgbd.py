"""`prepare`: from the archives of SUN RGB-D to a tree with one label picture a frame and an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rgbd_seg.errors import ConfigurationError, RecordingError, RgbdSegError
from rgbd_seg.recording.layouts.sunrgbd import POLYGONS
from rgbd_seg.recording.layouts.sunrgbd_polygons import draw_labels, read_polygons
from training.data.pictures import color_of
from training.data.sunrgbd import INDEX_FILE, FrameEntry, write_index
from training.preparation.archives import download, extract
from training.preparation.toolbox import FILES, ListedFrame, Toolbox

_BASE = "http://rgbd.cs.princeton.edu/data/"
_IMAGES_ZIP, _TOOLBOX_ZIP = "SUNRGBD.zip", "SUNRGBDtoolbox.zip"
_TOOLBOX_MD5 = "18d22e1761d36352f37232cba102f91f"
_PARTS = ("image", "depth", "depth_bfx", "annotation2Dfinal")
_FILES = ("intrinsics.txt", "scene.txt")
# Frames by sensor and official split, as published: 10,335 in all.
PUBLISHED = {
    ("kv1", "train"): 1073,
    ("kv1", "test"): 930,
    ("kv2", "train"): 1924,
    ("kv2", "test"): 1860,
    ("realsense", "train"): 587,
    ("realsense", "test"): 572,
    ("xtion", "train"): 1701,
    ("xtion", "test"): 1688,
}
_NAMED_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class _Found:
    """The files of one frame."""

    color: Path
    depth_raw: Path | None
    depth_refined: Path | None
    scene: str


def prepare(
    out: Path,
    *,
    images: Path | None = None,
    toolbox: Path | None = None,
    download_missing: bool = False,
    limit: int | None = None,
    sensors: Sequence[str] | None = None,
    polygons: bool = False,
) -> str:
    """Makes the tree; labels that are already there are not made again.

    Args:
        out: The tree to write.
        images: `SUNRGBD.zip` or the unpacked folder; None takes what an earlier run put into `out`.
        toolbox: `SUNRGBDtoolbox.zip` or the unpacked folder; None as above.
        download_missing: Fetches the archives that are not given.
        limit: Only so many frames, spread evenly over the list.
        sensors: Only these cameras.
        polygons: Takes labels from the annotation polygons instead of the toolbox, into `label_polygons/`. Frames then
            have no official split and count as training frames.

    Returns:
        What was written, in sentences.

    Raises:
        RgbdSegError: Something is missing or damaged; the message says exactly what. If only some frames are, the
            others are written and indexed first.
    """
    out.mkdir(parents=True, exist_ok=True)
    root = _images_root(out, images, download_missing)
    if polygons:
        listed = _walk_frames(root)
        chosen = _chosen(listed, sensors, limit)
        entries, problems = _write_frames(out, root, chosen, None)
    else:
        with Toolbox(_toolbox_folder(out, toolbox, download_missing)) as box:
            listed = box.frames
            chosen = _chosen(listed, sensors, limit)
            entries, problems = _write_frames(out, root, chosen, box)
        problems += _count_problems(listed)
    if not entries:
        raise RgbdSegError(f"no frame could be prepared. {' '.join(problems[:_NAMED_AT_MOST])}")
    write_index(out, entries)
    splits = Counter(entry.split for entry in entries)
    by_split = ", ".join(f"{count} {split}" for split, count in sorted(splits.items()))
    source = "the annotation polygons" if polygons else "the toolbox"
    said = f"{len(entries)} frames in {out} ({by_split}) with labels of {source}, {INDEX_FILE} written"
    if problems:
        rest = f" and {len(problems) - _NAMED_AT_MOST} more" if len(problems) > _NAMED_AT_MOST else ""
        raise RgbdSegError(f"{said}, but incomplete: {'; '.join(problems[:_NAMED_AT_MOST])}{rest}")
    return said


def _images_root(out: Path, images: Path | None, may_download: bool) -> Path:
    if images is None and may_download:
        images = download(_BASE + _IMAGES_ZIP, out / _IMAGES_ZIP)
    if images is None:
        images = out / "SUNRGBD"
    if images.is_file():
        count = extract(images, out, _is_wanted_image)
        if not count:
            raise RgbdSegError(f"{images} holds no frames of SUN RGB-D (SUNRGBD/kv1/... and so on)")
        images = out / "SUNRGBD"
    elif not images.is_dir():
        raise RgbdSegError(
            f"there is no {images}: name SUNRGBD.zip or its folder with --images, or fetch it with --download"
        )
    for candidate in (images / "SUNRGBD", images):
        if candidate.is_dir() and any((candidate / s).is_dir() for s in ("kv1", "kv2", "realsense", "xtion")):
            return candidate.resolve()
    raise RgbdSegError(
        f"{images} is not the folder SUNRGBD: it has none of kv1/, kv2/, realsense/, xtion/. "
        "Name the archive or the folder with --images, or fetch it with --download"
    )


def _is_wanted_image(name: str) -> bool:
    parts = name.split("/")
    if parts[0] != "SUNRGBD" or len(parts) < 4:
        return False
    return parts[-1] in _FILES or (parts[-2] in _PARTS and "fullres" not in parts)


def _toolbox_folder(out: Path, toolbox: Path | None, may_download: bool) -> Path:
    if toolbox is None and may_download:
        toolbox = download(_BASE + _TOOLBOX_ZIP, out / _TOOLBOX_ZIP, _TOOLBOX_MD5)
    if toolbox is None:
        toolbox = out / "SUNRGBDtoolbox"
    if toolbox.is_file():
        extract(toolbox, out, lambda name: name.split("/", 1)[-1] in FILES)
        toolbox = out / "SUNRGBDtoolbox"
    if not toolbox.is_dir():
        raise RgbdSegError(
            f"the toolbox is missing ({toolbox}): it holds the labels and the official split. Name {_TOOLBOX_ZIP} or "
            "its folder with --toolbox, fetch it with --download, or take the polygons of single frames with --polygons"
        )
    return toolbox


def _walk_frames(root: Path) -> list[ListedFrame]:
    names = sorted(
        path.parent.parent.relative_to(root).as_posix()
        for sensor in ("kv1", "kv2", "realsense", "xtion")
        for path in (root / sensor).glob(f"**/{POLYGONS.as_posix()}")
    )
    if not names:
        raise RgbdSegError(f"no frame below {root} has {POLYGONS.as_posix()}")
    return [ListedFrame(i, name, "train") for i, name in enumerate(names)]


def _chosen(listed: Sequence[ListedFrame], sensors: Sequence[str] | None, limit: int | None) -> list[ListedFrame]:
    frames = [frame for frame in listed if sensors is None or frame.sensor in sensors]
    if limit is not None:
        if limit < 1:
            raise ConfigurationError(f"--limit must be at least 1, not {limit}")
        places = np.linspace(0, max(0, len(frames) - 1), min(limit, len(frames))).astype(int)
        frames = [frames[int(i)] for i in np.unique(places)]
    return frames


def _count_problems(listed: Sequence[ListedFrame]) -> list[str]:
    """How the toolbox's own list differs from the published counts."""
    counts = Counter((frame.sensor, frame.split) for frame in listed)
    return [
        f"the toolbox lists {counts[key]} {key[1]} frames of {key[0]} instead of {expected}"
        for key, expected in PUBLISHED.items()
        if counts[key] != expected
    ]


def _write_frames(
    out: Path, root: Path, frames: Sequence[ListedFrame], box: Toolbox | None
) -> tuple[list[FrameEntry], list[str]]:
    """Writes labels and collects index entries; a frame that cannot be used becomes a sentence."""
    entries, problems = [], []
    for frame in tqdm(frames, desc="preparing", unit="frame"):
        try:
            entries.append(_write_frame(out, root, frame, box))
        except (RgbdSegError, OSError) as error:
            problems.append(str(error))
    return entries, problems


def _write_frame(out: Path, root: Path, frame: ListedFrame, box: Toolbox | None) -> FrameEntry:
    folder = root / frame.name
    found = _find(folder)
    height, width = _size(found.color)
    for depth in filter(None, (found.depth_raw, found.depth_refined)):
        if _size(depth) != (height, width):
            rows, columns = _size(depth)
            raise RgbdSegError(f"{depth} is {rows}x{columns}, but the picture of that frame is {height}x{width}")
    # Each source of labels has a folder of its own: what one has written is never taken for the other's.
    label_file = out / ("label" if box is not None else "label_polygons") / f"{frame.name}.png"
    if not label_file.is_file():
        label = _polygon_label(folder, height, width) if box is None else box.label(frame.number)
        if label.shape != (height, width):
            raise RgbdSegError(
                f"{frame.name}: its labels are {label.shape[0]}x{label.shape[1]}, its picture is {height}x{width}"
            )
        label_file.parent.mkdir(parents=True, exist_ok=True)
        partial = label_file.with_name(label_file.name + ".part")
        partial.write_bytes(cv2.imencode(".png", label)[1].tobytes())
        partial.replace(label_file)
    return FrameEntry(
        name=frame.name,
        sensor=frame.sensor,
        collection=frame.collection,
        split=frame.split,
        scene=found.scene,
        height=height,
        width=width,
        color=_stored(found.color, out),
        depth_raw=_stored(found.depth_raw, out),
        depth_refined=_stored(found.depth_refined, out),
        label=label_file.relative_to(out).as_posix(),
    )


def _size(picture: Path) -> tuple[int, int]:
    height, width = color_of(picture).shape[:2]
    return height, width


def _polygon_label(folder: Path, height: int, width: int) -> NDArray[np.uint8]:
    try:
        return draw_labels(read_polygons(folder / POLYGONS), height, width)[0]
    except RecordingError as error:
        raise RgbdSegError(str(error)) from None


def _find(folder: Path) -> _Found:
    """The files of a frame, taken from what is in its folder: their names follow no rule."""
    if not folder.is_dir():
        raise RgbdSegError(f"the folder {folder} is missing")
    color, raw, refined = (_only(folder / part) for part in ("image", "depth", "depth_bfx"))
    if color is None or (raw is None and refined is None):
        raise RgbdSegError(
            f"{folder} has no {'picture in image/' if color is None else 'picture in depth/ or depth_bfx/'}"
        )
    scene = folder / "scene.txt"
    text = scene.read_text(encoding="utf-8", errors="replace").strip()[:100] if scene.is_file() else ""
    return _Found(color, raw, refined, text)


def _only(folder: Path) -> Path | None:
    pictures = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    return pictures[0] if pictures else None


def _stored(path: Path | None, out: Path) -> str:
    """How the index names a file: below the tree where it is there, so that the tree can be moved."""
    if path is None:
        return ""
    inside = out.resolve()
    return path.relative_to(inside).as_posix() if path.is_relative_to(inside) else str(path)
