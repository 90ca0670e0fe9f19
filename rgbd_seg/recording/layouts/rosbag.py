"""ROS's own recordings as a layout: ROS 1 `.bag`, rosbag2 `.db3`, and rosbag2's folders of MCAP files or databases."""

from __future__ import annotations

import re
from pathlib import Path

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.messages import bag1, bag2
from rgbd_seg.recording.messages.bag1 import Bag1Store
from rgbd_seg.recording.messages.bag2 import Bag2Store, JoinedStore
from rgbd_seg.recording.messages.mcap_store import open_mcap_store
from rgbd_seg.recording.messages.options import MessageOptions
from rgbd_seg.recording.messages.reader import MessageReader
from rgbd_seg.recording.messages.store import MessageStore
from rgbd_seg.recording.pictures.sidecar import read_sidecar

_MAX_FILES = 10_000


def matches(path: Path) -> bool:
    """Whether a path is a ROS 1 bag, a database of rosbag2, or a folder of rosbag2."""
    if path.is_dir():
        return (path / bag2.METADATA_FILE).is_file() and bool(_parts(path))
    if path.suffix.lower() in (".bag", ".db3"):
        return True
    return _starts_with(path, bag1.MAGIC) or bag2.is_rosbag2(path)


def open_reader(path: Path, **options: str) -> MessageReader:
    """Opens a recording of ROS.

    Args:
        path: The file or folder.
        options: `color`, `depth` and `calibration` (topics), `depth_unit_m`, `invalid_depth`, `registered`.

    Raises:
        RecordingError: Nothing in it can be read, or it has no colour or no depth; the message names what it has.
        ConfigurationError: An option is unknown, out of its range, or names a topic that is not there.
    """
    given = MessageOptions.parse(options)
    if path.is_dir():
        sidecar = read_sidecar(path)  # Of our own exports, and what a person has said of the folder.
        return MessageReader(_open_folder(path), "rosbag2", given, sidecar)
    if _starts_with(path, bag1.MAGIC):
        return MessageReader(Bag1Store(path), "ROS 1 bag", given)
    if _starts_with(path, bag2.SQLITE_MAGIC):
        return MessageReader(Bag2Store(path), "rosbag2", given)
    if _starts_with(path, b"\x28\xb5\x2f\xfd"):
        raise RecordingError(f"{path} is packed as a whole: unpack it first, with zstd -d {path.name}")
    what = "a ROS 1 bag (#ROSBAG V2.0)" if path.suffix.lower() == ".bag" else "a database of rosbag2 (SQLite)"
    raise RecordingError(f"{path} is not {what}: it begins with other bytes, or is empty")


def _open_folder(path: Path) -> JoinedStore:
    try:
        metadata = (path / bag2.METADATA_FILE).read_text("utf-8", "replace")[:1_000_000]
    except OSError:
        metadata = ""
    parts: list[MessageStore] = []
    warnings: list[str] = []
    try:
        for file in _parts(path):
            if file.suffix.lower() == ".zstd":
                warnings.append(f"{file.name} is left out: it is packed as a whole; unpack it with zstd -d.")
                continue
            try:
                is_mcap = file.suffix.lower() == ".mcap"
                packed = bag2.packs_messages(metadata)
                parts.append(open_mcap_store(file) if is_mcap else Bag2Store(file, packed=packed))
            except RecordingError as error:
                warnings.append(f"{file.name} is left out: {error}")
        if not parts:
            raise RecordingError(f"{path} is a folder of rosbag2, but none of its files can be read: {warnings[0]}")
    except BaseException:
        for part in parts:
            part.close()
        raise
    return JoinedStore(path, parts, tuple(warnings))


def _parts(path: Path) -> list[Path]:
    """The files of a folder in the order in which they were written."""
    files = [
        f for f in list(path.iterdir())[:_MAX_FILES] if re.search(r"\.(mcap|db3)(\.zstd)?$", f.name, re.IGNORECASE)
    ]
    files = [file for file in files if not file.name.startswith("._") and file.is_file()]
    return sorted(files, key=lambda f: [int(p) if p.isdigit() else -1 for p in re.split(r"(\d+)", f.name)])


def _starts_with(path: Path, magic: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(magic)) == magic
    except OSError:
        return False
