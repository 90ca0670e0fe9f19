"""What is installed, what is missing and how to mend it: a list of small checks, each of which returns findings.

A check never raises and never loads a camera's library into this process. To add one, write a function that returns
findings and name it in `CHECKS`.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from rgbd_seg.assets import asset
from rgbd_seg.errors import ConfigurationError, RgbdSegError
from rgbd_seg.sensors import usb
from rgbd_seg.sensors.drivers import azure_library, freenect_library, kinect2, openni_runtime, realsense_devices
from rgbd_seg.sensors.hotplug import discover_isolated
from rgbd_seg.sensors.isolation.child_process import Channel, ChildEnded, ChildProcess
from rgbd_seg.system.extensions import REQUIRED, extensions, load_extension
from rgbd_seg.system.logs import crash_reports, log_folder, versions
from rgbd_seg.system.private_file import write_private

Verdict = Literal["ok", "note", "warning", "missing"]

_RULES_FILE = Path("/etc/udev/rules.d") / usb.RULES_NAME
# A raw 640x480 stream at 30 frames a second is 46 MB/s; half as much again is for everything else.
ENOUGH_MB_S = 70
DISK_TEST_MB = 64
_LOG_LINES = 200
_REPORTED_CRASHES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        subject: What it is about, such as "Intel RealSense".
        verdict: "ok", "note" (good to know), "warning" (works, but badly) or "missing".
        text: What was found, in words.
        remedy: What to do, best as a command; "" if nothing.
        camera: Scheme of the camera whose use depends on it, "" for the rest.
    """

    subject: str
    verdict: Verdict
    text: str
    remedy: str = ""
    camera: str = ""


def examine(folder: Path) -> list[Finding]:
    """Runs all checks.

    Args:
        folder: Where recordings would go: the disk that is measured.
    """
    findings: list[Finding] = []
    for check in CHECKS:
        findings += check()
    return [*findings, *check_disk(folder)]


def ready_cameras(findings: Sequence[Finding]) -> list[str]:
    """Schemes of the cameras for which nothing is missing."""
    schemes = [family.scheme for family in usb.FAMILIES]
    wanting = {finding.camera for finding in findings if finding.verdict == "missing"}
    return [scheme for scheme in schemes if scheme not in wanting]


def check_extensions() -> list[Finding]:
    """What other packages bring, and whether it can be imported and has what it must have."""
    findings = []
    for group in REQUIRED:
        for name, module in extensions(group).items():
            try:
                load_extension(group, name)
            except ConfigurationError as error:
                findings.append(Finding(f"{name} ({group})", "warning", *str(error).split(". ", 1)))
            else:
                findings.append(Finding(f"{name} ({group})", "ok", f"from {module}"))
    return findings


def check_runtimes() -> list[Finding]:
    """The cameras' libraries: installed, of which version, and whether they can look for devices."""
    folder = openni_runtime.library_folder()
    routes = kinect2.installed()
    present = {
        "realsense": (_version("pyrealsense2"), "librealsense ", realsense_devices.HOW_TO_INSTALL),
        "openni": (
            _openni_version() if folder else "",
            f"OpenNI2 in {folder}, version ",
            openni_runtime.HOW_TO_INSTALL,
        ),
        "kinect1": (freenect_library.find() or "", "libfreenect as ", freenect_library.HOW_TO_INSTALL),
        "kinect2": (", ".join(routes), "by way of ", kinect2.HOW_TO_INSTALL),
        "azure": (azure_library.version(), "the Azure Kinect SDK as ", azure_library.HOW_TO_INSTALL),
    }
    devices, problems = discover_isolated()
    findings = []
    for family in usb.FAMILIES:
        version, words, how = present[family.scheme]
        if not version or family.scheme in problems:
            text = problems.get(family.scheme, "not installed").partition(": ")[0] if not version else ""
            text = text or f"{words}{version}, but {problems[family.scheme]}"
            findings.append(Finding(family.name, "missing", text, how, family.scheme))
            continue
        findings.append(Finding(family.name, "ok", words + version, camera=family.scheme))
    for device in devices:
        if device.kind == "camera":
            about = ", ".join(part for part in (device.serial, device.connection, device.firmware) if part)
            findings.append(Finding(device.name, "ok", f"can be opened as {device.uri} {about}".rstrip()))
    return findings


def check_usb() -> list[Finding]:
    """Cameras on the USB bus, and what keeps them from being opened; rules for those that may come."""
    findings = []
    install = "rgbd-seg doctor --install-udev (then plug the camera in again)"
    for camera in usb.plugged_cameras():
        family = camera.family
        where = f"{family.name} ({camera.usb_id}) on port {camera.port}"
        if not camera.accessible:
            findings.append(
                Finding("USB", "missing", f"{where}: you may not open {camera.node}", install, family.scheme)
            )
        if not camera.on_usb3:
            verdict: Verdict = "missing" if family.needs_usb3 else "warning"
            text = f"{where} is connected at {camera.speed_mbit_s:g} Mbit/s (USB 2)"
            scheme = family.scheme if family.needs_usb3 else ""
            findings.append(Finding("USB", verdict, text, "use a USB 3 port and cable", scheme))
        if camera.accessible and camera.on_usb3:
            findings.append(Finding("USB", "ok", f"{where} is there, and you may open it"))
    if not findings:
        findings.append(Finding("USB", "note", "no supported camera is plugged in"))
    for family in usb.FAMILIES:
        if not usb.rules_cover(family):
            findings.append(
                Finding("udev", "missing", f"no rule lets you open a {family.name}", install, family.scheme)
            )
    return findings


def check_inference() -> list[Finding]:
    """Back ends and accelerators."""
    from rgbd_seg.inference import available_backends

    findings = []
    try:
        choices = available_backends()
        usable = ", ".join(f"{choice.name} {_version(choice.name)}" for choice in choices if not choice.problem)
        findings.append(Finding("Back ends", "ok", usable))
        findings += [Finding("Back ends", "note", choice.problem) for choice in choices if choice.problem]
        if find_spec("torch") is None:
            return findings
        import torch

        if torch.cuda.is_available():
            names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
            findings.append(Finding("GPU", "ok", f"{', '.join(names)} (CUDA {torch.version.cuda})"))
        elif torch.backends.mps.is_available():
            findings.append(Finding("GPU", "ok", "Apple GPU (Metal)"))
        else:
            findings.append(Finding("GPU", "note", "none that PyTorch can use: networks run on the CPU"))
    except Exception as error:  # A broken PyTorch shows itself in many ways, and all belong in the report.
        findings.append(
            Finding("Back ends", "missing", f"PyTorch does not load: {error}", "pip install 'rgbd-seg[torch]'")
        )
    return findings


def check_window() -> list[Finding]:
    """Whether Qt can open a window here: a child process tries."""
    script = "from PySide6.QtGui import QGuiApplication as A; print(A([]).platformName())"
    try:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return [Finding("Window", "warning", f"Qt does not start: {error}")]
    if done.returncode == 0:
        note = " (nothing is shown on a screen)" if done.stdout.strip() in ("offscreen", "minimal") else ""
        return [Finding("Window", "ok", f"Qt opens windows through {done.stdout.strip()}{note}")]
    said = next((line for line in done.stderr.splitlines() if line.strip()), f"it ended with {done.returncode}")
    remedy = "log in at a screen, set DISPLAY, or use the commands without a window"
    if sys.platform == "linux" and ctypes.util.find_library("xcb-cursor") is None:
        remedy = "sudo apt-get install libxcb-cursor0"
    return [Finding("Window", "warning", f"Qt cannot open a window: {said}", remedy)]


def check_opencv() -> list[Finding]:
    """A second OpenCV beside the headless one brings Qt plugins of its own, which break the window."""
    stray = [name for name in ("opencv-python", "opencv-contrib-python") if _version(name)]
    if not stray:
        return [Finding("OpenCV", "ok", f"headless {_version('opencv-python-headless')}, and no other")]
    names = " ".join(stray)
    remedy = f"pip uninstall {names}; pip install --force-reinstall opencv-python-headless"
    return [Finding("OpenCV", "warning", f"{names} is installed beside the headless one and breaks Qt", remedy)]


def check_disk(folder: Path) -> list[Finding]:
    """How fast the folder's disk takes a recording."""
    block = os.urandom(1 << 20)
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".rgbd-seg-") as file:
            started = time.perf_counter()
            for _ in range(DISK_TEST_MB):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            speed = DISK_TEST_MB * 1.048576 / (time.perf_counter() - started)
        free_gb = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        return [Finding("Disk", "warning", f"nothing can be written to {folder}: {error}", "choose another folder")]
    text = f"{folder} takes {speed:.0f} MB/s and has {free_gb:.1f} GB free"
    if speed < ENOUGH_MB_S:
        return [Finding("Disk", "warning", f"{text}: raw 640x480 at 30 fps needs 46", "record to a faster disk")]
    return [Finding("Disk", "ok", text)]


CHECKS: tuple[Callable[[], list[Finding]], ...] = (
    check_runtimes,
    check_usb,
    check_inference,
    check_window,
    check_opencv,
    check_extensions,
)


def udev_rules() -> str:
    """The udev rules that let a user open the supported cameras."""
    return asset("udev/60-rgbd-seg.rules").read_text(encoding="utf-8")


def install_udev(target: Path = _RULES_FILE) -> None:
    """Writes the udev rules and has udev read them.

    Raises:
        RgbdSegError: It is not permitted, or this system has no udev; the message has the command to type.
    """
    if sys.platform != "linux":
        raise RgbdSegError("udev rules are for Linux; this system needs none")
    try:
        target.write_text(udev_rules(), encoding="utf-8")
    except OSError as error:
        source = asset("udev/60-rgbd-seg.rules")
        raise RgbdSegError(
            f"cannot write {target} ({error.strerror}). Type: sudo cp {source} {target} && "
            "sudo udevadm control --reload-rules && sudo udevadm trigger"
        ) from error
    udevadm = shutil.which("udevadm")
    if udevadm is None:
        raise RgbdSegError(f"{target} is written, but there is no udevadm: restart the computer")
    for arguments in (["control", "--reload-rules"], ["trigger"]):
        subprocess.run([udevadm, *arguments], check=False, timeout=30)


def write_report(path: Path, findings: Sequence[Finding]) -> None:
    """Writes what helps others to help, without the user's name: findings, versions, ends of the log, newest crashes.

    No frames are in it: neither the log nor a crash report holds any.

    Raises:
        RgbdSegError: The file cannot be written.
    """
    lines = ["# rgbd-seg report", "", "## Findings", "", render(findings), "", "## Versions", ""]
    lines += [f"{name} {version}" for name, version in versions().items()]
    lines += ["", "## Log", ""]
    logs = sorted(log_folder().glob("*.log")) if log_folder().is_dir() else []
    for log in logs:
        lines += [f"{log.name}:", *log.read_text(errors="replace").splitlines()[-_LOG_LINES:], ""]
    lines += ["## Crashes", ""]
    for report in crash_reports()[:_REPORTED_CRASHES]:
        lines += [f"{report.name}:", *report.read_text(errors="replace").splitlines()[-_LOG_LINES:], ""]
    text = "\n".join(lines).replace(str(Path.home()), "~")
    try:
        write_private(path, text + "\n")
    except OSError as error:
        raise RgbdSegError(f"cannot write the report to {path}: {error.strerror}") from error


def render(findings: Sequence[Finding]) -> str:
    """The findings as text: one line each, with the remedy below."""
    width = max((len(finding.subject) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{finding.verdict:8} {finding.subject:{width}}  {finding.text}")
        if finding.remedy:
            lines.append(f"{'':8} {'':{width}}  -> {finding.remedy}")
    ready = ready_cameras(findings)
    names = {family.scheme: family.name for family in usb.FAMILIES}
    summary = ", ".join(names[scheme] for scheme in ready) or "none"
    return "\n".join([*lines, "", f"Cameras for which everything is installed: {summary}"])


def as_dict(findings: Sequence[Finding]) -> dict[str, object]:
    """The findings as plain data for JSON."""
    return {"ready": ready_cameras(findings), "findings": [asdict(finding) for finding in findings]}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _openni_version() -> str:
    """The version of OpenNI2, asked in a child process."""
    child = ChildProcess("rgbd_seg.doctor:tell_openni_version", {})
    try:
        answer = child.receive(10.0)
        return str(answer["version"]) if answer else "unknown (it hangs)"
    except ChildEnded as end:
        return f"unknown (it {end})"
    finally:
        child.end()


def tell_openni_version(channel: Channel) -> None:
    """Runs in the child."""
    try:
        channel.send({"version": openni_runtime.version()})
    except RgbdSegError as error:
        channel.send({"version": f"unknown ({error})"})
