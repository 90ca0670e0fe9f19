"""The container file builds and its program answers, where an engine for it runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def engine() -> str | None:
    """The first engine that answers; a client without one is none."""
    for name in ("podman", "docker"):
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, timeout=60).returncode == 0:
            return name
    return None


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_container_file_builds_and_its_program_answers() -> None:
    name = engine()
    if name is None:
        pytest.skip("no podman and no docker engine runs here")
    tag = "rgbd-seg-test"
    subprocess.run([name, "build", "-t", tag, "-f", "Containerfile", "."], cwd=ROOT, check=True)
    try:
        told = subprocess.run(
            [name, "run", "--rm", "--entrypoint", "rgbd-seg", tag, "--version"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "rgbd-seg" in told.stdout
    finally:
        subprocess.run([name, "image", "rm", "-f", tag], check=False)
