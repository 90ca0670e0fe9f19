"""Folders as other programs and data sets leave them: pixels, metres, times and the camera as they were written."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.layouts.known_sets import metres_of_disparity
from rgbd_seg.testing.layouts import ReaderConformance
from tests.recording.picture_trees import HEIGHT, WIDTH, color_of, depth_of, write_color, write_gray, write_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rgbd_seg.recording.reader import RecordingReader

FX, FY, CX, CY = 30.0, 31.0, 15.5, 11.5
MATRIX3 = f"{FX} 0 {CX}\n0 {FY} {CY}\n0 0 1\n"
MATRIX4 = f"{FX} 0 {CX} 0\n0 {FY} {CY} 0\n0 0 1 0\n0 0 0 1\n"
COLUMNS = [FX, 0, 0, 0, FY, 0, CX, CY, 1]
ROWS = [FX, 0.0, CX, 0.0, FY, CY, 0.0, 0.0, 1.0]
OPENCV = (
    f'%YAML:1.0\n---\ncamera_name: "1"\nimage_width: {WIDTH}\nimage_height: {HEIGHT}\n'
    f"camera_matrix: !!opencv-matrix\n   rows: 3\n   cols: 3\n   dt: d\n   data: {ROWS}\n"
    "distortion_coefficients: !!opencv-matrix\n   rows: 1\n   cols: 5\n   dt: d\n   data: [ 0.1, -0.2, 0., 0., 0.3 ]\n"
)


def write(folder: Path, name: str, content: str | dict[str, Any]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def named(color: str, depth: str, calibration: str = "", content: str | dict[str, Any] = "") -> Callable[[Path], None]:
    """A folder whose pictures have these names by the number of the frame."""

    def make(folder: Path) -> None:
        for i in range(4):
            write_color(folder / color.format(i), color_of(i))
            write_gray(folder / depth.format(i), depth_of(i))
        if calibration:
            write(folder, calibration, content)

    return make


# Name: how it is made, metres of a count, whether the camera comes from a file.
FOLDERS: dict[str, tuple[Callable[[Path], None], float, bool]] = {
    "ScanNet": (named("color/{}.png", "depth/{}.png", "intrinsic/intrinsic_color.txt", MATRIX4), 0.001, True),
    "Open3D recorder": (
        named("color/{:05d}.png", "depth/{:05d}.png", "intrinsic.json",
              {"width": WIDTH, "height": HEIGHT, "intrinsic_matrix": COLUMNS, "depth_scale": 4000.0}),
        0.00025, True,
    ),
    "Open3D camera": (
        named("color/{:06d}.png", "depth/{:06d}.png", "camera_intrinsic.json",
              {"width": 2 * WIDTH, "height": 2 * HEIGHT,
               "intrinsic_matrix": [2 * FX, 0, 0, 0, 2 * FY, 0, 2 * CX + 0.5, 2 * CY + 0.5, 1]}),
        0.001, True,
    ),
    "BundleFusion": (
        named("frame-{:06d}.color.png", "frame-{:06d}.depth.png", "info.txt",
              f"m_versionNumber = 4\nm_sensorName = StructureSensor\nm_colorWidth = {WIDTH}\nm_colorHeight = {HEIGHT}\n"
              f"m_depthWidth = {WIDTH}\nm_depthHeight = {HEIGHT}\nm_depthShift = 1000\n"
              f"m_calibrationColorIntrinsic = {' '.join(MATRIX4.split())}\n"),
        0.001, True,
    ),
    "Redwood": (named("image/{0:07d}-{0:012d}.png", "depth/{0:07d}-0000{0:08d}.png"), 0.001, False),
    "Replica": (named("frame{:06d}.png", "depth{:06d}.png", "cam_params.json",
                      {"camera": {"w": WIDTH, "h": HEIGHT, "fx": FX, "fy": FY, "cx": CX, "cy": CY, "scale": 6553.5}}),
                1 / 6553.5, True),
    "ARKitScenes": (named("lowres_wide/41_305.37{}.png", "lowres_depth/41_305.37{}.png",
                          "lowres_wide_intrinsics/41_305.370.pincam", f"{WIDTH} {HEIGHT} {FX} {FY} {CX} {CY}"),
                    0.001, True),
    "Stray Scanner": (named("rgb/{:06d}.png", "depth/{:06d}.png", "camera_matrix.csv", MATRIX3.replace(" ", ", ")),
                      0.001, True),
    "Record3D": (named("rgb/{}.png", "depth/{}.png", "metadata",
                       {"w": WIDTH, "h": HEIGHT, "K": COLUMNS, "fps": 60}), 0.001, True),
    "RTAB-Map": (named("rtabmap_rgb/{}.png", "rtabmap_depth/{}.png", "rtabmap_calib/1.yaml", OPENCV), 0.001, True),
    "Matterport": (named("color/0123456789abcdef_i0_{}.jpg", "depth/0123456789abcdef_d0_{}.png"), 0.00025, False),
    "rs-convert": (named("walk_Color_160000000{}033.250000.png", "walk_Depth_160000000{}037.500000.png"), 0.001, False),
    "a suffix": (named("{:04d}.png", "{:04d}_depth.png", "intrinsics.txt", MATRIX3), 0.001, True),
    "a suffix in folders": (named("rgb/frame{:04d}.png", "depth/frame{:04d}_depth.png"), 0.001, False),
    "NYU, synchronised": (named("rgb_{:05d}.png", "sync_depth_{:05d}.png"), 0.001, False),
    "ORB-SLAM": (named("rgb/{}.png", "depth/{}.png", "camera.yaml",
                       f"%YAML:1.0\nCamera.fx: {FX}\nCamera.fy: {FY}\nCamera.cx: {CX}\nCamera.cy: {CY}\n"
                       "DepthMapFactor: 5000.0\n"), 0.0002, True),
    "ROS camera": (named("rgb/{}.png", "depth/{}.png", "camera_info.yaml",
                         f"image_width: {WIDTH}\nimage_height: {HEIGHT}\ncamera_matrix:\n  rows: 3\n  cols: 3\n"
                         f"  data: {ROWS}\ndistortion_model: plumb_bob\n"
                         "distortion_coefficients: {rows: 1, cols: 5, data: [0, 0, 0, 0, 0]}\n"), 0.001, True),
    "Kalibr": (named("rgb/{}.png", "depth/{}.png", "camchain-calib.yaml",
                     f"cam0:\n  camera_model: pinhole\n  intrinsics: [{FX}, {FY}, {CX}, {CY}]\n"
                     "  distortion_model: radtan\n  distortion_coeffs: [0, 0, 0, 0]\n"
                     f"  resolution: [{WIDTH}, {HEIGHT}]\n"),
               0.001, True),
}  # fmt: skip


@pytest.fixture(params=FOLDERS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, float, bool]:
    make, unit_m, has_camera = FOLDERS[request.param]
    make(tmp_path / "a")
    return tmp_path / "a", unit_m, has_camera


class TestConformance(ReaderConformance):
    @pytest.fixture
    def reader(self, written: tuple[Path, float, bool]) -> Iterator[RecordingReader]:
        with open_recording(written[0]) as reader:
            yield reader


def tartan_air(folder: Path) -> None:
    (folder / "depth_left").mkdir(parents=True)
    for i in range(4):
        write_color(folder / "image_left" / f"{i:06d}_left.png", color_of(i))
        np.save(folder / "depth_left" / f"{i:06d}_left_depth.npy", (depth_of(i) / 1000).astype(np.float32))


def nyu_raw(folder: Path) -> None:
    for i in range(4):
        write_color(folder / f"r-131495001{i}.250000-{1000 + i}.ppm", color_of(i))
        head = b"P5\n%d %d\n65535\n" % (WIDTH, HEIGHT)
        raw = np.full((HEIGHT, WIDTH), 900 + i, "<u2")
        (folder / f"d-131495001{i}.253000-{2000 + i}.pgm").write_bytes(head + raw.tobytes())


def icl_nuim(folder: Path) -> None:
    write_pairs(folder, 4)
    write(folder, "associations.txt", "\n".join(f"{i} rgb/{i}.png {i} depth/{i}.png" for i in range(4)))


def seven_scenes(folder: Path) -> None:
    named("frame-{:06d}.color.png", "frame-{:06d}.depth.png")(folder)
    for i in range(4):
        write(folder, f"frame-{i:06d}.pose.txt", "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n")


class TestConformanceOfThoseWithRulesOfTheirOwn(ReaderConformance):
    @pytest.fixture(params=[tartan_air, nyu_raw, icl_nuim, seven_scenes])
    def reader(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RecordingReader]:
        request.param(tmp_path)
        with open_recording(tmp_path) as reader:
            yield reader


def test_pictures_metres_and_camera_are_as_written(written: tuple[Path, float, bool]) -> None:
    path, unit_m, has_camera = written
    with open_recording(path) as reader:
        assert len(reader) == 4
        for i, frame in enumerate(reader):
            assert np.abs(frame.color.astype(int) - color_of(i)).mean() < 2  # Some are JPEG.
            assert np.array_equal(frame.depth, depth_of(i))
            assert frame.calibration.depth_unit_m == pytest.approx(unit_m)
            assert frame.calibration.registered
            if has_camera:
                lens = frame.calibration.color
                assert (lens.fx, lens.fy, lens.cx, lens.cy) == pytest.approx((FX, FY, CX, CY))
                assert frame.calibration.origin == "file"
            else:
                assert frame.calibration.origin == "assumed"


def test_the_lens_of_an_opencv_file_is_kept(tmp_path: Path) -> None:
    FOLDERS["RTAB-Map"][0](tmp_path)
    with open_recording(tmp_path) as reader:
        assert reader.read(0).calibration.color.distortion == (0.1, -0.2, 0.0, 0.0, 0.3)


def test_times_in_names_are_the_times_of_the_frames(tmp_path: Path) -> None:
    FOLDERS["rs-convert"][0](tmp_path)
    with open_recording(tmp_path) as reader:
        assert reader.times_us.tolist() == [0, 1_000_000, 2_000_000, 3_000_000]
        assert any("4.2 ms apart" in note for note in reader.info.notes)


@pytest.mark.parametrize("content", ["no camera", "{", "%YAML:1.0\n: [", "0 0 0 0 0 0 0 0 0", "nan " * 9, "[1, 2"])
@pytest.mark.parametrize("name", ["intrinsics.txt", "camera_intrinsic.json", "calib.yaml"])
def test_a_calibration_that_cannot_be_read_is_a_note(tmp_path: Path, name: str, content: str) -> None:
    write_pairs(tmp_path)
    write(tmp_path, name, content)
    with open_recording(tmp_path) as reader:
        assert reader.read(0).calibration.origin == "assumed"
        assert any(name in note for note in reader.info.notes)


FLOATS: dict[str, Callable[[Path, np.ndarray], None]] = {
    ".npy": lambda path, metres: np.save(path, metres),
    ".npz": lambda path, metres: np.savez_compressed(path, depth=metres),
    ".tiff": lambda path, metres: path.write_bytes(cv2.imencode(".tiff", metres)[1].tobytes()),
    ".pfm": lambda path, metres: path.write_bytes(
        b"Pf\n%d %d\n-1.0\n" % metres.shape[::-1] + np.ascontiguousarray(metres[::-1], "<f4").tobytes()
    ),
}


def exr(path: Path, metres: np.ndarray) -> None:
    module = pytest.importorskip("OpenEXR")
    header = {"compression": module.ZIP_COMPRESSION, "type": module.scanlineimage}
    module.File(header, {"Y": np.ascontiguousarray(metres, np.float32)}).write(str(path))


@pytest.mark.parametrize("suffix", [*FLOATS, ".exr"])
def test_depth_in_metres(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "depth_left").mkdir()
    for i in range(3):
        write_color(tmp_path / "image_left" / f"{i:06d}_left.png", color_of(i))
        metres = (depth_of(i) / 1000).astype(np.float32)
        metres[0, :3] = np.nan, np.inf, -1.0
        (FLOATS | {".exr": exr})[suffix](tmp_path / "depth_left" / f"{i:06d}_left_depth{suffix}", metres)
    with open_recording(tmp_path) as reader:
        assert any("metres" in note for note in reader.info.notes)
        for i, frame in enumerate(reader):
            expected = depth_of(i)
            expected[0, :3] = 0
            assert np.array_equal(frame.depth, expected)
            assert frame.calibration.depth_unit_m == 0.001
    with open_recording(tmp_path, depth_unit_m="0.1") as reader:
        assert reader.read(0).depth[5, 5] == round(int(depth_of(0)[5, 5]) / 10)


@pytest.mark.parametrize("suffix", [".npy", ".tiff", ".pgm"])
def test_counts_outside_png(tmp_path: Path, suffix: str) -> None:
    for i in range(3):
        write_color(tmp_path / "rgb" / f"{i}.tiff", color_of(i))
        path = tmp_path / "depth" / f"{i}{suffix}"
        path.parent.mkdir(exist_ok=True)
        if suffix == ".npy":
            np.save(path, depth_of(i).astype(np.int64))
        else:
            write_gray(path, depth_of(i))
    with open_recording(tmp_path) as reader:
        for i, frame in enumerate(reader):
            assert np.array_equal(frame.color, color_of(i))
            assert np.array_equal(frame.depth, depth_of(i))


def numpy_head(fields: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00v\x00" + fields.ljust(117) + b"\n"


@pytest.mark.parametrize(
    "data",
    [
        numpy_head(b"{'descr': '<f8', 'fortran_order': False, 'shape': (60000, 60000), }"),
        numpy_head(b"{'descr': '|O', 'fortran_order': False, 'shape': (4, 4), }"),
        b"\x93NUMPY",
        b"",
    ],
)  # fmt: skip
def test_arrays_that_lie_or_hold_objects_are_refused(tmp_path: Path, data: bytes) -> None:
    write_color(tmp_path / "rgb" / "1.png", color_of(0))
    (tmp_path / "depth").mkdir()
    (tmp_path / "depth" / "1.npy").write_bytes(data)
    with pytest.raises(RecordingError, match=r"1\.npy"):
        open_recording(tmp_path)


def test_sizes_that_differ_are_stretched_and_said(tmp_path: Path) -> None:
    for i in range(3):
        write_color(tmp_path / "color" / f"{i}.png", color_of(i, 2 * HEIGHT, 2 * WIDTH))
        write_gray(tmp_path / "depth" / f"{i}.png", depth_of(i))
    with open_recording(tmp_path) as reader:
        frame = reader.read(1)
        assert np.array_equal(frame.depth, depth_of(1).repeat(2, axis=0).repeat(2, axis=1))
        assert not frame.calibration.registered
        assert any("32x24" in note and "64x48" in note for note in reader.info.notes)
    with open_recording(tmp_path, registered="yes") as reader:
        assert reader.read(1).calibration.registered


def test_sizes_that_differ_with_both_calibrations_are_registered(tmp_path: Path) -> None:
    """Colour has twice the resolution and sees half the angle: depth's middle fills its picture."""
    for i in range(3):
        write_color(tmp_path / "color" / f"{i}.png", color_of(i, 48, 64))
        write_gray(tmp_path / "depth" / f"{i}.png", np.full((48, 64), 1500 + i, np.uint16))
    write(tmp_path, "intrinsic/intrinsic_color.txt", "128 0 31.5 0\n0 128 23.5 0\n0 0 1 0\n0 0 0 1")
    write(tmp_path, "intrinsic/intrinsic_depth.txt", "64 0 31.5 0\n0 64 23.5 0\n0 0 1 0\n0 0 0 1")
    with open_recording(tmp_path) as reader:
        frame = reader.read(2)
        assert (frame.depth == 1502).all()
        assert frame.calibration.registered
        assert frame.calibration.color.fx == 128


def test_files_of_macos_are_no_frames(tmp_path: Path) -> None:
    write_pairs(tmp_path, 3)
    for folder in ("rgb", "depth"):
        (tmp_path / folder / "._0.png").write_bytes(b"Mac resource fork")
        (tmp_path / folder / ".DS_Store").write_bytes(b"x")
    with open_recording(tmp_path) as reader:
        assert len(reader) == 3


def test_nyus_raw_recordings(tmp_path: Path) -> None:
    """Names with times, disparities with exchanged bytes: 1092.5 - 351.3 / 2 m = 916.85."""
    raw = np.full((HEIGHT, WIDTH), 917, np.uint16)
    raw[0, 0] = 2047
    for i in range(3):
        write_color(tmp_path / f"r-131495001{i}.250000-{1000 + i}.ppm", color_of(i))
        path = tmp_path / f"d-131495001{i}.253000-{2000 + i}.pgm"
        head = b"P5\n%d %d\n65535\n" % (WIDTH, HEIGHT)
        path.write_bytes(head + raw.astype("<u2").tobytes())  # A PGM's bytes are the other way round.
    with open_recording(tmp_path) as reader:
        assert len(reader) == 3
        frame = reader.read(1)
    assert frame.depth[5, 5] == 2002
    assert frame.depth[0, 0] == 0
    assert not frame.calibration.registered
    assert metres_of_disparity(np.array([917, 2047, 1093], np.uint16)).tolist() == [2002, 0, 0]


# TUM's lists.


def write_lists(folder: Path, scale: float, late_s: float = 0.004, text: str = "{:.6f}") -> None:
    start = 1305031102.175304 if scale != 1e9 else 1305031102.0
    lists: dict[str, list[str]] = {"rgb": [], "depth": []}
    for i in range(4):
        for kind, extra in (("rgb", 0.0), ("depth", late_s)):
            lists[kind].append(f"{text.format((start + i / 30 + extra) * scale)} {kind}/{i}.png")
        write_color(folder / "rgb" / f"{i}.png", color_of(i))
        write_gray(folder / "depth" / f"{i}.png", depth_of(i))
    for kind, lines in lists.items():
        write(folder, f"{kind}.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize(("scale", "text"), [(1, "{:.6f}"), (1e3, "{:.3f}"), (1e6, "{:.0f}"), (1e9, "{:.0f}")])
def test_times_in_any_unit(tmp_path: Path, scale: float, text: str) -> None:
    write_lists(tmp_path, scale, text=text)
    with open_recording(tmp_path) as reader:
        assert len(reader) == 4
        assert np.abs(reader.times_us - np.array([0, 33_333, 66_667, 100_000])).max() <= 2
        assert reader.read(0).calibration.depth_unit_m == 1 / 5000
        assert any("5000 counts a metre" in note for note in reader.info.notes)


def test_pairs_farther_apart_than_usual_name_the_value_that_would_do(tmp_path: Path) -> None:
    write_lists(tmp_path, 1, late_s=0.5)
    with pytest.raises(RecordingError, match=r"\?max_difference=0\.\d+") as caught:
        open_recording(tmp_path)
    value = str(caught.value).split("max_difference=")[1].split()[0]
    with open_recording(tmp_path, max_difference=value) as reader:
        assert len(reader) >= 1


@pytest.mark.parametrize("depth_first", [True, False])
def test_a_list_of_pairs_alone(tmp_path: Path, depth_first: bool) -> None:
    """ICL-NUIM: numbers of frames, and 5000 counts a metre as in TUM's."""
    write_pairs(tmp_path, 4)
    parts = [(f"{i} rgb/{i}.png", f"{i} depth/{i}.png") for i in range(4)]
    rows = [f"{depth} {color}" if depth_first else f"{color} {depth}" for color, depth in parts]
    write(tmp_path, "associations.txt", "\n".join(rows))
    with open_recording(tmp_path) as reader:
        assert reader.info.layout == "tum"
        assert reader.times_us.tolist() == [0, 33333, 66667, 100000]
        for i, frame in enumerate(reader):
            assert np.array_equal(frame.color, color_of(i))
            assert np.array_equal(frame.depth, depth_of(i))
            assert frame.calibration.depth_unit_m == 1 / 5000
        assert any("ICL-NUIM" in note for note in reader.info.notes)
    with open_recording(tmp_path, depth_unit_m="0.001") as reader:
        assert reader.read(0).calibration.depth_unit_m == 0.001


def test_a_list_of_pairs_leaves_the_folder_for_nobody(tmp_path: Path) -> None:
    write_pairs(tmp_path, 2)
    write(tmp_path, "associations.txt", "0 ../rgb/0.png 0 depth/0.png\n")
    with pytest.raises(RecordingError, match="outside"):
        open_recording(tmp_path)


def test_a_webp_beside_an_npy(tmp_path: Path) -> None:
    (tmp_path / "rgb").mkdir()
    (tmp_path / "depth").mkdir()
    for i in range(3):
        picture = np.ascontiguousarray(color_of(i)[..., ::-1])
        data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
        (tmp_path / "rgb" / f"{i}.webp").write_bytes(data)
        np.save(tmp_path / "depth" / f"{i}.npy", depth_of(i))
    with open_recording(tmp_path) as reader:
        assert np.array_equal(reader.read(2).color, color_of(2))
        assert np.array_equal(reader.read(2).depth, depth_of(2))


def test_a_struct_is_no_calibration(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    (tmp_path / "camera.json").write_bytes(struct.pack("<100d", *([1.0] * 100)))
    with open_recording(tmp_path) as reader:
        assert len(reader) == 4
