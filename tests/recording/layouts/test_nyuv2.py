"""NYU Depth V2's official file as a recording: conformance, classes, holes, split, and files that are none."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
import scipy.io

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.layouts.matlab_numbers import read_numbers
from rgbd_seg.recording.layouts.nyuv2 import CLASSES_FILE, FRAMES_FILE
from rgbd_seg.testing.layouts import ReaderConformance
from tests.recording.nyu_files import COUNT, write_nyu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rgbd_seg.recording.reader import RecordingReader


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nyu(tmp_path_factory.mktemp("nyu"))


class TestNyu(ReaderConformance):
    @pytest.fixture
    def reader(self, root: Path) -> Iterator[RecordingReader]:
        with open_recording(root) as reader:
            yield reader


def test_the_file_or_its_folder_opens_with_the_official_classes_as_truth(root: Path) -> None:
    with open_recording(root / FRAMES_FILE, classes="40") as by_file, open_recording(root) as by_folder:
        assert len(by_file) == len(by_folder) == COUNT
        for reader in (by_file, by_folder):
            frame = reader.read(3)
            assert frame.color.shape == (464, 624, 3)
            assert tuple(frame.color[50 - 8, 100 - 8]) == (30, 0, 255)
            assert frame.truth is not None
            assert frame.truth.origin == "imported"
            names = [frame.truth.label_set.name_of(int(frame.truth.labels[42, at])) for at in (0, 500, 92)]
            assert names == ["wall", "table", "bag"]
            assert not frame.depth[:, 250].any()
            assert frame.depth[0, 0] == 4000
        assert by_folder.info.details["kind of depth"] == "raw"
        assert any("do not follow each other" in note for note in by_folder.info.notes)
        assert by_folder.times_us[1] == 500_000


def test_filled_depth_and_the_official_split_are_options(root: Path) -> None:
    with open_recording(root, depth="filled", split="test") as reader:
        frames = list(reader)
    assert [frame.index for frame in frames] == [4, 5]
    assert all((frame.depth > 0).all() for frame in frames)
    for wrong in ({"depth": "green"}, {"classes": "12"}, {"split": "mine"}, {"colour": "yes"}):
        with pytest.raises(RecordingError, match=next(iter(wrong))):
            open_recording(root, **wrong)


def test_without_the_mapping_it_opens_and_says_what_is_missing(root: Path, tmp_path: Path) -> None:
    shutil.copy(root / FRAMES_FILE, tmp_path)
    with open_recording(tmp_path) as reader:
        assert reader.read(0).truth is None
        assert reader.info.label_set is None
        assert any(CLASSES_FILE in note for note in reader.info.notes)
    with pytest.raises(RecordingError, match=r"splits\.mat"):
        open_recording(tmp_path, split="train")


def test_other_and_damaged_files_are_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mat").write_text("not HDF5")
    with pytest.raises(RecordingError, match="no recording that rgbd-seg knows"):
        open_recording(tmp_path / "text.mat")
    with h5py.File(tmp_path / "other.mat", "w") as file:
        file.create_dataset("images", data=np.zeros((2, 3, 4, 5), np.uint8))
    with pytest.raises(RecordingError, match="has no pictures"):
        open_recording(tmp_path / "other.mat")
    whole = (root / FRAMES_FILE).read_bytes()
    (tmp_path / "cut.mat").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RecordingError, match=r"cut\.mat"):
        open_recording(tmp_path / "cut.mat")


@pytest.mark.parametrize("packed", [False, True])
def test_numbers_of_matlab_are_those_that_scipy_writes(tmp_path: Path, packed: bool) -> None:
    arrays = {
        "whole": np.arange(12, dtype=np.int16).reshape(3, 4),
        "single": np.array([[0.5, np.nan]], np.float32),
        "short": np.array([[7]], np.uint8),
        "empty": np.zeros((0, 3)),
    }
    others = {"text": "a", "parts": {"a": 1}, "complex": np.array([[1j]])}
    scipy.io.savemat(tmp_path / "a.mat", arrays | others, do_compression=packed)
    found = read_numbers(tmp_path / "a.mat")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array.ravel("F"))
        assert found[name].dtype == array.dtype


def test_arrays_of_other_files_and_of_other_sizes_are_not_followed(tmp_path: Path) -> None:
    write_nyu(tmp_path)
    path = tmp_path / FRAMES_FILE
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other.create_dataset("depths", data=np.ones((COUNT, 640, 480), np.float32))
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(8 * 640 * 480))
    shape, source = (COUNT, 640, 480), h5py.VirtualSource(str(tmp_path / "other.h5"), "depths", (COUNT, 640, 480))
    layout = h5py.VirtualLayout(shape, np.float32)
    layout[...] = source
    wrong: dict[str, Callable[[h5py.File], object]] = {
        "elsewhere": lambda file: file.__setitem__("depths", h5py.ExternalLink("other.h5", "depths")),
        "another file": lambda file: file.create_virtual_dataset("depths", layout),
        "in another": lambda file: file.create_dataset("depths", shape, np.uint8, external=[(str(raw), 0, 2**40)]),
        "parts of more": lambda file: file.create_dataset(
            "depths", shape, np.float64, maxshape=(None, 640, 480), chunks=(200, 640, 480)
        ),
        "has no pictures": lambda file: file.create_dataset("depths", (COUNT, 10**9, 640, 480), np.uint8, chunks=True),
        "has no pictures 'depths'": lambda file: file.create_group("depths"),
    }
    for said, put in wrong.items():
        with h5py.File(path, "a") as file:
            del file["depths"]
            put(file)
        with pytest.raises(RecordingError, match=said):
            open_recording(path)
