"""Every format of ours against the suite that other packages' formats are held to."""

from __future__ import annotations

from rgbd_seg.recording.exports.formats import FORMATS
from rgbd_seg.testing.exports import ExportConformance

for _name in FORMATS:
    globals()[f"Test{_name.title()}"] = type(f"Test{_name.title()}", (ExportConformance,), {"name": _name})
