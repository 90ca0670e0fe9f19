"""Everything that reads bytes from strangers, as fuzz targets: a reader may refuse with its own errors, no others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rgbd_seg.errors import RgbdSegError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TARGETS: dict[str, Target] = {}


@dataclass(frozen=True)
class Target:
    """One reader: how to make good inputs, and how to read one."""

    name: str
    seeds: Callable[[Path], list[bytes]]
    read: Callable[[bytes, Path], object]

    def attempt(self, data: bytes, folder: Path) -> None:
        """Reads an input that may be damaged; a refusal with a sentence is a good answer."""
        try:
            self.read(data, folder)
        except RgbdSegError as error:
            if not str(error).strip():
                raise AssertionError("a refusal needs a sentence") from error


def target(name: str, seeds: Callable[[Path], list[bytes]]) -> Callable[[Callable[[bytes, Path], object]], None]:
    """Adds the decorated reader to the targets."""

    def add(read: Callable[[bytes, Path], object]) -> None:
        TARGETS[name] = Target(name, seeds, read)

    return add


def text(data: bytes) -> str:
    """Bytes as a text with the same freedom that a file or a command line has."""
    return data.decode("utf-8", errors="surrogateescape")


@target("label list", lambda folder: [b'{"name": "two", "classes": ["a", {"name": "b", "color": [1, 2, 255]}]}'])
def _label_list(data: bytes, folder: Path) -> object:
    from rgbd_seg.labels import LabelSet

    path = folder / "labels.json"
    path.write_bytes(data)
    return LabelSet.load(path).palette()


def _calibrations(folder: Path) -> list[bytes]:
    from rgbd_seg.calibration import Calibration, Intrinsics

    plain = Calibration(Intrinsics(640, 480, 525.0, 525.0, 319.5, 239.5))
    bent = Calibration(Intrinsics(8, 6, 5.0, 5.0, 4.0, 3.0, (0.1, 0.01, 0.001, 0.001, 0.0)), 0.0002, False, "file")
    return [json.dumps(c.to_dict()).encode() for c in (plain, bent)]


@target("calibration", _calibrations)
def _calibration(data: bytes, folder: Path) -> object:
    from rgbd_seg.calibration import Calibration

    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return Calibration.from_dict(parsed)


@target(
    "uri", lambda folder: [b"synthetic:?seed=7&room=kitchen&camera=kinect2&speed=1", b"realsense:0123", b"a/b.mcap"]
)
def _uri(data: bytes, folder: Path) -> object:
    from rgbd_seg.sensors import parse_uri

    return parse_uri(text(data))


def _mcap_recordings(folder: Path) -> list[bytes]:
    from tests.recording.frames import small_recordings

    return small_recordings(folder)


@target("mcap", _mcap_recordings)
def _mcap(data: bytes, folder: Path) -> object:
    from rgbd_seg.recording import open_recording

    path = folder / "recording.mcap"
    path.write_bytes(data)
    frames = 0
    with open_recording(path) as reader:
        for position in range(len(reader)):
            try:
                reader.read(position)
                frames += 1
            except RgbdSegError:
                continue
    return frames


@target("mcap repair", _mcap_recordings)
def _mcap_repair(data: bytes, folder: Path) -> object:
    from rgbd_seg.recording.repair import repair

    path, copy = folder / "recording.mcap", folder / "copy.mcap"
    path.write_bytes(data)
    copy.unlink(missing_ok=True)
    return repair(path, copy)
