"""The log and the crash report: written, private, bounded, and never a reason to fail."""

from __future__ import annotations

import logging
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rgbd_seg import __version__, logs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RGBD_SEG_LOG_DIR", str(tmp_path / "log"))
    return tmp_path / "log"


def test_the_log_begins_with_versions_and_is_private(folder: Path) -> None:
    path = logs.start_logging("a test")
    logging.getLogger("rgbd_seg.test").info("hello")
    logs.stop_logging()
    assert path == folder / "rgbd-seg.log"
    text = path.read_text()
    assert f"rgbd-seg {__version__} starts: a test" in text
    assert "hello" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in folder.iterdir()] == ["rgbd-seg.log"]


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("RGBD_SEG_LOG_DIR", str(tmp_path / "file" / "log"))
    assert logs.start_logging("a test") is None
    assert logs.write_crash_report(ValueError("x")) is None
    logs.stop_logging()


def test_a_crash_leaves_a_report_and_says_where(folder: Path) -> None:
    code = "from rgbd_seg import logs; logs.start_logging('crash'); raise KeyError('boom')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    (report,) = folder.glob("crash-*.txt")
    assert done.returncode == 1
    assert str(report) in done.stderr
    assert "KeyError: 'boom'" in report.read_text()
    assert "boom" in (folder / "rgbd-seg.log").read_text()


def test_a_native_crash_leaves_its_stack(folder: Path) -> None:
    code = "from rgbd_seg import logs; logs.start_logging('segv'); import os; os.kill(os.getpid(), 11)"
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=300, check=False)
    (stack,) = folder.glob("native-crash-*.txt")
    assert "Segmentation fault" in stack.read_text()


def test_what_killed_processes_left_is_removed_and_stacks_are_kept(folder: Path) -> None:
    code = "from rgbd_seg import logs; logs.start_logging('x'); import os; os.kill(os.getpid(), {})"
    for number in (9, 11):
        subprocess.run([sys.executable, "-c", code.format(number)], capture_output=True, timeout=300, check=False)
    logs.start_logging("a test")
    logs.stop_logging()
    (stack,) = folder.glob("native-crash-*.txt")
    assert "Segmentation fault" in stack.read_text()
    assert logs.crash_reports() == [stack]


def test_old_reports_go(folder: Path) -> None:
    for _ in range(14):
        logs.write_crash_report(ValueError("x"))
    assert len(list(folder.glob("crash-*.txt"))) == 10


def test_the_log_stays_small(folder: Path) -> None:
    path = logs.start_logging("flood")
    logger = logging.getLogger("rgbd_seg.flood")
    for _ in range(50_000):
        logger.info("x" * 120)
    logs.stop_logging()
    assert path is not None
    assert sum(p.stat().st_size for p in folder.iterdir()) < 4.5e6
