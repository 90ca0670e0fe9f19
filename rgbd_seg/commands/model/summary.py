"""`rgbd-seg model summary`: the layers of a network, its totals, and a chart of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.models.deresunet import DeResUNetConfig
    from rgbd_seg.models.summary import LayerCount, LayerRow

SUMMARY = "list the layers and parameters of a model file or of a network described by options"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, size_argument

    add_examples(
        parser,
        ("the full network, layer by layer", "model summary"),
        ("totals and a chart of the small one", "model summary --lite --classes 37 --totals --chart lite.png"),
        ("the network in a model file", "model summary mine.safetensors --totals"),
    )
    parser.add_argument(
        "file", nargs="?", help='a model file, "real", "real-fine" or "demo"; without one, the network of the options'
    )
    parser.add_argument("--lite", action="store_true", help="the small network for laptops")
    parser.add_argument("--classes", type=int, default=50, metavar="N", help="output classes (default: %(default)s)")
    parser.add_argument("--encoder", help="resnet18, resnet34 or resnet50 (default: resnet50)")
    parser.add_argument("--fusion", help="dual, early, color or depth (default: dual)")
    parser.add_argument("--base-width", type=int, metavar="N", help="channels of an encoder's stem (default: 64)")
    parser.add_argument("--decoder-widths", metavar="A,B,C,D,E", help="channels of the decoder, coarse to fine")
    parser.add_argument("--tail-width", type=int, metavar="N", help="channels at full resolution (default: 8)")
    parser.add_argument(
        "--size", type=size_argument, default=(480, 640), metavar="HxW", help="the input's size (default: 480x640)"
    )
    parser.add_argument("--totals", action="store_true", help="leave the layer table out")
    parser.add_argument("--chart", type=Path, metavar="PICTURE", help="draw the counts by layer type as a bar chart")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(args: argparse.Namespace) -> int:
    """Prints the table, the totals and the counts; draws the chart."""
    from rgbd_seg.models.summary import count_by_type, layer_table

    config, size = _network(args), _checked(args.size)
    rows = layer_table(config, size)
    counts = count_by_type(rows)
    if args.json:
        print(json.dumps(_as_json(config, rows, counts, with_rows=not args.totals), indent=2))
    else:
        if not args.totals:
            _print_table(rows)
        _print_totals(rows, counts, size)
    if args.chart is not None:
        _write_chart(args.chart, config, counts)
    return 0


def _network(args: argparse.Namespace) -> DeResUNetConfig:
    from dataclasses import replace

    from rgbd_seg.assets import model_path
    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.models.model_header import read_card
    from rgbd_seg.models.network_config import DeResUNetConfig

    changes = {name: getattr(args, name) for name in ("encoder", "fusion", "base_width", "tail_width")}
    changes = {name: value for name, value in changes.items() if value is not None}
    if args.decoder_widths is not None:
        try:
            changes["decoder_widths"] = tuple(int(width) for width in args.decoder_widths.split(","))
        except ValueError:
            raise ConfigurationError(
                f"--decoder-widths must be five numbers such as 2048,1024,512,256,64, not {args.decoder_widths!r}"
            ) from None
    if args.file is not None:
        if changes or args.lite:
            raise ConfigurationError("a model file says itself what its network is: leave the other options out")
        return read_card(model_path(args.file)).network
    base = DeResUNetConfig.lite(args.classes) if args.lite else DeResUNetConfig(args.classes)
    return replace(base, **changes)


def _checked(size: tuple[int, int]) -> tuple[int, int]:
    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.models.card import MAX_SIDE

    if max(size) > MAX_SIDE:
        raise ConfigurationError(f"--size must have at most {MAX_SIDE} pixels a side, not {size[0]}x{size[1]}")
    return size


def _print_table(rows: list[LayerRow]) -> None:
    print(f"{'layer':22} {'output (C, H, W)':>20} {'parameters':>13}  module")
    for row in rows:
        shape = ", ".join(map(str, row.output_shape))
        print(f"{f'{row.type}-{row.number}':22} {shape:>20} {row.parameters:>13,}  {row.path}")
    print()


def _print_totals(rows: list[LayerRow], counts: list[LayerCount], size: tuple[int, int]) -> None:
    from rgbd_seg.models.summary import FLOAT_BYTES

    parameters = sum(row.parameters for row in rows)
    print(f"layer rows       {len(rows):>13,}")
    print(f"parameters       {parameters:>13,}  ({parameters * FLOAT_BYTES / 2**20:.2f} MB of float32)")
    print(f"operations       {sum(row.operations for row in rows) / 1e9:>13,.1f}  billion at {size[0]}x{size[1]}")
    print(f"\n{'layer type':16} {'layers':>13} {'parameters':>13}")
    for count in counts:
        print(f"{count.type:16} {count.layers:>13,} {count.parameters:>13,}")


def _as_json(
    config: DeResUNetConfig, rows: list[LayerRow], counts: list[LayerCount], *, with_rows: bool
) -> dict[str, object]:
    facts: dict[str, object] = {
        "network": config.to_dict(),
        "layer_rows": len(rows),
        "parameters": sum(row.parameters for row in rows),
        "operations": sum(row.operations for row in rows),
        "by_type": [asdict(count) for count in counts],
    }
    return facts | ({"layers": [asdict(row) for row in rows]} if with_rows else {})


def _write_chart(path: Path, config: DeResUNetConfig, counts: list[LayerCount]) -> None:
    import cv2

    from rgbd_seg.errors import ModelError
    from rgbd_seg.models.chart import draw_chart

    picture = draw_chart(counts, f"DeResUNet, {config.encoder}, fusion {config.fusion}, {config.classes} classes")
    try:
        written = cv2.imwrite(str(path), picture)
    except cv2.error as error:
        raise ModelError(f"cannot write the chart {path}: {error.err}. Name it *.png") from None
    if not written:
        raise ModelError(f"cannot write the chart {path}: does its folder exist?")
