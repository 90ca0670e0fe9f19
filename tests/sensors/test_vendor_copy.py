"""Recordings that only a vendor's library plays: opened like any other, at random, once they were played through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import platformdirs
import pytest

from rgbd_seg.errors import RecordingError, SensorError
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
