"""Export to plain pictures: `image/`, `depth/`, `label/` by equal names, which loses nothing and is a data set too.

`frames.csv` keeps index and clocks, `rgbd_seg.json` keeps unit and intrinsics, `labels.json` what the ids mean and who
made them, and `calibration/` the frames whose camera differs from the first.
"""

from __future__ import annotations

from pathlib import Path

from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.exports.pictures import PictureTarget


def open_target(path: Path, source: ExportSource, options: ExportOptions) -> ExportTarget:
    return PictureTarget(path, source, "image", options.color or "png")
