"""Pictures of a result as JPEG, for pages and for Foxglove."""

from __future__ import annotations

from rgbd_seg.coloring import paint_depth, paint_overlay
from rgbd_seg.frame import Segmentation
from rgbd_seg.recording.pictures.codec import encode_color

_QUALITY = 85
#: Metres at which the colours of depth begin and end; the page's colour bar shows the same.
NEAR_M, FAR_M = 0.4, 6.0
DEPTH_MAP = "turbo"


def color_jpeg(segmentation: Segmentation) -> bytes:
    return encode_color(segmentation.frame.color, "jpeg", _QUALITY)


def overlay_jpeg(segmentation: Segmentation) -> bytes:
    """The labels over the camera's picture; without a model the camera's picture alone."""
    frame = segmentation.frame
    if segmentation.labels is None or segmentation.label_set is None:
        return color_jpeg(segmentation)
    picture = paint_overlay(frame.color, segmentation.labels, segmentation.label_set.palette())
    return encode_color(picture, "jpeg", _QUALITY)


def depth_jpeg(segmentation: Segmentation) -> bytes:
    """Depth in colours from `NEAR_M` to `FAR_M`, holes black."""
    frame = segmentation.frame
    picture = paint_depth(frame.depth, frame.calibration.depth_unit_m, NEAR_M, FAR_M, DEPTH_MAP)
    return encode_color(picture, "jpeg", _QUALITY)


PICTURES = {"color": color_jpeg, "overlay": overlay_jpeg, "depth": depth_jpeg}
