"""`rgbd-seg bench smoothing`: how much steadier smoothing makes the labels, and what it costs where things move.

Frames come from synthetic rooms, seen twice: by a camera that stands still, so that only the sensor's noise changes,
and by one that walks; or from a recording, where labels travel from each frame to the next by motion and depth, and
those that are found again are compared with what the model says there. The baseline is the same model without smoothing
on the same frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.machine import describe_machine
from rgbd_seg.report import Cell, Column, Report, add_format_argument
from rgbd_seg.scores import Scores, class_ious, pixel_accuracy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rgbd_seg.inference.segmenter import Smoothing
    from rgbd_seg.inference.smoothing import SmoothingState
    from rgbd_seg.models.card import ModelCard
    from rgbd_seg.models.deresunet import DeResUNet
    from rgbd_seg.scenes import RoomRenderer, View

SUMMARY = "measure label flicker with and without temporal smoothing, on synthetic rooms or a recording"

_COLUMNS = (
    Column("camera", "camera"),
    Column("smoothing", "smoothing"),
    Column("flicker_percent", "labels that change / %", 2),
    Column("relative", "of that without", 2),
    Column("miou", "mIoU", 4),
    Column("accuracy", "pixel accuracy", 4),
)
_RECORDING_COLUMNS = (
    Column("smoothing", "smoothing"),
    Column("flicker_percent", "labels that change / %", 2),
    Column("disagree_percent", "of places found again / %", 2),
    Column("relative", "of that without", 2),
    Column("found_percent", "found again / %", 1),
    Column("miou", "mIoU", 4),
)
_LEVELS: tuple[Smoothing, ...] = ("off", "low", "high")
_FIRST_ROOM = 700_001  # Far from the seeds of training data.
_START_S = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, positive_float, positive_int

    add_examples(
        parser,
        ("your own model in ten rooms", "bench smoothing --model mine.safetensors --rooms 10"),
        ("the model for real rooms on a recording", "bench smoothing --model real --source walk.mcap"),
    )
    parser.add_argument("--source", metavar="RECORDING", help="a recording in place of the rooms")
    parser.add_argument("--model", default="demo", metavar="FILE", help="model file (default: the demo model)")
    parser.add_argument(
        "--rooms", type=positive_int, default=3, metavar="N", help="how many rooms (default: %(default)s)"
    )
    parser.add_argument(
        "--frames",
        type=int,
        default=45,
        metavar="N",
        help="frames a room and camera, or in all (default: %(default)s)",
    )
    parser.add_argument(
        "--fps", type=positive_float, default=30.0, metavar="N", help="of the camera that walks (default: %(default)g)"
    )
    add_format_argument(parser)


def run(args: argparse.Namespace) -> int:
    from rgbd_seg.assets import model_path
    from rgbd_seg.models.model_file import load_model

    for name, value, least in (("--rooms", args.rooms, 1), ("--frames", args.frames, 2)):
        if value < least:
            raise ConfigurationError(f"{name} must be at least {least}, not {value}")
    if not 1 <= args.fps <= 240:
        raise ConfigurationError(f"--fps must be 1..240, not {args.fps}")
    if args.source:
        print(measure_recording(model_path(args.model), args.source, args.frames).render(args.format))
        return 0
    network, card = load_model(model_path(args.model))
    report = measure(network, card, rooms=args.rooms, frames=args.frames, fps=args.fps)
    print(report.render(args.format))
    return 0


def measure(network: DeResUNet, card: ModelCard, *, rooms: int, frames: int, fps: float) -> Report:
    """Runs all levels of smoothing over the same outputs of the network.

    Args:
        network: In float32 on the CPU.
        card: Its card.
        rooms: How many rooms are looked at.
        frames: Frames for each room and camera.
        fps: Frame rate of the walking camera.
    """
    from rgbd_seg.scenes import LABEL_SET, RoomRenderer

    tallies = {camera: {level: Tally(len(card.label_set)) for level in _LEVELS} for camera in ("standing", "walking")}
    height, width = card.size
    with RoomRenderer(width, height) as renderer:
        for room in range(rooms):
            for camera, by_level in tallies.items():
                step_s = 1 / fps if camera == "walking" else 0.0
                _play(network, card, _clip(renderer, _FIRST_ROOM + room, frames, step_s), by_level)
    truth = classes_of_truth(
        LabelSet.load(LABEL_SET), card.label_set, tallies["standing"]["off"], tallies["walking"]["off"]
    )
    rows: list[dict[str, Cell]] = []
    for camera, by_level in tallies.items():
        baseline = by_level["off"].flicker
        for level, tally in by_level.items():
            miou, accuracy = tally.scores(truth)
            rows.append(
                {
                    "camera": camera,
                    "smoothing": level,
                    "flicker_percent": 100 * tally.flicker,
                    "relative": tally.flicker / baseline if baseline else None,
                    "miou": miou,
                    "accuracy": accuracy,
                }
            )
    notes = (
        f"{card.name} at {width}x{height}, float32, {rooms} rooms (seeds from {_FIRST_ROOM}), {frames} frames each at "
        f"{fps:g} frames/s, with the noise of the Xtion.",
        "A class of the rooms counts as the model's class of the same name, or else as the one that the model most "
        "often gives it without smoothing. mIoU is the mean over the classes that are in these rooms.",
    )
    return Report("Temporal smoothing", describe_machine(), _COLUMNS, rows, notes)


def measure_recording(model: Path, source: str, frames: int) -> Report:
    """Runs all levels of smoothing over the first frames of a recording, as the window would on this machine.

    Args:
        model: A model file.
        source: The recording.
        frames: How many frames to look at.

    Raises:
        ConfigurationError: It has fewer than two frames.
    """
    from rgbd_seg.inference import SegmenterOptions, open_segmenter
    from rgbd_seg.labelling.travel import Traveller
    from rgbd_seg.sensors import open_any_recording

    rows: list[dict[str, Cell]] = []
    with open_any_recording(source) as recording, open_segmenter(model, SegmenterOptions()) as segmenter:
        count = min(frames, len(recording))
        if count < 2:
            raise ConfigurationError(f"{source} has {len(recording)} frames; flicker needs at least two")
        changes: dict[Smoothing, list[float]] = {level: [] for level in _LEVELS}
        disagreements: dict[Smoothing, list[float]] = {level: [] for level in _LEVELS}
        found: list[float] = []
        scores = {level: Scores() for level in _LEVELS}
        for level in _LEVELS:
            segmenter.configure(smoothing=level, min_confidence=0.0)
            segmenter.reset()
            before: NDArray[np.uint8] | None = None
            traveller: Traveller | None = None
            for position in range(count):
                segmentation = segmenter(recording.read(position).as_captured())
                scores[level].add(segmentation)
                labels = segmentation.labels
                assert labels is not None
                if before is not None and traveller is not None:
                    changes[level].append(float((labels != before).mean()))
                    arrived = traveller.step(segmentation.frame)
                    if arrived is not None and (arrived.labels > 0).any():
                        carried = arrived.labels > 0
                        disagreements[level].append(float((arrived.labels != labels)[carried].mean()))
                        found += [float(carried.mean())] if level == "off" else []
                before, traveller = labels, Traveller(segmentation.frame, labels)
        info = segmenter.info
    plain = float(np.mean(disagreements["off"])) if disagreements["off"] else 0.0
    for level in _LEVELS:
        disagree = float(np.mean(disagreements[level])) if disagreements[level] else None
        rows.append(
            {
                "smoothing": level,
                "flicker_percent": 100 * float(np.mean(changes[level])),
                "disagree_percent": None if disagree is None else 100 * disagree,
                "relative": disagree / plain if disagree is not None and plain else None,
                "found_percent": 100 * float(np.mean(found)) if found else None,
                "miou": scores[level].mean_iou,
            }
        )
    notes = (
        f"{info.model} on {info.backend} in {info.precision}, the first {count} frames of {Path(source).name}.",
        "Places are found again by optical flow there and back, where depth changed as the camera's motion explains "
        "and the colour stayed; labels that travelled there from the frame before are compared with its answer.",
    )
    return Report("Temporal smoothing", describe_machine(), _RECORDING_COLUMNS, rows, notes)


@dataclass(slots=True)
class Tally:
    """What is counted over all frames of one camera and level."""

    classes: int
    changed: list[float] = field(default_factory=list)
    confusion: NDArray[np.int64] | None = None
    before: NDArray[np.uint8] | None = None

    def add(self, labels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        if self.before is not None:
            self.changed.append(float((labels != self.before).mean()))
        self.before = labels
        counts = np.bincount(truth.ravel().astype(np.int64) * 256 + labels.ravel(), minlength=256 * 256)
        self.confusion = counts.reshape(256, 256) + (0 if self.confusion is None else self.confusion)

    @property
    def flicker(self) -> float:
        """Mean share of pixels whose label differs from the frame before."""
        return float(np.mean(self.changed))

    def scores(self, class_of_truth: NDArray[np.int64]) -> tuple[float, float]:
        """Mean intersection over union of the classes that are in the rooms, and pixel accuracy; void is ignored."""
        confusion = self.confusion if self.confusion is not None else np.zeros((256, 256), np.int64)
        merged = np.zeros((self.classes + 1, self.classes + 1), np.int64)
        np.add.at(merged, class_of_truth, confusion[:, : self.classes + 1])
        merged[0] = 0
        return float(class_ious(merged)[merged[1:].any(axis=1)].mean()), pixel_accuracy(merged)


def _clip(renderer: RoomRenderer, seed: int, frames: int, step_s: float) -> Iterator[View]:
    from rgbd_seg.scenes import build_room, walk_through

    room = build_room(seed)
    walk = walk_through(room)
    for i in range(frames):
        yield renderer.render(room, walk.pose(_START_S + i * step_s), index=i)


def _play(network: DeResUNet, card: ModelCard, clip: Iterator[View], tallies: dict[Smoothing, Tally]) -> None:
    """Runs the network once a frame, and every level of smoothing on what it says."""
    import torch

    from rgbd_seg.inference.graph import DeployedGraph
    from rgbd_seg.inference.segmenter import STRENGTHS
    from rgbd_seg.inference.smoothing import SmoothingState, as_logits, average

    graph = DeployedGraph(network, card, card.size).eval()
    states: dict[Smoothing, SmoothingState] = {}
    for view in clip:
        color, depth = torch.from_numpy(view.color.copy())[None], torch.from_numpy(view.depth.astype(np.int32))[None]
        with torch.inference_mode():
            prepared = graph.prepare(color, depth, torch.tensor(view.calibration.depth_unit_m))
            now = torch.softmax(graph.calibrated(graph.logits(prepared)), dim=1)
            for level, tally in tallies.items():
                smoothed = now
                if level in states:
                    smoothed = average(now, prepared.color, prepared.depth_m, STRENGTHS[level], states[level])
                states[level] = SmoothingState(smoothed, prepared.color, prepared.depth_m)
                tally.add(graph.decide(as_logits(smoothed))[0][0].numpy(), view.labels)
    for tally in tallies.values():
        tally.before = None


def classes_of_truth(rooms: LabelSet, model: LabelSet, *plain: Tally) -> NDArray[np.int64]:
    """For each id of the rooms the model's id that stands for it: (256,) int64, 0 for void."""
    confusion = sum(tally.confusion for tally in plain if tally.confusion is not None)
    by_votes = np.asarray(confusion)[:, 1 : len(model) + 1].argmax(axis=1) + 1
    table = np.zeros(256, np.int64)
    for i, name in enumerate(rooms.names, start=1):
        table[i] = model.id_of(name) if name in model.names else by_votes[i]
    return table
