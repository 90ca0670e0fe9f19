"""Every example of the docs, run as the docs say: a program of its own, on the built-in room and small files."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import cv2
import pytest

import rgbd_seg
from rgbd_seg.assets import model_path
from tests.recording.picture_trees import color_of, depth_of, write_color, write_gray
from tests.waiting import PATIENCE_S

EXAMPLES = Path(__file__).parent.parent.parent / "docs/examples"
# One model and size for all, and for the stream's tests, so that it is compiled once.
MODEL = model_path("demo")
ROOM = "synthetic:?size=64x48&noise=0&fps=60"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of the room."""
    folder = tmp_path_factory.mktemp("examples")
    rgbd_seg.record(ROOM, folder / "room.mcap", frames=6)
    return folder


def run(name: str, *arguments: object) -> str:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(EXAMPLES.parent.parent)}


def until_line(name: str, *arguments: object) -> tuple[subprocess.Popen[str], str]:
    """Starts an example that runs for ever, and waits for its first line."""
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment())
    assert process.stdout is not None
    return process, process.stdout.readline()


def end(process: subprocess.Popen[str]) -> None:
    """Ctrl-C: the example ends by itself, without a traceback."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert errors == ""


def test_regions_are_counted_in_every_frame(folder: Path) -> None:
    counted = run("count_regions", folder / "room.mcap", MODEL, "wall")
    assert sum(int(frames) for frames in re.findall(r": (\d+) frames", counted)) == 6


def test_a_pair_of_pictures_becomes_an_overlay(tmp_path: Path) -> None:
    write_color(tmp_path / "color.png", color_of(1, 120, 160))
    write_gray(tmp_path / "depth.png", depth_of(1, 120, 160))
    said = run("numpy_pair", tmp_path / "color.png", tmp_path / "depth.png", tmp_path / "overlay.png")
    assert re.fullmatch(r"([\w ]+: \d+\.\d\d m², nearest (\d+\.\d\d|inf) m\n)*", said)
    overlay = cv2.imread(str(tmp_path / "overlay.png"))
    assert overlay is not None
    assert overlay.shape == (120, 160, 3)


def test_a_network_is_trained_on_a_recording(folder: Path) -> None:
    losses = [float(loss) for loss in re.findall(r"loss (\d+\.\d\d)", run("train_dataset", folder / "room.mcap", 30))]
    assert len(losses) == 3
    assert losses[-1] < losses[0]


def test_the_robot_stops_for_what_is_near(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With other limits than the example's: nothing in the room is near, and nobody is in it."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import robot_stop

    monkeypatch.setattr(robot_stop, "MIN_CONFIDENCE", 0.0)
    monkeypatch.setattr(robot_stop, "STOP_M", 100.0)
    said: list[str] = []
    monkeypatch.setattr("builtins.print", lambda text, **_: said.append(text))
    stream = rgbd_seg.stream
    monkeypatch.setattr(rgbd_seg, "stream", lambda _, model: stream(folder / "room.mcap", model, every_frame=True))
    robot_stop.main("", str(MODEL), "wall")
    assert any("STOP" in line for line in said)


def test_a_browser_sees_the_camera_until_ctrl_c() -> None:
    process, line = until_line("browser", ROOM, MODEL, 0)
    try:
        page = line.split()[1]
        base, query = page.split("/?")
        with urlopen(f"{base}/metrics?{query}", timeout=PATIENCE_S) as answer:
            assert b"rgbd_seg_viewers" in answer.read()
        end(process)
    finally:
        process.kill()
        process.communicate()


def test_rerun_reads_what_it_was_sent(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("rerun")
    command = [sys.executable, str(EXAMPLES / "rerun_log.py"), str(folder / "room.mcap")]
    file = tmp_path / "seen.rrd"
    done = subprocess.run(
        [*command, str(MODEL), str(file)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env=_environment(),
    )
    assert done.returncode == 0, done.stderr
    printed = subprocess.run(
        [sys.executable, "-m", "rerun", "rrd", "print", str(file)], capture_output=True, text=True, check=True
    )
    for entity in ("/camera", "/camera/color", "/camera/depth", "/camera/classes"):
        assert f"{entity}\n" in printed.stdout or f"{entity} " in printed.stdout


def test_open3d_writes_the_cloud(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("open3d")
    run("open3d_cloud", folder / "room.mcap", folder / "tiny.safetensors", tmp_path / "cloud.ply")
    assert (tmp_path / "cloud.ply").stat().st_size > 1000


def test_the_ros_node_is_python() -> None:
    """ROS 2 is no Python package: nothing here can run it."""
    compile((EXAMPLES / "ros2_node.py").read_text("utf-8"), "ros2_node.py", "exec")
