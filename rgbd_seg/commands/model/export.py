"""`rgbd-seg model export`: a model file for other programs, with everything from camera bytes to labels inside."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "write a model as ONNX, OpenVINO or a PyTorch program, and check that it gives the same labels"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, size_argument

    add_examples(
        parser,
        ("for ONNX Runtime, beside the model file", "model export mine.safetensors --to onnx"),
        (
            "for OpenVINO and another camera",
            "model export mine.safetensors --to openvino -o hd.xml --frame-size 720x1280",
        ),
    )
    parser.add_argument("file", help='the model file (.safetensors), or "real", "real-fine" or "demo"')
    parser.add_argument(
        "--to",
        required=True,
        choices=("onnx", "openvino", "pt2", "graph"),
        help="the format; graph: the network's layers beside the model file, for machines without PyTorch",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the file to write (default: beside the model file)"
    )
    parser.add_argument(
        "--frame-size",
        type=size_argument,
        default=(480, 640),
        metavar="HxW",
        help="of the camera's frames (default: 480x640)",
    )
    parser.add_argument("--size", type=size_argument, metavar="HxW", help="network input (default: the card's)")


def run(args: argparse.Namespace) -> int:
    """Exports, and says how well the result agrees with PyTorch."""
    from rgbd_seg.assets import model_path
    from rgbd_seg.errors import ConfigurationError

    if args.to == "graph":
        from rgbd_seg.inference.portable import SUFFIX
        from rgbd_seg.inference.portable_export import write_graph

        model = model_path(args.file)
        output = args.output or Path(args.file).with_name(model.stem + SUFFIX)
        write_graph(model, output, args.size)
        print(f"{output}: with it {model.name} runs without PyTorch")
        return 0
    from rgbd_seg.inference.graph_export import FORMATS, export_model

    # Beside the model file, but not among the program's own files.
    output = args.output or Path(args.file).with_suffix(FORMATS[args.to])
    if not output.parent.is_dir():
        raise ConfigurationError(f"cannot write {output}: there is no folder {output.parent}")
    exported = export_model(model_path(args.file), args.to, output, args.frame_size, args.size)
    print(f"{exported.path}: {exported.equal_share:.3%} of pixels have the label that PyTorch gives them")
    return 0
