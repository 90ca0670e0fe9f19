"""`rgbd-seg model calibrate`: makes a model's int8 form for this user from a recording, and says what it loses."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

SUMMARY = "calibrate a model for int8 on a recording of yours, and say what that loses"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, size_argument

    add_examples(
        parser,
        ("calibrate on a walk through your rooms", "model calibrate mine.safetensors walk.mcap"),
        ("and use it", "window --model mine.safetensors --precision int8"),
    )
    parser.add_argument("file", help='the model file (.safetensors), or "real", "real-fine" or "demo"')
    parser.add_argument("recording", help="a recording of what the model will see")
    parser.add_argument(
        "--frames", type=int, default=32, metavar="N", help="frames to use, evenly spread (default: %(default)s)"
    )
    parser.add_argument("--size", type=size_argument, metavar="HxW", help="network input (default: the card's)")


def run(args: argparse.Namespace) -> int:
    """Calibrates; --precision int8 uses the result from then on."""
    import numpy as np

    from rgbd_seg.assets import model_path
    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference.openvino.int8 import MIN_FRAMES, calibrate
    from rgbd_seg.sensors import open_any_recording

    if args.frames < MIN_FRAMES:
        raise ConfigurationError(f"--frames must be at least {MIN_FRAMES}, not {args.frames}")
    with open_any_recording(args.recording) as recording:
        count = min(args.frames, len(recording))
        stored = [recording.read(int(i)) for i in np.linspace(0, len(recording) - 1, count)]
    frames = [RgbdFrame(s.color, s.depth, s.calibration, i, host_ns=0) for i, s in enumerate(stored)]

    def show(stage: str, share: float) -> None:
        print(f"{share:4.0%} {stage}", file=sys.stderr)

    agreement = calibrate(model_path(args.file), frames, Path(args.recording).name, args.size, show)
    print(f"int8 gives {agreement}")
    return 0
