"""Label mode in the window: from an open recording to labels on the disk, by hands, model and travel."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from rgbd_seg.app.training.dialog import TrainingDialog
from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.labelling.data_set import DataSet
from rgbd_seg.labels import LabelClass, LabelSet
from rgbd_seg.recording.mcap.writer import RecordingWriter

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.labelling.controller import LabellingController
    from rgbd_seg.app.labelling.desk import Desk
    from rgbd_seg.app.window import MainWindow

WIDTH, HEIGHT = 64, 48  # As the tests' model has it.
CAMERA = Calibration(Intrinsics(WIDTH, HEIGHT, 60.0, 60.0, 31.5, 23.5))
NOISE = np.random.default_rng(0).integers(0, 255, (HEIGHT, 2 * WIDTH, 3), dtype=np.uint8)
WALL = cv2.normalize(cv2.GaussianBlur(NOISE, (0, 0), 2), None, 120, 200, cv2.NORM_MINMAX)
BOX = (slice(16, 36), slice(20, 44))
INSIDE, OUTSIDE = (32, 26), (6, 6)


def scene(index: int) -> RgbdFrame:
    """A dark box before a wall; the camera moves a pixel a frame, and the box with it."""
    color = np.ascontiguousarray(WALL[:, index : index + WIDTH])
    depth = np.full((HEIGHT, WIDTH), 2000, np.uint16)
    color[BOX] = color[BOX] // 4
    depth[BOX] = 1200
    return RgbdFrame(color, depth, CAMERA, index, 1_000_000_000 + index * 50_000_000)


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    path = tmp_path / "walk.mcap"
    with RecordingWriter(path, CAMERA, name="walk") as writer:
        for index in range(12):
            writer.write(scene(index))
    return path


class Painter:
    """Hands in label mode."""

    def __init__(self, qtbot: QtBot, window: MainWindow) -> None:
        self.qtbot, self.window = qtbot, window

    @property
    def mode(self) -> LabellingController:
        return self.window.labelling

    @property
    def desk(self) -> Desk:
        assert self.mode.desk is not None
        return self.mode.desk

    def opens(self, path: Path) -> None:
        self.window.sources.open(str(path))
        self.qtbot.waitUntil(lambda: self.window.presenter.segmentation is not None)
        self.enters()

    def enters(self) -> None:
        before = self.mode.desk
        self.window.commands.run["label_frames"]()
        self.qtbot.waitUntil(lambda: self.mode.desk is not before and self.desk.session.frame is not None)
        self.rests()

    def rests(self) -> None:
        """Until everything that was asked for is done and shown."""
        self.qtbot.waitUntil(lambda: self.desk.tasks.idle)

    def point(self, pixel: tuple[int, int]) -> QPoint:
        canvas = self.desk.page.canvas
        rect = canvas.picture_rect()
        scale = rect.width() / WIDTH
        return QPoint(int(rect.x() + (pixel[0] + 0.5) * scale), int(rect.y() + (pixel[1] + 0.5) * scale))

    def clicks(self, pixel: tuple[int, int], held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.mouseClick(self.desk.page.canvas, Qt.MouseButton.LeftButton, held, self.point(pixel))
        self.rests()

    def drags(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        canvas, nothing = self.desk.page.canvas, Qt.KeyboardModifier.NoModifier
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, nothing, self.point(start))
        QTest.mouseMove(canvas, self.point(end))
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, nothing, self.point(end))
        self.rests()

    def presses(self, *keys: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        for key in keys:
            QTest.keyClick(self.desk.page.canvas, key, held)
            self.rests()

    def types(self, name: str) -> None:
        search = self.desk.page.search
        QTest.keyClicks(search, name)
        QTest.keyClick(search, Qt.Key.Key_Return)
        self.rests()

    def strip(self) -> list[int]:
        """The rows of the frames in the order in which the strip shows them."""
        strip = self.desk.page.strip
        return [strip.item(place).data(Qt.ItemDataRole.UserRole) for place in range(strip.count())]

    def is_told(self, words: str) -> bool:
        return any(words in text for text in self.window.banners.texts)

    def saved(self, name: str) -> np.ndarray:
        labels = DataSet(self.desk.data.root).read(name, (HEIGHT, WIDTH))
        assert labels is not None
        return labels


@pytest.fixture
def painter(qtbot: QtBot, window: MainWindow) -> Painter:
    return Painter(qtbot, window)


def test_two_clicks_label_a_frame_that_is_saved_at_once_and_found_again(painter: Painter, walk: Path) -> None:
    painter.opens(walk)
    name = painter.desk.session.name
    painter.types("wall")
    painter.presses(Qt.Key.Key_W)
    painter.clicks(OUTSIDE)
    assert painter.desk.states[name] == "done"
    painter.types("box")
    painter.presses(Qt.Key.Key_C)
    painter.drags((14, 10), (50, 42))
    labels = painter.saved(name)
    assert painter.desk.data.label_set.names == ("wall", "box")
    assert labels[INSIDE[1], INSIDE[0]] == 2
    assert labels[OUTSIDE[1], OUTSIDE[0]] == 1
    assert (labels[BOX] == 2).mean() > 0.9
    painter.presses(Qt.Key.Key_E)
    assert not painter.mode.active
    painter.enters()
    assert painter.desk.session.name == name
    assert np.array_equal(painter.desk.session.labels, labels)
    assert painter.desk.session.label_set.names == ("wall", "box")


def test_strokes_are_undone_one_by_one_and_the_file_follows(painter: Painter, walk: Path) -> None:
    painter.opens(walk)
    name = painter.desk.session.name
    painter.presses(Qt.Key.Key_R)
    painter.drags((2, 2), (10, 10))
    painter.drags((30, 2), (40, 10))
    two = painter.saved(name)
    painter.presses(Qt.Key.Key_Z, held=Qt.KeyboardModifier.ControlModifier)
    assert (painter.saved(name) > 0).sum() == 81
    painter.presses(Qt.Key.Key_Y, held=Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(painter.saved(name), two)
    painter.window.top_bar.undo.click()  # Button and menu mean strokes as well.
    painter.rests()
    assert (painter.saved(name) > 0).sum() == 81
    painter.window.commands.run["redo"]()
    painter.rests()
    assert np.array_equal(painter.saved(name), two)
    painter.presses(Qt.Key.Key_X)
    painter.drags((2, 2), (10, 10))
    assert (painter.saved(name) > 0).sum() < (two > 0).sum()


def test_panels_are_as_large_after_label_mode_as_before(painter: Painter, walk: Path) -> None:
    window, docks = painter.window, painter.window.docks

    def heights() -> list[int]:
        return [docks[name].height() for name in ("Classes", "Model") if docks[name].isVisible()]

    window.sources.open(str(walk))
    painter.qtbot.waitUntil(lambda: window.presenter.segmentation is not None)
    for high in (200, 400):
        before = heights()
        window.resizeDocks([docks["Classes"], docks["Model"]], [high, 600 - high], Qt.Orientation.Vertical)
        painter.qtbot.waitUntil(lambda before=before: heights() != before)
        before = heights()
        painter.enters()
        assert heights() == []
        window.labelling.leave()
        painter.qtbot.waitUntil(lambda before=before: heights() == before)


def test_a_click_beside_the_picture_leaves_label_mode_its_keys(painter: Painter, walk: Path) -> None:
    painter.opens(walk)
    page = painter.desk.page
    for beside in (page.classes.viewport(), page.strip.viewport(), page.hint):
        page.search.setFocus()
        QTest.mouseClick(beside, Qt.MouseButton.LeftButton, pos=QPoint(30, 8))
        assert painter.window.focusWidget() is page.canvas


def test_every_tool_paints_something(painter: Painter, walk: Path) -> None:
    painter.opens(walk)
    for key in (Qt.Key.Key_Q, Qt.Key.Key_B, Qt.Key.Key_F, Qt.Key.Key_W, Qt.Key.Key_G):
        painter.presses(key)
        painter.clicks(INSIDE)
        assert painter.desk.session.labels[INSIDE[1], INSIDE[0]] == 1, key
        painter.presses(Qt.Key.Key_Z, held=Qt.KeyboardModifier.ControlModifier)
        assert not painter.desk.session.labels.any()
    painter.presses(Qt.Key.Key_P)
    for corner in ((5, 5), (25, 5), (25, 25)):
        painter.clicks(corner)
    painter.presses(Qt.Key.Key_Return)  # Closes the polygon, and is no step to the next frame.
    assert painter.desk.session.labels[10, 20] == 1


def test_shift_paints_void_only(painter: Painter, walk: Path) -> None:
    painter.opens(walk)
    painter.types("wall")
    painter.presses(Qt.Key.Key_W)
    painter.clicks(OUTSIDE)
    painter.types("rest")
    painter.presses(Qt.Key.Key_F)
    painter.clicks(OUTSIDE, Qt.KeyboardModifier.ShiftModifier)
    assert painter.desk.session.labels[OUTSIDE[1], OUTSIDE[0]] == 1
    painter.clicks(OUTSIDE)
    assert painter.desk.session.labels[OUTSIDE[1], OUTSIDE[0]] == 2


def test_labels_travel_to_all_frames_and_a_look_makes_them_done(painter: Painter, walk: Path) -> None:
    painter.opens(walk)
    painter.presses(Qt.Key.Key_T)
    assert painter.is_told("none is done yet")
    painter.mode.open_row(0)
    painter.rests()
    painter.presses(Qt.Key.Key_W)
    painter.clicks(OUTSIDE)
    painter.presses(Qt.Key.Key_T)
    painter.qtbot.waitUntil(lambda: list(painter.desk.states.values()).count("travelled") >= 8)
    painter.rests()
    painter.presses(Qt.Key.Key_Right)
    assert painter.desk.session.state == "travelled"
    assert painter.desk.session.labels.any()
    painter.presses(Qt.Key.Key_Return, Qt.Key.Key_K)
    states = DataSet(painter.desk.data.root).states
    assert [states[f"{i:06d}"] for i in range(3)] == ["done", "done", "skipped"]


def test_the_strip_is_sorted_by_doubt_once_it_is_known_or_in_time(painter: Painter, walk: Path) -> None:
    painter.opens(walk)
    painter.mode.open_row(0)
    painter.rests()
    painter.presses(Qt.Key.Key_W)
    painter.clicks(OUTSIDE)
    painter.presses(Qt.Key.Key_Return, Qt.Key.Key_K)
    assert painter.strip() == list(range(12))
    painter.presses(Qt.Key.Key_N)
    sorted_rows = painter.strip()
    assert painter.desk.row == sorted_rows[0] == 11  # The most unlike the one that is done.
    assert sorted_rows[-2:] == [0, 1]  # Done and skipped.
    assert painter.desk.page.strip.currentRow() == 0
    painter.presses(Qt.Key.Key_Right)
    assert painter.desk.row == sorted_rows[1]
    painter.presses(Qt.Key.Key_Left, Qt.Key.Key_Left)  # Before the first one there is none.
    assert painter.desk.row == sorted_rows[0]
    item = painter.desk.page.strip.item(3)
    QTest.mouseClick(
        painter.desk.page.strip.viewport(),
        Qt.MouseButton.LeftButton,
        pos=painter.desk.page.strip.visualItemRect(item).center(),
    )
    painter.rests()
    assert painter.desk.row == sorted_rows[3]
    painter.presses(Qt.Key.Key_O)
    assert painter.strip() == list(range(12))
    assert not painter.window.settings.strip_by_doubt
    painter.presses(Qt.Key.Key_N)  # Whoever wants time keeps it.
    assert painter.strip() == list(range(12))
    painter.presses(Qt.Key.Key_O)
    assert painter.strip() == sorted_rows
    painter.mode.leave()
    painter.window.commands.run["train_model"]()  # The labels of what is open are offered.
    dialog = painter.window.findChild(TrainingDialog)
    assert dialog is not None
    assert dialog.folder.text() == str(painter.desk.data.root)
    dialog.close()
    painter.enters()  # What was found is not forgotten.
    assert painter.strip() == sorted_rows


def test_a_draft_is_what_the_model_is_sure_of_with_its_classes(painter: Painter, walk: Path, tmp_path: Path) -> None:
    painter.opens(walk)
    painter.presses(Qt.Key.Key_M)
    assert painter.is_told("No model is loaded")
    painter.window.session.load_model(tmp_path / "sure.safetensors", SegmenterOptions())
    painter.qtbot.waitUntil(lambda: painter.window.session.status().model.info is not None)
    painter.presses(Qt.Key.Key_Right, Qt.Key.Key_M)
    # The tests' model is sure of nothing: its confidence is one half everywhere.
    painter.qtbot.waitUntil(lambda: "sure of nothing" in painter.window.status_line.text)
    assert not painter.desk.session.labels.any()


def test_what_cannot_be_saved_is_said_kept_and_saved_by_the_next_stroke(painter: Painter, walk: Path) -> None:
    root = walk.with_name("walk labels")
    root.write_text("a file where the folder should be")
    painter.window.sources.open(str(walk))
    painter.qtbot.waitUntil(lambda: painter.window.presenter.segmentation is not None)
    painter.enters()
    painter.mode.open_row(0)  # Wherever the replay stood.
    painter.rests()
    painter.presses(Qt.Key.Key_R)
    painter.drags((2, 2), (10, 10))
    assert painter.is_told("stays here")
    name = painter.desk.session.name
    painter.types("box")
    painter.presses(Qt.Key.Key_Right)
    painter.drags((2, 2), (10, 10))
    assert not painter.window.close()
    assert painter.is_told("labels of 2 frames could not be written: quitting loses them")
    painter.presses(Qt.Key.Key_K, Qt.Key.Key_Left, Qt.Key.Key_E)
    root.unlink()
    painter.enters()  # Tries again by itself.
    painter.rests()
    assert "saved now" in painter.window.status_line.text
    assert painter.desk.session.label_set.names == ("object", "box")
    assert (painter.saved(name) > 0).sum() == 81
    painter.mode.open_row(1)
    painter.rests()
    assert painter.desk.session.state == "skipped"
    assert (painter.saved(painter.desk.session.name) > 0).sum() == 81


def test_a_camera_is_frozen_and_its_moment_labelled(painter: Painter, tmp_path: Path) -> None:
    painter.window.sources.open("steady:1")
    painter.qtbot.waitUntil(lambda: painter.window.presenter.segmentation is not None)
    painter.enters()
    painter.presses(Qt.Key.Key_R)
    painter.drags((2, 2), (10, 10))
    assert painter.desk.data.root.parent == painter.window.settings.recordings
    assert len(DataSet(painter.desk.data.root).names()) == 1


def test_without_a_picture_it_says_what_to_do(painter: Painter) -> None:
    painter.window.commands.run["label_frames"]()
    assert not painter.mode.active
    assert painter.is_told("open a recording")


def test_a_click_in_the_3d_view_takes_the_thing_there(painter: Painter, walk: Path) -> None:
    painter.opens(walk)
    # On so small a picture edges are coarse, and which frame is on show when E is pressed is chance: one is chosen.
    painter.mode.open_row(10)
    painter.qtbot.waitUntil(lambda: painter.desk.row == 10)
    painter.rests()
    painter.presses(Qt.Key.Key_V)
    cloud = painter.desk.cloud
    assert cloud is not None
    view = cloud.view
    painter.qtbot.waitUntil(lambda: view._drawing is not None)
    view.look_from_camera()  # Then the middle of the picture lies in the middle of the view.
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, view.rect().center())
    painter.qtbot.waitUntil(lambda: painter.desk.session.labels.any())
    taken = painter.desk.session.labels > 0
    assert taken[BOX].mean() > 0.8
    assert taken.sum() < 1.2 * taken[BOX].sum()
    painter.rests()
    painter.presses(Qt.Key.Key_X)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, view.rect().center())
    painter.qtbot.waitUntil(lambda: not painter.desk.session.labels[BOX].any())
    painter.rests()
    painter.presses(Qt.Key.Key_V)
    assert not view.isVisible()


def test_labels_of_another_tool_come_in_by_a_table_that_asks(painter: Painter, walk: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    (masks / "SegmentationClass").mkdir(parents=True)
    (masks / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,64,0::\nsofa:128,0,0::\n")
    mask = np.full((HEIGHT, WIDTH, 3), (0, 64, 0), np.uint8)
    mask[BOX] = (0, 0, 128)  # OpenCV's order.
    for name in ("000002", "000003", "999999"):
        cv2.imwrite(str(masks / "SegmentationClass" / f"{name}.png"), mask)
    cv2.imwrite(str(masks / "SegmentationClass" / "000005.png"), mask[::2, ::2])
    painter.opens(walk)
    painter.desk.page.buttons["import"].click()
    importer = painter.mode._importer
    assert importer is not None
    dialog = importer.dialog
    assert dialog is not None
    dialog._take(str(tmp_path / "nowhere"))
    painter.qtbot.waitUntil(lambda: "nowhere" in dialog.note.text())
    dialog._take(str(masks))
    painter.qtbot.waitUntil(lambda: dialog.classes.rowCount() > 0)
    rows = {dialog.classes.item(row, 0).text(): dialog._box(row) for row in range(dialog.classes.rowCount())}
    assert not dialog.begin.isEnabled()
    assert "background" in dialog.note.text()
    rows["background"].setCurrentIndex(rows["background"].count() - 1)
    rows["sofa"].setEditText("seat")
    assert dialog.begin.isEnabled()
    dialog.begin.click()
    painter.qtbot.waitUntil(lambda: painter.is_told("no picture of that name: 999999"))
    assert painter.is_told("than the frames: 000005")
    painter.rests()
    assert painter.desk.session.label_set.names == ("seat",)
    assert [painter.desk.states.get(f"00000{i}") for i in (1, 2, 3)] == [None, "done", "done"]
    labels = painter.saved("000002")
    assert (labels[BOX] == 1).all()
    assert labels.sum() == labels[BOX].sum()


def test_what_happened_to_the_files_meanwhile_is_said_and_nothing_is_lost(painter: Painter, walk: Path) -> None:
    root = walk.with_name("walk labels")
    one, two = LabelClass("one", (200, 0, 0)), LabelClass("two", (0, 200, 0))
    data = DataSet(root, LabelSet("set", (one, two)))
    for index in range(3):
        data.save(f"{index:06d}", scene(index), np.full((HEIGHT, WIDTH), 2, np.uint8), "done")
    (root / "labels.json").write_text(LabelSet("set", (one,)).to_json())
    cv2.imwrite(str(root / "label" / "000001.png"), np.ones((HEIGHT // 2, WIDTH // 2), np.uint8))
    painter.opens(walk)
    painter.mode.open_row(0)
    painter.rests()
    strip = painter.desk.page.strip
    assert [strip.item(row).text() for row in range(4)] == ["✓", "✗", "✓", ""]  # Nobody has opened them.
    assert "belongs to other pictures" in strip.item(1).toolTip()
    assert "2 done, 0 travelled, 1 damaged" in painter.desk.page.about.text()
    assert painter.is_told("no longer names")
    painter.presses(Qt.Key.Key_T)
    painter.qtbot.waitUntil(lambda: painter.is_told("Nothing travels from there"))
    painter.rests()
    assert painter.desk.session.label_set.names == ("one", "class 2")
    painter.mode.open_row(1)
    painter.rests()
    assert painter.is_told("belongs to other pictures")
    painter.presses(Qt.Key.Key_R)
    painter.drags((2, 2), (10, 10))
    assert (painter.saved("000001") > 0).sum() == 81
    assert strip.item(1).text() == "✓"
    painter.mode.open_row(2)
    painter.rests()
    other = DataSet(root)  # Another window.
    other.read("000002", (HEIGHT, WIDTH))
    other.save("000002", scene(2), np.ones((HEIGHT, WIDTH), np.uint8), "done")
    painter.drags((2, 2), (10, 10))
    assert painter.is_told("changed by another window")
    assert sorted(path.name for path in (root / "backup").glob("0*")) == ["000001.1.png", "000002.1.png"]
    with suppress(PermissionError):  # Windows keeps what is open.
        walk.unlink()  # What is open goes on; the pictures of labelled frames lie in the data set.
    painter.mode.open_row(3)
    painter.rests()
    painter.drags((2, 2), (10, 10))
    assert (painter.saved(painter.desk.session.name)[2:11, 2:11] == 1).all()
