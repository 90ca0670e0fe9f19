"""Recordings that only a vendor's library plays: opened like any other, at random, once they were played through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import platformdirs
import pytest
from PIL import Image

from rgbd_seg.errors import RecordingError, SensorError
from rgbd_seg.labelling.data_set import data_set_folder
from rgbd_seg.sensors import open_any_recording, open_sensor
from rgbd_seg.sensors.drivers import openni_runtime
from rgbd_seg.testing.layouts import ReaderConformance
from tests.sensors.oni_file import write_oni

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rgbd_seg.recording.reader import RecordingReader

pytestmark = pytest.mark.skipif(openni_runtime.library_folder() is None, reason=openni_runtime.HOW_TO_INSTALL)

HEIGHT, WIDTH, FRAMES = 48, 64, 6


@pytest.fixture
def oni(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    rng = np.random.default_rng(1)
    colors = [rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(FRAMES)]
    depths = [np.full((HEIGHT, WIDTH), 1000 + 100 * i, np.uint16) for i in range(FRAMES)]
    write_oni(tmp_path / "a scene.oni", colors, depths)
    return tmp_path / "a scene.oni"


class TestConformance(ReaderConformance):
    @pytest.fixture
    def reader(self, oni: Path) -> Iterator[RecordingReader]:
        with open_any_recording(oni) as reader:
            yield reader


def test_it_has_the_replay_bar_and_is_played_by_its_library_only_once(
    oni: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_any_recording(oni) as reader:
        assert len(reader) == FRAMES
        assert reader.info.path == oni
        assert reader.start_ns is None
        last = reader.read(FRAMES - 1)
        assert np.median(last.depth) == 1000 + 100 * (FRAMES - 1)

    def no_more(*_: object, **__: object) -> None:
        raise AssertionError("it was played again")

    monkeypatch.setattr("rgbd_seg.sensors.vendor_copy.convert", no_more)
    with open_sensor(str(oni)) as sensor:
        assert sensor.playback is not None
        assert sensor.playback.length == FRAMES
        sensor.playback.pause()
        sensor.playback.seek_frame(2)
        assert np.median(sensor.read(10).depth) == 1200
        sensor.playback.step(-1)
        assert np.median(sensor.read(10).depth) == 1100


def test_what_the_player_says_of_it_is_a_note(oni: Path) -> None:
    write_oni(oni, [], [np.full((HEIGHT, WIDTH), 700, np.uint16)] * 3)
    for _ in range(2):  # When it is played, and from the copy.
        with open_any_recording(oni) as reader:
            assert len(reader) == 3
            assert any("There is no colour" in note for note in reader.info.notes)
            assert "notes" not in reader.info.details


def test_programs_and_labelling_open_it_too(oni: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import rgbd_seg
    from rgbd_seg.cli import main

    with rgbd_seg.open_recording(oni) as reader, rgbd_seg.RecordingDataset(oni) as data:
        assert len(data) == len(reader) == FRAMES
        assert float(data[2]["depth_m"].max()) == pytest.approx(1.2)
    assert main(["info", str(oni), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"] == FRAMES
    labels = oni.parent / "masks"
    labels.mkdir()
    cv2.imwrite(str(labels / "000002.png"), np.ones((HEIGHT, WIDTH), np.uint8))
    (labels / "labels.json").write_text('{"name": "mine", "classes": ["table"]}')
    assert main(["labels", "import", str(labels), str(oni), "--format", "png"]) == 0
    root = data_set_folder(oni)
    assert (np.asarray(Image.open(root / "label" / "000002.png")) == 1).all()  # It has a palette.
    assert (cv2.imread(str(root / "depth" / "000002.png"), cv2.IMREAD_UNCHANGED) == 1200).all()


def test_another_file_in_its_place_is_played_anew(oni: Path) -> None:
    open_any_recording(oni).close()
    write_oni(oni, [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 3, [np.full((HEIGHT, WIDTH), 700, np.uint16)] * 3)
    with open_any_recording(oni) as reader:
        assert len(reader) == 3


@pytest.mark.parametrize("data", [b"", b"no oni"])
def test_what_cannot_be_played_is_said_and_leaves_nothing(oni: Path, data: bytes) -> None:
    oni.write_bytes(data)
    with pytest.raises(RecordingError):
        open_any_recording(oni)
    with pytest.raises(SensorError):
        open_sensor(str(oni))
    assert not list((oni.parent / "cache").rglob("*.mcap"))
