"""Recordings on disk: our own format, and readers for what others wrote.

To add a layout, write one file with `matches(path)` and `open_reader(path, ...)`, name it in `_LAYOUTS` or, in a
package of your own, as an entry point of the group "rgbd_seg.layouts", and let its test inherit
`rgbd_seg.testing.layouts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import ModuleType

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.reader import RecordingReader
from rgbd_seg.recording.told import told_of
from rgbd_seg.system.extensions import usable_extensions

# Tried in this order; the module says whether a path is one of its own.
_LAYOUTS = (
    "rgbd_seg.recording.layouts.rosbag",
    "rgbd_seg.recording.layouts.sunrgbd",
    "rgbd_seg.recording.layouts.nyuv2",
    "rgbd_seg.recording.layouts.tum",
    "rgbd_seg.recording.layouts.stray_scanner",
    "rgbd_seg.recording.layouts.folder",
    "rgbd_seg.recording.layouts.azure_kinect",
    "rgbd_seg.recording.layouts.mcap",
)


def open_recording(path: str | Path, **options: str) -> RecordingReader:
    """Opens anything recorded: a `.mcap` file, a bag of ROS, a SUN RGB-D tree, a TUM folder, a folder of picture pairs.

    Args:
        path: The file or folder.
        options: What the layout understands, such as `depth="raw"` or `depth_unit_m="0.0002"`.

    Raises:
        RecordingError: There is nothing there, or nothing that any reader knows; the message says what was looked for.
    """
    path = Path(path).expanduser()
    try:
        if not path.exists():
            raise RecordingError(f"there is no file or folder {path}")
        for layout in chain(map(import_module, _LAYOUTS), _others()):
            if layout.matches(path):
                reader: RecordingReader = layout.open_reader(path, **(told_of(path) | options))
                return reader
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise RecordingError(f"cannot open {path}: {why}") from error
    if path.suffix.lower() == ".oni":
        raise RecordingError(
            f"{path} is read by OpenNI alone: open it with rgbd_seg.open_recording, or turn it into one of ours with "
            f"rgbd-seg convert {path.name} {path.stem}.mcap"
        )
    if path.suffix.lower() == ".r3d":
        raise RecordingError(
            f"{path} is Record3D's own format: export it from the app as EXR and JPG, and open that folder"
        )
    raise RecordingError(
        f"{path} is no recording that rgbd-seg knows: expected a .mcap file, a bag of ROS, a SUN RGB-D tree, a "
        f"TUM folder (rgb.txt and depth.txt), or a folder with pairs of colour and depth pictures{_hint(path)}"
    )


def _others() -> Iterator[ModuleType]:
    """The layouts of other packages, looked for only when a path is none of ours."""
    yield from usable_extensions("rgbd_seg.layouts").values()


def openable_inside(path: Path) -> list[str]:
    """Names of folders and files inside a folder that can be opened: people often choose one level too high."""
    if not path.is_dir():
        return []
    layouts = [import_module(name) for name in _LAYOUTS if not name.endswith(".sunrgbd")]
    children = [child for child in sorted(path.iterdir())[:200] if not child.name.startswith(".")]
    return [child.name for child in children if any(layout.matches(child) for layout in layouts)]


def _hint(path: Path) -> str:
    inside = openable_inside(path)
    return f". Inside it, these can be opened: {', '.join(inside[:5])}" if inside else ""
