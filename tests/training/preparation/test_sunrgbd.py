"""`prepare` on a small tree of the real shape: archives, label file, split, polygons, and what goes wrong with them."""

from __future__ import annotations

import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError, RgbdSegError
from tests.training.small_sunrgbd import FRAMES, SIZES, TRAIN, label_of, write_labels
from training.__main__ import main
from training.data.sunrgbd import SunRgbdData, SunRgbdPictures, read_index
from training.preparation.archives import download, extract
from training.preparation.sunrgbd import prepare
from training.preparation.toolbox import Toolbox, frame_name


def prepared(out: Path, **options) -> str:
    """Runs prepare; a small tree always differs from the published counts, which is said last."""
    with pytest.raises(RgbdSegError) as caught:
        prepare(out, **options)
    return str(caught.value)


def test_from_folders_to_samples(images: Path, toolbox: Path, tmp_path: Path):
    out = tmp_path / "out"
    said = prepared(out, images=images.parent, toolbox=toolbox)
    assert "5 frames" in said
    assert "4 train" in said
    assert "the toolbox lists 2 train frames of kv1 instead of 1073" in said
    frames = read_index(out)
    assert [f.name for f in frames] == list(FRAMES)
    assert {f.split for f in frames if f.name in TRAIN} == {"train"}
    assert (frames[3].sensor, frames[3].collection, frames[3].scene) == ("xtion", "sun3ddata", "office")
    sample = SunRgbdPictures(out, frames, "raw").read(2)
    np.testing.assert_array_equal(sample.label, label_of(2))
    # The value 8212 mm is stored as 161: shifting without rotating would read 20 mm. Depth ends at 8 m.
    assert sample.depth_m[1, 0] == 8.0
    assert sample.depth_m[0, 0] == 0
    assert sample.depth_m[5, 5] == pytest.approx(1.2)
    assert sample.sensor == "kv2"


def test_archives_are_unpacked_safely_and_only_in_part(images: Path, toolbox: Path, tmp_path: Path):
    archives = []
    for folder in (images, toolbox):
        archives.append(tmp_path / f"{folder.name}.zip")
        with zipfile.ZipFile(archives[-1], "w") as file:
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                file.write(path, path.relative_to(folder.parent).as_posix())
    out = tmp_path / "out"
    assert "5 frames" in prepared(out, images=archives[0], toolbox=archives[1])
    assert not list(out.rglob("fullres"))
    assert all(not Path(f.color).is_absolute() for f in read_index(out))
    before = {p: p.stat().st_mtime_ns for p in (out / "label").rglob("*.png")}
    assert "5 frames" in prepared(out)  # Again, from what is there: nothing is made twice.
    assert before == {p: p.stat().st_mtime_ns for p in (out / "label").rglob("*.png")}


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:/evil.txt"])
def test_names_that_leave_the_target_are_refused(tmp_path: Path, name: str):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, "x")
    with pytest.raises(RgbdSegError, match="points outside"):
        extract(archive, tmp_path / "target", lambda _: True)
    assert not list(tmp_path.rglob("evil.txt"))


def test_links_and_bombs_in_an_archive_are_refused(tmp_path: Path):
    link = zipfile.ZipInfo("a/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(RgbdSegError, match="link"):
        extract(tmp_path / "link.zip", tmp_path / "target", lambda _: True)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/zeros", bytes(30_000_000))
    with pytest.raises(RgbdSegError, match="30000000 bytes"):
        extract(tmp_path / "bomb.zip", tmp_path / "target", lambda _: True)
    assert not [path for path in (tmp_path / "target").rglob("*") if path.is_file()]


def test_an_archive_larger_than_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a", bytes(2000))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(RgbdSegError, match="GB left"):
        extract(tmp_path / "a.zip", tmp_path / "target", lambda _: True)


def test_damaged_contents_of_an_archive_are_named(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", bytes(range(256)) * 40)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[40:60] = b"\xff" * 20
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(RgbdSegError, match="damaged"):
        extract(tmp_path / "a.zip", tmp_path / "target", lambda _: True)


def test_half_an_archive_is_named(tmp_path: Path, images: Path, toolbox: Path):
    archive = tmp_path / "SUNRGBD.zip"
    archive.write_bytes(b"PK\x03\x04" + bytes(100))
    assert "not downloaded completely" in prepared(tmp_path / "out", images=archive, toolbox=toolbox)


def test_the_split_and_a_fold_of_training_frames(images: Path, toolbox: Path, tmp_path: Path):
    out = tmp_path / "out"
    prepared(out, images=images, toolbox=toolbox)
    data = SunRgbdData(out, val_share=0.25, classes=13)
    counts = [len(data.pictures(split)) for split in ("train", "val", "test")]
    assert counts == [3, 1, 1]
    assert data.pictures("test").read(0).sensor == "realsense"
    assert data.pictures("train").read(0).label.max() <= 13
    assert len(data.label_set) == 13


def test_a_part_can_be_prepared(images: Path, toolbox: Path, tmp_path: Path):
    assert "2 frames" in prepared(tmp_path / "a", images=images, toolbox=toolbox, sensors=["kv1"])
    assert "3 frames" in prepared(tmp_path / "b", images=images, toolbox=toolbox, limit=3)


def test_polygons_do_without_the_toolbox(images: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert "5 frames" in prepare(out, images=images, polygons=True)
    data = SunRgbdData(out, val_share=0.2)
    label = data.pictures("train").read(0).label
    assert data.label_set.name_of(int(label[10, 10])) == "chair"
    assert label[30, 30] == 0


def test_labels_of_the_toolbox_replace_those_of_the_polygons(images: Path, toolbox: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert "labels of the annotation polygons" in prepare(out, images=images, polygons=True)
    assert "labels of the toolbox" in prepared(out, images=images, toolbox=toolbox)
    pictures = SunRgbdPictures(out, read_index(out), "raw")
    np.testing.assert_array_equal(pictures.read(2).label, label_of(2))
    prepare(out, images=images, polygons=True)
    assert (
        pictures.label_set.name_of(int(SunRgbdPictures(out, read_index(out), "raw").read(0).label[10, 10])) == "chair"
    )


def test_a_frame_that_cannot_be_used_is_named_and_the_others_are_kept(images: Path, toolbox: Path, tmp_path: Path):
    (images / FRAMES[0] / "annotation2Dfinal" / "index.json").write_text("{ not json")
    for file in (images / FRAMES[1] / "image").iterdir():
        file.unlink()
    said = prepared(tmp_path / "polygons", images=images, polygons=True)
    assert "3 frames" in said
    assert "index.json" in said
    assert "no picture in image/" in said
    labels = [label_of(i) for i in range(len(FRAMES))]
    labels[2] = np.full(SIZES[2], 40, np.uint8)
    labels[3] = np.ones((10, 10), np.uint8)
    write_labels(toolbox, labels)
    said = prepared(tmp_path / "toolbox", images=images, toolbox=toolbox)
    assert f"{FRAMES[2]} holds values outside 0..37, up to 40" in said
    assert f"{FRAMES[3]}: its labels are 10x10, its picture is 44x59" in said


def test_depth_that_is_damaged_or_of_another_size_is_named(images: Path, toolbox: Path, tmp_path: Path):
    half = images / FRAMES[0] / "depth" / "0_abs.png"
    half.write_bytes(half.read_bytes()[:60])
    other = images / FRAMES[2] / "depth_bfx" / "2_abs.png"
    cv2.imwrite(str(other), np.ones((30, 40), np.uint16))
    said = prepared(tmp_path / "out", images=images, toolbox=toolbox)
    assert "3 frames" in said
    assert f"{half} is truncated" in said
    assert f"{other} is 30x40, but the picture of that frame is 53x73" in said


def test_what_is_missing_is_said(images: Path, toolbox: Path, tmp_path: Path, capsys):
    assert "the toolbox is missing" in prepared(tmp_path / "a", images=images)
    assert "is not the folder SUNRGBD" in prepared(tmp_path / "b", images=tmp_path, toolbox=toolbox)
    assert "there is no" in prepared(tmp_path / "b", images=tmp_path / "SUNRGBD.zip", toolbox=toolbox)
    (toolbox / "traintestSUNRGBD" / "allsplit.mat").unlink()
    assert main(["prepare", "--out", str(tmp_path / "c"), "--images", str(images), "--toolbox", str(toolbox)]) == 1
    assert "lacks traintestSUNRGBD/allsplit.mat" in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match="no prepared SUN RGB-D tree"):
        read_index(tmp_path)


def test_labels_are_read_one_at_a_time(toolbox: Path):
    with Toolbox(toolbox) as box:
        np.testing.assert_array_equal(box.label(3), label_of(3))


def test_paths_in_every_spelling():
    assert frame_name("/n/fs/sun3d/data//SUNRGBD/kv1/NYUdata/NYU0001/") == "kv1/NYUdata/NYU0001"


class _Server(BaseHTTPRequestHandler):
    content = bytes(range(256)) * 40
    stops_after: int | None = None

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        body = self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: type(self).stops_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    _Server.stops_after = None
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}/file"
        http.shutdown()
        thread.join()


def test_a_broken_download_goes_on_where_it_stopped(server: str, tmp_path: Path):
    target = tmp_path / "file"
    _Server.stops_after = 3000
    with pytest.raises(RgbdSegError, match="broke off"):
        download(server, target)
    assert not target.exists()
    assert (tmp_path / "file.part").stat().st_size == 3000
    _Server.stops_after = None
    assert download(server, target).read_bytes() == _Server.content
    with pytest.raises(RgbdSegError, match="MD5"):
        download(server, tmp_path / "other", md5="0" * 32)
