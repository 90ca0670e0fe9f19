"""The benchmark of travelling labels, run once for one room."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rgbd_seg.cli import main

if TYPE_CHECKING:
    import pytest


def test_reports_how_much_arrives_and_how_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "travel", "--rooms", "1", "--starts", "1", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["after"] for row in rows] == [1, 5, 10, 30]
    assert rows[0]["carried"] > 0.8
    assert rows[0]["correct"] > 0.99


def test_no_rooms_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "travel", "--rooms", "0"]) == 2
    assert "--rooms" in capsys.readouterr().err
