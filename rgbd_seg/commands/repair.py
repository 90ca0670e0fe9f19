"""`rgbd-seg repair`: a whole copy of a damaged recording."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    add_examples(
        parser,
        ("save what can be read into cut-off.repaired.mcap", "repair cut-off.mcap"),
        ("the same under a name of your own", "repair cut-off.mcap -o whole.mcap"),
    )
    parser.add_argument("file", type=Path, help="the .mcap recording; it is only read")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where the copy goes (default: FILE.repaired.mcap beside it)"
    )


def run(args: argparse.Namespace) -> int:
    """Checks the recording and writes a copy if it is damaged."""
    from rgbd_seg.commands.progress import percent_bar
    from rgbd_seg.recording.mcap.repair import repair

    with percent_bar() as show:
        report = repair(args.file, args.output, show)
    if report.copy is None:
        print(
            f"{report.source} is whole: {report.frames} frames in {report.chunks} chunks. There is nothing to repair."
        )
        return 0
    lost = sum(gap.frames for gap in report.gaps if gap.reason == "unreadable")
    print(
        f"{report.copy}: {report.frames} frames saved. Left out: {report.lost_chunks} damaged chunks, "
        f"{report.skipped_bytes} unreadable bytes, {lost} frames known to be missing between others. "
        f"{report.source} was not changed."
    )
    return 0
