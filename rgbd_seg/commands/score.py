"""`rgbd-seg score`: any models against the labels of a folder or recording, by class, with the worst frames."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.pipeline.offline.score_source import SourceScore

_EPILOG = """\
Classes are matched by name; --map says what else is one and the same, and what is not compared is named. Void is left
out. The mean is over the classes that occur in labels or predictions; where models know different ones, there is
another over the classes of all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    parser.epilog = _EPILOG
    add_examples(
        parser,
        ("the model that comes with the program on your own labels", "score demo mine"),
        (
            "an old and a new one, and a page",
            "score old.safetensors new.safetensors mine --html page.html",
        ),
        ("labels with other classes", "score demo mine --map seat=chair,stool"),
    )
    parser.add_argument("models", nargs="+", metavar="MODEL", help="model files, or real, real-fine or demo (ours)")
    parser.add_argument("source", metavar="FOLDER", help="a labelled folder or recording")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="NAME=CLASS[,CLASS]",
        help="classes of a model or the labels that are one and the same; may be repeated",
    )
    parser.add_argument("--backend", default="auto", help="auto, torch, openvino or onnxruntime (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps, ... (default: %(default)s)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write a page with confusion and worst frames")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(args: argparse.Namespace) -> int:
    """Scores every model, one after the other."""
    from rgbd_seg.assets import model_path
    from rgbd_seg.class_matching import parse_mapping
    from rgbd_seg.commands.progress import progress_bar
    from rgbd_seg.inference import open_segmenter
    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.pipeline.offline.score_report import score_page
    from rgbd_seg.pipeline.offline.score_source import score_source
    from rgbd_seg.sensors import open_sensor

    mapping = parse_mapping(args.map)
    options = SegmenterOptions(backend=args.backend, device=args.device)
    scores: list[SourceScore] = []
    for model in args.models:
        sensor = open_sensor(args.source)
        with open_segmenter(model_path(model), options) as segmenter:
            for note in segmenter.info.notes:
                print(f"rgbd-seg: {note}", file=sys.stderr)
            with progress_bar(segmenter.info.model) as show:
                scores.append(score_source(sensor, segmenter, mapping=mapping, progress=show))
    if args.html is not None:
        args.html.write_text(score_page(args.source, scores), encoding="utf-8")
    if args.json:
        print(json.dumps([score.to_dict() for score in scores], indent=2))
    else:
        _show(scores)
    return 0


def _show(scores: list[SourceScore]) -> None:
    """A table with a column for each model."""
    from rgbd_seg.pipeline.offline.score_table import score_rows

    found, rows = [score.to_dict() for score in scores], score_rows(scores)
    width = max(len(row.name) for row in rows)
    print(f"{'':{width}}" + "".join(f"  {score.model[:16]:>16}" for score in scores))
    for row in rows:
        print(f"{row.name:{width}}" + "".join(f"  {_text(value):>16}" for value in row.values))
    for score, one in zip(scores, found, strict=True):
        worst = ", ".join(f"{entry['frame']} ({_text(entry['mean_iou'])})" for entry in one["worst"])
        print(f"{score.model}: {score.frames} frames with labels; worst: {worst}")
        if score.note:
            print(f"{score.model}: {score.note}")


def _text(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.4f}"
