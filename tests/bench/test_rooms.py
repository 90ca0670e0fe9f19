"""The benchmark of the rooms, run once for one frame."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rgbd_seg.cli import main

if TYPE_CHECKING:
    import pytest


def test_reports_every_size_with_and_without_noise(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "rooms", "--frames", "1", "--runs", "1", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    cases = {(row["what"], row["size"], row["noise"]) for row in report["rows"]}
    assert len(cases) == 9
    assert all(row["fps"] > 0 for row in report["rows"])
    baseline = next(row for row in report["rows"] if (row["size"], row["noise"]) == ("320x240", "no"))
    assert baseline["ratio"] == 1


def test_no_frames_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "rooms", "--frames", "0"]) == 2
    assert "--frames" in capsys.readouterr().err
