"""Draws the pictures of docs/teach.md: the real window on a built-in room.

    xvfb-run -s "-screen 0 1280x720x24" python docs/images/draw_teach.py

They are docs/images/teach-label.png and teach-travel.png; look at them before they are kept.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from rgbd_seg.app.settings import Settings, SettingsFile
from rgbd_seg.app.widgets.theme import apply_theme
from rgbd_seg.app.window import MainWindow
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.mcap.writer import RecordingWriter
from rgbd_seg.scenes import LABEL_SET, RoomRenderer, build_room, walk_through

if TYPE_CHECKING:
    from collections.abc import Callable


_SIZE, _FRAMES, _SEED = (1280, 720), 7, 4
_HERE = Path(__file__).parent
_PATIENCE_S = 1800.0


def walk(path: Path) -> tuple[np.ndarray, LabelSet]:
    """Records a walk through a room; returns the true labels of its first frame, and what they mean."""
    room = build_room(_SEED)
    way = walk_through(room)
    renderer = RoomRenderer(640, 480, "xtion", noise=True)
    try:
        views = [renderer.render(room, way.pose(step / 10), step) for step in range(_FRAMES)]
    finally:
        renderer.close()
    with RecordingWriter(path, views[0].calibration, name="walk") as writer:
        for step, view in enumerate(views):
            writer.write(RgbdFrame(view.color, view.depth, view.calibration, step, step * 100_000_000))
    return views[0].labels, LabelSet.load(LABEL_SET)


def wait(condition: Callable[[], object], what: str) -> None:
    """Lets the window work until something is so."""
    until = time.monotonic() + _PATIENCE_S
    while not condition():
        QApplication.processEvents()
        time.sleep(0.01)
        if time.monotonic() > until:
            raise TimeoutError(what)


def keep(widget: QWidget, name: str) -> None:
    """Writes what a widget shows with 255 colours, so that the file is small."""
    QApplication.processEvents()
    image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
    from PIL import Image

    Image.fromarray(pixels).quantize(255, dither=Image.Dither.NONE).save(_HERE / name, optimize=True)


def main() -> int:
    """Labels a frame as a person would, lets the labels travel, and keeps what the window shows."""
    application = QApplication(sys.argv)
    theme = apply_theme(application, "dark")
    with tempfile.TemporaryDirectory() as folder:
        labels, label_set = walk(Path(folder) / "walk.mcap")
        window = MainWindow(theme, SettingsFile(Path(folder) / "settings.json"))
        window.remember(Settings(record_folder=folder, model=""))
        window.resize(*_SIZE)
        window.show()
        window.sources.open(str(Path(folder) / "walk.mcap"))
        wait(lambda: window.presenter.segmentation is not None, "the first picture")
        mode = window.labelling
        mode.toggle()
        wait(lambda: mode.desk is not None and mode.desk.session.frame is not None, "label mode")
        desk = mode.desk
        assert desk is not None
        mode.open_row(0)
        wait(lambda: desk.tasks.idle and desk.session.name in desk.regions, "the regions")

        def click(pixel: tuple[int, int]) -> None:
            canvas = desk.page.canvas
            rect = canvas.picture_rect()
            scale = rect.width() / 640
            at = (rect.topLeft() + type(rect.topLeft())((pixel[0] + 0.5) * scale, (pixel[1] + 0.5) * scale)).toPoint()
            QTest.mouseMove(canvas, at)
            wait(lambda: desk.tasks.idle, "the outline")
            QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at)
            wait(lambda: desk.tasks.idle, "a stroke")

        def middle(label: int) -> tuple[int, int]:
            inside = cv2.distanceTransform((labels == label).astype(np.uint8), cv2.DIST_L2, 5)
            y, x = np.unravel_index(inside.argmax(), inside.shape)
            return int(x), int(y)

        largest = [int(one) for one in np.argsort(-np.bincount(labels.ravel(), minlength=256)) if one][:5]
        flat = ("wall", "floor", "ceiling", "door", "window", "picture", "table", "rug", "floor_mat")
        for label in largest:
            name = label_set.name_of(label)
            QTest.keyClicks(desk.page.search, name.replace("_", " "))
            QTest.keyClick(desk.page.search, Qt.Key.Key_Return)
            QTest.keyClick(desk.page.canvas, Qt.Key.Key_W if name in flat else Qt.Key.Key_G)
            click(middle(label))
        QTest.keyClick(desk.page.canvas, Qt.Key.Key_Q)
        keep(window, "teach-label.png")
        QTest.keyClick(desk.page.canvas, Qt.Key.Key_T)
        wait(lambda: list(desk.states.values()).count("travelled") >= _FRAMES - 2 and desk.tasks.idle, "travel")
        mode.open_row(_FRAMES - 1)
        wait(lambda: desk.row == _FRAMES - 1 and desk.tasks.idle, "the last frame")
        QTest.keyClick(desk.page.canvas, Qt.Key.Key_V)
        wait(lambda: desk.cloud is not None and desk.cloud.view.toolTip(), "the 3D view")
        keep(window, "teach-travel.png")
        window.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
