"""Where a vendor's package has no wheel, the program installs without it and says why that camera is absent."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from rgbd_seg.errors import SensorError
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.drivers import kinect2_libfreenect2, kinect2_windows, openni_runtime, realsense

MACHINES = {
    "linux": {"platform_system": "Linux", "platform_machine": "x86_64", "sys_platform": "linux"},
    "arm": {"platform_system": "Linux", "platform_machine": "aarch64", "sys_platform": "linux"},
    "mac": {"platform_system": "Darwin", "platform_machine": "arm64", "sys_platform": "darwin"},
    "windows": {"platform_system": "Windows", "platform_machine": "AMD64", "sys_platform": "win32"},
}


@pytest.mark.parametrize(
    ("machine", "cameras"),
    [
        ("linux", {"openni", "pyrealsense2"}),
        ("arm", {"openni"}),
        ("mac", set()),
        ("windows", {"openni", "pyrealsense2", "kinect-next"}),
    ],
)
def test_camera_packages_are_asked_for_only_where_they_exist(machine: str, cameras: set[str]):
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(text) for text in project["dependencies"]]
    chosen = {item.name for item in wanted if item.marker is None or item.marker.evaluate(MACHINES[machine])}
    assert chosen & {"openni", "pyrealsense2", "kinect-next", "pylibfreenect2"} == cameras


@pytest.mark.parametrize(
    ("package", "call", "said"),
    [
        ("pyrealsense2", realsense.list_devices, "librealsense's Python package is not installed"),
        ("openni", openni_runtime.start, "the Python binding of OpenNI2 is not installed"),
        ("pylibfreenect2", kinect2_libfreenect2.list_devices, "pylibfreenect2 does not load"),
        ("kinect_next", kinect2_windows.list_devices, "kinect-next is not installed"),
    ],
)
def test_an_absent_package_is_a_sentence(monkeypatch: pytest.MonkeyPatch, package: str, call, said: str):
    monkeypatch.setitem(sys.modules, package, None)
    openni_runtime.start.cache_clear()
    try:
        with pytest.raises(SensorError, match=said):
            call()
    finally:
        openni_runtime.start.cache_clear()


def test_opening_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    with pytest.raises(SensorError, match=r"pip install pyrealsense2|no RealSense package for macOS"):
        open_sensor("realsense:", isolated=False).open()
