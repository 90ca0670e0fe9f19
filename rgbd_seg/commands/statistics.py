"""`rgbd-seg statistics`: what is in view over a whole recording, by class: how long, from when on, how large."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.pipeline.offline.class_statistics import RecordingStatistics

_EPILOG = """\
A class counts as in view from 0.2 % of the picture on; shares and areas are means over the frames in which it is, and
the largest. Areas are visible surfaces from depth in square metres, slant included, parts without depth not counted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, positive_int

    parser.epilog = _EPILOG
    add_examples(
        parser,
        ("with the labels that the recording has", "statistics walk.mcap"),
        (
            "segmented anew by a model, every fifth frame, as a table for a spreadsheet",
            "statistics walk.mcap --predict --every 5 --csv walk.csv",
        ),
    )
    parser.add_argument("input", help="a recording, a folder in any layout, with options behind it as in a URI")
    parser.add_argument("--every", type=positive_int, default=1, metavar="N", help="only every Nth frame (default: 1)")
    parser.add_argument(
        "--model",
        metavar="FILE",
        help='labels that this model ("real", "real-fine", "demo": ours) predicts, not recorded ones',
    )
    parser.add_argument("--predict", dest="model", action="store_const", const="real", help="the same as --model real")
    parser.add_argument("--backend", default="auto", help="what runs the model (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="where it runs (default: %(default)s)")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write the table there; nothing is overwritten")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(args: argparse.Namespace) -> int:
    """Counts; 1 if frames had to be left out."""
    import json
    from dataclasses import asdict

    from rgbd_seg.assets import model_path
    from rgbd_seg.commands.progress import progress_bar
    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.inference import open_segmenter
    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.pipeline.offline.statistics_job import count_recording
    from rgbd_seg.recording.convert import Damage
    from rgbd_seg.sensors import open_any_recording, parse_uri

    uri = parse_uri(args.input)
    if uri.scheme != "file":
        raise ConfigurationError(f"{args.input} has no end: record it first, then count the recording")
    if args.csv is not None and args.csv.exists():
        raise ConfigurationError(f"{args.csv} exists already: name a new file")
    damage = Damage()
    with ExitStack() as stack:
        reader = stack.enter_context(open_any_recording(uri.rest, **uri.options))
        annotate = None
        if args.model:
            options = SegmenterOptions(backend=args.backend, device=args.device)
            annotate = stack.enter_context(open_segmenter(model_path(args.model), options))
        show = stack.enter_context(progress_bar(reader.info.name))
        result = count_recording(reader, args.every, damage, annotate=annotate, progress=show)
    for sentence in damage.sentences:
        print(f"rgbd-seg: {sentence}", file=sys.stderr)
    if args.csv is not None:
        try:
            with args.csv.open("x", newline="", encoding="utf-8") as file:
                result.write_csv(file)
        except OSError as error:
            raise ConfigurationError(f"{args.csv} cannot be written: {error.strerror or error}") from None
    print(json.dumps(asdict(result), indent=2)) if args.json else _show(result)
    return 1 if damage.sentences else 0


def _show(result: RecordingStatistics) -> None:
    width = max(len(one.name) for one in result.classes)
    print(f"{result.frames} frames, {result.seconds:.1f} s, {result.labels}")
    print(f"{'':{width}}  seconds  of all    first     last  picture  at most  area m²  at most")
    for one in result.classes:
        areas = "".join(f"  {'-' if m2 is None else f'{m2:.2f}':>7}" for m2 in (one.mean_area_m2, one.largest_area_m2))
        print(
            f"{one.name:{width}}  {one.seconds:7.1f}  {one.share_of_time:6.0%}  {one.first_s:7.1f}  {one.last_s:7.1f}"
            f"  {one.mean_share:7.1%}  {one.largest_share:7.1%}{areas}"
        )
