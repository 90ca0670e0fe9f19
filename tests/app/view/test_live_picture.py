"""The picture of a camera or a replay does not wait for the model; a camera's stands still when it is told to."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from rgbd_seg.recording.mcap.writer import RecordingWriter
from tests.app.conftest import CALIBRATION, HalvesModel, SteadySensor, make_frame
from tests.app.watching import says, wait_for_labels, wait_for_picture, wait_for_recorded
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow
    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.sensors.sensor import Capture


class _Held:
    """A model that thinks about a frame until it is let go, and a camera that waits until its frame is on screen."""

    def __init__(self) -> None:
        self.think, self.seen = threading.Event(), threading.Event()


@pytest.fixture
def held(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Held]:
    """Lets both go before the window is closed."""
    both = _Held()

    def think(self: HalvesModel, frame: RgbdFrame) -> Segmentation:
        both.think.wait()
        return see(self, frame)

    def wait_and_grab(self: SteadySensor, timeout_s: float) -> Capture | None:
        if not both.seen.wait(timeout_s):
            return None
        both.seen.clear()
        return grab(self, timeout_s)

    see, grab = HalvesModel.__call__, SteadySensor._grab
    monkeypatch.setattr(HalvesModel, "__call__", think)
    monkeypatch.setattr(SteadySensor, "_grab", wait_and_grab)
    window.presenter.shown.connect(both.seen.set)
    both.seen.set()
    yield both
    both.think.set()
    window.sources.close()
    until(lambda: not window.session.busy)  # Closing the window waits a short while only.


def open_both(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    """The model, and then the camera."""
    window.models.load(str(folder / "one.safetensors"))
    qtbot.waitUntil(lambda: window.session.status().model.info is not None)
    window.sources.open("steady:one")


def test_every_frame_of_a_camera_is_shown_at_once_while_the_model_thinks(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, held: _Held
) -> None:
    shown: dict[int, None] = {}  # A frame that comes back without labels, while the model is prepared, counts once.
    window.presenter.shown.connect(lambda: shown.setdefault(window.presenter.frame.index))
    open_both(window, qtbot, tmp_path)
    qtbot.waitUntil(lambda: len(shown) >= 30)
    assert list(shown) == list(range(len(shown)))  # All that came, though the model has not finished one of them.
    assert window.presenter.segmentation.labels is None
    held.think.set()
    wait_for_labels(window, qtbot)
    held.think.clear()
    qtbot.waitUntil(lambda: (window.presenter.labels_age_ms or 0) > 500)
    one = window.presenter.segmentation
    assert one.labels is not None
    assert one.frame.index < window.presenter.frame.index
    window.refresh()
    assert says(window, "labels", "s old")
    assert window.presenter._note("overlay").endswith("s old")


def test_labels_and_picture_of_one_moment_can_be_had(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, held: _Held
) -> None:
    (together,) = [a for a in window.settings_control.menu.actions() if "one moment" in a.text()]
    together.trigger()
    assert window.settings.one_moment
    held.think.set()
    open_both(window, qtbot, tmp_path)
    qtbot.waitUntil(lambda: window.session.status().segmented >= 2)
    assert window.presenter.picture is None
    assert window.presenter.segmentation.frame is window.presenter.frame
    window.refresh()
    assert "ms behind" in window.status_line.text


def test_space_freezes_the_frame_on_screen_and_its_own_labels_come(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, held: _Held
) -> None:
    open_both(window, qtbot, tmp_path)
    qtbot.waitUntil(lambda: window.presenter.picture is not None)
    window.refresh()
    qtbot.keyClick(window, Qt.Key.Key_R)
    wait_for_recorded(window, qtbot, 1)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    held.seen.set()  # Nothing comes on screen now that would call for the next.
    frozen = window.presenter.frame
    assert window.presenter.frozen
    assert window.presenter.segmentation.frame is frozen
    assert window.presenter.segmentation.labels is None  # Those of another frame are not taken for its own.
    assert window.presenter._note("overlay") == "frozen, labels are coming"
    held.think.set()
    qtbot.waitUntil(lambda: window.presenter.segmentation.labels is not None)
    assert window.presenter.segmentation.frame is frozen
    before = window.session.status().recorder.frames

    def more() -> bool:
        held.seen.set()
        return window.session.status().recorder.frames >= before + 10

    qtbot.waitUntil(more)
    assert window.presenter.frame is frozen
    window.refresh()
    assert says(window, "frozen")
    qtbot.keyClick(window, Qt.Key.Key_S)
    folders = tmp_path / "recordings" / "snapshots"
    qtbot.waitUntil(lambda: bool(list(folders.glob(f"*frame {frozen.index}*/snapshot.json"))))
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: more() and window.presenter.frame.index > frozen.index)


def test_a_model_that_comes_later_sees_the_frozen_frame(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.commands.run["toggle_play"]()
    frozen = window.presenter.frame
    for name in ("one", "two"):  # Also another one than that whose labels it has.
        before = window.presenter.segmentation
        window.models.load(str(tmp_path / f"{name}.safetensors"))
        qtbot.waitUntil(lambda before=before: window.presenter.segmentation is not before)
        assert window.presenter.segmentation.labels is not None
        assert window.presenter.frame is frozen


def test_label_mode_takes_the_frozen_frame(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    frozen = window.presenter.frame
    qtbot.keyClick(window, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: window.labelling.desk is not None and window.labelling.desk.session.frame is not None)
    assert window.labelling.desk.session.frame is frozen


def test_another_source_is_not_frozen(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    wait_for_picture(window, qtbot)
    window.commands.run["toggle_play"]()
    assert window.presenter.frozen
    window.sources.open("steady:two")
    wait_for_picture(window, qtbot)
    assert not window.presenter.frozen


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Forty frames at 100 a second; each of them has truth."""
    path = tmp_path / "forty.mcap"
    with RecordingWriter(path, CALIBRATION, name="forty") as writer:
        for index in range(40):
            frame = make_frame(index, truth=True)
            writer.write(replace(frame, device_us=None, host_ns=1_000_000_000 + index * 10_000_000))
    return path


def test_a_replay_moves_at_its_own_rate_under_the_labels_there_are(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, held: _Held, recording: Path
) -> None:
    shown: dict[int, bool] = {}

    def note() -> None:
        shown.setdefault(window.presenter.frame.index, window.presenter.segmentation.labels is not None)

    window.models.load(str(tmp_path / "one.safetensors"))
    qtbot.waitUntil(lambda: window.session.status().model.info is not None)
    window.sources.open(str(recording))
    qtbot.waitUntil(lambda: window.session.playback is not None and window.session.playback.at_end)
    qtbot.waitUntil(lambda: window.presenter.frame is not None and window.presenter.frame.index == 39)
    held.think.set()
    wait_for_labels(window, qtbot)
    qtbot.waitUntil(lambda: window.presenter.picture is None)  # The last frame stands, with labels of its own.
    assert window.presenter.segmentation.frame.index == 39
    held.think.clear()
    scored = window.presenter.scores.frames
    window.presenter.shown.connect(note)
    window.replay_bar.seek(10)
    qtbot.waitUntil(lambda: window.presenter.frame.index == 10)
    assert shown == {10: False}  # Labels of elsewhere are not laid over it.
    assert window.presenter._note("overlay") == "labels are coming"
    window.replay_bar.toggle_loop()
    window.replay_bar.toggle()
    qtbot.waitUntil(lambda: len(shown) > 4)
    assert not any(shown.values())
    window.replay_bar.seek(39)
    window.replay_bar.step(0)
    held.think.set()
    qtbot.waitUntil(lambda: window.presenter.frame.index == 39 and window.presenter.segmentation.labels is not None)
    assert window.presenter.picture is None
    assert window.presenter.scores.frames > scored > 0  # Going elsewhere begins no new count.
