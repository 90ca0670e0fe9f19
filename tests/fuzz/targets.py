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


def _first_frames(path: Path) -> int:
    """Opens a recording and reads its first frames, passing over those that are damaged."""
    from rgbd_seg.errors import RecordingError
    from rgbd_seg.recording import open_recording

    read = 0
    with open_recording(path) as reader:
        for position in range(min(len(reader), 3)):
            try:
                reader.read(position)
                read += 1
            except RecordingError:
                continue
    return read


def _recordings(folder: Path) -> list[bytes]:
    from tests.recording.frames import small_recordings

    return small_recordings(folder)


@target("mcap", _recordings)
def _mcap(data: bytes, folder: Path) -> object:
    path = folder / "fuzz.mcap"
    path.write_bytes(data)
    return _first_frames(path)


@target("mcap repair", _recordings)
def _mcap_repair(data: bytes, folder: Path) -> object:
    from rgbd_seg.recording.repair import repair

    path, mended = folder / "broken.mcap", folder / "mended.mcap"
    path.write_bytes(data)
    mended.unlink(missing_ok=True)
    return repair(path, mended)


def _colors(suffix: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        from tests.recording.picture_trees import color_of, write_color

        write_color(folder / f"seed{suffix}", color_of(1))
        return [(folder / f"seed{suffix}").read_bytes()]

    return seeds


def _depths(folder: Path) -> list[bytes]:
    from tests.recording.picture_trees import depth_of, write_gray

    write_gray(folder / "seed.png", depth_of(1))
    return [(folder / "seed.png").read_bytes()]


def _pair(folder: Path, color: bytes | None = None, depth: bytes | None = None, suffix: str = ".png") -> int:
    """A folder of one pair, in which one picture is the fuzzed one."""
    from tests.recording.picture_trees import color_of, depth_of, write_color, write_gray

    tree = folder / "pair"
    write_color(tree / "rgb" / f"0{suffix}", color_of(0))
    write_gray(tree / "depth" / "0.png", depth_of(0))
    if color is not None:
        (tree / "rgb" / f"0{suffix}").write_bytes(color)
    if depth is not None:
        (tree / "depth" / "0.png").write_bytes(depth)
    return _first_frames(tree)


@target("jpeg", _colors(".jpg"))
def _jpeg(data: bytes, folder: Path) -> object:
    return _pair(folder, color=data, suffix=".jpg")


@target("png colour", _colors(".png"))
def _png_color(data: bytes, folder: Path) -> object:
    return _pair(folder, color=data)


@target("png depth", _depths)
def _png_depth(data: bytes, folder: Path) -> object:
    return _pair(folder, depth=data)


def _tum_lists(folder: Path) -> list[bytes]:
    from tests.recording.picture_trees import write_tum

    write_tum(folder / "tum", 2)
    return [(folder / "tum" / name).read_bytes() for name in ("rgb.txt", "depth.txt")]


@target("tum list", _tum_lists)
def _tum(data: bytes, folder: Path) -> object:
    (folder / "tum" / "rgb.txt").write_bytes(data)
    return _first_frames(folder / "tum")


def _sun_polygons(folder: Path) -> list[bytes]:
    from tests.recording.picture_trees import write_sunrgbd_frame

    write_sunrgbd_frame(folder / "SUNRGBD" / "kv1" / "NYUdata" / "NYU0001")
    return [(folder / "SUNRGBD/kv1/NYUdata/NYU0001/annotation2Dfinal/index.json").read_bytes()]


@target("sun polygons", _sun_polygons)
def _sun(data: bytes, folder: Path) -> object:
    (folder / "SUNRGBD/kv1/NYUdata/NYU0001/annotation2Dfinal/index.json").write_bytes(data)
    return _first_frames(folder / "SUNRGBD")


def _sun_matrices(folder: Path) -> list[bytes]:
    _sun_polygons(folder)
    return [b"32 0 16 0 32 12 0 0 1"]


@target("sun intrinsics", _sun_matrices)
def _sun_matrix(data: bytes, folder: Path) -> object:
    (folder / "SUNRGBD/kv1/NYUdata/NYU0001/intrinsics.txt").write_bytes(data)
    return _first_frames(folder / "SUNRGBD")


@target("sidecar", lambda folder: [b'{"depth_unit_m": 0.0002, "invalid_depth": 65535, "fps": 15}'])
def _sidecar(data: bytes, folder: Path) -> object:
    _pair(folder)
    (folder / "pair" / "rgbd_seg.json").write_bytes(data)
    return _first_frames(folder / "pair")


def _models(folder: Path) -> list[bytes]:
    from tests.reliability.model_faults import write_model

    write_model(folder / "seed.safetensors")
    return [(folder / "seed.safetensors").read_bytes()]


@target("model file", _models)
def _model(data: bytes, folder: Path) -> object:
    from rgbd_seg.models.model_file import load_model

    path = folder / "fuzz.safetensors"
    path.write_bytes(data)
    return load_model(path)


def _cards(folder: Path) -> list[bytes]:
    from rgbd_seg.models.model_file import read_card

    (folder / "model.safetensors").write_bytes(_models(folder)[0])
    return [read_card(folder / "model.safetensors").to_json().encode()]


@target("model card", _cards)
def _card(data: bytes, folder: Path) -> object:
    from rgbd_seg.models.card import ModelCard

    return ModelCard.from_json(text(data))


@target("settings", lambda folder: [b'{"theme": "dark", "opacity": 0.5, "panes": ["overlay"], "views": 2}'])
def _settings(data: bytes, folder: Path) -> object:
    from rgbd_seg.app.settings import SettingsFile

    path = folder / "settings.json"
    path.write_bytes(data)
    return SettingsFile(path).load()
