"""Export as ScanNet's own exporter leaves a scene: `color/`, `depth/`, `intrinsic/`, numbered from 0; without poses."""

from __future__ import annotations

from rgbd_seg.recording.exports.folder import NumberedTarget
from rgbd_seg.recording.pictures.saving import write_text


class ScannetTarget(NumberedTarget):
    """A folder being written."""

    def close(self) -> None:
        """Writes the calibrations: depth lies on colour's pixels, so that both are the same."""
        super().close()
        if self.notes.calibration is None:
            return
        lens = self.notes.calibration.color
        matrix = f"{lens.fx} 0 {lens.cx} 0\n0 {lens.fy} {lens.cy} 0\n0 0 1 0\n0 0 0 1\n"
        for name in ("color", "depth"):
            write_text(self.path / "intrinsic" / f"intrinsic_{name}.txt", matrix)
            write_text(self.path / "intrinsic" / f"extrinsic_{name}.txt", "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n")


open_target = ScannetTarget
