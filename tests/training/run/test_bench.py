"""The smallest form of the measurement: every row is there, and the rows agree with each other."""

from __future__ import annotations

import json

import pytest

from training.__main__ import main


def test_loader_and_step_are_measured(capsys: pytest.CaptureFixture[str]):
    small = ["--size", "64", "64", "--batch-size", "1", "--batches", "1", "--workers", "1"]
    assert main(["bench", *small, "--precisions", "float32", "--format", "json"]) == 0
    said = capsys.readouterr().out
    loader, steps = json.loads(said)
    naive, ahead, alone = loader["rows"]
    assert [row["way"] for row in loader["rows"]] == ["naive", "loader", "loader alone"]
    assert naive["ratio"] == 1.0
    assert ahead["samples_per_s_core"] == pytest.approx(ahead["samples_per_s"] / 2)
    assert alone["samples_per_s_core"] == alone["samples_per_s"]
    assert all(0 <= row["wait_share"] <= 1 for row in loader["rows"])
    (step,) = steps["rows"]
    assert step["samples_per_s"] == pytest.approx(1000 / step["step_ms"])
    assert "machine" in loader
