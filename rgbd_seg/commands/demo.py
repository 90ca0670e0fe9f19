"""`rgbd-seg demo`: the built-in room with the demo model, in the window or, without a display, into files."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rgbd_seg.commands import window
from rgbd_seg.system.screen import screen_problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rgbd_seg.frame import Segmentation
    from rgbd_seg.inference.segmenter import SegmenterInfo
    from rgbd_seg.pipeline.live import LivePipeline

SOURCE = "synthetic:?room=living&seed=7"
_VIDEO_FPS = 10
_FIRST_RESULT_S = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    add_examples(
        parser,
        ("the room in the window", "demo"),
        (
            "ten seconds of another room into out/demo.png and out/demo.mp4",
            "demo --headless --seconds 10 --source 'synthetic:?room=kitchen&seed=2'",
        ),
    )
    parser.add_argument("--headless", action="store_true", help="no window even where there is a display")
    parser.add_argument("--source", default=SOURCE, help="another source (default: %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=6.0, metavar="S", help="how long to run headless (default: %(default)s)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("out"), metavar="DIR", help="of the pictures (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Opens the window, or runs the same pipeline headless for a while and leaves demo.png and demo.mp4."""
    problem = "" if args.headless else screen_problem()
    if problem:
        print(f"{problem[:1].upper()}{problem[1:]}.", flush=True)
    elif not args.headless:
        parser = argparse.ArgumentParser(prog="rgbd-seg window")
        window.add_arguments(parser)
        return window.run(parser.parse_args([args.source, "--model", "demo"]))
    return _run_headless(args.source, args.seconds, args.output)


def _run_headless(source: str, seconds: float, folder: Path) -> int:
    from rgbd_seg.assets import DEMO, model_path
    from rgbd_seg.errors import ConfigurationError, RgbdSegError
    from rgbd_seg.inference import open_segmenter
    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.pipeline.live import LivePipeline
    from rgbd_seg.pipeline.status import losses_text
    from rgbd_seg.recording.pictures.saving import write_color
    from rgbd_seg.sensors import open_sensor

    if not 0 < seconds <= 3600:
        raise ConfigurationError(f"--seconds must be more than 0 and at most 3600, not {seconds:g}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ConfigurationError(f"cannot make the folder {folder}: there is a file of that name") from None
    except OSError as error:
        raise RgbdSegError(f"cannot make the folder {folder}: {error.strerror}") from None
    print("No window: the same pipeline runs headless. Loading the model ...", flush=True)
    sensor = open_sensor(source)
    segmenter = open_segmenter(model_path(DEMO), SegmenterOptions())
    _print_model(segmenter.info)
    pipeline = LivePipeline(sensor, segmenter=segmenter)
    pipeline.start()
    try:
        last = _film(pipeline, seconds, folder / "demo.mp4")
        status = pipeline.status()
    finally:
        pipeline.stop()
    if last is None:
        raise RgbdSegError(status.error or f"no frame came from {source} within {_FIRST_RESULT_S:g} s")
    write_color(folder / "demo.png", _picture(last))
    print(f"source         {sensor.info.name}, {last.frame.width}x{last.frame.height}")
    print(f"captured       {status.captured} frames, {status.capture_fps:.1f} fps, {losses_text(status)}")
    print(f"segmented      {status.segmented} frames, {status.segment_fps:.1f} fps, {status.behind_ms:.0f} ms behind")
    for stage, milliseconds in status.stage_ms.items():
        print(f"  {stage:12} {milliseconds:7.1f} ms")
    print(f"picture        {folder / 'demo.png'}")
    print(f"video          {folder / 'demo.mp4'}")
    return 0


def _print_model(info: SegmenterInfo) -> None:
    print(f"model          {info.model}, trained on {info.trained_on}")
    print(f"runs on        {info.backend}, {info.device}, {info.precision}: {info.reason}")


def _film(pipeline: LivePipeline, seconds: float, path: Path) -> Segmentation | None:
    """Writes the newest result a few times a second; returns the last one. The clock starts with the first result."""
    from rgbd_seg.recording.pictures.video import VideoWriter

    last = pipeline.results.take(_FIRST_RESULT_S)
    if last is None:
        return None
    with VideoWriter(path, _VIDEO_FPS) as video:
        begin = time.monotonic()
        while (elapsed := time.monotonic() - begin) < seconds:
            result = pipeline.results.take(timeout_s=1 / _VIDEO_FPS)
            if result is None and pipeline.results.closed:
                break
            last = result or last
            if result is not None:
                video.write(_picture(last), elapsed)
    return last


def _picture(segmentation: Segmentation) -> NDArray[np.uint8]:
    """Camera, labels over it, and depth side by side: (H, 3 W, 3) uint8 RGB."""
    import numpy as np

    from rgbd_seg.coloring import depth_ends_m, paint_depth, paint_overlay

    frame = segmentation.frame
    unit_m = frame.calibration.depth_unit_m
    near_m, far_m = depth_ends_m(frame.depth, unit_m)
    overlay = frame.color
    if segmentation.labels is not None and segmentation.label_set is not None:
        overlay = paint_overlay(frame.color, segmentation.labels, segmentation.label_set.palette())
    return np.ascontiguousarray(np.hstack([frame.color, overlay, paint_depth(frame.depth, unit_m, near_m, far_m)]))
