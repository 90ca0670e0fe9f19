"""The log and the crash report: written, private, bounded, and never a reason to fail."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rgbd_seg import __version__
from rgbd_seg.system import logs, private_file
from tests.waiting import PATIENCE_S


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
    code = "from rgbd_seg.system import logs; logs.start_logging('crash'); raise KeyError('boom')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    (report,) = folder.glob("crash-*.txt")
    assert done.returncode == 1
    assert str(report) in done.stderr
    assert "KeyError: 'boom'" in report.read_text()
    assert "boom" in (folder / "rgbd-seg.log").read_text()


def test_a_native_crash_leaves_its_stack(folder: Path) -> None:
    code = "from rgbd_seg.system import logs; logs.start_logging('segv'); import os; os.kill(os.getpid(), 11)"
    subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE_S, check=False)
    (stack,) = folder.glob("native-crash-*.txt")
    assert "Segmentation fault" in stack.read_text()


def test_what_killed_processes_left_is_removed_and_stacks_are_kept(folder: Path) -> None:
    code = "from rgbd_seg.system import logs; logs.start_logging('x'); import os; os.kill(os.getpid(), {})"
    for number in (9, 11):
        subprocess.run(
            [sys.executable, "-c", code.format(number)], capture_output=True, timeout=PATIENCE_S, check=False
        )
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


def test_a_full_log_that_another_window_holds_grows_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows does it: a file that is open elsewhere cannot be renamed."""
    monkeypatch.setenv("RGBD_SEG_LOG_DIR", str(tmp_path))
    monkeypatch.setattr(logs, "LOG_BYTES", 500)
    path = logs.start_logging("one")
    try:
        assert path is not None
        rename = os.rename

        def refuse(source: str, target: str) -> None:
            if Path(source) == path:
                raise PermissionError(13, "The process cannot access the file because it is being used")
            rename(source, target)

        monkeypatch.setattr(os, "rename", refuse)
        for number in range(20):
            logging.getLogger("rgbd_seg").warning("line %d", number)
    finally:
        logs.stop_logging()
    assert [line for line in path.read_text().splitlines() if "line 19" in line]


def test_replacing_a_file_that_is_read_is_tried_again_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, tries = tmp_path / "old", tmp_path / "new", []
    replace = os.replace

    def busy(source: Path, target: Path) -> None:
        tries.append(source)
        if len(tries) < 3:
            raise PermissionError(5, "Access is denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", busy)
    new.write_text("new")
    with pytest.raises(PermissionError):
        private_file.replace_file(new, old)
    assert len(tries) == 1
    monkeypatch.setattr(private_file, "TRIES", 5)
    private_file.replace_file(new, old)
    assert old.read_text() == "new"
