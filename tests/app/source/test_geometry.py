"""What the source panel says of depth: its unit, its registration, where both come from; and how a person sets them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from rgbd_seg.app.source.geometry import geometry_lines, unit_doubt
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.mcap.writer import RecordingWriter
from rgbd_seg.recording.told import tell
from tests.app.conftest import CALIBRATION, make_frame, make_segmentation

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


def test_every_number_says_where_it_comes_from() -> None:
    calibration = replace(CALIBRATION, registered=False, unit_origin="assumed", registration_origin="user")
    lines = " ".join(geometry_lines(replace(make_frame(), calibration=calibration), 29.97))
    assert "64x48, 30.0 fps" in lines
    assert "1 mm a count (assumed), 1.00 to 2.00 m in view" in lines
    assert "not registered to colour (set by you)" in lines
    assert "Calibration: from the camera" in lines


def test_a_camera_that_does_not_register_although_asked_says_so() -> None:
    frame = replace(make_frame(), calibration=replace(CALIBRATION, registered=False))
    assert "although that was asked for" in " ".join(geometry_lines(frame, 0, wanted_registered=True))
    assert "although" not in " ".join(geometry_lines(frame, 0, wanted_registered=False))


@pytest.mark.parametrize(
    ("unit_m", "word"), [(0.0001, ""), (0.00001, "nearer than 0.02 m"), (0.02, "farther than 40 m")]
)
def test_an_absurd_median_is_doubted(unit_m: float, word: str) -> None:
    frame = replace(make_frame(), calibration=replace(CALIBRATION, depth_unit_m=unit_m))
    doubt = unit_doubt(frame)
    assert (word in doubt) if word else doubt == ""


def test_what_is_said_of_a_file_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    with RecordingWriter(path, CALIBRATION) as writer:
        writer.write(make_frame())
    before = path.read_bytes()
    tell(path, depth_unit_m=0.0001)
    tell(path, registered=False)
    with open_recording(path) as reader:
        calibration = reader.read(0).calibration
    assert (calibration.depth_unit_m, calibration.unit_origin) == (0.0001, "user")
    assert (calibration.registered, calibration.registration_origin) == (False, "user")
    with open_recording(path, depth_unit_m="0.001") as reader:
        assert reader.read(0).calibration.depth_unit_m == 0.001
    assert path.read_bytes() == before


def make_folder(root: Path) -> Path:
    for name, pixels in (("image", np.full((48, 64, 3), 99, np.uint8)), ("depth", np.full((48, 64), 900, np.uint16))):
        (root / name).mkdir(parents=True)
        cv2.imwrite(str(root / name / "0.png"), pixels)
        cv2.imwrite(str(root / name / "1.png"), pixels)
    return root


def test_what_is_said_of_a_folder_stays_in_its_own_file(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "set")
    (root / "rgbd_seg.json").write_text('{"name": "mine", "depth_unit_m": 0.001, "assumed": ["depth_unit_m"]}')
    with open_recording(root) as reader:
        assert reader.read(0).calibration.unit_origin == "assumed"
    tell(root, depth_unit_m=0.0002)
    assert json.loads((root / "rgbd_seg.json").read_text()) == {"name": "mine", "depth_unit_m": 0.0002, "assumed": []}
    with open_recording(root) as reader:
        calibration = reader.read(0).calibration
    assert (calibration.depth_unit_m, calibration.unit_origin) == (0.0002, "file")


def test_the_unit_is_set_in_the_panel_and_kept(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    root, panel = make_folder(tmp_path / "set"), window.source_panel.geometry_panel
    window.sources.open(str(root))
    qtbot.waitUntil(lambda: "1 mm a count (assumed)" in panel.text.text(), timeout=10_000)
    window.grid.show_kinds(("depth", *window.grid.kinds[1:]))
    depth = next(pane for pane in window.grid.panes if pane.kind == "depth")
    assert "1 mm a count is assumed" in depth.note
    panel.unit.setCurrentIndex(panel.unit.findData(0.0001))
    panel.unit.activated.emit(panel.unit.currentIndex())
    qtbot.waitUntil(lambda: "0.1 mm a count (from the file)" in panel.text.text(), timeout=10_000)
    assert "absurd" in panel.doubt.text()
    panel.registered.click()
    qtbot.waitUntil(lambda: "not registered to colour" in panel.text.text(), timeout=10_000)
    with open_recording(root) as reader:
        calibration = reader.read(0).calibration
    assert (calibration.depth_unit_m, calibration.registered) == (0.0001, False)


def test_unregistered_depth_is_marked_wherever_it_lies_over_colour(window: MainWindow) -> None:
    one = make_segmentation()
    frame = replace(one.frame, calibration=replace(CALIBRATION, registered=False))
    window.grid.show_kinds(("overlay", "cloud", "labels", "color"))
    window.grid.show_count(4)
    window.presenter.show(replace(one, frame=frame))
    notes = {pane.kind: pane.note for pane in window.grid.panes}
    assert all("depth is not registered to colour" in notes[kind] for kind in ("overlay", "cloud", "labels"))
    assert notes["color"] == ""
