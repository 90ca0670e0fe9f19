"""`rgbd-seg segment`: recordings or a camera into label maps, pictures or videos, tables of class areas, and scores."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.pipeline.offline.segment_source import SegmentOptions, SegmentResult
    from rgbd_seg.sensors.sensor import Sensor

_EPILOG = """\
In the folder: labels/NNNNNN.png (class ids, 8-bit grey), overlay/NNNNNN.png or overlay.mp4, areas.csv (pixels, share
and median distance of each class in each frame), labels.json (what the ids mean), segment.json (what was done), and
scores.json where the source has labels of its own to compare with (also added up over all sources, beside their
folders).
The exit code is 1 if anything had to be left out, such as a damaged frame; everything else is written then. Ctrl-C
finishes the files with the frames so far.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, share
    from rgbd_seg.coloring import OPACITY

    parser.epilog = _EPILOG.strip()
    add_examples(
        parser,
        ("a recording into pictures with the demo model", "segment walk.mcap -o walk-labels"),
        ("ten seconds of a camera into a video", "segment realsense: -o now --frames 300 --video"),
        (
            "steady labels of your own model, certain ones only",
            "segment walk.mcap -o out --model mine.safetensors --smoothing high --min-confidence 0.5",
        ),
        (
            "a whole archive on a Ray cluster; run it again to go on after a stop",
            "segment archive/*.mcap -o results --cluster auto",
        ),
    )
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="recordings, folders, or a camera by its URI")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        required=True,
        help="folder for the results; one folder for each of several sources",
    )
    parser.add_argument(
        "--model", default="real", metavar="FILE", help="model file, or real (default), real-fine or demo (ours)"
    )
    parser.add_argument(
        "--frames", type=int, metavar="N", help="only the first so many frames (default: all; a camera: until Ctrl-C)"
    )
    parser.add_argument("--video", action="store_true", help="one overlay.mp4 instead of a picture for each frame")
    parser.add_argument(
        "--opacity", type=float, default=OPACITY, metavar="X", help="of the labels, 0..1 (default: %(default)s)"
    )
    parser.add_argument("--backend", default="auto", help="auto, torch, openvino or onnxruntime (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps, ... (default: %(default)s)")
    parser.add_argument("--precision", default="auto", help="auto, float32, float16, bfloat16, int8 (default: auto)")
    parser.add_argument("--smoothing", choices=("off", "low", "high"), default="off", help="over time (default: off)")
    parser.add_argument(
        "--min-confidence",
        type=share,
        default=0.0,
        metavar="X",
        help="below it pixels stay unlabelled, 0..1 (default: 0)",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="give the recordings out to the Ray cluster there (auto, HOST:6379, ray://HOST:10001; local: all cores of "
        "this machine), and leave out what an earlier run has finished",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace results of an earlier run")


def run(args: argparse.Namespace) -> int:
    """Segments every source; 1 if something had to be left out."""
    from rgbd_seg.assets import model_path
    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.pipeline.offline.segment_source import SegmentOptions
    from rgbd_seg.sensors import open_sensor

    options = SegmentOptions(args.frames, args.video, args.opacity, args.overwrite)
    model = model_path(args.model)
    segmenter_options = SegmenterOptions(
        backend=args.backend,
        device=args.device,
        precision=args.precision,
        smoothing=args.smoothing,
        min_confidence=args.min_confidence,
    )
    # Everything that can be refused is refused before a model is loaded.
    with ExitStack() as stack:
        sensors = []
        for source in args.sources:
            sensors.append(open_sensor(source))
            stack.callback(sensors[-1].close)
        outputs = _outputs(args.output, [sensor.info.name for sensor in sensors])
        if args.cluster:
            from rgbd_seg.commands.segment_cluster import segment_on_cluster

            stack.close()  # The workers open them.
            results = segment_on_cluster(args.sources, outputs, model, segmenter_options, options, args.cluster)
        else:
            results = _segment_here(sensors, outputs, model, segmenter_options, options)
        return _report_all(results, args.output, len(outputs))


def _segment_here(
    sensors: Sequence[Sensor],
    outputs: Sequence[Path],
    model: Path,
    segmenter_options: SegmenterOptions,
    options: SegmentOptions,
) -> Iterator[SegmentResult]:
    """One source after the other, with one model for all."""
    from rgbd_seg.commands.progress import progress_bar
    from rgbd_seg.commands.stop_signals import stop_signals
    from rgbd_seg.inference import open_segmenter
    from rgbd_seg.pipeline.offline.segment_source import prepare_folder, segment_source

    for output in outputs:
        prepare_folder(output, overwrite=options.overwrite)
    with open_segmenter(model, segmenter_options) as segmenter:
        for note in segmenter.info.notes:
            print(f"rgbd-seg: {note}", file=sys.stderr)
        for sensor, output in zip(sensors, outputs, strict=True):
            segmenter.reset()
            with progress_bar(sensor.info.name) as show, stop_signals() as stopped:
                result = segment_source(
                    sensor, segmenter, output, options, progress=show, cancelled=partial(bool, stopped)
                )
            yield result
            if stopped:  # What is there is complete up to here, and has been said.
                raise SystemExit(128 + stopped[0])


def _report_all(results: Iterable[SegmentResult | None], folder: Path, sources: int) -> int:
    """Says what was done as it comes in, and adds the scores up; 1 if something had to be left out."""
    from rgbd_seg.pipeline.offline.segment_source import SCORES_FILE, write_scores
    from rgbd_seg.scores import Scores

    total, failed, incomplete = Scores(), 0, False
    for result in results:
        if result is None:
            failed += 1
            continue
        incomplete |= _report(result)
        if result.scores is not None:
            total.merge(result.scores)
    if sources > 1 and total.frames:
        print(f"{sources - failed} of {sources} sources: {total}")
        if not failed:
            write_scores(folder / SCORES_FILE, total)
    return 1 if failed or incomplete else 0


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
    scores = f"; {result.scores}" if result.scores is not None else ""
    print(f"{result.output}: {result.frames} frames segmented{left_out}{scores}")
    return bool(result.warnings)


def _file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in text).strip(".") or "source"
