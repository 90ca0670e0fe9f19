"""`python -m training rooms`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rgbd_seg.arguments import add_examples

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.scenes.training_views import ViewKind

SUMMARY = "render a labelled data set of synthetic rooms"


def add_arguments(parser: argparse.ArgumentParser) -> None:
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


def run(args: argparse.Namespace) -> int:
    from training.preparation.rooms import write_rooms

    size = (args.size[0], args.size[1])
    kind: ViewKind = "walk" if args.walk else "random"
    print(write_rooms(args.out, args.frames, args.seed, args.views_per_room, size, args.workers, kind))
    return 0
