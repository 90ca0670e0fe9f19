"""Foxglove's schemas as protobuf and as JSON."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Any

from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from foxglove_schemas_protobuf.FrameTransform_pb2 import FrameTransform
from foxglove_schemas_protobuf.FrameTransforms_pb2 import FrameTransforms
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from google.protobuf.message import DecodeError

from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.messages.encodings import RawPixels
from rgbd_seg.recording.messages.message import Camera, Picture, Transform

_PROTOBUF: dict[str, Any] = {
    "foxglove.RawImage": RawImage,
    "foxglove.CompressedImage": CompressedImage,
    "foxglove.CompressedVideo": CompressedVideo,
    "foxglove.CameraCalibration": CameraCalibration,
    "foxglove.FrameTransform": FrameTransform,
    "foxglove.FrameTransforms": FrameTransforms,
}
_PACKED = ("foxglove.CompressedImage", "foxglove.CompressedVideo")
_MAX_NUMBERS = 1000
# Tag of the first field, the time stamp, which Foxglove's messages begin with.
_FIRST_FIELD = 0x0A


def plain_name(schema: str) -> str:
    """A schema's name with a point: some JSON writers use `foxglove/RawImage`."""
    return schema.replace("::", ".").replace("/", ".")


def knows(schema: str) -> bool:
    """Whether messages of this type can be read."""
    return plain_name(schema) in _PROTOBUF


def read_protobuf(schema: str, data: bytes | memoryview) -> Picture | Camera | tuple[Transform, ...]:
    """A protobuf message of one of the types that `knows` names.

    Raises:
        RecordingError: It is damaged.
    """
    name = plain_name(schema)
    message = _PROTOBUF[name]()
    try:
        message.ParseFromString(data)
    except (DecodeError, ValueError, TypeError) as error:
        raise RecordingError(f"a message in the recording is damaged: {error}") from None
    if name == "foxglove.FrameTransforms":
        return tuple(_transform(one) for one in message.transforms[:_MAX_NUMBERS])
    if name == "foxglove.FrameTransform":
        return (_transform(message),)
    stamp = message.timestamp.seconds * 10**9 + message.timestamp.nanos or None
    if name == "foxglove.RawImage":
        raw = RawPixels(message.encoding, message.width, message.height, message.step, False, message.data, True)
        return Picture(stamp, message.frame_id, raw)
    if name in _PACKED:
        return Picture(stamp, message.frame_id, None, message.data, message.format)
    d, k, p = (tuple(values[:_MAX_NUMBERS]) for values in (message.D, message.K, message.P))
    return Camera(stamp, message.frame_id, message.width, message.height, message.distortion_model, d, k, p)


def _transform(message: Any) -> Transform:
    t, r = message.translation, message.rotation
    return Transform(message.parent_frame_id, message.child_frame_id, (t.x, t.y, t.z), (r.x, r.y, r.z, r.w))


def read_protobuf_stamp(schema: str, data: bytes | memoryview) -> int | None:
    """When a picture was taken, without parsing its pixels where the stamp stands first.

    Raises:
        RecordingError: The message is damaged.
    """
    if len(data) > 1 and data[0] == _FIRST_FIELD and data[1] < 24 and len(data) >= 2 + data[1]:
        fields = bytes(data[2 : 2 + data[1]])
        at, values = 0, {1: 0, 2: 0}
        while at < len(fields):
            tag, at = fields[at], at + 1
            value = shift = 0
            while at < len(fields):
                value |= (fields[at] & 0x7F) << shift
                shift, at = shift + 7, at + 1
                if fields[at - 1] < 0x80:
                    break
            values[tag >> 3] = value
        return values[1] * 10**9 + values[2] or None
    found = read_protobuf(schema, data)
    return found.stamp_ns if isinstance(found, Picture) else None


def read_json(schema: str, data: bytes | memoryview) -> Picture | Camera | tuple[Transform, ...]:
    """A JSON message of one of the types that `knows` names; bytes are base64.

    Raises:
        RecordingError: It is damaged.
    """
    name = plain_name(schema)
    try:
        fields = json.loads(bytes(data))
        if name == "foxglove.FrameTransforms":
            return tuple(_json_transform(one) for one in fields["transforms"][:_MAX_NUMBERS])
        if name == "foxglove.FrameTransform":
            return (_json_transform(fields),)
        stamp, frame_id = _json_stamp(fields.get("timestamp")), str(fields.get("frame_id", ""))[:1000]
        if name == "foxglove.CameraCalibration":
            d, k, p = (tuple(map(float, fields.get(key, ())[:_MAX_NUMBERS])) for key in "DKP")
            model = str(fields.get("distortion_model", ""))[:100]
            return Camera(stamp, frame_id, int(fields.get("width", 0)), int(fields.get("height", 0)), model, d, k, p)
        content = base64.b64decode(fields["data"])
        if name in _PACKED:
            return Picture(stamp, frame_id, None, content, str(fields.get("format", ""))[:100])
        width, height, step = (int(fields.get(key, 0)) for key in ("width", "height", "step"))
        return Picture(
            stamp, frame_id, RawPixels(str(fields["encoding"])[:100], width, height, step, False, content, True)
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError, binascii.Error) as error:
        raise RecordingError(f"a message in the recording is damaged: {error!r:.200}") from None


def _json_stamp(value: Any) -> int | None:
    """A time as Foxglove's JSON has it ({"sec": ..., "nsec": ...}), or as protobuf's JSON has it (RFC 3339)."""
    if isinstance(value, dict):
        return int(value.get("sec", 0)) * 10**9 + int(value.get("nsec") or value.get("nanosec") or 0) or None
    if isinstance(value, str):
        whole, _, rest = value.rstrip("Z").partition(".")
        seconds = datetime.fromisoformat(f"{whole[:19]}+00:00").timestamp()
        return round(seconds) * 10**9 + int(rest[:9].ljust(9, "0") or 0)
    return None


def _json_transform(fields: Any) -> Transform:
    t, r = fields.get("translation", {}), fields.get("rotation", {})
    x, y, z = (float(t.get(key, 0)) for key in "xyz")
    qx, qy, qz, qw = (float(r.get(key, 1 if key == "w" else 0)) for key in "xyzw")
    return Transform(str(fields["parent_frame_id"]), str(fields["child_frame_id"]), (x, y, z), (qx, qy, qz, qw))
