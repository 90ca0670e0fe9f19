"""Builds a package as a publisher would, without the network."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path


def build_wheel(project: Path, folder: Path) -> Path:
    """The wheel of a project, built into an empty folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=PATIENCE_S)
    (wheel,) = folder.glob("*.whl")
    return wheel
