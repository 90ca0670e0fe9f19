"""The window's benchmark in a few frames: every figure is measured, and what cannot be measured is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rgbd_seg import cli

if TYPE_CHECKING:
    from pathlib import Path


def test_drawing_is_measured_for_every_layout_beside_plain_drawing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "window", "--part", "drawing", "--frames", "2", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["frame"] for row in rows} == {"640x480", "1280x720"}
    assert len(rows) == 8
    assert all(row["cpu_ms"] > 0 for row in rows)
    assert [row["ratio"] for row in rows if row["views"].startswith("plain")] == [1.0, 1.0]


def test_the_running_window_is_watched_until_it_is_closed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    options = ["--part", "session", "--seconds", "0.5", "--minutes", "0.005", "--model", "none"]
    assert cli.main(["bench", "window", *options, "--format", "json"]) == 0
    found = {row["key"]: row["value"] for row in json.loads(capsys.readouterr().out)["rows"]}
    for key in ("model_s", "quiet_segmented_fps", "recording_segmented_fps", "first_labels_s", "first_labels_cpu_s"):
        assert found.pop(key) is None
    assert found["recording_lost"] == 0
    assert {"first_picture_s", "busy_longest_ms", "memory_later_mb", "closing_s"} <= found.keys()
    assert found["window_s"] < found["first_picture_s"]
    assert found["memory_mb"] > 10
    assert all(value is not None for value in found.values())


def test_a_cameras_frames_are_followed_to_the_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert cli.main(["bench", "window", "--part", "live", "--seconds", "1", "--model", "none", "--format", "json"]) == 0
    found = {row["key"]: row["value"] for row in json.loads(capsys.readouterr().out)["rows"]}
    assert found["live_captured_fps"] > 0
    assert found["live_fps"] > 0
    assert 0 < found["picture_ms"] <= found["picture_late_ms"]
    assert found["labels_ms"] is None


@pytest.mark.slow
def test_everything_is_done_again_and_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    options = ["--part", "everything", "--minutes", "0.05", "--model", "none", "--format", "json"]
    assert cli.main(["bench", "window", *options]) == 0
    found = {row["key"]: row["value"] for row in json.loads(capsys.readouterr().out)["rows"]}
    assert found["acts"] > 0
    assert found["everything_computing_ms"] > 0


@pytest.mark.slow
def test_a_source_that_fails_is_no_measurement(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    options = ["--part", "session", "--seconds", "0.5", "--model", "none", "--source", str(tmp_path / "gone.mcap")]
    assert cli.main(["bench", "window", *options]) == cli.EXIT_ERROR
    assert "gone.mcap" in capsys.readouterr().err


def test_wrong_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["bench", "window", "--frames", "0"])
    assert exit_.value.code == cli.EXIT_USAGE
    assert "--frames" in capsys.readouterr().err
