"""The doctor's checks against made-up buses and rules, and the whole of it on this machine."""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from pathlib import Path

import pytest

from rgbd_seg import doctor
from rgbd_seg.cli import main
from rgbd_seg.doctor import Finding, ready_cameras
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.sensors import usb
from rgbd_seg.sensors.sensor import SensorInfo

FAMILIES = {family.scheme: family for family in usb.FAMILIES}


def plug(bus: Path, port: str, usb_id: str, speed: str, number: int) -> None:
    folder = bus / port
    folder.mkdir(parents=True)
    vendor, product = usb_id.split(":")
    values = {"idVendor": vendor, "idProduct": product, "speed": speed, "busnum": "2", "devnum": str(number)}
    for name, value in values.items():
        (folder / name).write_text(value + "\n")


@pytest.fixture
def bus(tmp_path: Path) -> Path:
    folder, nodes = tmp_path / "bus", tmp_path / "nodes" / "002"
    nodes.mkdir(parents=True)
    for number, (port, usb_id, speed) in enumerate(
        [
            ("2-1", "8086:0b07", "480"),
            ("2-2", "045e:02d8", "480"),
            ("2-3", "1d27:0601", "480"),
            ("2-4", "046d:c52b", "12"),
        ],
        1,
    ):
        plug(folder, port, usb_id, speed, number)
        (nodes / f"{number:03d}").touch()
    (folder / "2-1:1.0").mkdir()
    return folder


def test_supported_cameras_are_recognised_on_the_bus(bus: Path):
    cameras = usb.plugged_cameras(bus, bus.parent / "nodes")
    assert [(camera.family.scheme, camera.port) for camera in cameras] == [
        ("realsense", "2-1"),
        ("kinect2", "2-2"),
        ("openni", "2-3"),
    ]
    assert all(camera.accessible for camera in cameras)
    assert not any(camera.on_usb3 for camera in cameras)


def test_what_keeps_a_camera_from_being_opened_is_said(bus: Path, monkeypatch: pytest.MonkeyPatch):
    cameras = usb.plugged_cameras(bus, bus.parent / "nodes")
    cameras[2].node.unlink()  # Nobody may open what is not there: the same answer as without permission.
    monkeypatch.setattr(usb, "plugged_cameras", lambda: cameras)
    monkeypatch.setattr(usb, "rules_cover", lambda family: family.scheme != "kinect2")
    findings = doctor.check_usb()
    assert {finding.camera for finding in findings if finding.verdict == "missing"} == {"kinect2", "openni"}
    texts = "\n".join(f"{finding.verdict} {finding.text} {finding.remedy}" for finding in findings)
    assert "warning Intel RealSense (8086:0b07) on port 2-1 is connected at 480 Mbit/s (USB 2)" in texts
    assert "missing Kinect v2 (045e:02d8) on port 2-2 is connected at 480 Mbit/s" in texts
    assert f"you may not open {cameras[2].node} rgbd-seg doctor --install-udev" in texts
    assert "no rule lets you open a Kinect v2" in texts


@pytest.mark.skipif(usb.sys.platform != "linux", reason="udev")
def test_our_rules_cover_every_family_and_others_only_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not any(usb.rules_cover(family, (tmp_path,)) for family in usb.FAMILIES)
    (tmp_path / "50-other.rules").write_text(
        '#SUBSYSTEM=="usb", ATTR{idVendor}=="045e", ATTR{idProduct}=="02d8"\n'
        'SUBSYSTEM=="usb", ATTR{idProduct}=="02ae", ATTR{idVendor}=="045e", MODE:="0666"\n'
    )
    covered = {family.scheme for family in usb.FAMILIES if usb.rules_cover(family, (tmp_path,))}
    assert covered == {"kinect1"}
    (tmp_path / usb.RULES_NAME).write_text(doctor.udev_rules())
    assert all(usb.rules_cover(family, (tmp_path,)) for family in usb.FAMILIES)


def test_ready_means_that_nothing_of_one_family_is_missing():
    findings = [
        Finding("Intel RealSense", "missing", "not installed", camera="realsense"),
        Finding("udev", "missing", "no rule", camera="kinect1"),
        Finding("Disk", "warning", "slow"),
        Finding("Kinect v2", "ok", "there", camera="kinect2"),
    ]
    assert ready_cameras(findings) == ["openni", "kinect2", "azure"]


def test_missing_libraries_come_with_the_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "discover_isolated", lambda: ([], {"realsense": "librealsense hangs: often"}))
    monkeypatch.setattr(doctor.openni_runtime, "library_folder", lambda: None)
    monkeypatch.setattr(doctor.freenect_library, "find", lambda: None)
    monkeypatch.setattr(doctor.kinect2, "installed", list)
    monkeypatch.setattr(doctor.azure_library, "find", lambda: None)
    findings = {finding.camera: finding for finding in doctor.check_runtimes()}
    assert {scheme for scheme in findings if findings[scheme].verdict == "missing"} == set(FAMILIES)
    assert "librealsense hangs" in findings["realsense"].text
    assert "install" in findings["openni"].remedy
    assert all(finding.remedy for finding in findings.values())


def pretend_installed(monkeypatch: pytest.MonkeyPatch, package: str, number: str) -> None:
    """That package, and no other."""

    def version(name: str) -> str:
        if name == package:
            return number
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)


def test_a_second_opencv_is_found(monkeypatch: pytest.MonkeyPatch):
    pretend_installed(monkeypatch, "opencv-python", "4.10")
    (finding,) = doctor.check_opencv()
    assert finding.verdict == "warning"
    assert "pip uninstall opencv-python" in finding.remedy


def test_disk_is_measured_and_left_clean(tmp_path: Path):
    (finding,) = doctor.check_disk(tmp_path)
    assert "MB/s" in finding.text
    assert list(tmp_path.iterdir()) == []
    (finding,) = doctor.check_disk(tmp_path / "absent")
    assert finding.verdict == "warning"


def test_rules_are_installed_or_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "true" if name == "udevadm" else None)
    doctor.install_udev(tmp_path / usb.RULES_NAME)
    assert (tmp_path / usb.RULES_NAME).read_text() == doctor.udev_rules()
    with pytest.raises(RgbdSegError, match=r"cannot write .* Type: sudo cp .* && sudo udevadm"):
        doctor.install_udev(tmp_path / "absent" / usb.RULES_NAME)


def test_what_keeps_udev_rules_from_working_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    with pytest.raises(RgbdSegError, match="is written, but there is no udevadm: restart the computer"):
        doctor.install_udev(tmp_path / usb.RULES_NAME)
    monkeypatch.setattr(doctor.sys, "platform", "darwin")
    with pytest.raises(RgbdSegError, match="udev rules are for Linux"):
        doctor.install_udev(tmp_path / usb.RULES_NAME)


def test_a_library_that_is_there_but_does_not_work_is_named_with_its_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "discover_isolated", lambda: ([], {"realsense": "the driver's library crashed"}))
    pretend_installed(monkeypatch, "pyrealsense2", "2.59.1")
    found = next(finding for finding in doctor.check_runtimes() if finding.camera == "realsense")
    assert (found.verdict, found.text) == ("missing", "librealsense 2.59.1, but the driver's library crashed")


def test_cameras_that_can_be_opened_are_listed(monkeypatch: pytest.MonkeyPatch):
    camera = SensorInfo("realsense:1", "D435", "camera", "1", "USB 3.2", "5.16")
    monkeypatch.setattr(doctor, "discover_isolated", lambda: ([camera], {}))
    assert "can be opened as realsense:1 1, USB 3.2, 5.16" in [finding.text for finding in doctor.check_runtimes()]


@pytest.mark.skipif(sys.platform != "linux", reason="takes Qt's screen away as on Linux")
@pytest.mark.parametrize(
    ("platform", "verdict", "text"),
    [
        ("xcb", "warning", "Qt cannot open a window"),
        ("offscreen", "ok", "offscreen (nothing is shown on a screen)"),
    ],
)
def test_whether_qt_can_open_a_window_is_tried(monkeypatch: pytest.MonkeyPatch, platform: str, verdict: str, text: str):
    monkeypatch.setenv("QT_QPA_PLATFORM", platform)
    monkeypatch.delenv("DISPLAY", raising=False)
    (finding,) = doctor.check_window()
    assert finding.verdict == verdict
    assert text in finding.text
    assert bool(finding.remedy) == (verdict == "warning")


def test_a_missing_pytorch_and_a_slow_disk_are_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "torch is not installed" in doctor.check_inference()[-1].text
    monkeypatch.setattr(doctor, "DISK_TEST_MB", 1)
    monkeypatch.setattr(doctor, "ENOUGH_MB_S", 1e9)
    (finding,) = doctor.check_disk(tmp_path)
    assert (finding.verdict, finding.remedy) == ("warning", "record to a faster disk")


def test_a_report_that_cannot_be_written_is_refused_in_words(tmp_path: Path):
    with pytest.raises(RgbdSegError, match="cannot write the report to"):
        doctor.write_report(tmp_path / "absent" / "report.md", [])


def test_the_command_examines_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    report = tmp_path / "report.md"
    code = main(["doctor", "--json", "--folder", str(tmp_path), "--report", str(report)])
    data = json.loads(capsys.readouterr().out)
    assert code == (0 if data["ready"] else 1)
    assert {row["subject"] for row in data["findings"]} >= {family.name for family in usb.FAMILIES}
    text = report.read_text()
    assert "## Versions" in text
    assert str(Path.home()) not in text or Path.home() == Path("/")


def test_without_any_camera_the_exit_code_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    missing = [Finding(family.name, "missing", "no", camera=family.scheme) for family in usb.FAMILIES]
    monkeypatch.setattr(doctor, "CHECKS", (lambda: missing,))
    assert main(["doctor", "--folder", str(tmp_path)]) == 1
    assert "everything is installed: none" in capsys.readouterr().out


def test_udev_rules_are_printed(capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--udev"]) == 0
    assert capsys.readouterr().out == doctor.udev_rules()
