"""One rotating log file, and a report beside it when the program crashes. No frames are ever written to either."""

from __future__ import annotations

import faulthandler
import logging
import os
import platform
import sys
import threading
import traceback
from contextlib import suppress
from datetime import datetime
from importlib import metadata
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TextIO

import platformdirs
import psutil

from rgbd_seg.system.private_file import open_private, write_private
from rgbd_seg.version import __version__

_PACKAGES = (
    *("torch", "torchvision", "numpy", "opencv-python-headless", "PySide6-Essentials", "pyqtgraph", "openvino"),
    *("onnxruntime", "pyrealsense2", "openni", "mcap", "moderngl", "lightning", "albumentations"),
)
LOG_BYTES, _LOG_FILES = 1_000_000, 3
_MAX_REPORTS = 10
_native_crashes: TextIO | None = None  # Kept open: faulthandler writes to it when the process is dying.

_log = logging.getLogger("rgbd_seg")


class _PrivateLog(RotatingFileHandler):
    """Keeps each file of the rotation to its owner."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=open_private)  # type: ignore[return-value]

    def rotate(self, source: str, dest: str) -> None:
        """Renames a full log; where another window still writes it, Windows refuses, and it grows on."""
        with suppress(PermissionError):
            super().rotate(source, dest)


def log_folder() -> Path:
    """Where the log and the crash reports are, `RGBD_SEG_LOG_DIR` if that is set."""
    return Path(os.environ.get("RGBD_SEG_LOG_DIR") or platformdirs.user_log_dir("rgbd-seg", appauthor=False))


def versions() -> dict[str, str]:
    """Program, Python, system and the packages that matter, by name; packages that are missing are left out."""
    found = {"rgbd-seg": __version__, "python": platform.python_version(), "system": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def start_logging(command: str) -> Path | None:
    """Logs to a rotating file from now on, and leaves a report after a crash.

    Args:
        command: What was started, for the first line.

    Returns:
        The log file, or None where the folder cannot be written (the program then runs without a log).
    """
    global _native_crashes
    folder = log_folder()
    path = folder / "rgbd-seg.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = _PrivateLog(path, maxBytes=LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8", delay=False)
        if _native_crashes is None:
            with suppress(OSError):  # Another instance may tidy up at the same moment.
                _remove_old_stacks(folder)
            native = folder / f"native-crash-{os.getpid()}.txt"
            _native_crashes = open(native, "w", encoding="utf-8", opener=open_private)
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    _log.setLevel(logging.INFO)
    faulthandler.enable(_native_crashes, all_threads=True)
    sys.excepthook = _report_and_print
    threading.excepthook = _report_thread
    _log.info("rgbd-seg %s starts: %s; %s", __version__, command, versions())
    return path


def stop_logging() -> None:
    """Closes the log; an empty file for native crashes is removed."""
    global _native_crashes
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _PrivateLog)]:
        root.removeHandler(handler)
        handler.close()
    if _native_crashes is not None:
        faulthandler.disable()
        path, empty = Path(_native_crashes.name), _native_crashes.tell() == 0
        _native_crashes.close()
        _native_crashes = None
        if empty and path.exists() and path.stat().st_size == 0:
            path.unlink()
    sys.excepthook = sys.__excepthook__
    threading.excepthook = threading.__excepthook__


def write_crash_report(error: BaseException) -> Path | None:
    """Writes what happened to a file that the user can attach to a bug report.

    Returns:
        The report, or None where it could not be written.
    """
    folder = log_folder()
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    lines = [f"{name} {version}" for name, version in versions().items()]
    text = "\n".join(["rgbd-seg crashed", *lines, "", *traceback.format_exception(error)])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("crash-*.txt"))[: -_MAX_REPORTS + 1]:
            old.unlink()
        path = folder / f"crash-{stamp}.txt"
        write_private(path, text)
    except OSError:
        return None
    return path


def _remove_old_stacks(folder: Path) -> None:
    """Removes what killed processes have left empty, and all but the newest stacks of native crashes."""
    stacks = sorted(folder.glob("native-crash-*.txt"), key=lambda path: -path.stat().st_mtime)
    running = {f"native-crash-{pid}.txt" for pid in psutil.pids()}
    told = [path for path in stacks if path.stat().st_size]
    for path in stacks:
        if path not in told[:_MAX_REPORTS] and (path in told or path.name not in running):
            path.unlink()


def crash_reports() -> list[Path]:
    """What crashes have left, the newest first: reports of ours and stacks of native libraries."""
    folder = log_folder()
    found = [*folder.glob("crash-*.txt"), *folder.glob("native-crash-*.txt")] if folder.is_dir() else []
    sizes = [(path, path.stat()) for path in found]
    return [path for path, status in sorted(sizes, key=lambda e: -e[1].st_mtime) if status.st_size]


def _report_and_print(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _log.critical("unexpected error", exc_info=(kind, error, trace))
        path = write_crash_report(error)
        where = f" A report for the developers is in {path}." if path else ""
        print(f"rgbd-seg: unexpected error: {kind.__name__}: {error}.{where}", file=sys.stderr)  # noqa: T201
    sys.__excepthook__(kind, error, trace)


def _report_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        _report_and_print(args.exc_type, args.exc_value, args.exc_traceback)
