"""The topics that are offered to Foxglove, and the message of each for a result."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.PackedElementField_pb2 import PackedElementField
from foxglove_schemas_protobuf.PointCloud_pb2 import PointCloud
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from numpy.typing import NDArray

from rgbd_seg.calibration import deproject
from rgbd_seg.frame import Segmentation
from rgbd_seg.recording.mcap.format import FRAME_ID, camera_calibration, compressed_image, protobuf_schema, raw_image
from rgbd_seg.recording.pictures.codec import encode_color
from rgbd_seg.serving.pictures import color_jpeg, overlay_jpeg

_CLOUD_STRIDE = 4
_MILLIMETRE = 0.001
_POINT = np.dtype([("xyz", "<f4", 3), ("rgba", "u1", 4), ("label", "<u4")])


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic that is offered.

    Attributes:
        number: Of the channel.
        name: Of the topic.
        schema: Foxglove's message.
        make: The serialised message of a result, stamped with nanoseconds since 1970; None where it has none.
    """

    number: int
    name: str
    schema: Any
    make: Callable[[Segmentation, int], bytes | None]


def advertised() -> list[dict[str, Any]]:
    """The channels as the protocol's `advertise` wants them."""
    return [
        {
            "id": topic.number,
            "topic": topic.name,
            "encoding": "protobuf",
            "schemaName": topic.schema.DESCRIPTOR.full_name,
            "schema": base64.b64encode(protobuf_schema(topic.schema)).decode(),
            "schemaEncoding": "protobuf",
        }
        for topic in TOPICS.values()
    ]


def _color(segmentation: Segmentation, time_ns: int) -> bytes:
    return compressed_image(color_jpeg(segmentation), "jpeg", time_ns)


def _depth(segmentation: Segmentation, time_ns: int) -> bytes:
    """Counts where they are millimetres, which is what receivers take 16UC1 for; else metres as 32FC1, NaN at holes."""
    frame = segmentation.frame
    if abs(frame.calibration.depth_unit_m - _MILLIMETRE) < 1e-9:
        return b"".join(raw_image(frame.depth, "16UC1", time_ns))
    return b"".join(raw_image(frame.depth_m, "32FC1", time_ns))


def _lens(segmentation: Segmentation, time_ns: int) -> bytes:
    return camera_calibration(segmentation.frame.calibration.color, time_ns)


def _overlay(segmentation: Segmentation, time_ns: int) -> bytes | None:
    if segmentation.labels is None:
        return None
    return compressed_image(overlay_jpeg(segmentation), "jpeg", time_ns)


def _labels(segmentation: Segmentation, time_ns: int) -> bytes | None:
    return None if segmentation.labels is None else b"".join(raw_image(segmentation.labels, "8UC1", time_ns))


def _colored_labels(segmentation: Segmentation, time_ns: int) -> bytes | None:
    if segmentation.labels is None or segmentation.label_set is None:
        return None
    picture = segmentation.label_set.palette()[segmentation.labels]
    return compressed_image(encode_color(picture, "png", 0), "png", time_ns)


def _confidence(segmentation: Segmentation, time_ns: int) -> bytes | None:
    return None if segmentation.confidence is None else b"".join(raw_image(segmentation.confidence, "8UC1", time_ns))


def _camera_cloud(segmentation: Segmentation, time_ns: int) -> bytes:
    return _cloud(segmentation, segmentation.frame.color[::_CLOUD_STRIDE, ::_CLOUD_STRIDE], time_ns)


def _class_cloud(segmentation: Segmentation, time_ns: int) -> bytes:
    """In the colours of the classes; where there is none, in the camera's."""
    colors = segmentation.frame.color[::_CLOUD_STRIDE, ::_CLOUD_STRIDE]
    if segmentation.labels is not None and segmentation.label_set is not None:
        labels = segmentation.labels[::_CLOUD_STRIDE, ::_CLOUD_STRIDE]
        colors = np.where((labels > 0)[..., None], segmentation.label_set.palette()[labels], colors)
    return _cloud(segmentation, colors, time_ns)


def _cloud(segmentation: Segmentation, colors: NDArray[np.uint8], time_ns: int) -> bytes:
    """Every fourth point of every fourth row, in metres, with its colour and the id of its class."""
    frame = segmentation.frame
    points = deproject(frame.depth, frame.calibration)[::_CLOUD_STRIDE, ::_CLOUD_STRIDE]
    there = points[..., 2] > 0
    packed = np.zeros(int(there.sum()), _POINT)
    packed["xyz"], packed["rgba"][:, :3], packed["rgba"][:, 3] = points[there], colors[there], 255
    if segmentation.labels is not None:
        packed["label"] = segmentation.labels[::_CLOUD_STRIDE, ::_CLOUD_STRIDE][there]
    cloud = PointCloud(frame_id=FRAME_ID, point_stride=_POINT.itemsize, data=packed.tobytes())
    cloud.timestamp.FromNanoseconds(time_ns)
    cloud.pose.orientation.w = 1.0
    for offset, name in enumerate(("x", "y", "z")):
        cloud.fields.add(name=name, offset=4 * offset, type=PackedElementField.FLOAT32)
    for offset, name in enumerate(("red", "green", "blue", "alpha")):
        cloud.fields.add(name=name, offset=12 + offset, type=PackedElementField.UINT8)
    cloud.fields.add(name="label", offset=16, type=PackedElementField.UINT32)
    return bytes(cloud.SerializeToString())


TOPICS = {
    topic.number: topic
    for topic in (
        Topic(1, "/camera/color", CompressedImage, _color),
        Topic(2, "/camera/depth", RawImage, _depth),
        Topic(3, "/camera/calibration", CameraCalibration, _lens),
        Topic(4, "/camera/cloud", PointCloud, _camera_cloud),
        Topic(5, "/segmentation/overlay", CompressedImage, _overlay),
        Topic(6, "/segmentation/labels", RawImage, _labels),
        Topic(7, "/segmentation/colored", CompressedImage, _colored_labels),
        Topic(8, "/segmentation/confidence", RawImage, _confidence),
        Topic(9, "/segmentation/cloud", PointCloud, _class_cloud),
    )
}
