"""The built wheel: it holds the program and its assets, and runs from any working directory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from rgbd_seg import __version__
from tests.wheels import build_wheel

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_every_asset_and_both_packages(wheel: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "assets"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"rgbd_seg/{name}" for name in tracked.stdout.split()} <= names
    assert {"rgbd_seg/cli.py", "rgbd_seg/py.typed", "training/__main__.py"} <= names
    assert any(name.endswith("share/applications/rgbd-seg.desktop") for name in names)
    assert not [name for name in names if name.startswith("tests/")]


def test_the_installed_wheel_finds_its_assets_from_anywhere(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    probe = (
        "import json, rgbd_seg; from rgbd_seg.assets import asset; from rgbd_seg.labels import LabelSet; "
        "print(json.dumps([rgbd_seg.__file__, str(asset('label_sets/nyu40.json')), len(LabelSet.load('nyu40'))]))"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    package, label_set, classes = json.loads(done.stdout)
    assert package.startswith(str(tmp_path))
    assert label_set.startswith(str(tmp_path))
    assert classes == 40


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for group in project["optional-dependencies"].values() for name in group]
    loose = [
        name
        for name in project["dependencies"] + extras
        if ">=" not in name and "==" not in name and not name.startswith(("types-", "rgbd-seg["))
    ]
    assert not loose


def test_no_tracked_file_is_too_large() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    large = [name for name in tracked.stdout.split("\0") if name and (ROOT / name).stat().st_size > 20_000_000]
    assert not large
