"""Depth that is not registered to colour stays so in every layout that can be opened again, or a warning says it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.recording import open_recording
from rgbd_seg.recording.convert import convert
from rgbd_seg.recording.exports.formats import FORMATS, ExportSource
from rgbd_seg.testing.stored import make_stored

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("to", [name for name, one in FORMATS.items() if one.reopens])
def test_it_is_kept_or_said(to: str, tmp_path: Path) -> None:
    calibration = replace(make_stored(0).calibration, registered=False)
    frames = [replace(make_stored(index), calibration=calibration) for index in range(2)]
    out = tmp_path / f"out{FORMATS[to].suffix}"
    result = convert(frames, out, ExportSource("unregistered"), to=to)
    with open_recording(out) as reader:
        kept = not reader.read(0).calibration.registered
    assert kept or any("not registered" in warning for warning in result.warnings)
