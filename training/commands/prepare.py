"""`python -m training prepare`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rgbd_seg.arguments import add_examples

SUMMARY = "make the SUN RGB-D archives into a tree that trains"


def add_arguments(parser: argparse.ArgumentParser) -> None:
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


def run(args: argparse.Namespace) -> int:
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
