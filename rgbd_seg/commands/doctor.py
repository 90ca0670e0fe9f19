"""`rgbd-seg doctor`: says what is installed, what is missing and how to mend it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from rgbd_seg.arguments import add_examples

    add_examples(
        parser,
        ("look at everything", "doctor"),
        ("write what a bug report needs", "doctor --report report.txt"),
        ("let every user open the cameras", "doctor --install-udev"),
    )
    parser.description = (
        "Say what is installed, what is missing, and how to mend it. The exit code is 0 if everything that at least "
        "one kind of camera needs is there, else 1."
    )
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write the findings, versions and log to FILE")
    parser.add_argument(
        "--folder", type=Path, default=Path(), metavar="DIR", help="whose disk is measured (default: this folder)"
    )
    parser.add_argument("--udev", action="store_true", help="print the udev rules for the cameras (Linux), no more")
    parser.add_argument(
        "--install-udev", action="store_true", help="install them (Linux); without root, say what to type"
    )


def run(args: argparse.Namespace) -> int:
    """Examines, or only prints or installs the udev rules."""
    from rgbd_seg import doctor

    if args.udev:
        print(doctor.udev_rules(), end="")
        return 0
    if args.install_udev:
        doctor.install_udev()
        print("The udev rules are installed. Plug the camera in again.")
        return 0
    findings = doctor.examine(args.folder.resolve())
    print(json.dumps(doctor.as_dict(findings), indent=2) if args.json else doctor.render(findings))
    if args.report:
        doctor.write_report(args.report, findings)
    return 0 if doctor.ready_cameras(findings) else 1
