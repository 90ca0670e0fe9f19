"""`rgbd-seg convert`: a recording into another format, whole or a range, with predicted labels when asked."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rgbd_seg.recording.convert import Damage
    from rgbd_seg.recording.exports.formats import ExportSource
    from rgbd_seg.recording.reader import StoredFrame
    from rgbd_seg.sensors import Uri


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, positive_int
    from rgbd_seg.coloring import OPACITY
    from rgbd_seg.recording.exports.formats import formats

    rows = "\n".join(f"  {name:8} {f.suffix or 'folder':7} {f.summary}" for name, f in formats().items())
    parser.epilog = (
        f"formats:\n{rows}\n\nDepth keeps every bit in mcap, folder and voc, and in sunrgbd if it is in millimetres.\n"
        "The exit code is 1 if anything had to be left out, such as a damaged frame; everything else is written then."
    )
    add_examples(
        parser,
        ("a recording of OpenNI into ours, every bit kept", "convert old.oni new.mcap --color png"),
        (
            "seconds 10 to 20 as a video with the labels of the demo model",
            "convert walk.mcap walk.mp4 --seconds 10:20 --predict",
        ),
        ("pictures and label maps for training", "convert walk.mcap walk-sunrgbd --to sunrgbd"),
        ("every tenth frame as pictures to label", "convert walk.mcap walk-tenth --every 10"),
        ("clouds of points of ten frames", "convert walk.mcap clouds --to ply --frames 120:130"),
    )
    parser.add_argument("input", help="a recording: .mcap, .db3, .bag, .oni, a folder in any layout, or a URI")
    parser.add_argument("output", type=Path, help="the file or folder to make; nothing is ever overwritten")
    parser.add_argument("--to", choices=tuple(formats()), help="format (default: by the suffix; folder without one)")
    parser.add_argument("--frames", metavar="A:B", help="only frames A to B, B not included; either may be missing")
    parser.add_argument("--seconds", metavar="A:B", help="only this part of the time, in seconds from the start")
    parser.add_argument("--every", type=positive_int, default=1, metavar="N", help="only every Nth frame (default: 1)")
    parser.add_argument("--color", choices=("png", "jpg"), help="png keeps every bit (default: what the format has)")
    parser.add_argument(
        "--model",
        metavar="FILE",
        help='write labels that this model ("real", "real-fine", "demo": ours) predicts, not recorded ones',
    )
    parser.add_argument("--predict", dest="model", action="store_const", const="real", help="the same as --model real")
    parser.add_argument("--backend", default="auto", help="what runs the model (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="where it runs (default: %(default)s)")
    parser.add_argument(
        "--opacity", type=float, default=OPACITY, metavar="X", help="of labels in a video (default: %(default)s)"
    )
    parser.add_argument(
        "--cloud-step", type=int, default=1, metavar="N", help="only every Nth pixel of every Nth row (default: 1)"
    )
    parser.add_argument(
        "--cloud-colors", choices=("camera", "labels"), default="camera", help="of the points (default: camera)"
    )


def run(args: argparse.Namespace) -> int:
    """Converts; 1 if something had to be left out."""
    from rgbd_seg.assets import model_path
    from rgbd_seg.commands.progress import progress_bar
    from rgbd_seg.inference import open_segmenter
    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.recording.convert import Damage, convert
    from rgbd_seg.recording.exports.formats import ExportOptions, format_of

    format_of(args.output, args.to)
    options = ExportOptions(
        color=args.color, opacity=args.opacity, cloud_step=args.cloud_step, cloud_colors=args.cloud_colors
    )
    damage = Damage()
    with ExitStack() as stack:
        frames, total, source, warnings = _frames(args, stack, damage)
        annotate = None
        if args.model:
            segmenter_options = SegmenterOptions(backend=args.backend, device=args.device)
            annotate = stack.enter_context(open_segmenter(model_path(args.model), segmenter_options))
        show = stack.enter_context(progress_bar(source.name))
        result = convert(
            frames,
            args.output,
            source,
            to=args.to,
            options=options,
            annotate=annotate,
            total=total,
            progress=show,
        )
        warnings += damage.sentences + list(result.warnings)
    for warning in warnings:
        print(f"rgbd-seg: {warning}", file=sys.stderr)
    if result.note:
        print(f"rgbd-seg: {result.note}", file=sys.stderr)
    left_out = f", {len(damage.sentences)} unreadable left out" if damage.sentences else ""
    print(f"{result.path}: {result.frames} frames{left_out}")
    return 1 if warnings else 0


def _frames(
    args: argparse.Namespace, stack: ExitStack, damage: Damage
) -> tuple[Iterator[StoredFrame], int | None, ExportSource, list[str]]:
    """The frames of the input, their number if it is known, where they come from, and what is wrong with it."""
    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.recording.convert import source_of, stored_frames
    from rgbd_seg.recording.exports.formats import ExportSource
    from rgbd_seg.sensors import open_any_recording, open_sensor, parse_uri
    from rgbd_seg.sensors.offline import stored_frames_of

    uri = parse_uri(args.input)
    if uri.scheme != "file":
        start, stop = _range(args.frames, "--frames")
        if start or args.seconds:
            raise ConfigurationError(f"{args.input} can only be read from its start: use --frames :N")
        if stop is None and not uri.rest.startswith("file:"):
            raise ConfigurationError(f"{args.input} has no end: use --frames :N, or rgbd-seg record")
        sensor = stack.enter_context(open_sensor(_unpaced(uri)))
        limit = None if stop is None else int(stop)
        info = sensor.info
        details = dict(info.details) | {"uri": info.uri, "serial": info.serial}
        warnings: list[str] = []

        if args.every > 1:
            raise ConfigurationError(f"{args.input} is read frame by frame: --every is for recordings")

        def watched() -> Iterator[StoredFrame]:
            try:
                yield from stored_frames_of(sensor, limit)
            finally:
                warnings.extend(sensor.warnings)

        return watched(), limit, ExportSource(info.name, details), warnings
    reader = stack.enter_context(open_any_recording(uri.rest, **uri.options))
    if args.frames and args.seconds:
        raise ConfigurationError("give --frames or --seconds, not both")
    if args.seconds:
        first_s, last_s = _range(args.seconds, "--seconds")
        times_s = reader.times_us / 1e6
        start = int((times_s < first_s).sum())
        stop = len(reader) if last_s is None else int((times_s < last_s).sum())
    else:
        start, stop = _range(args.frames, "--frames")
    begin, end = int(start), len(reader) if stop is None else min(int(stop), len(reader))
    frames = stored_frames(reader, begin, end, damage, args.every)
    return frames, -(-(end - begin) // args.every), source_of(reader, args.every), list(reader.info.warnings)


def _unpaced(uri: Uri) -> str:
    """The source's name; a vendor's recording is read as fast as it can be where its driver has that option."""
    if uri.scheme not in ("openni", "realsense") or not uri.rest.startswith("file:") or "realtime" in uri.options:
        return uri.text
    return f"{uri.text}{'&' if uri.options else '?'}realtime=no"


def _range(text: str | None, option: str) -> tuple[float, float | None]:
    """The two ends of A:B.

    Raises:
        ConfigurationError: It is no range.
    """
    from rgbd_seg.errors import ConfigurationError

    if text is None:
        return 0, None
    first, colon, last = text.partition(":")
    try:
        start, stop = float(first or 0), float(last) if last else None
    except ValueError:
        start, stop = -1.0, None
    if not colon or not start >= 0 or (stop is not None and not stop > start):
        raise ConfigurationError(f"{option} must look like 10:200, 10: or :200, not {text!r:.80}")
    return start, stop
