"""Labels of other tools: what they write is read, what we write comes back bit for bit, and nothing passes silently."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from rgbd_seg.cli import main
from rgbd_seg.errors import RecordingError
from rgbd_seg.labelling.annotations import FORMATS, get_format, read_annotations
from rgbd_seg.labelling.annotations.annotations import Labelled, mask_of_runs, polygon_mask, run_lengths
from rgbd_seg.labelling.data_set import DataSet
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_text

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (48, 64)
CLASSES = LabelSet.from_dict({"name": "labels", "classes": ["wall", "floor: dark", "box & <co>"]})


def drawn() -> np.ndarray:
    """Classes 0 to 3 with a hole, single pixels, and the very first and last pixel taken."""
    labels = np.random.default_rng(0).integers(0, 4, SIZE, dtype=np.uint8)
    labels[10:30, 10:40] = 3
    labels[15:20, 15:20] = 0
    labels[0, 0] = labels[-1, -1] = 2
    return labels


def folder(root: Path, count: int = 3) -> Path:
    """A folder with pictures and no labels."""
    rng = np.random.default_rng(1)
    for index in range(count):
        write_color(root / "image" / f"{index:03d}.png", rng.integers(0, 255, (*SIZE, 3), dtype=np.uint8))
        write_gray(root / "depth" / f"{index:03d}.png", np.full(SIZE, 1000, np.uint16))
    return root


def labels_of(root: Path, name: str = "000") -> np.ndarray:
    read = DataSet(root).read(name, SIZE)
    assert read is not None
    return read


@pytest.mark.parametrize("name", FORMATS)
def test_what_we_write_comes_back_bit_for_bit(tmp_path: Path, name: str) -> None:
    labels = drawn()
    get_format(name).write(tmp_path / "out", [Labelled("a", labels), Labelled("b", labels[::-1].copy())], CLASSES)
    found = read_annotations(tmp_path / "out")
    pictures = {picture.name: picture.labels for picture in found.pictures()}
    assert np.array_equal(pictures["a"], labels)
    assert np.array_equal(pictures["b"], labels[::-1])
    assert [one.replace("floor  dark", "floor: dark") for one in found.classes] == list(CLASSES.names)
    assert not found.messages


@pytest.mark.parametrize("name", FORMATS)
def test_the_command_takes_a_data_set_out_and_in_again(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path / "set")
    write_gray(root / "label" / "000.png", drawn())
    write_text(root / "labels.json", LabelSet.from_dict({"classes": ["wall", "floor", "box"]}).to_json())
    assert main(["labels", "export", str(root), str(tmp_path / "out"), "--to", name]) == 0
    other = folder(tmp_path / "other")
    assert main(["labels", "import", str(tmp_path / "out"), str(other)]) == 0, capsys.readouterr().err
    assert np.array_equal(labels_of(other), drawn())
    assert DataSet(other).label_set.names == ("wall", "floor", "box")
    assert main(["labels", "export", str(root), str(tmp_path / "out"), "--to", name]) == 1
    assert "never overwritten" in capsys.readouterr().err


def test_runs_of_every_mask_give_the_mask_again() -> None:
    for seed in range(20):
        mask = np.random.default_rng(seed).random((5, 7)) < seed / 19
        assert np.array_equal(mask_of_runs(run_lengths(mask), (5, 7), "here"), mask)
    with pytest.raises(RecordingError, match="do not fit"):
        mask_of_runs([10**12], (5, 7), "here")
    with pytest.raises(RecordingError, match="do not fit"):
        mask_of_runs([-1, 3], (5, 7), "here")


def test_a_polygon_along_the_edges_of_pixels_takes_those_pixels() -> None:
    expected = np.zeros(SIZE, bool)
    expected[10:20, 10:20] = True
    assert np.array_equal(polygon_mask([[10, 10], [20, 10], [20, 20], [10, 20]], SIZE), expected)
    assert polygon_mask([[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]], SIZE).all()
    with pytest.raises(RecordingError, match="no numbers"):
        polygon_mask([[0, 0], [1, float("nan")], [2, 2]], SIZE)


def coco(categories: list[dict], annotations: list[dict]) -> dict:
    images = [{"id": i + 1, "file_name": f"{i:03d}.png", "width": SIZE[1], "height": SIZE[0]} for i in range(3)]
    return {"images": images, "categories": categories, "annotations": annotations}


def packed(mask: np.ndarray) -> str:
    """Run lengths as COCO's own library packs them."""
    text, counts = "", run_lengths(mask.T)
    for i, count in enumerate(counts):
        left = count - counts[i - 2] if i > 2 else count
        more = True
        while more:
            bits = left & 0x1F
            left >>= 5
            more = left != -1 if bits & 0x10 else left != 0
            text += chr(48 + (bits | 0x20 if more else bits))
    return text


def test_coco_with_polygons_packed_runs_crowds_and_any_category_id(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path)
    crowd = np.zeros(SIZE, bool)
    crowd[5:30, 5:30] = True
    rows = [
        {"id": 1, "image_id": 1, "category_id": 255, "segmentation": [[10, 10, 20, 10, 20, 20, 10, 20]]},
        {
            "id": 2,
            "image_id": 1,
            "category_id": 7,
            "iscrowd": 1,
            "segmentation": {"size": list(SIZE), "counts": run_lengths(crowd.T)},
        },
        {"id": 3, "image_id": 2, "category_id": 7, "segmentation": {"size": list(SIZE), "counts": packed(drawn() > 1)}},
        {"id": 4, "image_id": 3, "category_id": 7, "segmentation": []},
    ]
    document = coco([{"id": 7, "name": "people"}, {"id": 255, "name": "box"}], rows)
    write_text(root / "annotations" / "instances_default.json", json.dumps(document))
    assert main(["labels", "import", str(root), str(root)]) == 1
    assert "box alone, was left out" in capsys.readouterr().err
    labels = labels_of(root)
    assert (labels == 2).sum() == 100
    assert (labels == 1).sum() == 25 * 25 - 100
    assert np.array_equal(labels_of(root, "001"), drawn() > 1)


def test_labelme_and_cvat_outlines(tmp_path: Path) -> None:
    root = folder(tmp_path / "labelme")
    shape = {"label": "box", "shape_type": "polygon", "points": [[10, 10], [20, 10], [20, 20], [10, 20]]}
    line = {"label": "box", "shape_type": "line", "points": [[0, 0], [5, 5]]}
    for index in range(2):
        size = {"imageHeight": SIZE[0], "imageWidth": SIZE[1], "imagePath": f"{index:03d}.png", "imageData": None}
        write_text(root / "image" / f"{index:03d}.json", json.dumps({"shapes": [shape, line][: index + 1], **size}))
    found = read_annotations(root)
    first, second = found.pictures()
    assert (first.labels > 0).sum() == (second.labels > 0).sum() == 100
    assert "has no area" in found.messages[0]
    xml = """<?xml version="1.0"?><annotations><meta><task><labels><label><name>box</name><color>#ff0000</color></label>
    <label><name>lid</name><color>#00ff00</color></label></labels></task></meta>
    <image id="0" name="sub/000.png" width="64" height="48">
    <box label="lid" xtl="12" ytl="12" xbr="16" ybr="14" z_order="1"/>
    <polygon label="box" points="10.0,10.0;20,10;20,20;10,20" z_order="0"/><polyline label="box" points="1,1;2,2"/>
    </image></annotations>"""
    write_text(tmp_path / "task.xml", xml)
    found = read_annotations(tmp_path / "task.xml")
    picture = next(found.pictures())
    assert picture.name == "000"
    assert [(picture.labels == i).sum() for i in (1, 2)] == [92, 8]
    assert found.colors == [(255, 0, 0), (0, 255, 0)]
    write_text(tmp_path / "bomb.xml", '<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>')
    with pytest.raises(RecordingError, match="entities"):
        read_annotations(tmp_path / "bomb.xml")


def test_masks_in_the_colours_of_a_labelmap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder(tmp_path)
    labels = drawn()
    palette = np.array([(0, 0, 0), (10, 20, 200), (20, 200, 30), (200, 30, 40)], np.uint8)
    write_text(root / "labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\nbox:200,30,40::\n"
               "floor:20,200,30::\nwall:10,20,200::\n")  # fmt: skip
    write_color(root / "SegmentationClass" / "000.png", palette[labels])
    write_color(root / "SegmentationClass" / "nowhere.png", palette[labels])
    assert main(["labels", "import", str(root), str(root)]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert np.array_equal(labels_of(root), np.array([0, 3, 2, 1])[labels])
    write_color(root / "SegmentationClass" / "001.png", np.full((*SIZE, 3), 99, np.uint8))
    assert main(["labels", "import", str(root), str(root), "--replace"]) == 1
    assert "(99, 99, 99)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "kind", ["gray", "ignore_255", "zero_based_255", "uint16", "gray_as_rgb", "rgba", "palette", "suffix"]
)
def test_png_label_maps_of_every_kind(tmp_path: Path, kind: str) -> None:
    root = folder(tmp_path)
    labels = drawn()
    stored: np.ndarray = {
        "ignore_255": np.where(labels == 0, 255, labels).astype(np.uint8),
        "zero_based_255": np.where(labels == 0, 255, labels - 1).astype(np.uint8),
        "uint16": labels.astype(np.uint16),
        "gray_as_rgb": np.dstack([labels] * 3),
        "rgba": np.dstack([labels] * 3 + [np.full_like(labels, 255)]),
    }.get(kind, labels)
    path = root / "masks" / ("000_mask.png" if kind == "suffix" else "000.png")
    path.parent.mkdir()
    picture = Image.fromarray(stored)
    if kind == "palette":
        picture = Image.frombytes("P", SIZE[::-1], labels.tobytes())
        picture.putpalette([255 - i // 3 for i in range(768)])
    picture.save(path)
    (root / "labels.txt").write_text("wall\nfloor\nbox\n")
    main(["labels", "import", str(root / "masks"), str(root)])
    assert np.array_equal(labels_of(root), labels)
    assert DataSet(root).label_set.names == ("wall", "floor", "box")


def test_a_class_called_background_is_asked_about_and_names_are_mapped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder(tmp_path)
    labels = np.clip(drawn(), 1, 3)
    (root / "masks").mkdir()
    Image.fromarray(labels).save(root / "masks" / "000.png")
    (root / "labels.txt").write_text("background\nsofa\nchair\n")
    command = ["labels", "import", str(root / "masks"), str(root)]
    assert main(command) == 2
    assert "--background void" in capsys.readouterr().err
    assert not (root / "label").exists()
    assert main([*command, "--background", "void", "--map", "sofa=seat", "--map", "chair=seat"]) == 0
    assert DataSet(root).label_set.names == ("seat",)
    assert np.array_equal(labels_of(root), labels > 1)
    assert main([*command, "--background", "class", "--replace"]) == 0
    assert DataSet(root).label_set.names == ("seat", "background", "sofa", "chair")
    assert list((root / "backup").rglob("000*.png"))
    assert main([*command, "--map", "table=x"]) == 2
    assert "table" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["coco", "cvat"])
def test_predictions_that_went_through_another_tools_format_are_drafts(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Out of a data set that a model has labelled and in again they would be done by hand."""
    root = folder(tmp_path / "set")
    write_gray(root / "label" / "000.png", drawn())
    write_text(root / "labels.json", json.dumps({"classes": ["wall", "floor", "box"], "made_by": [{"model": "demo"}]}))
    assert main(["labels", "export", str(root), str(tmp_path / "out"), "--to", name]) == 0
    assert "predicted by demo" in capsys.readouterr().err
    other = folder(tmp_path / "other")
    labels = tmp_path / "out" / ("annotations/instances_default.json" if name == "coco" else "")
    assert main(["labels", "import", str(labels), str(other)]) == 0, capsys.readouterr().err
    assert "drafts" in capsys.readouterr().err
    assert DataSet(other).states == {"000": "draft"}
    assert main(["labels", "export", str(other), str(tmp_path / "again"), "--to", name]) == 0
    assert "nobody has looked at 1 of them" in capsys.readouterr().err


def test_what_one_tool_or_another_does_differently(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pictures that nobody has annotated, of one name in two folders, in nested folders, with slashes of Windows."""
    root = folder(tmp_path / "set", 4)
    with Image.open(root / "image" / "003.png") as picture:
        exif = picture.getexif()
        exif[0x0112] = 3
        picture.convert("RGB").save(root / "image" / "003.jpg", exif=exif)
    (root / "image" / "003.png").unlink()
    square = '<polygon label="box" points="10,10;20,10;20,20;10,20"/>'
    images = [
        ("a/000.png", '<box label="box" xtl="10" ytl="10" xbr="30" ybr="20" rotation="90.0"/>'),
        ("b/000.png", square),
        ("001.png", ""),
        ("c\\002.png", square.replace("points=", 'points="900,900;990,900;900,990" was=') + square),
        ("003.jpg", square),
    ]
    texts = [f'<image name="{name}" width="64" height="48">{shapes}</image>' for name, shapes in images]
    write_text(tmp_path / "annotations.xml", f"\ufeff<annotations>{''.join(texts)}</annotations>\r\n")
    assert main(["labels", "import", str(tmp_path / "annotations.xml"), str(root)]) == 1
    said = capsys.readouterr().err
    assert "nothing is labelled in them: 001" in said
    assert "came before: 000" in said
    assert "no area in the picture" in said
    assert "EXIF rotation" in said
    assert "lie right in 003" in said
    assert sorted(DataSet(root).states) == ["000", "002", "003"]
    rows, columns = np.nonzero(labels_of(root))  # Twenty across and ten down, turned upright.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 24, 15, 24)
    write_text(tmp_path / "video.xml", "<annotations><track label='box'/></annotations>")
    (tmp_path / "task.zip").write_bytes(b"PK")
    for name, words in (("video.xml", "tracks of a video"), ("task.zip", "unpack it")):
        with pytest.raises(RecordingError, match=words):
            read_annotations(tmp_path / name)


def test_files_of_other_kinds_beside_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A list of names that begins with the background counts from 0; damaged files are named, the others arrive."""
    root = folder(tmp_path / "set")
    maps = tmp_path / "maps" / "deep"
    maps.mkdir(parents=True)
    labels = np.minimum(drawn(), 2)
    Image.fromarray(labels).save(maps / "000_mask.PNG")
    write_color(maps / "000.png", np.random.default_rng(0).integers(0, 255, (*SIZE, 3), dtype=np.uint8))
    (tmp_path / "maps" / "labels.txt").write_bytes(b"\xef\xbb\xbf__ignore__\r\n_background_\r\nfloor\r\nbox\r\n")
    assert main(["labels", "import", str(tmp_path / "maps"), str(root), "--background", "void"]) == 1
    assert "counted from 0" in capsys.readouterr().err
    assert DataSet(root).label_set.names == ("floor", "box")
    assert np.array_equal(labels_of(root), labels)
    me = tmp_path / "me"
    outline = {"label": "lid", "points": [[10, 10], [20, 10], [20, 20], [10, 20]]}
    size = {"imageHeight": SIZE[0], "imageWidth": SIZE[1], "imagePath": "..\\pictures\\001.png"}
    write_text(me / "deep" / "001.json", json.dumps({"shapes": [outline], **size}))
    write_text(me / "deep" / "000_half.json", '{"shapes": [')
    assert main(["labels", "import", str(me), str(root)]) == 1
    assert "000_half.json is damaged" in capsys.readouterr().err
    assert (labels_of(root, "001") == 3).sum() == 100
    rows = [
        {"id": 1, "image_id": 3, "category_id": 5, "segmentation": [10, 10, 20, 10, 20, 20, 10, 20]},
        {"id": 2, "image_id": 99, "category_id": 5, "segmentation": [[1, 1, 2, 1, 2, 2]]},
    ]
    write_text(tmp_path / "coco" / "all.json", json.dumps(coco([{"id": 5, "name": "lid"}], rows)))
    assert main(["labels", "import", str(tmp_path / "coco"), str(root)]) == 1
    assert "1 annotations are of pictures that it does not list" in capsys.readouterr().err
    assert (labels_of(root, "002") == 3).sum() == 100


def test_damaged_files_are_named(tmp_path: Path) -> None:
    write_text(tmp_path / "a.xml", "<annotations><image name='x' width='0' height='5'/></annotations>")
    write_text(
        tmp_path / "b.json", json.dumps(coco([{"id": 1, "name": "a"}], [{"id": 1, "image_id": 1, "category_id": 9}]))
    )
    write_text(tmp_path / "c.json", json.dumps({"shapes": [{"label": "a", "points": "none"}], "imageWidth": 9**9}))
    for name in ("a.xml", "b.json", "c.json"):
        with pytest.raises(RecordingError, match=name.split(".")[0]):
            list(read_annotations(tmp_path / name).pictures())
    with pytest.raises(RecordingError, match="no file or folder"):
        read_annotations(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordingError, match="no labels that are known"):
        read_annotations(tmp_path / "empty")
