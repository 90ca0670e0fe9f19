"""Zoom, display choices, settings, notices and names: everything that needs no window."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.app.actions import COMMANDS, key_rows
from rgbd_seg.app.drops import kind_of
from rgbd_seg.app.notices import notices
from rgbd_seg.app.settings import MAX_RECENT, Settings, SettingsFile
from rgbd_seg.app.source.names import facts, from_anywhere, short_name
from rgbd_seg.app.view.display import Display, Style, _oklab, color_blind_palette
from rgbd_seg.app.view.grid import arrange
from rgbd_seg.app.view.viewport import Viewport
from rgbd_seg.app.widgets.status_line import rate_texts
from rgbd_seg.inference.segmenter import SegmenterInfo
from rgbd_seg.labels import LabelSet
from rgbd_seg.pipeline.recorder import RecorderStatus
from rgbd_seg.pipeline.status import ModelState, ModelStatus, State, Status, StopReason
from rgbd_seg.sensors.sensor import SensorInfo

if TYPE_CHECKING:
    from pathlib import Path

PICTURE, VIEW = (640, 480), (800.0, 600.0)


def test_the_point_under_the_pointer_stays_while_zooming() -> None:
    at = (500.0, 200.0)
    left, top, scale = Viewport().placed(PICTURE, VIEW)
    before = ((at[0] - left) / scale, (at[1] - top) / scale)
    zoomed = Viewport().zoomed(3.0, at, PICTURE, VIEW)
    left, top, scale = zoomed.placed(PICTURE, VIEW)
    assert ((at[0] - left) / scale, (at[1] - top) / scale) == pytest.approx(before)
    assert zoomed.zoomed(0.1, at, PICTURE, VIEW) == Viewport()


def test_panning_stops_at_the_edge() -> None:
    zoomed = Viewport().zoomed(2.0, (400, 300), PICTURE, VIEW)
    assert zoomed.moved((100_000, 0), PICTURE, VIEW).x == 0.25
    assert zoomed.moved((-100_000, 0), PICTURE, VIEW).x == 0.75


def test_two_views_lie_so_that_pictures_are_largest() -> None:
    beside = arrange(2, 1600, 600, 4 / 3)
    above = arrange(2, 600, 1000, 4 / 3)
    assert beside[0].top() == beside[1].top()
    assert above[0].left() == above[1].left()
    assert len(arrange(4, 800, 600, 4 / 3)) == 4


def test_settings_come_back_and_strange_values_do_not(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "deep" / "window.json")
    assert file.load() == (Settings(), "")
    wanted = Settings(style=Style(opacity=0.2, near_m=0.5, colors={"wall": (1, 2, 3)}), views=4).with_recent_source(
        "synthetic:"
    )
    assert file.save(wanted) == ""
    assert file.load()[0] == wanted
    data = json.loads(file.path.read_text())
    data |= {
        "views": 3,
        "panes": ["nonsense"],
        "theme": 5,
        "unknown": 1,
        "run": {"backend": "nonsense", "precision": 8},
    }
    data["style"] |= {"opacity": 7, "colors": {"wall": "red"}}
    file.path.write_text(json.dumps(data))
    loaded, problem = file.load()
    assert problem == ""
    assert (loaded.style.opacity, loaded.views, loaded.panes) == (0.55, 2, Settings().panes)
    assert (loaded.run.backend, loaded.run.precision) == ("auto", "auto")
    assert loaded.style.colors == {}


def test_settings_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "window.json")
    file.path.write_text('{"backend": "torch", "opacity": 0.3, "views": 4}')
    loaded, problem = file.load()
    assert (problem, loaded.run.backend, loaded.style.opacity, loaded.views) == ("", "torch", 0.3, 4)


def test_two_windows_keep_each_others_changes(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "window.json")
    begin = Settings(recent_sources=("a",))
    file.save(begin)
    one = replace(begin.with_recent_source("one"), style=replace(begin.style, opacity=0.1))
    other = replace(begin.with_recent_source("two"), style=replace(begin.style, edges=False), pre_roll_s=5.0)
    assert file.save_changes(one, begin) == ""
    assert file.save_changes(other, begin) == ""
    both, _ = file.load()
    assert both.style == Style(opacity=0.1, edges=False)
    assert (both.source, both.recent_sources, both.pre_roll_s) == ("two", ("two", "a", "one"), 5.0)
    assert file.save_changes(replace(other, recent_sources=()), other) == ""  # Forgotten by hand.
    assert file.load()[0].recent_sources == ()


@pytest.mark.parametrize("text", ["{", "[1]", "\x00", "null"])
def test_a_broken_settings_file_is_set_aside(tmp_path: Path, text: str) -> None:
    file = SettingsFile(tmp_path / "window.json")
    file.path.write_text(text)
    loaded, problem = file.load()
    assert loaded == Settings()
    assert "set aside" in problem
    assert (tmp_path / "window.broken.json").read_text() == text
    assert not file.path.exists()


def test_recent_sources_are_bounded_and_newest_first() -> None:
    settings = Settings()
    for number in range(MAX_RECENT + 5):
        settings = settings.with_recent_source(f"/r{number}.mcap")
    settings = settings.with_recent_source("/r12.mcap")
    assert len(settings.recent_sources) == MAX_RECENT
    assert settings.recent_sources[:2] == ("/r12.mcap", "/r14.mcap")


def test_solo_wins_over_hidden_and_colours_over_palettes() -> None:
    labels = LabelSet.load("sunrgbd13")
    first, second = labels.names[:2]
    display = Display(hidden=frozenset({first}), colors={first: (1, 2, 3)})
    assert not display.shows(first)
    assert display.shows(second)
    assert Display(solo=first, hidden=frozenset({first})).shows(first)
    assert tuple(display.class_colors(labels)[1]) == (1, 2, 3)
    assert not display.visible(labels)[0]


@pytest.mark.parametrize(("name", "least"), [("sunrgbd13", 0.10), ("sunrgbd37", 0.05)])
def test_the_colour_blind_palette_differs_without_red_or_green(name: str, least: float) -> None:
    labels = LabelSet.load(name)
    table = color_blind_palette(labels)[1 : len(labels) + 1] / 255
    linear = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    # Vienot, Brettel, Mollon 1999: another way to the same eyes than the one that the colours were chosen by.
    for matrix in (
        [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
        [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
    ):
        seen = _oklab((linear @ np.array(matrix).T).clip(0, 1))
        distance = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
        np.fill_diagonal(distance, np.inf)
        assert distance.min() > least


# Those that share most of the borders in NYU Depth V2's training frames.
NEIGHBOURS = """
wall-picture floor-chair wall-cabinet bookshelf-books chair-table wall-window wall-ceiling wall-chair
wall-door cabinet-counter sofa-pillow wall-floor floor-cabinet wall-shelves bed-pillow wall-lamp floor-table
wall-blinds floor-bed counter-sink floor-sofa wall-mirror wall-bed floor-floor_mat window-blinds floor-door
cabinet-table bed-clothes
"""


def test_neighbours_in_a_room_have_colours_far_apart() -> None:
    labels = LabelSet.load("sunrgbd37")
    table = labels.palette()[1 : len(labels) + 1] / 255
    lab = _oklab(np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4))
    distance = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > 0.05
    for pair in NEIGHBOURS.split():
        one, other = (labels.id_of(name) - 1 for name in pair.split("-"))
        assert distance[one, other] > 0.11, pair


def test_notices_say_what_happened_and_what_to_do() -> None:
    stopped = Status(State.STOPPED, stop_reason=StopReason.SENSOR_FAILED, error="the camera is in use")
    (notice,) = notices(stopped)
    assert (notice.text, notice.action) == ("The camera is in use.", "reopen")
    lost = Status(State.LOST, "Xtion is unplugged. Waiting for it to come back")
    assert "Waiting" in notices(lost)[0].text
    failed = Status(State.RUNNING, model=ModelStatus(ModelState.FAILED, error="model.safetensors is truncated"))
    assert notices(failed)[0].action == "choose model"
    assert notices(Status(State.RUNNING)) == ()
    (damage,) = notices(Status(State.RUNNING), damage=("frame 3 was left out", "frame 9 was left out"))
    assert damage.text == "frame 9 was left out. (2 such notes so far)"


def test_a_recording_that_ends_by_itself_says_so_and_what_is_kept(tmp_path: Path) -> None:
    why = "only 425 MB are left on the disk"
    ended = RecorderStatus(tmp_path / "a.mcap", "finished", 61, 16.4, 4_500_000, 0, 0, 0, 0, 425_000_000, why)
    (notice,) = notices(Status(State.RUNNING, recorder=ended))
    assert notice.kind == "warning"
    assert notice.text == f"The recording has ended; its 61 frames are kept. O{why[1:]}."


def test_a_slow_model_is_told_of_once_and_does_not_flicker() -> None:
    info = SegmenterInfo("office", "office.onnx", "rooms", "openvino", "CPU", "float32", (48, 64), "")
    model = ModelStatus(ModelState.READY, info=info)

    def told(fps: float, slow_before: bool) -> list[str]:
        status = Status(State.RUNNING, segment_fps=fps, stage_ms={"network": 1000 / fps}, model=model)
        return [notice.text for notice in notices(status, slow_before=slow_before)]

    (text,) = told(2.9, False)
    assert told(2.1, True) == told(3.4, True) == [text]  # The same words: what was closed by hand stays closed.
    assert not told(3.4, False)
    assert not told(5.0, True)


def test_rates_are_words() -> None:
    status = Status(State.RUNNING, capture_fps=29.96, behind_ms=41.2, missed=2)
    assert rate_texts(status, "camera") == ("camera 30.0 fps", "no model", "41 ms behind", "2 lost")
    assert rate_texts(status, "recording", paused=True) == ("replay paused", "no model", "", "2 lost")
    assert rate_texts(Status(), "camera") == ("", "", "", "")


def test_a_relative_path_is_remembered_as_it_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "walk.mcap").touch()
    monkeypatch.chdir(tmp_path)
    assert from_anywhere("walk.mcap") == str(tmp_path / "walk.mcap")
    assert from_anywhere("walk.mcap?loop=1") == f"{tmp_path / 'walk.mcap'}?loop=1"
    for uri in ("synthetic:?seed=3", "missing.mcap", "realsense:", "", "x" * 5000, "nul\0"):
        assert from_anywhere(uri) == uri


def test_names_for_people() -> None:
    assert short_name("synthetic:?seed=3") == "Synthetic room 3"
    assert short_name("realsense:0123") == "RealSense 0123"
    assert short_name("/home/me/kitchen.mcap?loop=1") == "kitchen.mcap"
    assert short_name("/data/SUNRGBD/kv1") == "SUNRGBD/kv1"


def test_cameras_of_the_same_name_are_told_apart_by_their_facts() -> None:
    camera = SensorInfo("realsense:1", "D435", "camera", serial="1", connection="USB 3.2", firmware="5.16")
    assert facts(camera) == "1 · USB 3.2 · 5.16"
    assert facts(SensorInfo("synthetic:", "Synthetic room", "synthetic")) == ""


def test_no_key_means_two_things() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))
    assert sum(len(rows) for rows in key_rows().values()) > len(keys) / 2


def test_drops_are_known_by_name(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").touch()
    (tmp_path / "l.json").touch()
    assert kind_of(tmp_path / "m.safetensors") == "model"
    assert kind_of(tmp_path / "l.json") == "labels"
    (tmp_path / "words.txt").touch()
    (tmp_path / "walk.MCAP").touch()
    assert kind_of(tmp_path) == kind_of(tmp_path / "walk.MCAP") == "source"
    assert kind_of(tmp_path / "words.txt") == "unknown"
    assert kind_of(tmp_path / "gone") == "nothing"


def test_classes_are_shown_by_the_names_that_the_user_gave_them() -> None:
    display = Display(names={"floor_mat": "carpet"})
    assert display.shown_name("floor_mat") == "carpet"
    assert display.shown_name("night_stand") == "night stand"
