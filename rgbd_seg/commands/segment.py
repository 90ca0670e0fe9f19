"""`rgbd-seg segment`: a recording or a camera into label maps, pictures or a video, and a table of class areas."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.pipeline.segment_source import SegmentResult

_EPILOG = """\
In the folder: labels/NNNNNN.png (class ids, 8-bit grey), overlay/NNNNNN.png or overlay.mp4, areas.csv (pixels, share
and median distance of each class in each frame), labels.json (what the ids mean), segment.json (what was done).
The exit code is 1 if anything had to be left out, such as a damaged frame; everything else is written then.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this command."""
    import argparse

    from rgbd_seg.coloring import OPACITY

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="recordings, folders, or a camera by its URI")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="folder for the results; one folder for each of several sources",
    )
    parser.add_argument("--model", type=Path, help="model file (default: the demo model)")
    parser.add_argument("--frames", type=int, help="only the first so many frames")
    parser.add_argument("--video", action="store_true", help="one overlay.mp4 instead of a picture for each frame")
    parser.add_argument("--opacity", type=float, default=OPACITY, help="of the labels, 0..1 (default: %(default)s)")
    parser.add_argument("--backend", default="auto", help="auto, torch, openvino or onnxruntime (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps, ... (default: %(default)s)")
    parser.add_argument("--precision", default="auto", help="auto, float32, float16, bfloat16, int8 (default: auto)")
    parser.add_argument("--smoothing", choices=("off", "low", "high"), default="off", help="over time (default: off)")
    parser.add_argument(
        "--min-confidence", type=float, default=0.0, help="below it pixels stay unlabelled, 0..1 (default: 0)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace results of an earlier run")


def run(args: argparse.Namespace) -> int:
    """Segments every source; 1 if something had to be left out."""
    from rgbd_seg.assets import asset
    from rgbd_seg.commands.progress import progress_bar
    from rgbd_seg.errors import ModelError
    from rgbd_seg.inference import open_segmenter
    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.pipeline.segment_source import SegmentOptions, prepare_folder, segment_source
    from rgbd_seg.sensors import open_sensor

    options = SegmentOptions(args.frames, args.video, args.opacity, args.overwrite)
    try:
        model = args.model or asset("models/demo.safetensors")
    except FileNotFoundError as error:
        raise ModelError(f"{error}, or name a model with --model") from None
    segmenter_options = SegmenterOptions(
        backend=args.backend,
        device=args.device,
        precision=args.precision,
        smoothing=args.smoothing,
        min_confidence=args.min_confidence,
    )
    incomplete = False
    with ExitStack() as stack:
        # Everything that can be refused is refused before a model is loaded.
        sensors = []
        for source in args.sources:
            sensors.append(open_sensor(source))
            stack.callback(sensors[-1].close)
        outputs = _outputs(args.output, [sensor.info.name for sensor in sensors])
        for output in outputs:
            prepare_folder(output, overwrite=args.overwrite)
        segmenter = stack.enter_context(open_segmenter(model, segmenter_options))
        for note in segmenter.info.notes:
            print(f"rgbd-seg: {note}", file=sys.stderr)
        for sensor, output in zip(sensors, outputs, strict=True):
            segmenter.reset()
            with progress_bar(sensor.info.name) as show:
                result = segment_source(sensor, segmenter, output, options, progress=show)
            incomplete |= _report(result)
    return 1 if incomplete else 0


def _outputs(folder: Path, names: list[str]) -> list[Path]:
    """The folder itself for one source, a numbered one in it for each of several."""
    if len(names) == 1:
        return [folder]
    return [folder / f"{number:03d}-{_file_name(name)}" for number, name in enumerate(names)]


def _report(result: SegmentResult) -> bool:
    """Says what was done; True if something was left out."""
    for warning in result.warnings:
        print(f"rgbd-seg: {warning}", file=sys.stderr)
    left_out = f", {result.unreadable} unreadable left out" if result.unreadable else ""
    print(f"{result.output}: {result.frames} frames segmented{left_out}")
    return bool(result.warnings)


def _file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in text).strip(".") or "source"
