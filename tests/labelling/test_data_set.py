"""The data set of label mode: saved whole, found again, and nothing lost to disks, kills and second windows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling.data_set import DataSet, data_set_folder
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.layouts.labelled_folder import list_pictures, weights_of
from rgbd_seg.recording.pictures.saving import write_gray

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = (24, 32)
CLASSES = LabelSet.from_dict({"name": "mine", "classes": ["table", "cup", "plate"]})


def frame(index: int = 0) -> RgbdFrame:
    rng = np.random.default_rng(index)
    camera = Calibration(Intrinsics(SIZE[1], SIZE[0], 30.0, 30.0, 15.5, 11.5), 0.0005)
    color = rng.integers(0, 255, (*SIZE, 3), dtype=np.uint8)
    return RgbdFrame(color, rng.integers(1, 9000, SIZE, dtype=np.uint16), camera, index, 0)


def labels(value: int = 1) -> NDArray[np.uint8]:
    result = np.zeros(SIZE, np.uint8)
    result[4:12, 5:20] = value
    return result


def begun(root: Path) -> DataSet:
    data_set = DataSet(root, CLASSES)
    data_set.save("000000", frame(0), labels(1), "done")
    data_set.save("000010", frame(10), labels(2), "travelled")
    data_set.save("000020", frame(20), labels(3), "draft")
    return data_set


def test_it_lies_beside_a_file_and_in_a_folder_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "walk.mcap").touch()
    assert data_set_folder(tmp_path / "walk.mcap") == tmp_path / "walk labels"
    for part in ("image", "depth"):
        (tmp_path / "set" / part).mkdir(parents=True)
    assert data_set_folder(tmp_path / "set") == tmp_path / "set"


def test_it_is_found_again_with_its_classes_states_and_labels(tmp_path: Path) -> None:
    begun(tmp_path / "walk labels").set_state("000030", "skipped")
    again = DataSet(tmp_path / "walk labels")
    assert again.label_set == CLASSES
    assert again.states == {"000000": "done", "000010": "travelled", "000020": "draft", "000030": "skipped"}
    assert np.array_equal(again.read("000010", SIZE), labels(2))  # type: ignore[arg-type]
    assert again.read("000099", SIZE) is None
    assert not again.messages


def test_label_files_look_right_in_any_viewer(tmp_path: Path) -> None:
    begun(tmp_path)
    with Image.open(tmp_path / "label" / "000010.png") as picture:
        assert picture.mode == "P"
        assert picture.convert("RGB").getpixel((8, 6)) == CLASSES.classes[1].color


def test_training_reads_it_as_it_is_and_weighs_it_and_leaves_drafts_out(tmp_path: Path) -> None:
    from training.data.folder import PictureFolder  # Seconds, which the process that is killed below would take.

    begun(tmp_path)
    pictures = [color for color, _, _ in list_pictures(tmp_path)]
    assert [path.stem for path in pictures] == ["000000", "000010"]
    assert weights_of(tmp_path, pictures) == [1.0, 0.3]
    sample = PictureFolder(tmp_path).read(1)
    assert np.array_equal(sample.label, labels(2))
    assert np.allclose(sample.depth_m, frame(10).depth * 0.0005)
    (tmp_path / "frames.json").write_text(json.dumps({"frames": {"000020": "done"}, "weights": {"travelled": 0}}))
    assert len(list_pictures(tmp_path)) == 3  # What the file does not name counts as done.
    (tmp_path / "frames.json").write_text(json.dumps({"frames": {"000020": "perhaps"}}))
    with pytest.raises(ConfigurationError, match=r"perhaps.*move it away"):
        list_pictures(tmp_path)


def test_only_frames_that_a_person_has_done_are_truth_when_it_is_opened_as_a_recording(tmp_path: Path) -> None:
    begun(tmp_path)
    with open_recording(tmp_path) as reader:
        assert [stored.truth is not None for stored in reader] == [True, False, False]
        assert reader.read(0).calibration.depth_unit_m == 0.0005


def test_two_windows_the_newest_wins_and_the_older_stays_as_a_backup(tmp_path: Path) -> None:
    begun(tmp_path)
    one, other = DataSet(tmp_path), DataSet(tmp_path)
    for window in (one, other):
        window.read("000000", SIZE)
    one.save("000000", frame(0), labels(3), "done")
    other.save("000000", frame(0), labels(2), "done")
    assert np.array_equal(DataSet(tmp_path).read("000000", SIZE), labels(2))  # type: ignore[arg-type]
    with Image.open(tmp_path / "backup" / "000000.1.png") as kept:
        assert np.array_equal(np.array(kept), labels(3))
    assert "another window" in other.messages[0]
    assert not one.messages
    other.save("000000", frame(0), labels(1), "done")  # Its own file is none to keep.
    assert len(list((tmp_path / "backup").iterdir())) == 1
    one.set_state("000040", "skipped")  # States of different frames do not undo each other.
    other.set_state("000050", "skipped")
    assert {"000040", "000050"} <= DataSet(tmp_path).states.keys()


def test_a_label_file_of_another_size_is_named_and_kept(tmp_path: Path) -> None:
    data_set = begun(tmp_path)
    write_gray(tmp_path / "label" / "000000.png", np.ones((5, 7), np.uint8))
    with pytest.raises(RecordingError, match="7x5 pixels, but its frame has 32x24"):
        data_set.read("000000", SIZE)
    data_set.save("000000", frame(0), labels(1), "done")
    with Image.open(tmp_path / "backup" / "000000.1.png") as kept:
        assert kept.size == (7, 5)


def test_a_set_that_lost_a_class_gets_it_back_under_a_name_that_says_so(tmp_path: Path) -> None:
    begun(tmp_path)
    (tmp_path / "labels.json").write_text(json.dumps({"name": "mine", "classes": ["table", "cup"]}))
    again = DataSet(tmp_path)
    read = again.read("000020", SIZE)
    assert read is not None
    assert (read == 3).sum() == (labels(3) == 3).sum()
    assert again.label_set.names == ("table", "cup", "class 3")
    assert "rename" in again.messages[0]
    again.save("000020", frame(20), read, "done")


def test_classes_are_renamed_and_merged_in_all_files_and_the_old_ones_kept(tmp_path: Path) -> None:
    data_set = begun(tmp_path)
    data_set.set_classes(CLASSES.with_class(2, name="mug"))
    assert DataSet(tmp_path).label_set.names == ("table", "mug", "plate")
    merged = LabelSet("mine", (CLASSES.classes[0], CLASSES.classes[2]))
    data_set.set_classes(merged, {2: 1, 3: 2})
    again = DataSet(tmp_path)
    assert again.label_set.names == ("table", "plate")
    assert np.array_equal(again.read("000010", SIZE), labels(1))  # type: ignore[arg-type]
    assert np.array_equal(again.read("000020", SIZE), labels(2))  # type: ignore[arg-type]
    with Image.open(tmp_path / "backup" / "label.1" / "000020.png") as kept:
        assert np.array_equal(np.array(kept), labels(3))


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_kill_while_classes_are_merged_leaves_labels_and_classes_that_agree(
    tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_set = begun(tmp_path)
    merged = LabelSet("mine", (CLASSES.classes[0], CLASSES.classes[2]))
    real, calls = os.rename, iter(range(9))

    def killed(source: Path, target: Path) -> None:
        if next(calls) == step:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        data_set.set_classes(merged, {2: 1, 3: 2})
    monkeypatch.undo()
    again = DataSet(tmp_path)
    read = again.read("000020", SIZE)
    assert read is not None
    assert again.label_set.name_of(int(read.max())) == "plate"


def test_labels_that_a_model_made_are_drafts_and_nothing_is_trained_on_them(tmp_path: Path) -> None:
    begun(tmp_path)
    (tmp_path / "frames.json").unlink()
    told = json.loads((tmp_path / "labels.json").read_text())
    (tmp_path / "labels.json").write_text(json.dumps({**told, "made_by": [{"model": "demo"}]}))
    data_set = DataSet(tmp_path)
    assert set(data_set.states.values()) == {"draft"}
    data_set.set_state("000000", "done")
    assert [color.stem for color, _, _ in list_pictures(tmp_path)] == ["000000"]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    data_set = begun(tmp_path)
    (tmp_path / "label").rename(tmp_path / "elsewhere")
    (tmp_path / "label").write_text("a file where a folder should be")
    with pytest.raises(RecordingError, match="cannot write"):
        data_set.save("000000", frame(0), labels(2), "done")
    with pytest.raises(RecordingError, match="cannot"):
        DataSet(tmp_path / "labels.json" / "below a file").save("0", frame(0), labels(1), "done")
    (tmp_path / "label").unlink()
    (tmp_path / "elsewhere").rename(tmp_path / "label")
    data_set.save("000000", frame(0), labels(2), "done")
    assert np.array_equal(DataSet(tmp_path).read("000000", SIZE), labels(2))  # type: ignore[arg-type]


def test_wrong_labels_are_refused(tmp_path: Path) -> None:
    data_set = begun(tmp_path)
    with pytest.raises(ConfigurationError, match="class 9"):
        data_set.save("000000", frame(0), labels(9), "done")
    with pytest.raises(ConfigurationError, match="labels must be uint8"):
        data_set.save("000000", frame(0), labels(1)[:3], "done")


def test_a_damaged_list_of_states_is_kept_and_written_anew(tmp_path: Path) -> None:
    data_set = begun(tmp_path)
    (tmp_path / "frames.json").write_text("{ half a")
    data_set.set_state("000000", "skipped")
    assert data_set.states["000010"] == "travelled"
    assert (tmp_path / "backup" / "frames.1.json").read_text() == "{ half a"
    assert DataSet(tmp_path).states["000000"] == "skipped"


def test_labels_without_their_list_of_classes_are_said_and_what_is_no_file_is_none(tmp_path: Path) -> None:
    begun(tmp_path)
    (tmp_path / "labels.json").unlink()
    (tmp_path / "label" / "000099.png").mkdir()
    data_set = DataSet(tmp_path)
    assert "no labels.json" in data_set.messages[0]
    assert data_set.label_set.names == ("class 1",)
    assert "000099" not in data_set.names()
    assert [path.stem for path, _, _ in list_pictures(tmp_path)] == ["000000", "000010"]


def test_a_frame_that_is_forgotten_leaves_the_set_but_not_the_disk(tmp_path: Path) -> None:
    data_set = begun(tmp_path / "walk labels")
    data_set.forget("000010")
    assert "000010" not in DataSet(tmp_path / "walk labels").states
    assert [color.stem for color, _, _ in list_pictures(tmp_path / "walk labels")] == ["000000"]
    assert (tmp_path / "walk labels" / "backup" / "000010.1.png").is_file()


_PAINTER = """
import sys
import numpy as np
from pathlib import Path
from tests.labelling.test_data_set import CLASSES, SIZE, DataSet, frame
data_set = DataSet(Path(sys.argv[1]), CLASSES)
for stroke in range(100000):
    painted = np.full(SIZE, stroke % 3 + 1, np.uint8)
    data_set.save(f"{stroke % 7:06d}", frame(stroke % 7), painted, "done")
    print(stroke, flush=True)
"""


def test_a_kill_between_strokes_loses_at_most_the_last_one(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", _PAINTER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, text=True) as painter:
        assert painter.stdout is not None
        last = -1
        for line in painter.stdout:
            last = int(line)
            if last == 40:
                painter.send_signal(signal.SIGKILL)
    again = DataSet(tmp_path)
    for stroke in range(last - 5, last + 1):
        read = again.read(f"{stroke % 7:06d}", SIZE)
        assert read is not None
        assert read.min() == read.max()
        assert int(read[0, 0]) == stroke % 3 + 1
    assert len(list_pictures(tmp_path)) == 7
