"""The commands of `python -m training` that are not Lightning's: what each takes, and which file does it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgbd_seg.arguments import add_examples, positive_int

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.models.model_file import ModelCard
    from rgbd_seg.scenes.training_views import ViewKind


_RUN = "runs/lightning_logs/version_0"  # Of the examples.


def add_data_arguments(parser: argparse.ArgumentParser, split: str) -> None:
    """Adds `--data`, `--split` and `--set`."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="a recipe (its name or file) or a run's config.yaml (its data section is used), a folder with image/, "
        "depth/ and label/, or a prepared SUN RGB-D tree",
    )
    parser.add_argument("--split", choices=("train", "val", "test"), default=split)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting of the data, such as size=[480,640]",
    )


def evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `evaluate`."""
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
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the scores to a file")
    parser.epilog = (
        "One confusion matrix over all pictures at the labels' own sizes; void is left out. mIoU is the mean over the\n"
        "classes that occur in labels or predictions. Classes are matched by name; what has no counterpart is named."
    )
    add_examples(
        parser,
        (
            "a run, on the pictures that it held out",
            f"train evaluate {_RUN}/checkpoints/last.ckpt --data {_RUN}/config.yaml",
        ),
        ("a model file, on all pictures of a folder", "train evaluate mine.safetensors --data elsewhere"),
        (
            "data with other classes",
            "train evaluate mine.safetensors --data elsewhere --map seat=chair,sofa",
        ),
        (
            "the official test frames, with the second figure",
            "train evaluate best.ckpt --data strong --set root=sunrgbd --multi-scale",
        ),
    )


def evaluate_run(args: argparse.Namespace) -> int:
    """Prints overall scores, scores by class and by sensor."""
    from rgbd_seg.class_matching import parse_mapping
    from training.data.source import open_data
    from training.device import checked_device
    from training.network.weights import load_trained
    from training.results.evaluate import MULTI_SCALES, Predictor, evaluate

    device = checked_device(args.device)
    network, card = load_trained(args.model)
    data = open_data(args.data, [*_depth_of_the_run(args.data, card), *args.set])
    if data.depth_kind and card.details.get("depth", data.depth_kind) != data.depth_kind:
        print(f"scored on {data.depth_kind} depth, but trained on {card.details['depth']}")
    pictures = data.pictures(args.split)
    mapping = parse_mapping(args.map)
    result = evaluate(Predictor(network, card, device=device), pictures, card, mapping=mapping)
    print(result.overall.table())
    if result.note:
        print(result.note)
    report: dict[str, Any] = {
        "overall": result.overall.summary(),
        "classes": list(result.overall.names),
        "matrix": result.overall.matrix.tolist(),
        "left_out": {
            "pixels": result.left_out,
            "of_the_data": result.matching.only_truth,
            "of_the_model": result.matching.only_predicted,
        },
        "by_sensor": {},
    }
    for sensor, scores in sorted(result.by_sensor.items()):
        print(f"sensor {sensor}: mIoU {scores.miou:.4f}, pixel accuracy {scores.pixel_accuracy:.4f}")
        report["by_sensor"][sensor] = scores.summary()
    if args.multi_scale:
        predictor = Predictor(network, card, device=device, scales=MULTI_SCALES, flip=True)
        second = evaluate(predictor, pictures, card, mapping=mapping).overall
        print(f"multi-scale and flip: mIoU {second.miou:.4f}, pixel accuracy {second.pixel_accuracy:.4f}")
        report["multi_scale_flip"] = second.summary()
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


def data_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `data`."""
    add_data_arguments(parser, split="train")
    parser.add_argument("--limit", type=positive_int, metavar="N", help="only so many pictures, spread over the set")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write it to a file")
    parser.epilog = (
        "Class shares (of the labelled pixels), how many pictures show each class, the weights that\n"
        "model.class_weights auto gives them, void, holes in the depth, and pictures that cannot be used. The exit\n"
        "code is 1 if there are any."
    )
    add_examples(
        parser,
        ("a folder of your own, before a run", "train data --data mine"),
        ("what a recipe trains on, and what it holds out", "train data --data lite"),
        ("", "train data --data lite --split val"),
    )


def data_run(args: argparse.Namespace) -> int:
    """Prints what is in a data set."""
    from training.data.source import open_data
    from training.data.survey import survey

    found = survey(open_data(args.data, args.set).pictures(args.split), args.limit)
    print(found)
    if args.json is not None:
        args.json.write_text(json.dumps(found.to_dict(), indent=2) + "\n", encoding="utf-8")
    return 1 if found.bad else 0


def repeat_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `repeat`."""
    parser.add_argument("--folds", type=positive_int, default=0, metavar="K", help="hold out each of K folds in turn")
    parser.add_argument("--seeds", type=positive_int, default=0, metavar="N", help="train with N seeds on one fold")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/repeat"), metavar="DIR", help="of the runs (default: runs/repeat)"
    )
    parser.add_argument("settings", nargs=argparse.REMAINDER, help="those of fit, after --")
    parser.epilog = (
        "Each run has a folder of its own in DIR. Runs that are complete are not run again, and one that was stopped\n"
        "goes on, so the same command goes on with all of it. Mean and standard deviation (of a sample) are printed\n"
        "and written to DIR/repeat.json."
    )
    add_examples(
        parser,
        (
            "five folds: each picture is held out once",
            "train repeat --folds 5 --out folds -- --config lite --data.init_args.root mine",
        ),
        ("three seeds", "train repeat --seeds 3 --out seeds -- --config lite --data.init_args.root mine"),
    )


def repeat_run(args: argparse.Namespace) -> int:
    """Trains several times and says how far the scores spread."""
    from training.run.repeat import repeat

    settings = args.settings[1:] if args.settings[:1] == ["--"] else args.settings
    print(repeat(settings, args.out, folds=args.folds, seeds=args.seeds))
    return 0


def export_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `export`."""
    parser.add_argument(
        "checkpoint", type=Path, help="a checkpoint (.ckpt) of a run, or a model file to store otherwise"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="the model file to write (.safetensors)")
    parser.add_argument(
        "--storage",
        choices=("float32", "float16", "int8"),
        default="float32",
        help="how weights are stored (default: float32)",
    )
    parser.add_argument("--name", help="how people call the model")
    parser.add_argument(
        "--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="network input, if not as trained"
    )
    parser.add_argument(
        "--calibrate", type=Path, metavar="DATA", help="fit the confidence on the validation part of these data"
    )
    parser.add_argument(
        "--note", action="append", default=[], metavar="KEY=TEXT", help="a line for the card; may be repeated"
    )
    add_examples(
        parser,
        (
            "the last weights of a run, their confidence fitted on what it held out",
            f"train export {_RUN}/checkpoints/last.ckpt -o mine.safetensors --calibrate {_RUN}/config.yaml",
        ),
        ("a quarter of the size", "train export mine.safetensors -o small.safetensors --storage int8"),
        ("then open it", "mine --model mine.safetensors"),
    )


def export_run(args: argparse.Namespace) -> int:
    """Writes the model file and says what is in it."""
    from training.data.source import open_data
    from training.results.export import export

    pictures = open_data(args.calibrate).pictures("val") if args.calibrate is not None else None
    size = (args.size[0], args.size[1]) if args.size else None
    report = export(
        args.checkpoint, args.output, args.storage, name=args.name, size=size, calibration=pictures, notes=args.note
    )
    print(report)
    return 0


def show_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `show`."""
    add_data_arguments(parser, split="train")
    parser.add_argument("--index", type=int, default=0, help="which sample of the split (default: 0, the first)")
    parser.add_argument("--augmentation", choices=("published", "gentle", "none"), help="if not the recipe's own")
    parser.add_argument(
        "--draws", type=positive_int, default=3, metavar="N", help="how many augmented versions to show (default: 3)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first version (default: 0)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("sample.png"),
        metavar="FILE",
        help="the picture to write (default: sample.png)",
    )
    parser.epilog = (
        "Colour, depth (holes black) and truth (void black) beside each other: as stored, then as augmented."
    )
    add_examples(
        parser,
        ("the first training picture as the recipe augments it", "train show --data lite"),
        ("six gentle versions of another one", "train show --data mine --index 12 --augmentation gentle --draws 6"),
    )


def show_run(args: argparse.Namespace) -> int:
    """Writes a picture with a sample before and after augmentation."""
    from training.data.show import show
    from training.data.source import open_data

    data = open_data(args.data, args.set)
    print(show(data, args.split, args.index, args.output, args.augmentation, args.draws, args.seed))
    return 0


def report_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `report`."""
    parser.add_argument("runs", type=Path, nargs="+", help="run directories (those that hold config.yaml)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("report"),
        metavar="DIR",
        help="folder for the PNGs and index.html (default: report)",
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=4,
        metavar="N",
        help="validation samples to show for each run, and as many of the worst (default: 4)",
    )
    parser.add_argument("--device", default="cpu", help="where to run: cpu, cuda, mps (default: cpu)")
    add_examples(
        parser,
        ("one run", f"train report {_RUN}"),
        (
            "two runs against each other",
            "train report runs/lightning_logs/version_0 runs/lightning_logs/version_1 -o both",
        ),
    )


def report_run(args: argparse.Namespace) -> int:
    """Writes scores, settings, curves, confusion and the worst samples as PNG and one HTML page."""
    from training.device import checked_device
    from training.results.report import report

    print(report(args.runs, args.output, args.samples, checked_device(args.device)))
    return 0


def rooms_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `rooms`."""
    parser.add_argument("--out", type=Path, required=True, help="folder to write: image/, depth/, label/, labels.json")
    parser.add_argument("--frames", type=int, default=1000, help="how many pictures (default: 1000)")
    parser.add_argument(
        "--seed", type=int, default=0, help="which series of rooms; no two series share a room (default: 0)"
    )
    parser.add_argument("--views-per-room", type=int, default=4, help="pictures of each room (default: 4)")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        default=(240, 320),
        help="of the pictures (default: 240 320)",
    )
    parser.add_argument(
        "--walk", action="store_true", help="moments of the live source's walk in its calm light, not random views"
    )
    parser.add_argument("--workers", type=int, help="processes; all cores if not given")
    add_examples(
        parser,
        ("pictures to train on", "train rooms --out rooms/train --frames 8000 --seed 1"),
        ("others to validate on", "train rooms --out rooms/val --frames 300 --seed 900001"),
    )


def rooms_run(args: argparse.Namespace) -> int:
    """Renders a labelled data set."""
    from training.preparation.rooms import write_rooms

    size = (args.size[0], args.size[1])
    kind: ViewKind = "walk" if args.walk else "random"
    print(write_rooms(args.out, args.frames, args.seed, args.views_per_room, size, args.workers, kind))
    return 0


def prepare_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `prepare`."""
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="the tree to write; running again goes on where it stopped",
    )
    parser.add_argument("--images", type=Path, help="SUNRGBD.zip or the unpacked folder SUNRGBD")
    parser.add_argument("--toolbox", type=Path, help="SUNRGBDtoolbox.zip or the unpacked folder SUNRGBDtoolbox")
    parser.add_argument("--download", action="store_true", help="fetch what is not given (about 6.4 GB), resuming")
    parser.add_argument("--limit", type=int, metavar="N", help="only so many frames, spread over sensors and splits")
    parser.add_argument("--sensors", nargs="+", choices=("kv1", "kv2", "realsense", "xtion"), help="only these cameras")
    parser.add_argument(
        "--polygons", action="store_true", help="labels from the annotation polygons, for frames without the toolbox"
    )
    parser.epilog = (
        "Below --out: label/ (label_polygons/ with --polygons) with one PNG a frame (0 void, 1..37), index.json, and\n"
        "what was unpacked from archives. Running it again with the other source of labels makes the tree use those.\n"
        "The exit code is 1 if a frame could not be used or the counts are not the published ones (10,335 frames:\n"
        "5,285 to train on, 5,050 to test on); what differs is named, and everything else is written."
    )
    add_examples(
        parser,
        ("the archives, as published", "train prepare --images SUNRGBD.zip --toolbox SUNRGBDtoolbox.zip --out sunrgbd"),
        ("fetch them; run it again to go on after a stop", "train prepare --download --out sunrgbd"),
        (
            "a part, to try things out",
            "train prepare --images SUNRGBD --toolbox SUNRGBDtoolbox --sensors kv1 --limit 200 --out part",
        ),
        ("single frames without the toolbox", "train prepare --images SUNRGBD --polygons --out frames"),
    )


def prepare_run(args: argparse.Namespace) -> int:
    """Makes the tree."""
    from training.preparation.sunrgbd import prepare

    print(
        prepare(
            args.out,
            images=args.images,
            toolbox=args.toolbox,
            download_missing=args.download,
            limit=args.limit,
            sensors=args.sensors,
            polygons=args.polygons,
        )
    )
    return 0


def bench_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `bench`."""
    from rgbd_seg.report import add_format_argument

    parser.add_argument(
        "--model",
        choices=("lite", "full"),
        default="lite",
        help="network of the recipe lite, or DeResUNet in full (default: lite)",
    )
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        default=(240, 320),
        help="input of the network (default: 240 320)",
    )
    parser.add_argument(
        "--batch-size", type=positive_int, default=6, metavar="N", help="pictures in a step (default: 6)"
    )
    parser.add_argument(
        "--batches", type=positive_int, default=10, metavar="N", help="steps that are measured (default: 10)"
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="loader processes (default: 1)")
    parser.add_argument("--device", default="cpu", help="where to run: cpu, cuda, mps (default: cpu)")
    parser.add_argument(
        "--precisions",
        nargs="+",
        choices=("float32", "bfloat16", "float16"),
        default=("float32", "bfloat16"),
        help="of the step, each measured by itself (default: float32 bfloat16)",
    )
    add_format_argument(parser)
    add_examples(
        parser,
        ("this processor", "train bench"),
        ("a graphics card", "train bench --model full --device cuda --workers 8 --precisions float32 float16 bfloat16"),
    )


def bench_run(args: argparse.Namespace) -> int:
    """Measures the loader and the step."""
    from training.device import checked_device
    from training.run.bench import BenchOptions, as_text, bench

    options = BenchOptions(
        model=args.model,
        size=(args.size[0], args.size[1]),
        batch_size=args.batch_size,
        batches=args.batches,
        workers=args.workers,
        device=checked_device(args.device),
        precisions=tuple(args.precisions),
    )
    print(as_text(bench(options), args.format))
    return 0


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]] = {
    "prepare": ("make the SUN RGB-D archives into a tree that trains", prepare_arguments, prepare_run),
    "rooms": ("render a labelled data set of synthetic rooms", rooms_arguments, rooms_run),
    "data": ("look at a data set before a run: class shares, void, holes, bad files", data_arguments, data_run),
    "repeat": ("train over folds or seeds; mean and deviation of the scores", repeat_arguments, repeat_run),
    "evaluate": ("score a checkpoint or a model file", evaluate_arguments, evaluate_run),
    "show": ("show a sample before and after augmentation", show_arguments, show_run),
    "report": ("draw curves, bars, confusion matrices and samples of runs", report_arguments, report_run),
    "bench": ("measure loader and training step on this machine", bench_arguments, bench_run),
    "export": ("make a checkpoint into a model file for the window", export_arguments, export_run),
}


# `training.run.fit` has their arguments.
LIGHTNING_COMMANDS = {
    "fit": "train by a recipe; every setting can be changed on the command line",
    "validate": "score a checkpoint on the validation pictures, as the run itself does",
    "test": "score a checkpoint on the test pictures, as the run itself does",
}


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; of `fit`, `validate` and `test`, which are Lightning's, only the names."""
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train DeResUNet: from pictures on disk to a model in the window.",
        epilog="python -m training COMMAND --help explains a command; rgbd-seg train COMMAND is the same.",
    )
    add_examples(
        parser,
        (
            "train a small network on a folder of your own",
            "train fit --config lite --data.init_args.root mine",
        ),
        ("score it", f"train evaluate {_RUN}/checkpoints/last.ckpt --data {_RUN}/config.yaml"),
        ("make it a model file", f"train export {_RUN}/checkpoints/last.ckpt -o mine.safetensors"),
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in LIGHTNING_COMMANDS.items():
        commands.add_parser(name, help=summary)
    for name, (summary, add_arguments, _) in COMMANDS.items():
        add_arguments(commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + "."))
    return parser
