"""Export as Open3D's recorder leaves a recording: `color/`, `depth/` and `intrinsic.json`, as its examples read it."""

from __future__ import annotations

import json

from rgbd_seg.recording.exports.folder import MILLIMETRE, NumberedTarget
from rgbd_seg.recording.pictures.saving import write_text


class Open3dTarget(NumberedTarget):
    """A folder being written."""

    digits = 5

    def close(self) -> None:
        """Writes the calibration: the matrix column by column, as Open3D has it."""
        super().close()
        if self.notes.calibration is None:
            return
        lens = self.notes.calibration.color
        values = {
            "width": lens.width,
            "height": lens.height,
            "intrinsic_matrix": [lens.fx, 0.0, 0.0, 0.0, lens.fy, 0.0, lens.cx, lens.cy, 1.0],
            "depth_scale": 1 / MILLIMETRE,
            "fps": self.source.fps,
            "device_name": self.source.name,
            "serial_number": self.source.details.get("serial", ""),
        }
        write_text(self.path / "intrinsic.json", json.dumps(values, indent=2) + "\n")


open_target = Open3dTarget
