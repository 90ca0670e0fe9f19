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
    """One reader: how to make good inputs, and how to read one.

    Attributes:
        name: How it is called.
        seeds: Makes good inputs, and what else lies beside them in the folder.
        read: Reads one input in that folder.
        in_child: Whether the reader is a vendor's library in a process of its own: a crash there is a refusal, each
            input takes a second, and only the long run comes here.
    """

    name: str
    seeds: Callable[[Path], list[bytes]]
    read: Callable[[bytes, Path], object]
    in_child: bool = False

    def attempt(self, data: bytes, folder: Path) -> None:
        """Reads an input that may be damaged; a refusal with a sentence is a good answer."""
        try:
            self.read(data, folder)
        except RgbdSegError as error:
            if not str(error).strip():
                raise AssertionError("a refusal needs a sentence") from error


def target(
    name: str, seeds: Callable[[Path], list[bytes]], *, in_child: bool = False
) -> Callable[[Callable[[bytes, Path], object]], None]:
    """Adds the decorated reader to the targets."""

    def add(read: Callable[[bytes, Path], object]) -> None:
        TARGETS[name] = Target(name, seeds, read, in_child)

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


def first_frames(path: Path) -> int:
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
    return first_frames(path)


@target("mcap repair", _recordings)
def _mcap_repair(data: bytes, folder: Path) -> object:
    from rgbd_seg.recording.mcap.repair import repair

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
    return first_frames(tree)


@target("jpeg", _colors(".jpg"))
def _jpeg(data: bytes, folder: Path) -> object:
    return _pair(folder, color=data, suffix=".jpg")


@target("png colour", _colors(".png"))
def _png_color(data: bytes, folder: Path) -> object:
    return _pair(folder, color=data)


@target("png depth", _depths)
def _png_depth(data: bytes, folder: Path) -> object:
    return _pair(folder, depth=data)


def _tum_list(name: str) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        from tests.recording.picture_trees import write_tum

        write_tum(folder / "tum", 2)
        return [(folder / "tum" / name).read_bytes()]

    return seeds


@target("tum colour list", _tum_list("rgb.txt"))
def _tum_colors(data: bytes, folder: Path) -> object:
    (folder / "tum" / "rgb.txt").write_bytes(data)
    return first_frames(folder / "tum")


@target("tum depth list", _tum_list("depth.txt"))
def _tum_depths(data: bytes, folder: Path) -> object:
    (folder / "tum" / "depth.txt").write_bytes(data)
    return first_frames(folder / "tum")


def _sun_polygons(folder: Path) -> list[bytes]:
    from tests.recording.picture_trees import write_sunrgbd_frame

    write_sunrgbd_frame(folder / "SUNRGBD" / "kv1" / "NYUdata" / "NYU0001")
    return [(folder / "SUNRGBD/kv1/NYUdata/NYU0001/annotation2Dfinal/index.json").read_bytes()]


@target("sun polygons", _sun_polygons)
def _sun(data: bytes, folder: Path) -> object:
    (folder / "SUNRGBD/kv1/NYUdata/NYU0001/annotation2Dfinal/index.json").write_bytes(data)
    return first_frames(folder / "SUNRGBD")


def _sun_matrices(folder: Path) -> list[bytes]:
    _sun_polygons(folder)
    return [b"32 0 16 0 32 12 0 0 1"]


@target("sun intrinsics", _sun_matrices)
def _sun_matrix(data: bytes, folder: Path) -> object:
    (folder / "SUNRGBD/kv1/NYUdata/NYU0001/intrinsics.txt").write_bytes(data)
    return first_frames(folder / "SUNRGBD")


def _sun_labels(folder: Path) -> list[bytes]:
    from tests.recording.picture_trees import depth_of, write_gray

    _sun_polygons(folder)
    write_gray(folder / "label.png", (depth_of(1) % 38).astype("uint8"))
    return [(folder / "label.png").read_bytes()]


@target("sun label map", _sun_labels)
def _sun_label(data: bytes, folder: Path) -> object:
    label = folder / "SUNRGBD/kv1/NYUdata/NYU0001/label/0.png"
    label.parent.mkdir(exist_ok=True)
    label.write_bytes(data)
    return first_frames(folder / "SUNRGBD")


@target("sidecar", lambda folder: [b'{"depth_unit_m": 0.0002, "invalid_depth": 65535, "fps": 15}'])
def _sidecar(data: bytes, folder: Path) -> object:
    _pair(folder)
    (folder / "pair" / "rgbd_seg.json").write_bytes(data)
    return first_frames(folder / "pair")


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


def _networks(folder: Path) -> list[bytes]:
    from tests.inference.foreign.test_card import write_network

    return [write_network(folder).read_bytes()]


@target("foreign network", _networks)
def _network(data: bytes, folder: Path) -> object:
    from rgbd_seg.inference.foreign.file import NetworkFile
    from rgbd_seg.inference.segmenter import SegmenterOptions

    path = folder / "net.onnx"
    path.write_bytes(data)
    return NetworkFile(path, SegmenterOptions())


def _network_cards(folder: Path) -> list[bytes]:
    _networks(folder)
    return [(folder / "net.json").read_bytes()]


@target("foreign network card", _network_cards)
def _network_card(data: bytes, folder: Path) -> object:
    from rgbd_seg.inference.foreign.card import read_network_card

    (folder / "net.json").write_bytes(data)
    return read_network_card(folder / "net.onnx")


def _archives(folder: Path) -> list[bytes]:
    import zipfile

    for name, how in (("plain", zipfile.ZIP_STORED), ("packed", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(folder / f"{name}.zip", "w", how) as file:
            file.writestr("SUNRGBD/a/index.json", b'{"objects": []}' * 20)
            file.writestr("SUNRGBD/a/scene.txt", b"office")
    return [(folder / f"{name}.zip").read_bytes() for name in ("plain", "packed")]


@target("archive", _archives)
def _archive(data: bytes, folder: Path) -> object:
    from training.preparation.archives import extract

    path, out = folder / "fuzz.zip", folder / "outside" / "out"
    path.write_bytes(data)
    found = extract(path, out, lambda name: True)
    assert not [entry for entry in out.parent.iterdir() if entry != out], "something was written outside"
    return found


def _play(uri: str) -> int:
    """Reads the first frames of a vendor's recording in a driver process; whatever happens there is told in words."""
    from rgbd_seg.errors import EndOfStream
    from rgbd_seg.sensors import open_sensor

    read = 0
    with open_sensor(uri, isolated=True) as sensor:
        try:
            for _ in range(3):
                sensor.read(1.0)
                read += 1
        except EndOfStream:
            pass
    return read


def _oni_files(folder: Path) -> list[bytes]:
    from tests.sensors.drivers.test_openni import pictures
    from tests.sensors.oni_file import write_oni

    write_oni(folder / "seed.oni", *pictures(2))
    return [(folder / "seed.oni").read_bytes()]


@target("oni recording", _oni_files, in_child=True)
def _oni(data: bytes, folder: Path) -> object:
    (folder / "fuzz.oni").write_bytes(data)
    return _play(f"openni:file:{folder}/fuzz.oni?realtime=no")


def _db3_files(folder: Path) -> list[bytes]:
    import subprocess
    import sys

    from tests.sensors import realsense_file

    script = [sys.executable, realsense_file.__file__, str(folder / "seed.db3"), "pairs"]
    subprocess.run(script, check=True, timeout=60)
    return [(folder / "seed.db3").read_bytes()]


@target("db3 recording", _db3_files, in_child=True)
def _db3(data: bytes, folder: Path) -> object:
    (folder / "fuzz.db3").write_bytes(data)
    return _play(f"realsense:file:{folder}/fuzz.db3?realtime=no")
