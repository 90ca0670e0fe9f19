"""What SECURITY.md promises, held against the source itself and against files as they are written."""

from __future__ import annotations

import ast
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg import doctor
from rgbd_seg.app.settings import Settings, SettingsFile
from rgbd_seg.recording.mcap.writer import RecordingWriter
from rgbd_seg.system import logs
from tests.recording.frames import make_calibration, make_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "rgbd_seg").rglob("*.py"), *(ROOT / "training").rglob("*.py")])
_RUNS_CODE = {"eval", "exec", "compile", "__import__"}
_RUNS_CODE_IN = {
    "os": {"system", "popen"},
    "subprocess": {"getoutput", "getstatusoutput"},
    "pickle": {"load", "loads", "Unpickler"},
    "marshal": {"load", "loads"},
    "shelve": {"open"},
    "joblib": {"load"},
    "dill": {"load", "loads"},
    "yaml": {"load", "unsafe_load", "full_load", "load_all"},
    "tempfile": {"mktemp"},
    "jsonpickle": {"decode"},
}


def _runs_code(call: ast.Call) -> bool:
    options = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
    if any(k.arg == "shell" for k in call.keywords) or options.get("allow_pickle"):
        return True
    match call.func:
        case ast.Name(name):
            return name in _RUNS_CODE
        case ast.Attribute(ast.Name("torch"), "load"):
            return options.get("weights_only") is not True
        case ast.Attribute(ast.Name(module), name):
            return name in _RUNS_CODE_IN.get(module, ())
    return False


def _dangers(tree: ast.AST) -> Iterator[str]:
    """Calls that run code or a shell, or that unpickle."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in _RUNS_CODE_IN:
            yield from (a.name for a in node.names if a.name in _RUNS_CODE_IN[node.module])
        if isinstance(node, ast.Call) and _runs_code(node):
            yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize(
    "code",
    [
        "eval(x)",
        "subprocess.run(x, shell=True)",
        "subprocess.run(x, shell=y)",
        "pickle.loads(x)",
        "from pickle import load",
        "torch.load(x)",
        "torch.load(x, weights_only=False)",
        "np.load(x, allow_pickle=True)",
        "yaml.load(x)",
        "os.system(x)",
    ],
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert list(_dangers(ast.parse(code)))


def test_no_code_comes_from_files_and_no_name_reaches_a_shell() -> None:
    found = {str(path.relative_to(ROOT)): list(_dangers(ast.parse(path.read_text("utf-8")))) for path in SOURCES}
    assert len(found) > 100
    assert not {path: dangers for path, dangers in found.items() if dangers}


def test_every_dependency_has_a_lowest_and_a_highest_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lists = [project["build-system"]["requires"], project["project"]["dependencies"]]
    lists += list(project["project"]["optional-dependencies"].values())
    # What only checks types is never shipped and has no versions of its own.
    named = [r for rows in lists for r in rows if not r.startswith(("rgbd-seg", "types-"))]
    # One version alone is bound as well: a package of weights, for instance, of which there is no other.
    loose = [r for r in named if not re.search(r">=[\d.]+,<[\d.]+|==[\d.]+$", r.split(";")[0].strip())]
    assert len(named) > 30
    assert not loose


@pytest.fixture
def careless_umask() -> Iterator[None]:
    """Nothing but what the program itself says protects its files."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless_umask")
def test_what_shows_a_room_or_a_user_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RGBD_SEG_LOG_DIR", str(tmp_path / "log"))
    logs.start_logging("a test")
    for handler in logs.logging.getLogger().handlers:
        if isinstance(handler, logs.RotatingFileHandler):
            handler.doRollover()
    logs.write_crash_report(ValueError("x"))
    SettingsFile(tmp_path / "window.json").save(Settings())
    with RecordingWriter(tmp_path / "a.mcap", make_calibration()) as writer:
        writer.write(make_frame(0))
    doctor.write_report(tmp_path / "report.md", [])
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    try:
        assert len(written) == 7  # Two logs, two kinds of reports, settings, recording, the doctor's report.
        assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in written} == dict.fromkeys(
            (path.name for path in written), "0o600"
        )
    finally:
        logs.stop_logging()


def test_settings_that_cannot_be_written_leave_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SettingsFile(tmp_path / "window.json")
    file.save(Settings(theme="dark"))

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full_disk)
    assert "No space left" in file.save(Settings(theme="light"))
    assert [path.name for path in tmp_path.iterdir()] == ["window.json"]
    assert file.load()[0].theme == "dark"


def test_a_report_holds_no_frames_and_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle that people attach: text only, however the log came to hold an array."""
    monkeypatch.setenv("RGBD_SEG_LOG_DIR", str(tmp_path / "log"))
    logs.start_logging("a test")
    try:
        frame = make_frame(0)
        logs.logging.getLogger("rgbd_seg").error("a frame slipped in: %s %s", frame, Path.home() / "x")
        logs.write_crash_report(ValueError(f"bad pixels: {np.asarray(frame.color)!r}"))
    finally:
        logs.stop_logging()
    doctor.write_report(tmp_path / "report.md", [])
    text = (tmp_path / "report.md").read_text()
    assert "ValueError" in text  # The crash report is in the bundle.
    assert len(text) < 20_000
    assert str(Path.home()) not in text.replace(str(tmp_path), "")
