"""A package of somebody else's, built and installed beside the program, found by its entry points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rgbd_seg.doctor import check_extensions
from tests.waiting import PATIENCE_S
from tests.wheels import build_wheel

TOY = Path(__file__).parent / "toy"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the toy package as an installer would leave it."""
    folder = tmp_path_factory.mktemp("toy")
    zipfile.ZipFile(build_wheel(TOY, folder)).extractall(folder / "site")
    return folder / "site"


def python(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": path},
        cwd=site,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.mark.timeout(600)
def test_the_toy_package_passes_the_suites_that_are_shipped(site: Path) -> None:
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-c", os.devnull, "--rootdir", str(site)]
    done = python(site, "-m", "pytest", *options, str(TOY / "checks.py"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_it_is_there_for_commands_and_in_a_process_of_its_own(site: Path) -> None:
    listed = python(site, "-m", "rgbd_seg", "devices", "--json")
    assert "toy:0" in [device["uri"] for device in json.loads(listed.stdout)["devices"]], listed.stdout
    out = site.parent / "from-a-child-process.mcap"
    done = python(site, "-m", "rgbd_seg", "record", "toy:0", "--frames", "3", "-o", str(out))
    assert done.returncode == 0, done.stderr
    done = python(site, "-m", "rgbd_seg", "convert", str(out), str(out.with_suffix(".toy")))
    assert done.returncode == 0, done.stderr
    done = python(site, "-m", "rgbd_seg", "info", str(out.with_suffix(".toy")))
    assert "3 frames" in done.stdout or " 3" in done.stdout, done.stdout


def test_a_broken_one_is_a_line_of_the_doctor_and_in_nobodys_way(site: Path) -> None:
    code = (
        "import json, rgbd_seg.doctor as d; "
        "print(json.dumps([[f.subject, f.verdict, f.text, f.remedy] for f in d.check_extensions()]))"
    )
    done = python(site, "-c", code)
    findings = {subject: rest for subject, *rest in json.loads(done.stdout)}
    verdict, text, remedy = findings["gone (rgbd_seg.layouts)"]
    assert verdict == "warning"
    assert "nothing_of_that_name" in text
    assert "remove the package" in remedy
    assert findings["toy (rgbd_seg.sensors)"][0] == "ok"


def test_without_other_packages_the_doctor_says_nothing_of_them() -> None:
    assert check_extensions() == []
