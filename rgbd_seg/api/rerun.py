"""Results in Rerun's viewer (`pip install rerun-sdk`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rgbd_seg.frame import Segmentation


def log_to_rerun(segmentation: Segmentation, entity: str = "camera") -> None:
    """Logs colour, depth in metres, classes with their names and colours, and the lens, so that the viewer makes 3D.

    Start a recording of Rerun's before: `rr.init("my program", spawn=True)`.

    Args:
        segmentation: A result of `stream` or of a model.
        entity: Path of the camera in Rerun's tree.

    Raises:
        ImportError: rerun-sdk is not installed.
    """
    import rerun as rr

    frame = segmentation.frame
    lens = frame.calibration.color
    rr.set_time("frame", sequence=frame.index)
    rr.set_time("captured", duration=frame.host_ns / 1e9)
    rr.log(
        entity,
        rr.Pinhole(
            resolution=[lens.width, lens.height],
            focal_length=[lens.fx, lens.fy],
            principal_point=[lens.cx, lens.cy],
            camera_xyz=rr.ViewCoordinates.RDF,
        ),
    )
    rr.log(f"{entity}/color", rr.Image(frame.color).compress(jpeg_quality=90))
    rr.log(f"{entity}/depth", rr.DepthImage(frame.depth, meter=1 / frame.calibration.depth_unit_m))
    if segmentation.labels is not None and segmentation.label_set is not None:
        names = [(0, "unlabelled"), *enumerate(segmentation.label_set.names, start=1)]
        colors = segmentation.label_set.palette()
        rr.log(entity, rr.AnnotationContext([(i, name, tuple(map(int, colors[i]))) for i, name in names]), static=True)
        rr.log(f"{entity}/classes", rr.SegmentationImage(np.ascontiguousarray(segmentation.labels)))
