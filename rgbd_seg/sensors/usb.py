"""Depth cameras on the USB bus, whether or not any driver can open them (Linux lists the bus in files)."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

_BUS = Path("/sys/bus/usb/devices")
_NODES = Path("/dev/bus/usb")
_RULES = tuple(Path(folder) for folder in ("/etc/udev/rules.d", "/lib/udev/rules.d", "/usr/lib/udev/rules.d"))
RULES_NAME = "60-rgbd-seg.rules"
_USB3_MBIT_S = 5000


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of camera.

    Attributes:
        scheme: Its driver.
        name: What people call it.
        vendor: USB vendor, four hexadecimal digits.
        products: Regular expression of its USB products.
        sample: One product, to ask whether udev rules cover it.
        needs_usb3: Whether it does not work on USB 2 at all.
    """

    scheme: str
    name: str
    vendor: str
    products: str
    sample: str
    needs_usb3: bool = False


FAMILIES = (
    # Intel has many USB products; these two ranges are its depth cameras.
    Family("realsense", "Intel RealSense", "8086", r"0a(66|80|a3|a5|b[0-9a-f]|[c-f].)|0b[0-6].|1[145]..", "0b07"),
    Family("openni", "Asus Xtion or PrimeSense", "1d27", r"0500|060[019]", "0601"),
    Family("kinect1", "Kinect v1", "045e", r"02ae|02bf", "02ae"),
    Family("kinect2", "Kinect v2", "045e", r"02c4|02d8", "02d8", needs_usb3=True),
    Family("azure", "Azure Kinect", "045e", r"097c", "097c", needs_usb3=True),
)


@dataclass(frozen=True, slots=True)
class UsbCamera:
    """One camera on the bus.

    Attributes:
        family: What it is.
        port: Where it hangs, such as "2-1.4".
        usb_id: Vendor and product.
        node: The file that a driver must be able to open.
        speed_mbit_s: Speed of its connection, 0 if unknown.
    """

    family: Family
    port: str
    usb_id: str
    node: Path
    speed_mbit_s: float

    @property
    def accessible(self) -> bool:
        return os.access(self.node, os.R_OK | os.W_OK)

    @property
    def on_usb3(self) -> bool:
        """Whether its connection is USB 3 (or unknown)."""
        return not self.speed_mbit_s or self.speed_mbit_s >= _USB3_MBIT_S


def plugged_cameras(bus: Path = _BUS, nodes: Path = _NODES) -> list[UsbCamera]:
    """The cameras on the bus; empty where the system does not list it in files."""
    found = []
    for device in sorted(bus.iterdir()) if bus.is_dir() else []:
        vendor, product = _read(device / "idVendor"), _read(device / "idProduct")
        for family in FAMILIES:
            if vendor == family.vendor and re.fullmatch(family.products, product):
                number = f"{int(_read(device / 'busnum') or 0):03d}/{int(_read(device / 'devnum') or 0):03d}"
                speed = float(_read(device / "speed") or 0)
                found.append(UsbCamera(family, device.name, f"{vendor}:{product}", nodes / number, speed))
    return found


def rules_cover(family: Family, folders: tuple[Path, ...] = _RULES) -> bool:
    """Whether an installed udev rule names this family, or this system needs none."""
    if sys.platform != "linux" or (hasattr(os, "geteuid") and os.geteuid() == 0):
        return True
    for folder in folders:
        for file in sorted(folder.glob("*.rules")) if folder.is_dir() else []:
            for line in _read(file).splitlines():
                if line.lstrip().startswith("#") or family.vendor not in line.lower():
                    continue
                pattern = re.search(r'idProduct\}=="([^"]+)"', line)
                if pattern and re.fullmatch(pattern[1].replace("*", "."), family.sample):
                    return True
    return False


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
