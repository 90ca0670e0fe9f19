"""Rendering labelled pictures of synthetic rooms into a folder that trains, on all cores."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
from tqdm import tqdm

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE
from rgbd_seg.scenes.training_views import TrainingViews

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.scenes.training_views import ViewKind
    from training.data.sample import Size

_JPEG_QUALITY = 95
_ABOUT_FILE = "rooms.json"


@dataclass(frozen=True, slots=True)
class RoomsJob:
    """What is rendered where."""

    out: Path
    seed: int
    size: Size
    views_per_room: int
    kind: ViewKind


def write_rooms(
    out: Path,
    frames: int,
    seed: int,
    views_per_room: int,
    size: Size,
    workers: int | None = None,
    kind: ViewKind = "random",
) -> str:
    """Renders a labelled data set; run again with the same settings, it goes on where it stopped.

    Args:
        out: The folder: gets `image/`, `depth/` (millimetres), `label/` (SUN RGB-D's 37 classes) and `labels.json`.
        frames: How many pictures.
        seed: Which series of rooms; series of different seeds share no room.
        views_per_room: Pictures of each room.
        size: (height, width) of the pictures.
        workers: Processes, None for all cores.
        kind: "random" for training; "walk" for what the live source shows.

    Returns:
        What was written, in a sentence.

    Raises:
        ConfigurationError: A number is out of range, or the folder holds rooms made with other settings.
        SensorError: There is no OpenGL.
    """
    for name, value in (("frames", frames), ("views per room", views_per_room)):
        if value < 1:
            raise ConfigurationError(f"the number of {name} must be at least 1, not {value}")
    about: dict[str, int | str] = {"seed": seed, "height": size[0], "width": size[1], "views_per_room": views_per_room}
    if kind != "random":
        about["kind"] = kind
    _begin(out, about)
    job = RoomsJob(out, seed, size, views_per_room, kind)
    rooms = -(-frames // views_per_room)
    spans = [(r * views_per_room, min(frames, (r + 1) * views_per_room)) for r in range(rooms)]
    missing = [span for span in spans if not all(_label_file(job, i).is_file() for i in range(*span))]
    done = frames - sum(last - first for first, last in missing)
    with tqdm(total=frames, initial=done, desc="rendering", unit="frame") as bar:
        count = min(workers or os.cpu_count() or 1, max(1, len(missing)))
        if count == 1:
            renderer = _Renderer(job)
            for span in missing:
                bar.update(renderer(span))
            renderer.close()
        else:
            # Spawned: a forked child must not inherit the parent's OpenGL and thread pools.
            with multiprocessing.get_context("spawn").Pool(count, _start_worker, (job,)) as pool:
                for written in pool.imap_unordered(_render_span, missing):
                    bar.update(written)
                pool.close()
                pool.join()
    return f"{frames} pictures of {rooms} rooms in {out}"


def _begin(out: Path, about: dict[str, int | str]) -> None:
    for part in ("image", "depth", "label"):
        (out / part).mkdir(parents=True, exist_ok=True)
    file = out / _ABOUT_FILE
    if file.is_file() and json.loads(file.read_text(encoding="utf-8")) != about:
        raise ConfigurationError(f"{out} holds rooms rendered with other settings ({file}); name another folder")
    file.write_text(json.dumps(about), encoding="utf-8")
    (out / LABELS_FILE).write_text(LabelSet.load("sunrgbd37").to_json(), encoding="utf-8")


def _label_file(job: RoomsJob, index: int) -> Path:
    return job.out / "label" / f"{index:07d}.png"


class _Renderer:
    """Renders spans of views and writes them; the label last, because it says that a view is complete."""

    def __init__(self, job: RoomsJob) -> None:
        self._job = job
        height, width = job.size
        self._views = TrainingViews(job.seed, width, height, views_per_room=job.views_per_room, kind=job.kind)

    def __call__(self, span: tuple[int, int]) -> int:
        for index in range(*span):
            view = self._views.view(index)
            bgr = cv2.cvtColor(view.color, cv2.COLOR_RGB2BGR)
            name = f"{index:07d}"
            jpeg = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
            _write(self._job.out / "image" / f"{name}.jpg", cv2.imencode(".jpg", bgr, jpeg)[1].tobytes())
            _write(self._job.out / "depth" / f"{name}.png", cv2.imencode(".png", view.depth)[1].tobytes())
            _write(_label_file(self._job, index), cv2.imencode(".png", view.labels)[1].tobytes())
        return span[1] - span[0]

    def close(self) -> None:
        self._views.close()


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(data)
    partial.replace(path)


_worker: _Renderer | None = None  # One renderer for each worker process; OpenGL starts once.


def _start_worker(job: RoomsJob) -> None:
    global _worker
    cv2.setNumThreads(1)
    _worker = _Renderer(job)


def _render_span(span: tuple[int, int]) -> int:
    if _worker is None:
        raise RuntimeError("the worker was not started")
    return _worker(span)
