"""The benchmark of recorders runs for real, on tiny frames and for half a second."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rgbd_seg import cli
from rgbd_seg.recording.mcap.writer import RecordingWriter
from tests.recording.frames import make_calibration, make_frame

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_compares_recorders_on_the_same_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, folder = tmp_path / "a.mcap", tmp_path / "folder"
    folder.mkdir()
    with RecordingWriter(source, make_calibration()) as writer:
        for index in range(5):
            writer.write(make_frame(index))
    arguments = ["--seconds", "0.5", "--recorders", "zstd", "librealsense", "--fps", "30", "--load", "no"]
    options = ["--source", f"{source}?mode=every-frame", "--folder", str(folder), "--format", "json"]
    assert cli.main(["bench", "record", *arguments, *options]) == 0
    report = json.loads(capsys.readouterr().out)
    ours, theirs = report["rows"]
    assert (ours["offered"], ours["lost"]) == (15, 0)
    assert theirs["ratio"] == 1
    assert ours["ratio"] == ours["cpu_ms"] / theirs["cpu_ms"]
    assert list(folder.iterdir()) == []
