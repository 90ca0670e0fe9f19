"""The isolation benchmark measures both ways and a recovery, on a handful of frames."""

from __future__ import annotations

import math

import pytest

from rgbd_seg.bench import isolation
from rgbd_seg.bench.still_driver import open_device
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.sensors import parse_uri
from rgbd_seg.sensors.sensor import Request


def test_report_has_every_figure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(isolation, "SIZES", ((64, 48),))
    monkeypatch.setattr(isolation, "ALIGNMENTS", 5)
    monkeypatch.setattr(isolation, "STEADY_S", 0.1)
    report = isolation.measure(rounds=1, frames=5, kills=1)
    (row,) = report.rows
    assert row["size"] == "64x48"
    figures = [value for key, value in row.items() if key not in ("size", "align_ms", "added_ms")]
    assert all(isinstance(value, float) and math.isfinite(value) and value > 0 for value in figures)
    assert "kill to frame" in report.render("markdown")


def test_size_must_be_one():
    with pytest.raises(ConfigurationError, match="expected still:<width>x<height>"):
        open_device(parse_uri("still:big"), Request())
