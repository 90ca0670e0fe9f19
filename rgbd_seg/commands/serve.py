"""`rgbd-seg serve SOURCE`: a source, segmented, for browsers and Foxglove, without a window."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from rgbd_seg.serving.server import LiveServer

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples, positive_float, share

    parser.epilog = (
        "Whoever has the token sees the camera and can record. On loopback, ssh -L 8765:localhost:8765 MACHINE brings\n"
        "the page to another machine, encrypted."
    )
    add_examples(
        parser,
        ("a camera for browsers on this machine; the address with its token is printed", "serve realsense:"),
        (
            "for others too, encrypted, with a token that stays the same",
            "serve realsense: --host 0.0.0.0 --certificate chain.pem --key key.pem --token-file token",
        ),
        ("a recording over and over, with a model of your own", "serve 'walk.mcap?loop=1' --model mine.safetensors"),
    )
    parser.add_argument("source", help="a camera or the built-in room by its URI, or the path of a recording")
    parser.add_argument(
        "--model",
        default="real",
        metavar="FILE",
        help='a model file, "real" (default), "real-fine" or "demo" (ours), or "none"',
    )
    parser.add_argument("--backend", default="auto", help="auto, openvino, torch or onnxruntime")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, gpu, npu, mps")
    parser.add_argument("--precision", default="auto", help="auto, float32, bfloat16, float16 or int8")
    parser.add_argument(
        "--min-confidence", type=share, default=0.0, metavar="C", help="leave pixels below this unlabelled, 0..1"
    )
    parser.add_argument("--mode", help="picture size and rate, such as 640x480@30 (default: the source's own)")
    parser.add_argument("--unaligned", action="store_true", help="take depth as the camera sees it")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("recordings"),
        metavar="DIR",
        help="of recordings (default: recordings)",
    )
    parser.add_argument("--record", action="store_true", help="record from the start")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: this machine alone; 0.0.0.0 for all)"
    )
    parser.add_argument("--port", type=int, default=8765, help="0 for any free one (default: %(default)s)")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="keep the token here, so that the address stays the same"
    )
    parser.add_argument("--certificate", type=Path, metavar="PEM", help="serve by https and wss with this certificate")
    parser.add_argument("--key", type=Path, metavar="PEM", help="its private key, if in another file")
    parser.add_argument(
        "--allow-origin",
        action="append",
        metavar="URL",
        help="let pages of this origin connect, such as https://foxglove.example; may be repeated, replaces the "
        "default (Foxglove, Lichtblick and their desktop programs)",
    )
    parser.add_argument(
        "--patience",
        type=positive_float,
        default=5.0,
        metavar="S",
        help="drop a client that has not read for so long (default: %(default)g)",
    )


def run(args: argparse.Namespace) -> int:
    """Serves until it is stopped or the source fails for good."""
    from rgbd_seg.api.stream import parse_mode
    from rgbd_seg.assets import model_path
    from rgbd_seg.commands.stop_signals import stop_signals
    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.inference.available import backends
    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.sensors import parse_uri
    from rgbd_seg.sensors.sensor import Request
    from rgbd_seg.serving.access import ORIGINS
    from rgbd_seg.serving.server import LiveServer
    from rgbd_seg.serving.station import Station

    if args.backend not in ("auto", *backends()):
        raise ConfigurationError(f"--backend {args.backend}: there are auto, {', '.join(backends())}")
    if args.key is not None and args.certificate is None:
        raise ConfigurationError("--key needs --certificate")
    parse_uri(args.source)
    model = None if args.model == "none" else model_path(args.model)
    if model is not None and not model.is_file():
        raise ConfigurationError(f"there is no model file {args.model}")
    request = Request(parse_mode(args.mode) if args.mode else None, registered=not args.unaligned)
    options = SegmenterOptions(
        backend=args.backend, device=args.device, precision=args.precision, min_confidence=args.min_confidence
    )
    station = Station(args.output)
    server = LiveServer(
        args.host,
        args.port,
        _token(args.token_file) if args.token_file else None,
        origins=args.allow_origin or ORIGINS,
        certificate=args.certificate,
        key=args.key,
        desk=station,
        patience_s=args.patience,
    )
    with stop_signals() as stopped, server:
        _greet(server, args.host, encrypted=args.certificate is not None)
        station.open(args.source, request, model, options)
        if args.record:
            station.record_when_running()
        try:
            station.run(server, lambda: bool(stopped), _print_line)
        finally:
            station.close()
    return 128 + stopped[0] if stopped else 0


def _token(path: Path) -> str:
    """The token in a file; a file that is not there is made with a new one, for its owner alone."""
    import secrets

    from rgbd_seg.errors import ConfigurationError
    from rgbd_seg.system.private_file import write_private

    try:
        if not path.exists():
            write_private(path, secrets.token_urlsafe(16) + "\n")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot use the token file {path}: {error}") from None


def _greet(server: LiveServer, host: str, *, encrypted: bool) -> None:
    print(f"page      {server.page}", flush=True)
    print(f"Foxglove  {server.address}", flush=True)
    if host not in _LOOPBACK and not encrypted:
        print(
            "warning: other machines can connect, and token and pictures travel in the clear: --certificate", flush=True
        )


def _print_line(line: str) -> None:
    print(f"{datetime.datetime.now():%H:%M:%S} {line}", flush=True)
