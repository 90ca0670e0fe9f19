"""Fuzz targets for labels of other tools, data sets for labelling, and whole folders; the others come with them."""

from __future__ import annotations

import shutil
import struct
from typing import TYPE_CHECKING

from tests.fuzz.newer_targets import TARGETS
from tests.fuzz.targets import first_frames, target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["TARGETS"]  # All of them, once this file is loaded.

_SIZE = (12, 16)


def pack(root: Path) -> bytes:
    """A folder as one input: for each file its path, a line's end, four bytes of length, and what is in it."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    parts = ((path.relative_to(root).as_posix().encode(), path.read_bytes()) for path in files)
    return b"".join(name + b"\n" + struct.pack("<I", len(content)) + content for name, content in parts)


def unpack(data: bytes, root: Path) -> Path:
    """The folder of an input, however damaged; nothing is written beside it."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for _ in range(40):
        name, _, rest = data.partition(b"\n")
        if len(rest) < 4:
            break
        size = min(struct.unpack("<I", rest[:4])[0], len(rest) - 4)
        places = [part for part in name.decode("utf-8", "replace")[:200].split("/") if part not in ("", ".", "..")]
        path = root.joinpath(*places)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(rest[4 : 4 + size])
        except (OSError, ValueError):  # A name that no file can have, or a folder of that name.
            pass
        data = rest[4 + size :]
    return root


def _packed(write: Callable[[Path], object]) -> Callable[[Path], list[bytes]]:
    def seeds(folder: Path) -> list[bytes]:
        write(folder / "seed")
        return [pack(folder / "seed")]

    return seeds


def _written(name: str) -> Callable[[Path], None]:
    """Writes labels as another tool does."""

    def write(root: Path) -> None:
        import numpy as np

        from rgbd_seg.labelling.annotations import get_format
        from rgbd_seg.labelling.annotations.annotations import Labelled
        from rgbd_seg.labels import LabelSet

        classes = LabelSet.from_dict({"name": "labels", "classes": ["wall", "floor", "box"]})
        labels = np.zeros(_SIZE, np.uint8)
        labels[2:9, 3:12] = 3
        labels[4:6, 5:7] = 1
        get_format(name).write(root, [Labelled("a", labels), Labelled("b", labels[::-1].copy())], classes)

    return write


def _annotations(name: str) -> Callable[[bytes, Path], object]:
    def read(data: bytes, folder: Path) -> object:
        from rgbd_seg.labelling.annotations import get_format

        found = get_format(name).read(unpack(data, folder / "fuzz"))
        return [picture.labels.sum() for picture in found.pictures()], found.messages

    return read


for _name in ("cvat", "coco", "labelme", "voc", "png"):
    target(f"labels of {_name}", _packed(_written(_name)))(_annotations(_name))


def _cvat_shapes(folder: Path) -> list[bytes]:
    """Outlines and boxes, which we read and do not write."""
    shapes = '<polygon label="a" points="1,1;9,1;9,8" z_order="1"/><box label="b" xtl="2" ytl="2" xbr="7.5" ybr="6"/>'
    image = f'<image id="0" name="a.png" width="16" height="12">{shapes}</image>'
    labels = "<label><name>a</name><color>#ff0000</color></label><label><name>b</name></label>"
    text = f"<annotations><meta><task><labels>{labels}</labels></task></meta>{image}</annotations>"
    return [text.encode()]


@target("labels of cvat, outlines", _cvat_shapes)
def _cvat(data: bytes, folder: Path) -> object:
    from rgbd_seg.labelling.annotations import read_annotations

    (folder / "annotations.xml").write_bytes(data)
    return list(read_annotations(folder / "annotations.xml", "cvat").pictures())


def _coco_shapes(folder: Path) -> list[bytes]:
    """Outlines, runs and packed runs."""
    shape = '{"id": %d, "image_id": 1, "category_id": 1, "segmentation": %s}'
    shapes = (
        "[[1, 1, 9, 1, 9, 8]]",
        '{"size": [12, 16], "counts": [20, 5, 167]}',
        '{"size": [12, 16], "counts": "d0e0"}',
    )
    joined = ", ".join(shape % (i, one) for i, one in enumerate(shapes[:2]))
    packed = shape % (3, shapes[2])
    text = '{"images": [{"id": 1, "file_name": "a.png", "width": 16, "height": 12}], "annotations": [%s], '
    text += '"categories": [{"id": 1, "name": "a"}]}'
    return [(text % joined).encode(), (text % packed).encode()]


@target("labels of coco, shapes", _coco_shapes)
def _coco(data: bytes, folder: Path) -> object:
    from rgbd_seg.labelling.annotations import read_annotations

    (folder / "a.json").write_bytes(data)
    return list(read_annotations(folder / "a.json", "coco").pictures())


def _label_set_folder(root: Path) -> None:
    import numpy as np

    from rgbd_seg.calibration import Calibration, Intrinsics
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.labelling.data_set import DataSet
    from rgbd_seg.labels import LabelSet

    height, width = _SIZE
    calibration = Calibration(Intrinsics(width, height, 20.0, 20.0, 8.0, 6.0))
    depth = np.full(_SIZE, 1000, np.uint16)
    labelled = DataSet(root, LabelSet.from_dict({"name": "labels", "classes": ["wall", "floor"]}))
    frame = RgbdFrame(np.zeros((*_SIZE, 3), np.uint8), depth, calibration, 0, 0)
    labelled.save("000001", frame, np.ones(_SIZE, np.uint8), "done")


@target("data set for labelling", _packed(_label_set_folder))
def _data_set(data: bytes, folder: Path) -> object:
    """Opens it as label mode does, reads every frame, and stores one again."""
    from rgbd_seg.errors import RecordingError
    from rgbd_seg.labelling.data_set import DataSet

    found = DataSet(unpack(data, folder / "fuzz"))
    for name in found.names():
        try:
            found.read(name, _SIZE)
        except RecordingError:
            continue
    found.set_state("000001", "travelled")
    return found.states


def _trees(folder: Path) -> list[bytes]:
    from tests.recording.picture_trees import write_pairs, write_sunrgbd_frame, write_tum

    write_pairs(folder / "pairs", 2)
    write_tum(folder / "tum", 2)
    write_sunrgbd_frame(folder / "sun")
    _label_set_folder(folder / "labelled")
    return [pack(folder / name) for name in ("pairs", "tum", "sun", "labelled")]


@target("folder", _trees)
def _folder(data: bytes, folder: Path) -> object:
    return first_frames(unpack(data, folder / "fuzz"))
