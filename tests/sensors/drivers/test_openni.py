"""The OpenNI2 driver against the real runtime: its own Dummy device live, and generated recordings through OniFile."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.calibration import Intrinsics
from rgbd_seg.errors import ConfigurationError, EndOfStream, SensorError, SensorLost, SensorTimeout
from rgbd_seg.recording.pictures.depth_as_gray import gray_of_depth
from rgbd_seg.sensors import open_sensor
from rgbd_seg.sensors.drivers import openni, openni_runtime
from rgbd_seg.sensors.drivers.pairing import MOST_WAITING, Half, Pairing
from rgbd_seg.sensors.sensor import Request, Sensor, StreamMode
from rgbd_seg.testing.sensors import SensorConformance
from tests.sensors.oni_file import DEPTH_100_UM, GRAY8, GRAY16, INFRARED_KIND, YUV422, YUYV, write_oni

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(openni_runtime.library_folder() is None, reason=openni_runtime.HOW_TO_INSTALL)

HEIGHT, WIDTH, FRAMES = 48, 64, 12
# The runtime has crashed while closing, so its tests run where its users run it: in a child process.
ISOLATED = True


def pictures(count: int = FRAMES) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(1)
    colors = [rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(count)]
    depths = [rng.integers(0, 10_000, (HEIGHT, WIDTH), np.uint16) for _ in range(count)]
    return colors, depths


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "a scene.oni"
    write_oni(path, *pictures())
    return path


def play(path: Path, options: str = "?realtime=no", request: Request | None = None) -> Sensor:
    return open_sensor(f"openni:file:{path}{options}", request, isolated=ISOLATED)


class TestDummyDevice(SensorConformance):
    @pytest.fixture
    def sensor(self) -> Sensor:
        return open_sensor("openni:Dummy", isolated=ISOLATED)


class TestRecording(SensorConformance):
    @pytest.fixture
    def sensor(self, recording: Path) -> Sensor:
        return play(recording)


def test_dummy_device_tells_about_itself():
    with open_sensor("openni:Dummy", isolated=ISOLATED) as sensor:
        frames = [sensor.read(2.0) for _ in range(10)]
        assert sensor.modes() == (StreamMode(320, 240, 30.0),)
        assert sensor.info.details["runtime"].startswith("OpenNI 2.")
        assert sensor.calibration.origin in ("field of view", "assumed")
        assert sensor.calibration.depth_unit_m == 0.001
    steps = np.diff([frame.device_us for frame in frames])
    assert np.all(steps > 0)
    assert frames[0].color.shape == (240, 320, 3)


def test_recording_plays_every_pair_with_its_pixels(recording: Path):
    colors, depths = pictures()
    with play(recording) as sensor:
        frames = list(sensor)
        calibration = sensor.calibration
    assert len(frames) == FRAMES
    for frame, color, depth in zip(frames, colors, depths, strict=True):
        assert np.array_equal(frame.color, color)
        assert np.array_equal(frame.depth, depth)
    assert [frame.index for frame in frames] == list(range(FRAMES))
    assert np.all(np.diff([frame.device_us for frame in frames]) == 33_333)
    expected = Intrinsics.from_field_of_view(WIDTH, HEIGHT, 1.0, 0.8)
    assert calibration.color.fx == pytest.approx(expected.fx)
    assert calibration.origin == "field of view"
    assert not calibration.registered  # An .oni file does not say that it is.


def test_recording_without_a_field_of_view_says_that_its_intrinsics_are_assumed(tmp_path: Path):
    write_oni(tmp_path / "x.oni", *pictures(2), fov_rad=None)
    with play(tmp_path / "x.oni") as sensor:
        assert sensor.calibration.origin == "assumed"


def test_depth_unit_follows_the_pixel_format(tmp_path: Path):
    write_oni(tmp_path / "x.oni", *pictures(2), depth_format=DEPTH_100_UM)
    with play(tmp_path / "x.oni") as sensor:
        assert sensor.calibration.depth_unit_m == 0.0001


def test_pictures_of_different_moments_are_not_paired(tmp_path: Path):
    period = 33_333
    colors, depths = pictures(6)
    # Depth 2 is missing, and colour 4 is too: neither neighbour may take their place.
    color_times = [period * i for i in (1, 2, 3, 5, 6)]
    depth_times = [period * i + 900 for i in (1, 3, 4, 5, 6)]
    write_oni(tmp_path / "x.oni", colors[:5], depths[:5], color_times_us=color_times, depth_times_us=depth_times)
    with play(tmp_path / "x.oni") as sensor:
        frames = list(sensor)
    assert [frame.device_us for frame in frames] == [period * i for i in (1, 3, 5, 6)]
    assert np.array_equal(frames[1].color, colors[2])
    assert np.array_equal(frames[1].depth, depths[1])


def test_recording_is_played_at_its_own_rate_when_asked(recording: Path):
    with play(recording, "") as sensor:
        started = time.monotonic()
        assert len(list(sensor)) == FRAMES
        assert time.monotonic() - started >= (FRAMES - 1) / 30 * 0.9


@pytest.mark.parametrize("keep", [0.4, 0.9])
def test_truncated_recording_is_refused_or_ends_but_never_hangs(recording: Path, tmp_path: Path, keep: float):
    cut = tmp_path / "cut.oni"
    data = recording.read_bytes()
    cut.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(SensorError, match="not a whole OpenNI2 recording"):
        play(cut).open()


def test_wrong_names_are_refused_in_words(tmp_path: Path):
    with pytest.raises(SensorError, match="there is no file"):
        play(tmp_path / "absent.oni").open()
    junk = tmp_path / "junk.oni"
    junk.write_bytes(b"junk" * 100)
    with pytest.raises(SensorError, match="not a whole OpenNI2 recording"):
        play(junk).open()
    with pytest.raises(SensorError, match=r"no OpenNI2 device 1d27/0601@9/9 \(present"):
        open_sensor("openni:1d27/0601@9/9", isolated=ISOLATED).open()
    with pytest.raises(ConfigurationError, match="unknown option 'speed'"):
        open_sensor("openni:?speed=2")


def test_mode_that_is_not_offered_is_refused_with_the_offer(recording: Path):
    with pytest.raises(ConfigurationError, match="64x48 30 fps"):
        play(recording, request=Request(StreamMode(640, 480, 30))).open()


def test_missing_runtime_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(openni_runtime, "library_folder", lambda: None)
    openni_runtime.start.cache_clear()
    try:
        with pytest.raises(SensorError, match="OpenNI2 is not installed: "):
            openni.list_devices()
    finally:
        openni_runtime.start.cache_clear()


def test_discovery_leaves_the_working_directory_alone():
    here = os.getcwd()
    assert isinstance(openni.list_devices(), list)
    assert os.getcwd() == here


def test_disconnection_that_the_runtime_reports_is_a_loss(recording: Path):
    with open_sensor(f"openni:file:{recording}?realtime=no", isolated=False) as sensor:
        sensor.read(2.0)
        sensor._lost()
        with pytest.raises(SensorLost, match="was unplugged"):
            sensor.read(2.0)


def test_recording_ends_with_end_of_stream_in_process(recording: Path):
    with open_sensor(f"openni:file:{recording}?realtime=no", isolated=False) as sensor:
        for _ in range(FRAMES):
            sensor.read(2.0)
        with pytest.raises(EndOfStream, match="has ended"):
            sensor.read(2.0)


def halves(*times_us: int) -> list[Half]:
    return [Half(np.zeros((1, 1), np.uint16), number, time_us) for number, time_us in enumerate(times_us, 1)]


def test_pairing_takes_the_nearest_and_drops_what_is_older():
    pairing = Pairing(period_us=1000)
    early, late = halves(0, 1000)
    assert pairing.add("color", early) is None
    assert pairing.add("color", late) is None
    (depth,) = halves(1400)
    assert pairing.add("depth", depth) == (late, depth)
    (again,) = halves(400)
    assert pairing.add("depth", again) is None  # Its colour went with the older ones.


def test_a_stream_that_arrives_frames_later_is_paired_all_the_same():
    pairing = Pairing(period_us=1000)
    colors, depths = halves(*range(0, 20_000, 1000)), halves(*range(100, 20_100, 1000))
    pairs = []
    for i, color in enumerate(colors):
        assert pairing.add("color", color) is None
        if i >= 5:
            pairs.append(pairing.add("depth", depths[i - 5]))
    assert pairs == list(zip(colors, depths, strict=True))[:15]


def test_what_waits_for_the_other_stream_is_bounded():
    pairing = Pairing(period_us=1000)
    for half in halves(*range(0, 1_000_000, 1000)):
        assert pairing.add("color", half) is None
    assert len(pairing._waiting["color"]) == MOST_WAITING


def test_a_mirror_image_is_said_to_be_one(tmp_path: Path) -> None:
    write_oni(tmp_path / "x.oni", *pictures(3), mirrored=True)
    with play(tmp_path / "x.oni") as sensor:
        assert len(list(sensor)) == 3
        assert any("mirror image" in warning for warning in sensor.warnings)


def test_a_recording_that_was_never_closed_plays_to_its_end(tmp_path: Path) -> None:
    write_oni(tmp_path / "x.oni", *pictures(5), closed=False)
    with play(tmp_path / "x.oni") as sensor:
        assert sum(1 for _ in _until_the_end(sensor)) == 5
        assert any("was not closed" in warning for warning in sensor.warnings)


@pytest.mark.parametrize(("color_format", "luma_at"), [(YUV422, 1), (YUYV, 0)])
def test_brightness_and_colour_apart(tmp_path: Path, color_format: int, luma_at: int) -> None:
    """Brightness 81, U 90 and V 240 are red by BT.601."""
    packed = np.empty((HEIGHT, WIDTH, 2), np.uint8)
    packed[..., luma_at], packed[:, ::2, 1 - luma_at], packed[:, 1::2, 1 - luma_at] = 81, 90, 240
    write_oni(tmp_path / "x.oni", [packed] * 3, pictures(3)[1], color_format=color_format)
    with play(tmp_path / "x.oni") as sensor:
        frames = list(sensor)
    assert len(frames) == 3
    assert np.abs(frames[1].color.astype(int) - (255, 0, 0)).max() <= 2


def test_grey_and_infrared_are_shown_as_grey(tmp_path: Path) -> None:
    colors, depths = pictures(2)
    write_oni(tmp_path / "gray.oni", [c[..., 0].copy() for c in colors], depths, color_format=GRAY8)
    with play(tmp_path / "gray.oni") as sensor:
        assert np.array_equal(sensor.read(10).color, colors[0][..., :1].repeat(3, axis=2))
    infrared = [c[..., 0].astype(np.uint16) * 4 for c in colors]
    write_oni(tmp_path / "ir.oni", infrared, depths, color_format=GRAY16, color_kind=INFRARED_KIND)
    with play(tmp_path / "ir.oni") as sensor:
        assert np.array_equal(sensor.read(10).color, colors[0][..., :1].repeat(3, axis=2))
        assert any("infrared is shown in its place" in warning for warning in sensor.warnings)


def test_depth_alone(tmp_path: Path) -> None:
    _, depths = pictures(3)
    write_oni(tmp_path / "x.oni", [], depths)
    with play(tmp_path / "x.oni") as sensor:
        frames = list(sensor)
        assert any("no colour" in warning for warning in sensor.warnings)
    assert len(frames) == 3
    assert np.array_equal(frames[2].depth, depths[2])
    assert np.array_equal(frames[2].color, gray_of_depth(depths[2], 0.001))


def test_colour_of_another_size_and_field_of_view(tmp_path: Path) -> None:
    """Colour has twice the pixels and half the tangents: depth's middle fills its picture, once or twice as large."""
    half = tuple(2 * np.arctan(np.tan(angle / 2) / 2) for angle in (1.0, 0.8))
    wall = np.full((HEIGHT, WIDTH), 1500, np.uint16)
    wall[:, WIDTH // 2 :] = 2500
    colors = [np.full((2 * HEIGHT, 2 * WIDTH, 3), 9, np.uint8)] * 2
    write_oni(tmp_path / "x.oni", colors, [wall] * 2, fov_rad=half, depth_fov_rad=(1.0, 0.8))
    with play(tmp_path / "x.oni") as sensor:
        frame = sensor.read(10)
        assert any("64x48 is brought to colour's 128x96" in warning for warning in sensor.warnings)
    assert frame.depth.shape == (2 * HEIGHT, 2 * WIDTH)
    assert set(np.unique(frame.depth[3:-3, 3 : WIDTH - 3])) == {1500}
    assert set(np.unique(frame.depth[3:-3, WIDTH + 3 : -3])) == {2500}
    assert not frame.calibration.registered


def _until_the_end(sensor: Sensor) -> Iterator[object]:
    """The frames; a file whose end nobody has written down is silent for a while before it is believed to be over."""
    while True:
        try:
            yield sensor.read(2.0)
        except SensorTimeout:
            continue
        except EndOfStream:
            return
