"""`rgbd-seg info`: what is inside a recording."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.recording.summary import RecordingSummary

_GAPS_SHOWN = 10
_TRUTH = {
    "source": "labels of the source itself, which knows every pixel",
    "hand": "labels made by hand",
    "imported": "labels that came with the data",
    "": "none",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    parser.epilog = "The exit code is 1 if --check found damaged frames."
    add_examples(parser, ("what is inside", "info walk.mcap"), ("read every frame", "info walk.mcap --check"))
    parser.add_argument("recording", help="a file or folder that rgbd-seg can replay, with options after ?")
    parser.add_argument("--check", action="store_true", help="read every frame, and count those that are damaged")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(args: argparse.Namespace) -> int:
    """Prints the summary; 1 if `--check` found damaged frames."""
    from rgbd_seg.commands.progress import percent_bar
    from rgbd_seg.recording.summary import summarise
    from rgbd_seg.sensors import open_any_recording, parse_uri
    from rgbd_seg.sensors.drivers.replay import OWN_OPTIONS

    uri = parse_uri(args.recording)
    options = {key: value for key, value in uri.options.items() if key not in OWN_OPTIONS}
    with open_any_recording(uri.rest, **options) as reader, percent_bar(shown=args.check) as show:
        summary = summarise(reader, check=args.check, progress=show)
    if args.json:
        print(json.dumps(summary.to_dict(), indent=2))
    else:
        _show(summary)
    return 1 if summary.damaged else 0


def _show(summary: RecordingSummary) -> None:
    from rgbd_seg.calibration import ORIGIN_WORDS

    lens, unit = summary.calibration.color, summary.calibration.depth_unit_m
    shortest, median, longest = summary.interval_ms
    calibration = summary.calibration
    rows = {
        "recording": f"{summary.path} ({summary.layout})",
        "source": summary.name,
        "pictures": f"{lens.width}x{lens.height}",
        "depth": f"in steps of {unit * 1000:g} mm ({ORIGIN_WORDS[calibration.unit_origin]}), "
        f"{'' if calibration.registered else 'not '}registered to colour "
        f"({ORIGIN_WORDS[calibration.registration_origin]})",
        "lens": f"fx {lens.fx:.1f}, fy {lens.fy:.1f}, cx {lens.cx:.1f}, cy {lens.cy:.1f} "
        f"({ORIGIN_WORDS[calibration.origin]})",
        "frames": f"{summary.frames} in {_clock(summary.duration_s)}, {summary.rate_hz:.2f} a second",
        "intervals": f"{median:.1f} ms usually, {shortest:.1f} to {longest:.1f} ms",
        "missing": summary.missing,
        "size": f"{_bytes(summary.size_bytes)}, {_bytes(summary.size_bytes / summary.frames)} a frame"
        + (f", {summary.size_bytes / 1e6 / summary.duration_s:.2f} MB/s" if summary.duration_s else ""),
        "truth": _TRUTH[summary.truth],
        "predictions": "; ".join(summary.predictions) or "none",
    }
    if summary.damaged is not None:
        rows["damaged"] = f"{summary.damaged} frames cannot be read" if summary.damaged else "no frame"
    rows |= {key.replace("_", " "): value for key, value in summary.details.items() if "\n" not in value}
    width = max(map(len, rows))
    for key, value in rows.items():
        print(f"{key:{width}}  {value:.300}")
    for topic, message, count in summary.streams:
        print(f"{'':{width}}  {count:7} {message} on {topic}")
    for gap in summary.gaps[:_GAPS_SHOWN]:
        print(f"{'':{width}}  {gap} missing after frame {gap.after}, {gap.seconds:.2f} s: {gap.reason}")
    if len(summary.gaps) > _GAPS_SHOWN:
        print(f"{'':{width}}  and {len(summary.gaps) - _GAPS_SHOWN} more gaps (see --json)")
    for note in summary.notes:
        print(f"note: {note}")
    for warning in summary.warnings:
        print(f"warning: {warning}", file=sys.stderr)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)} min {rest:.0f} s" if minutes else f"{seconds:.2f} s"


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"
