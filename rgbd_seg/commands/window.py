"""`rgbd-seg [SOURCE]`: the window."""

from __future__ import annotations

import argparse
from pathlib import Path

from rgbd_seg.assets import BUNDLED_MODELS
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.system.screen import screen_problem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this command; what is not given is as it was when the window was last closed."""
    from rgbd_seg.arguments import add_examples

    parser.epilog = "What is not given is as it was when the window was last closed."
    add_examples(
        parser,
        ("choose a source in the window", "window"),
        ("a camera, or a recording", "window realsense:"),
        (
            "your own model in int8, after rgbd-seg model calibrate",
            "window walk.mcap --model mine.safetensors --precision int8",
        ),
    )
    parser.add_argument("source", nargs="?", help="a URI such as synthetic:?seed=3 or realsense:SERIAL, or a path")
    parser.add_argument("--model", metavar="FILE", help='a model file, "real", "real-fine" or "demo" (ours), or "none"')
    parser.add_argument("--backend", help="auto, openvino, torch or onnxruntime")
    parser.add_argument("--device", help="auto, cpu, cuda, cuda:1, gpu, npu, mps")
    parser.add_argument("--precision", help="auto, float32, bfloat16, float16 or int8")
    parser.add_argument("--unaligned", action="store_true", help="take depth as the camera sees it")
    parser.add_argument("--views", type=int, choices=(1, 2, 4), help="how many views to show")
    parser.add_argument("--theme", choices=("system", "dark", "light"), help="colours of the window")
    parser.add_argument("--full-screen", action="store_true", help="cover the whole screen")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="keep settings in this file")


def run(args: argparse.Namespace) -> int:
    """Opens the window; returns when it is closed."""
    if args.source and ":" not in args.source and not Path(args.source.partition("?")[0]).exists():
        raise ConfigurationError(
            f"there is no command, file or folder {args.source}: rgbd-seg --help lists the commands, rgbd-seg devices "
            "the cameras"
        )
    from rgbd_seg.app.settings import PRECISIONS
    from rgbd_seg.inference.available import backends

    for name, known in (("backend", ("auto", *backends())), ("precision", PRECISIONS)):
        value = getattr(args, name)
        if value not in (None, *known):  # Before it is remembered: every later start would fail with it.
            raise ConfigurationError(f"--{name} {value}: there are {', '.join(known)}")
    problem = screen_problem()
    if problem:
        raise ConfigurationError(
            f"{problem}. rgbd-seg demo runs without a display; rgbd-seg segment SOURCE -o DIR segments a source into "
            "files; over SSH, ssh -X brings the window to your screen"
        )
    from rgbd_seg.app.application import Launch
    from rgbd_seg.app.application import run as run_window

    model = "" if args.model == "none" else args.model
    if model not in (None, "", *BUNDLED_MODELS) and not Path(model).is_file():
        raise ConfigurationError(f"there is no model file {model}")
    return run_window(
        Launch(
            source=args.source,
            model=model,
            backend=args.backend,
            device=args.device,
            precision=args.precision,
            registered=not args.unaligned,
            views=args.views,
            theme=args.theme,
            full_screen=args.full_screen,
            settings=args.settings,
        )
    )
