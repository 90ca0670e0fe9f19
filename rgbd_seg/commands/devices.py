"""`rgbd-seg devices`: the cameras that are plugged in."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    parser.epilog = (
        "Each line begins with the URI that every command takes as its SOURCE. What a driver could not do is said on "
        "standard error."
    )
    add_examples(parser, ("what is plugged in", "devices"), ("the same for a script", "devices --json"))
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def run(args: argparse.Namespace) -> int:
    """Prints the devices; problems of single drivers go to standard error."""
    from rgbd_seg.sensors import discover

    devices, problems = discover()
    if args.json:
        rows = [asdict(device) | {"details": dict(device.details)} for device in devices]
        print(json.dumps({"devices": rows, "problems": problems}, indent=2))
        return 0
    for device in devices:
        about = ", ".join(part for part in (device.serial, device.connection, device.firmware) if part)
        print(f"{device.uri:40} {device.name}{f' ({about})' if about else ''}")
    for driver, problem in problems.items():
        print(f"{driver}: {problem}", file=sys.stderr)
    return 0
