"""The program as a person uses it: a real window on a virtual screen, driven with keys and mouse by xdotool."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import psutil
import pytest
import torch

from rgbd_seg.labels import LabelSet
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet, DeResUNetConfig
from rgbd_seg.models.model_file import save_model
from rgbd_seg.recording import open_recording
from rgbd_seg.recording.mcap.writer import RecordingWriter
from tests.app.conftest import CALIBRATION, make_frame
from tests.reliability.process_faults import chunks
from tests.virtual_screen import virtual_screen
from tests.waiting import end_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool (make test installs them)"
)
_PATIENCE_S = 240  # Generous: what is tested is that things happen, not how fast.


def wait_for(what: str, happened: Callable[[], object]) -> object:
    """Looks until something happens."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        result = happened()
        if result:
            return result
        time.sleep(0.1)
    pytest.fail(f"{what} did not happen within {_PATIENCE_S} s")


@pytest.fixture
def screen() -> Iterator[dict[str, str]]:
    """The environment of a virtual screen of its own."""
    with virtual_screen() as display:
        yield os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Forty frames at 20 a second."""
    path = tmp_path / "forty.mcap"
    with RecordingWriter(path, CALIBRATION, name="forty frames") as writer:
        for index in range(40):
            frame = make_frame(index)
            frame = type(frame)(frame.color, frame.depth, CALIBRATION, index, 1_000_000_000 + index * 50_000_000)
            writer.write(frame)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small network with random weights."""
    torch.manual_seed(0)
    config = DeResUNetConfig(3, "resnet18", "early", 8, (32, 16, 16, 8, 8), 4)
    labels = LabelSet.from_dict({"name": "three", "classes": ["wall", "floor", "thing"]})
    path = tmp_path / "small.safetensors"
    save_model(path, DeResUNet(config), ModelCard("small", config, labels, size=(48, 64)))
    return path


class Person:
    """Starts the program and has hands."""

    def __init__(self, screen: dict[str, str], folder: Path, *arguments: str) -> None:
        self.settings = folder / "settings.json"
        self.settings.write_text(json.dumps({"record_folder": str(folder / "kept"), "model": ""}))
        self._screen = screen
        command = [sys.executable, "-m", "rgbd_seg", "window", *arguments, "--settings", str(self.settings)]
        self.program = subprocess.Popen(
            command, env=screen, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            search = ("search", "--onlyvisible", "--name", "rgbd-seg")
            self.window = str(wait_for("the window", lambda: self.xdotool(*search) or self.program.poll() is not None))
            assert self.program.poll() is None, "it ended at once"
        except BaseException:
            self.ends_at_once()
            raise
        self.xdotool("windowfocus", self.window)

    def xdotool(self, *arguments: str) -> str:
        """Runs one xdotool command; "" if it fails."""
        done = subprocess.run(["xdotool", *arguments], env=self._screen, capture_output=True, text=True, check=False)
        return done.stdout.split("\n")[0].strip() if done.returncode == 0 else ""

    def presses(self, *keys: str) -> None:
        """Presses keys one after the other."""
        for key in keys:
            self.xdotool("windowfocus", self.window)
            self.xdotool("key", key)
            time.sleep(0.15)

    def title(self) -> str:
        """What the window is called."""
        return self.xdotool("getwindowname", self.window)

    def leaves(self, how: Callable[[], object]) -> str:
        """Ends the program and returns what it printed; it must end well."""
        children = psutil.Process(self.program.pid).children(recursive=True)
        how()
        output, _ = self.program.communicate(timeout=_PATIENCE_S)
        assert self.program.returncode == 0, output
        _, alive = psutil.wait_procs(children, timeout=_PATIENCE_S)
        assert not alive, f"child processes are left: {alive}"
        return output

    def types(self, title: str, text: str) -> None:
        """Types into the dialog of that title, and presses Enter."""
        search = ("search", "--onlyvisible", "--name", f"^{title}$")
        dialog = str(wait_for(f"the dialog {title}", lambda: self.xdotool(*search)))
        self.xdotool("windowfocus", "--sync", dialog)
        time.sleep(0.5)
        self.xdotool("type", "--delay", "10", text)

        def enter() -> bool:
            """Presses Enter; more than once where the first one only closes the list of completions."""
            if self.xdotool(*search):
                self.xdotool("key", "Return")
                time.sleep(2.0)
            return not self.xdotool(*search)

        wait_for(f"the end of the dialog {title}", enter)

    def takes_a_snapshot(self, kept: Path, with_file: str) -> Path:
        """Presses S now and then until there is a snapshot with that file in it."""

        def look() -> Path | None:
            self.presses("s")
            time.sleep(2.0)
            return next(iter(kept.glob(f"snapshots/*/{with_file}")), None)

        return Path(str(wait_for(f"a snapshot with {with_file}", look))).parent

    def ends_at_once(self) -> None:
        """For a test that failed in the middle."""
        if self.program.poll() is None:
            end_all([psutil.Process(self.program.pid)])
            output, _ = self.program.communicate()
            print(output)  # Shown beside the failure.
        assert self.program.stdout is not None
        self.program.stdout.close()


def test_watch_record_replay_seek_and_close(screen: dict[str, str], recording: Path, tmp_path: Path) -> None:
    person = Person(screen, tmp_path, f"{recording}?loop=1")
    try:
        wait_for("the source's name in the title", lambda: "forty frames" in person.title())
        kept = tmp_path / "kept"
        # The first snapshot that succeeds shows that frames are on screen.
        snapshot = person.takes_a_snapshot(kept, "snapshot.json")
        assert np.array_equal(cv2.imread(str(snapshot / "depth.png"), cv2.IMREAD_UNCHANGED), make_frame().depth)
        person.presses("r")
        file = Path(str(wait_for("a recording", lambda: next(iter(kept.glob("*.mcap")), None))))
        wait_for("frames in the recording", lambda: chunks(file) >= 3)
        person.presses("r", "4", "bracketleft", "space", "Home", "Right", "Right", "h", "question", "Escape", "1")
        person.presses("r")  # A second recording, during which the window is closed.
        wait_for("the second recording", lambda: len(list(kept.glob("*.mcap"))) == 2)
        person.presses("space", "ctrl+q")
        assert person.program.poll() is None  # It has said first that a recording is running.
        output = person.leaves(lambda: person.presses("ctrl+q"))
        assert "Traceback" not in output
    finally:
        person.ends_at_once()
    with open_recording(file) as first:
        assert len(first) >= 5
        assert not first.info.warnings
    saved = json.loads(person.settings.read_text())
    assert saved["views"] == 1
    assert saved["style"]["opacity"] == 0.5
    assert saved["recent_sources"] == [f"{recording}?loop=1"]


def test_a_bad_file_is_no_end_and_signals_close_in_order(screen: dict[str, str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.mcap"
    bad.write_bytes(b"this is no recording" * 100)
    person = Person(screen, tmp_path, str(bad))
    try:
        assert person.program.poll() is None
        output = person.leaves(lambda: person.program.send_signal(signal.SIGTERM))
        assert "Traceback" not in output
    finally:
        person.ends_at_once()
    assert json.loads(person.settings.read_text())["geometry"]


def test_what_was_chosen_survives_a_kill(screen: dict[str, str], tmp_path: Path) -> None:
    person = Person(screen, tmp_path)

    def saved() -> dict[str, Any]:
        return dict(json.loads(person.settings.read_text()))

    try:
        person.presses("4", "shift+e")
        wait_for("the settings", lambda: saved().get("views") == 4 and saved()["style"]["edges"] is False)
        person.program.kill()
        person.program.communicate()
    finally:
        person.ends_at_once()
    assert saved()["geometry"]
    assert saved()["record_folder"] == str(tmp_path / "kept")
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
@pytest.mark.timeout(4 * _PATIENCE_S)
def test_open_by_dialog_load_a_model_export_and_close(
    screen: dict[str, str], recording: Path, model: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mcap"
    bad.write_bytes(b"this is no recording" * 100)
    person = Person(screen, tmp_path)
    try:
        for path in (bad, recording):  # The bad file becomes a message, and the window goes on.
            person.presses("ctrl+o")
            person.types("Open a recording", str(path))
        wait_for("the source's name in the title", lambda: "forty frames" in person.title())
        person.presses("m")
        person.types("Load a model", str(model))
        kept = tmp_path / "kept"
        person.takes_a_snapshot(kept, "labels.png")
        person.presses("h", "h", "2", "Home", "Right", "i", "Right", "Right", "o", "ctrl+z", "ctrl+shift+z")
        person.presses("ctrl+e")
        person.types("Export forty.mcap", "")
        wait_for("the export", lambda: [path for path in kept.glob("forty*") if path.suffix != ".part"])
        output = person.leaves(lambda: person.presses("ctrl+q"))
        assert "Traceback" not in output
    finally:
        person.ends_at_once()
    assert json.loads(person.settings.read_text())["model"] == str(model)
