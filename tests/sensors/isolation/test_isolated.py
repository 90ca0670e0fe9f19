"""Drivers in child processes: whatever a library does, the program gets frames or a clear error, and nothing leaks."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from rgbd_seg.errors import EndOfStream, SensorError, SensorFrozen, SensorLost, SensorTimeout
from rgbd_seg.sensors.isolation import standby
from rgbd_seg.sensors.isolation.isolated import IsolatedSensor, TimeLimits
from rgbd_seg.sensors.isolation.shared_frames import SLOTS
from rgbd_seg.sensors.sensor import Request, SensorInfo, StreamMode
from rgbd_seg.testing.sensors import SensorConformance
from tests.waiting import PATIENCE_S, program, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rgbd_seg.frame import RgbdFrame

# Whoever answers may take as long as a busy machine needs; for a driver that never answers, the limits are short.
LIMITS = TimeLimits(open_s=PATIENCE_S, answer_s=PATIENCE_S, control_s=PATIENCE_S, close_s=PATIENCE_S)
SHORT = TimeLimits(open_s=PATIENCE_S, answer_s=1.5, control_s=PATIENCE_S, close_s=1.0)


@pytest.fixture(autouse=True)
def _driver_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))


def nasty(what: str, options: str = "", limits: TimeLimits | None = None) -> IsolatedSensor:
    kind = "recording" if what.startswith("recording") else "camera"
    info = SensorInfo(f"nasty:{what}", "Nasty camera", kind)
    default = SHORT if what.startswith("hang") else LIMITS
    return IsolatedSensor(f"nasty:{what}?{options}".rstrip("?"), info, Request(), "nasty_driver", limits or default)


def whole(frame: RgbdFrame) -> bool:
    """Whether every pixel comes from one picture: the driver fills both with the same number."""
    value = frame.color[0, 0, 0]
    return bool((frame.color == value).all() and (frame.depth == value).all())


def read_into(frames: list[RgbdFrame], sensor: IsolatedSensor) -> None:
    """Reads until an error other than a time-out, which is raised."""
    while True:
        try:
            frame = sensor.read(0.2)
        except SensorTimeout:
            continue
        assert whole(frame)
        frames.append(frame)


@pytest.fixture
def no_leaks() -> Iterator[None]:
    me = psutil.Process()

    def state() -> tuple[int, set[int], int]:
        gc.collect()
        return me.num_fds(), {c.pid for c in me.children(recursive=True)}, threading.active_count()

    before = state()
    yield
    after = state()
    assert after[1:] == before[1:]
    assert after[0] <= before[0]
    assert not [m.path for m in me.memory_maps(grouped=False) if "rgbd-seg-" in Path(m.path).name]


class TestConformance(SensorConformance):
    @pytest.fixture
    def sensor(self) -> IsolatedSensor:
        return nasty("nothing")


class TestRecordingConformance(SensorConformance):
    @pytest.fixture
    def sensor(self) -> IsolatedSensor:
        return nasty("recording", "at=50")


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize(
    ("what", "error", "text"),
    [
        ("segfault", SensorLost, r"crashed with SIGSEGV in string_at"),
        ("abort", SensorLost, r"crashed with SIGABRT in _grab \(nasty_driver\.py:\d+\)"),
        ("exit", SensorLost, "exited with code 3"),
        ("hang", SensorLost, "has hung for"),
        ("raise", SensorLost, "the driver failed: RuntimeError: libusb: -99"),
        ("torn", SensorLost, "delivered a broken picture: colour must be"),
        ("silent", SensorLost, "has sent nothing for"),
        ("stale", SensorFrozen, "has repeated old pictures"),
        ("recording", EndOfStream, "ended"),
    ],
)
def test_every_bad_end_is_an_error_and_the_frames_before_it_arrive(what: str, error: type[SensorError], text: str):
    sensor = nasty(what)
    with sensor:
        frames: list[RgbdFrame] = []
        with pytest.raises(error, match=text):
            read_into(frames, sensor)
        with pytest.raises(error, match=text):
            sensor.read(0.2)
    assert [frame.index for frame in frames] == [0, 1, 2]


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("hang in open", r"cannot open Nasty camera.*did not answer within 2 s"),
        ("segfault in open", r"cannot open Nasty camera.*crashed with SIGSEGV"),
        ("fail in open", "no such camera: plug it in"),
    ],
)
def test_a_failed_open_leaves_nothing(what: str, text: str):
    sensor = nasty(what, limits=TimeLimits(open_s=2.0) if what == "hang in open" else None)
    with pytest.raises(SensorError, match=text):
        sensor.open()
    assert not sensor.is_open
    sensor.close()


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("what", ["hang in stop", "segfault in stop"])
def test_close_comes_back_in_time(what: str):
    sensor = nasty(what)
    with sensor:
        sensor.read(PATIENCE_S)
        started = time.monotonic()
    assert time.monotonic() - started < PATIENCE_S  # The driver would take for ever.
    assert sensor.child_pid is None


@pytest.mark.usefixtures("no_leaks")
def test_info_modes_and_controls_come_from_the_driver():
    sensor = nasty("nothing")
    assert sensor.modes() == ()
    assert sensor.controls() == ()
    with sensor:
        assert sensor.modes() == (StreamMode(32, 24, 30.0),)
        assert sensor.calibration.depth_unit_m == 0.0005
        sensor.set_control("gain", 7)
        assert sensor.controls()[0].value == 7
        with pytest.raises(SensorError, match="refused a gain of 13"):
            sensor.set_control("gain", 13)
        assert whole(sensor.read(PATIENCE_S))


@pytest.mark.usefixtures("no_leaks")
def test_a_recording_loses_nothing_and_a_camera_drops_when_the_reader_sleeps():
    with nasty("recording", "at=200") as recording:
        time.sleep(0.5)
        frames = list(recording)
        assert [frame.index for frame in frames] == list(range(200))
    with nasty("nothing") as camera:
        camera.read(PATIENCE_S)
        time.sleep(0.5)
        indices = [camera.read(PATIENCE_S).index for _ in range(3 * SLOTS)]
    assert max(np.diff(indices)) > 1
    assert min(np.diff(indices)) >= 1


@pytest.mark.usefixtures("no_leaks")
def test_frames_that_are_kept_stay_as_they_were_even_after_the_end():
    with nasty("nothing") as sensor:
        kept = [sensor.read(PATIENCE_S) for _ in range(5 * SLOTS)]
        assert all(map(whole, kept))
    assert all(map(whole, kept))
    assert not kept[0].depth.flags.writeable
    del kept


@pytest.mark.usefixtures("no_leaks")
def test_a_child_killed_at_any_moment_never_yields_half_a_frame():
    for round_ in range(10):
        with nasty("nothing", "size=640x480") as sensor:
            sensor.read(PATIENCE_S)
            assert sensor.child_pid is not None
            killer = threading.Timer(0.002 * round_, os.kill, (sensor.child_pid, signal.SIGKILL))
            killer.start()
            with pytest.raises(SensorLost, match="crashed with SIGKILL"):
                read_into([], sensor)
            killer.join()


@pytest.mark.timeout(1800)  # A hundred interpreters are started, which takes minutes on a busy machine.
@pytest.mark.usefixtures("no_leaks")
def test_disappears_and_comes_back_a_hundred_times(tmp_path: Path):
    plugged = tmp_path / "plugged"
    ways = ["segfault", "exit", "raise", "abort"]
    limits = TimeLimits(standby_after_s=0.0)
    sensors = [nasty(way, f"at=2&while={plugged}", limits) for way in ways]
    seen: dict[str, list[RgbdFrame]] = {way: [] for way in ways}
    for round_ in range(100):
        sensor = sensors[round_ % len(ways)]
        if round_ % 25 == 0:  # Still unplugged: refused in words, and no frame.
            plugged.unlink(missing_ok=True)
            with pytest.raises(SensorError, match="plug it in"):
                sensor.reopen()
            plugged.touch()
        sensor.reopen()
        with pytest.raises(SensorLost):
            read_into(seen[ways[round_ % len(ways)]], sensor)
    for sensor in sensors:
        sensor.close()
    for frames in seen.values():
        assert [frame.index for frame in frames] == list(range(50))


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("spare_dies", [False, True])
def test_a_lost_camera_is_opened_in_the_process_that_stood_by_or_in_a_new_one(spare_dies: bool):
    before = {child.pid for child in psutil.Process().children()}
    with nasty("nothing", limits=TimeLimits(standby_after_s=0.0)) as sensor:
        sensor.read(PATIENCE_S)
        (spare,) = {c.pid for c in psutil.Process().children()} - before - {sensor.child_pid}
        assert sensor.child_pid is not None
        os.kill(sensor.child_pid, signal.SIGKILL)
        if spare_dies:
            os.kill(spare, signal.SIGKILL)
            until(lambda: psutil.Process(spare).status() == psutil.STATUS_ZOMBIE)
        with pytest.raises(SensorLost):
            read_into([], sensor)
        sensor.reopen()
        assert whole(sensor.read(PATIENCE_S))
        assert (sensor.child_pid == spare) is not spare_dies


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("renew_after_s", [0.0, 60.0])
def test_a_camera_that_is_away_is_asked_for_in_one_process_that_is_renewed(
    renew_after_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(standby, "RENEW_AFTER_S", renew_after_s)
    plugged = tmp_path / "plugged"
    plugged.touch()
    before = {child.pid for child in psutil.Process().children()}
    asked: set[int] = set()
    with nasty("exit", f"at=2&while={plugged}") as sensor:
        plugged.unlink()
        with pytest.raises(SensorLost):
            read_into([], sensor)
        tries = 0
        while tries < 3 or (renew_after_s == 0 and len(asked) < 3):
            time.sleep(0.02)
            tries += 1
            with pytest.raises(SensorError, match="plug it in"):
                sensor.reopen()
            asked |= {child.pid for child in psutil.Process().children()} - before
        plugged.touch()
        sensor.reopen()
        assert whole(sensor.read(PATIENCE_S))
        if renew_after_s:
            assert asked == {sensor.child_pid}


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
@pytest.mark.parametrize("what", ["nothing", "hang"])
def test_the_child_dies_with_its_parent(what: str):
    script = (
        "import sys, time; sys.path[:] = sys.argv[2].split(';')\n"
        "from rgbd_seg.sensors.isolation.isolated import IsolatedSensor\n"
        "from rgbd_seg.sensors.sensor import Request, SensorInfo\n"
        "uri = 'nasty:' + sys.argv[1]\n"
        "sensor = IsolatedSensor(uri, SensorInfo(uri, 'Nasty', 'camera'), Request(), 'nasty_driver')\n"
        "sensor.open(); sensor.read(5); print(sensor.child_pid, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, what, ";".join(sys.path)]
    with program(command, stdout=subprocess.PIPE) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.1)  # Long enough for the driver to hang with the interpreter's lock, as a rule.
        parent.kill()
        parent.wait()
        _, alive = psutil.wait_procs([child], timeout=PATIENCE_S)
    assert not alive
