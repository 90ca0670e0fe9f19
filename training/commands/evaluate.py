"""`python -m training evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgbd_seg.arguments import add_examples
from training.commands.arguments import RUN, add_data_arguments, checked_device

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.models.model_file import ModelCard
    from training.data.hard import Condition

_HARD: dict[Condition, str] = {
    "holes": "depth with holes like a Kinect's",
    "no-depth": "no depth at all",
    "black": "a black picture",
}
SUMMARY = "score a checkpoint or a model file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help="a checkpoint (.ckpt) or a model file (.safetensors)")
    add_data_arguments(parser, split="test")
    parser.add_argument("--device", default="cpu", help="where to run: cpu, cuda, mps (default: cpu)")
    parser.add_argument(
        "--multi-scale", action="store_true", help="also average over three scales and mirrored pictures"
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="NAME=CLASS[,CLASS]",
        help="classes of the model or the data that are one and the same; may be repeated",
    )
    parser.add_argument(
        "--hard",
        action="append",
        choices=tuple(_HARD),
        default=[],
        help=f"also score with {', '.join(f'{text} ({name})' for name, text in _HARD.items())}; may be repeated",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the scores to a file")
    parser.epilog = (
        "One confusion matrix over all pictures at the labels' own sizes; void is left out. mIoU is the mean over the\n"
        "classes that occur in labels or predictions. Classes are matched by name; what has no counterpart is named."
    )
    add_examples(
        parser,
        (
            "a run, on the pictures that it held out",
            f"train evaluate {RUN}/checkpoints/last.ckpt --data {RUN}/config.yaml",
        ),
        ("a model file, on all pictures of a folder", "train evaluate mine.safetensors --data elsewhere"),
        (
            "data with other classes",
            "train evaluate mine.safetensors --data elsewhere --map seat=chair,sofa",
        ),
        (
            "where depth has holes or is missing",
            f"train evaluate mine.safetensors --data {RUN}/config.yaml --hard holes --hard no-depth",
        ),
        (
            "the official test frames, with the second figure",
            "train evaluate best.ckpt --data strong --set root=sunrgbd --multi-scale",
        ),
    )


def run(args: argparse.Namespace) -> int:
    from rgbd_seg.class_matching import parse_mapping
    from training.data.hard import HardPictures
    from training.data.source import open_data
    from training.network.weights import load_trained
    from training.results.evaluate import MULTI_SCALES, Predictor, evaluate

    device = checked_device(args.device)
    network, card = load_trained(args.model)
    data = open_data(args.data, [*_depth_of_the_run(args.data, card), *args.set])
    if data.depth_kind and card.details.get("depth", data.depth_kind) != data.depth_kind:
        print(f"scored on {data.depth_kind} depth, but trained on {card.details['depth']}")
    if data.predicted:
        print(f"the labels are {data.predicted}, not truth: all figures are agreement with that model")
    pictures = data.pictures(args.split)
    mapping = parse_mapping(args.map)
    result = evaluate(Predictor(network, card, device=device), pictures, card, mapping=mapping)
    print(result.overall.table())
    print(f"with other pictures of the kind: mIoU {result.overall.miou:.3f} +- {result.deviation:.3f}")
    if result.note:
        print(result.note)
    report: dict[str, Any] = {
        "overall": result.overall.summary(),
        "deviation": result.deviation,
        "classes": list(result.overall.names),
        "matrix": result.overall.matrix.tolist(),
        "left_out": {
            "pixels": result.left_out,
            "of_the_data": result.matching.only_truth,
            "of_the_model": result.matching.only_predicted,
        },
        "by_sensor": {},
        "labels": data.predicted or "truth",
    }
    for sensor, scores in sorted(result.by_sensor.items()):
        print(f"sensor {sensor}: mIoU {scores.miou:.4f}, pixel accuracy {scores.pixel_accuracy:.4f}")
        report["by_sensor"][sensor] = scores.summary()
    if args.multi_scale:
        predictor = Predictor(network, card, device=device, scales=MULTI_SCALES, flip=True)
        second = evaluate(predictor, pictures, card, mapping=mapping).overall
        print(f"multi-scale and flip: mIoU {second.miou:.4f}, pixel accuracy {second.pixel_accuracy:.4f}")
        report["multi_scale_flip"] = second.summary()
    for condition in dict.fromkeys(args.hard):
        hard = HardPictures(pictures, condition)
        scores = evaluate(Predictor(network, card, device=device), hard, card, mapping=mapping).overall
        print(
            f"{_HARD[condition]}: mIoU {scores.miou:.4f} ({scores.miou - result.overall.miou:+.4f}), "
            f"pixel accuracy {scores.pixel_accuracy:.4f}"
        )
        report.setdefault("hard", {})[condition] = scores.summary()
    if args.json is not None:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def _depth_of_the_run(source: Path, card: ModelCard) -> list[str]:
    """The setting that reads the depth of a SUN RGB-D tree as the run did that made the model, and says so."""
    kind = card.details.get("depth", "")
    if not kind or not (source / "index.json").is_file():
        return []
    print(f"depth: {kind}, as the model was trained on (--set depth=... for another)")
    return [f"depth={kind}"]
