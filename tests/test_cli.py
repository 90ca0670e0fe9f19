"""The program as a shell user meets it: help, versions, exit codes, and errors as sentences."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rgbd_seg import __version__, cli
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path


def rgbd_seg(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the program in a process of its own."""
    command = [sys.executable, "-m", "rgbd_seg", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=cwd)


def test_version() -> None:
    done = rgbd_seg("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"rgbd-seg {__version__}")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    for command in ("devices", "doctor", "record", "segment", "info", "repair", "convert", "model", "bench", "train"):
        assert command in text


@pytest.mark.parametrize(
    "command",
    ["window", "demo", "devices", "doctor", "record", "segment", "info", "repair", "convert", "model", "bench"],
)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    assert f"rgbd-seg {command}" in capsys.readouterr().out


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["devices", "--no-such-option"])
    assert stop.value.code == 2
    assert "--no-such-option" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["info", "no/such/file.mcap"], 1, "there is no file"),
        (["segment", "no/such/folder", "-o", "x"], 1, "there is no file"),
        (["record", "synthetic:?wall=3", "-o", "x.mcap"], 2, "unknown option 'wall'"),
        (["convert", "no-such.oni", "x.mcap"], 1, "no-such.oni"),
    ],
)
def test_errors_are_one_sentence_and_an_exit_code(
    arguments: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.startswith("rgbd-seg: ")
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


def test_devices_as_json() -> None:
    done = rgbd_seg("devices", "--json")
    listed = json.loads(done.stdout)
    assert any(device["uri"].startswith("synthetic:") for device in listed["devices"])
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("devices --bogus", "rgbd-seg devices --help"),
        ("bench rooms --sizes 3", "rgbd-seg bench rooms --help"),
        ("model info x --bogus", "rgbd-seg model info --help"),
        ("segment x -o y --min-confidence 2", "must be 0 to 1, not '2'"),
        ("segment x -o y --min-confidence nan", "must be 0 to 1, not 'nan'"),
        ("bench record --seconds 0", "must be more than 0"),
        ("bench record --fps inf", "must be more than 0"),
        ("bench isolation --kills 0", "a whole number of 1 or more"),
        ("bench window --frames 1.5", "a whole number of 1 or more"),
        ("bench inference --backend nowhere", "invalid choice"),
        ("bench inference --threads 0", "a whole number of 1 or more"),
        ("bench record --folder no/such", "there is no folder no/such"),
        ("window --backend nowhere", "--backend nowhere: there are auto, openvino"),
        ("window --precision float8", "--precision float8: there are auto, float32"),
        ("segmnt x.mcap -o y", "there is no command segmnt"),
        ("segmnt", "there is no command, file or folder segmnt"),
        ("record synthetic: -o no/such/x.mcap", "there is no folder no/such"),
        ("model export x.safetensors --to onnx -o no/x.onnx", "there is no folder no"),
        ("convert x x.xyz", "no format ends in .xyz"),
    ],
)
def test_wrong_command_lines_are_refused_at_once(
    line: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code: object = cli.main(line.split())
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        *("window", "demo", "devices", "doctor", "record", "segment", "info", "repair", "convert"),
        *("model", "model summary", "model info", "model export", "model calibrate", "bench"),
        *(f"bench {name}" for name in ("inference", "pipeline", "record", "isolation", "window", "smoothing", "rooms")),
    ],
)
def test_every_help_has_examples_that_parse(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([*command.split(), "--help"])
    text = capsys.readouterr().out.split("examples:\n")[1]
    lines = [shlex.split(line) for line in text.splitlines() if line.startswith("    rgbd-seg ")]
    assert lines
    for _, *arguments in lines:
        assert cli.build_parser(arguments[0]).parse_args(arguments).command == arguments[0]


def test_the_first_help_shows_the_way_in(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 120
    assert "    rgbd-seg realsense: --model mine.safetensors" in text
    assert "exit codes: 0 all went well" in text
