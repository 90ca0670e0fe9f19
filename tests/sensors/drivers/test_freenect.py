"""The Kinect v1 driver against libfreenect under fakenect, in child processes; and the modes that fakenect lacks."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError, SensorError
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.drivers import freenect, freenect_library
from rgbd_seg.sensors.drivers.freenect import TickClock, choose_depth_mode, raw_to_millimetres
from rgbd_seg.sensors.sensor import Sensor, StreamMode
from rgbd_seg.testing.sensors import SensorConformance

if TYPE_CHECKING:
    from pathlib import Path

HEIGHT, WIDTH, FRAMES = 480, 640, 4
needs_fakenect = pytest.mark.skipif(
    freenect_library.find(True) is None, reason=freenect_library.HOW_TO_INSTALL_FAKENECT
)
START_TICKS = 2**32 - 3_000_000  # Wraps between the second and the third pair.


def write_dump(folder: Path) -> Path:
    """A dump as `fakenect-record` writes it: colour and raw disparity, 33 ms apart."""
    folder.mkdir()
    names = []
    for i in range(FRAMES):
        ticks = (START_TICKS + i * 2_000_000) % 2**32
        color = np.full((HEIGHT, WIDTH, 3), (10 * i, 20, 30), np.uint8)
        raw = np.full((HEIGHT, WIDTH), 700 + i, np.uint16)
        raw[:10] = freenect.NO_RETURN_11BIT
        for kind, header, pixels, late in (
            ("d", b"P5 640 480 65535\n", raw, 0),
            ("r", b"P6 640 480 255\n", color, 9000),
        ):
            suffix = "pgm" if kind == "d" else "ppm"
            name = f"{kind}-{1000 + i * 0.033 + late * 1e-7:.6f}-{(ticks + late) % 2**32}.{suffix}"
            (folder / name).write_bytes(header + pixels.tobytes())
            names.append(name)
    (folder / "INDEX.txt").write_text("\n".join(names) + "\n")
    return folder


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dump(tmp_path_factory.mktemp("kinect") / "a dump")


@needs_fakenect
class TestDump(SensorConformance):
    @pytest.fixture
    def sensor(self, dump: Path) -> Sensor:
        return open_sensor(f"kinect1:file:{dump}")


@needs_fakenect
def test_dump_plays_every_pair_with_its_pixels_and_its_clock(dump: Path):
    with open_sensor(f"kinect1:file:{dump}") as sensor:
        frames = list(sensor)
        assert sensor.modes() == (StreamMode(640, 480, 30.0),)
        assert not sensor.calibration.registered  # fakenect plays raw disparity only.
        assert sensor.calibration.depth_unit_m == 0.001
    assert len(frames) == FRAMES
    table = raw_to_millimetres()
    for i, frame in enumerate(frames):
        assert tuple(frame.color[5, 5]) == (10 * i, 20, 30)
        assert set(np.unique(frame.depth[:10])) == {0}
        assert set(np.unique(frame.depth[10:])) == {int(table[700 + i])}
    steps = [after.device_us - before.device_us for before, after in pairwise(frames)]
    assert steps == pytest.approx([2_000_000 / 60] * (FRAMES - 1), abs=1)


def test_broken_dumps_are_refused_before_fakenect_ends_the_process(tmp_path: Path):
    with pytest.raises(SensorError, match=r"no INDEX\.txt"):
        open_sensor(f"kinect1:file:{tmp_path}", isolated=False).open()
    folder = write_dump(tmp_path / "dump")
    names = (folder / "INDEX.txt").read_text().splitlines()
    data = (folder / names[0]).read_bytes()
    (folder / names[0]).write_bytes(data[:1000])
    with pytest.raises(SensorError, match="is too short"):
        freenect.check_dump(folder)
    (folder / names[0]).unlink()
    with pytest.raises(SensorError, match="is missing"):
        freenect.check_dump(folder)
    (folder / "INDEX.txt").write_text("../dump/" + names[1] + "\n")
    with pytest.raises(SensorError, match="is missing"):
        freenect.check_dump(folder)


@pytest.mark.skipif(freenect_library.find() is None, reason=freenect_library.HOW_TO_INSTALL)
def test_without_a_camera_the_real_library_lists_none_and_refuses_in_words():
    devices = freenect.list_devices()
    if devices:
        pytest.skip("a Kinect is plugged in")
    with pytest.raises(SensorError, match=r"cannot open Kinect v1 0: .* Run rgbd-seg doctor"):
        open_sensor("kinect1:0").open()
    with pytest.raises(ConfigurationError, match="unknown option"):
        open_sensor("kinect1:0?x=1")


def test_missing_library_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(freenect_library, "find", lambda fake=False: None)
    with pytest.raises(SensorError, match="libfreenect is not installed: "):
        freenect.list_devices()


def mode(pixel_format: int, width: int = 640) -> SimpleNamespace:
    return SimpleNamespace(format=pixel_format, width=width, height=480)


@pytest.mark.parametrize(
    ("offered", "registered", "chosen"),
    [
        ((0, 5, 4), True, 4),
        ((0, 5, 4), False, 5),
        ((0, 5), True, 5),
        ((0, 1, 2), True, 0),
        ((1, 2), True, None),
    ],
)
def test_best_depth_format_that_is_offered(offered: tuple[int, ...], registered: bool, chosen: int | None):
    found = choose_depth_mode([mode(f) for f in offered] + [mode(4, 1280)], 640, 480, registered)
    assert (found and found.format) == chosen


def test_raw_disparity_follows_the_published_curve():
    table = raw_to_millimetres().astype(int)
    assert table[freenect.NO_RETURN_11BIT] == 0
    assert table[500] == pytest.approx(585, abs=2)
    assert table[1000] == pytest.approx(3780, abs=50)
    valid = table[table > 0]
    assert valid.max() <= 10_000
    assert np.all(np.diff(valid[:900]) >= 0)


def test_ticks_go_on_when_the_counter_wraps_and_may_step_back_a_little():
    clock = TickClock()
    assert clock.microseconds(2**32 - 60) == (2**32 - 60) // 60
    assert clock.microseconds(60) - clock.microseconds(2**32 - 60) == 2
    assert clock.microseconds(0) == 2**32 // 60
