"""What is said where no window can be opened: before Qt, which would end the process without a word to the user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from rgbd_seg.system.screen import screen_problem
from tests.virtual_screen import virtual_screen
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")


def test_no_display_is_named() -> None:
    assert screen_problem({}) == "there is no display to open a window on"


def test_a_display_that_is_set_but_dead_is_named() -> None:
    assert "DISPLAY=:60999 cannot be reached" in screen_problem({"DISPLAY": ":60999"})
    wayland = {"WAYLAND_DISPLAY": "wayland-60999", "XDG_RUNTIME_DIR": "/nowhere"}
    assert "WAYLAND_DISPLAY=wayland-60999 cannot be reached" in screen_problem(wayland)
    # Qt tries X11 where Wayland fails, and so does the question.
    assert screen_problem(wayland | {"DISPLAY": ":60999"}).count("cannot be reached") == 2


def test_a_platform_without_screen_needs_none() -> None:
    assert screen_problem({"QT_QPA_PLATFORM": "offscreen"}) == ""
    assert screen_problem({"QT_QPA_PLATFORM": "xcb", "DISPLAY": ":60999"})


def test_the_program_ends_with_a_sentence_instead_of_an_abort() -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-m", "rgbd_seg", "window"],
        env=environment | {"DISPLAY": ":60999"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2
    assert "DISPLAY=:60999 cannot be reached" in done.stderr
    assert "rgbd-seg demo" in done.stderr


@pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool (make test installs them)"
)
def test_a_living_display_is_found() -> None:
    with virtual_screen() as display:
        assert screen_problem({"DISPLAY": display}) == ""
