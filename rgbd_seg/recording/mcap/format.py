"""What is inside our MCAP files: topics, schemas and messages. docs/recording-format.md says the same in prose.

Pictures are Foxglove's well-known protobuf messages, so that Foxglove, Lichtblick and every MCAP tool show them. What
has no such schema (clocks, gaps) is JSON with a JSON schema in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message
from numpy.typing import NDArray

from rgbd_seg.calibration import Intrinsics
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.recording.reader import Gap

FORMAT_VERSION = 1

TOPIC_FRAME = "/camera/frame"
TOPIC_COLOR = "/camera/color"
TOPIC_DEPTH = "/camera/depth"
TOPIC_CALIBRATION = "/camera/calibration"
TOPIC_GAP = "/camera/gap"
TOPIC_TRUTH = "/truth/labels"
TOPIC_INSTANCES = "/truth/instances"
TOPIC_SEGMENTATION = "/segmentation/labels"
#: The same labels to be looked at: in the ids alone, other programs show next to nothing.
TOPIC_TRUTH_PICTURE, TOPIC_SEGMENTATION_PICTURE = "/truth/picture", "/segmentation/picture"

METADATA = "rgbd_seg"
METADATA_DETAILS = "rgbd_seg.details"
#: Behind the name of metadata that a file has a second time, with another content.
AGAIN = " (again)"
INDEX_ATTACHMENT = "rgbd_seg.index"
INDEX_MEDIA_TYPE = "application/vnd.rgbd-seg.index"

# The tag of a length-delimited field (wire type 2).
_RAW_IMAGE_DATA = bytes([RawImage.DATA_FIELD_NUMBER << 3 | 2])

#: Coordinate frame of all pictures: x right, y down, z forward.
FRAME_ID = "camera_color_optical_frame"

FRAME_SCHEMA = {
    "title": "rgbd_seg.Frame",
    "description": "One captured pair; colour, depth and labels with the same log time belong to it.",
    "type": "object",
    "properties": {
        "index": {"type": "integer", "description": "running number at capture; gaps are lost frames"},
        "host_ns": {"type": "integer", "description": "the computer's monotonic clock at arrival, nanoseconds"},
        "device_us": {"type": ["integer", "null"], "description": "the sensor's own clock, microseconds"},
        "calibration": {"type": "object", "description": "only where it differs from the file's calibration"},
    },
    "required": ["index", "host_ns"],
}
GAP_SCHEMA = {
    "title": "rgbd_seg.Gap",
    "description": "Frames that are missing from the recording, written with the frame that follows them.",
    "type": "object",
    "properties": {
        "after": {"type": "integer", "description": "position of the last frame before the gap, -1 at the start"},
        "frames": {"type": "integer", "description": "how many are missing, 0 if unknown"},
        "seconds": {"type": "number", "description": "how long nothing was recorded"},
        "reason": {"type": "string"},
    },
    "required": ["after", "frames", "seconds", "reason"],
}


def protobuf_schema(message: type[Message]) -> bytes:
    """The message's type with everything it imports, as a serialised FileDescriptorSet (MCAP's protobuf schema)."""
    files = FileDescriptorSet()
    seen: set[str] = set()

    def add(descriptor: Any) -> None:
        if descriptor.name in seen:
            return
        seen.add(descriptor.name)
        for dependency in descriptor.dependencies:
            add(dependency)
        descriptor.CopyToProto(files.file.add())

    add(message.DESCRIPTOR.file)
    return bytes(files.SerializeToString())


def json_bytes(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()


def frame_message(frame: RgbdFrame, *, with_calibration: bool) -> bytes:
    """The `rgbd_seg.Frame` of a frame."""
    fields: dict[str, Any] = {"index": frame.index, "host_ns": frame.host_ns, "device_us": frame.device_us}
    if with_calibration:
        fields["calibration"] = frame.calibration.to_dict()
    return json_bytes(fields)


def gap_message(gap: Gap) -> bytes:
    """The `rgbd_seg.Gap` of a gap."""
    return json_bytes({"after": gap.after, "frames": gap.frames, "seconds": gap.seconds, "reason": gap.reason})


def gap_from_dict(data: Any) -> Gap:
    """Reads what `gap_message` wrote.

    Raises:
        ValueError: A field is missing or of another type.
    """
    try:
        return Gap(int(data["after"]), int(data["frames"]), float(data["seconds"]), str(data["reason"])[:200])
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"a gap needs after, frames, seconds and reason: {error!r}") from None


def raw_image(pixels: NDArray[Any], encoding: str, time_ns: int) -> tuple[bytes, memoryview]:
    """A serialised foxglove.RawImage of a (H, W) picture: uint16 as "16UC1", uint8 as "8UC1".

    Returns:
        Two pieces; the second is the picture's own memory, which protobuf would copy three times.
    """
    height, width = pixels.shape
    little = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    step = width * pixels.itemsize
    message = RawImage(frame_id=FRAME_ID, width=width, height=height, encoding=encoding, step=step)
    message.timestamp.FromNanoseconds(time_ns)
    # Fields may come in any order: the data field is a tag, its length, and the bytes.
    head = message.SerializeToString() + _RAW_IMAGE_DATA + _varint(little.nbytes)
    return head, little.data.cast("B")


def _varint(number: int) -> bytes:
    """A number as protobuf writes it: seven bits a byte, lowest first."""
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)
    return bytes(data)


def compressed_image(data: bytes, kind: str, time_ns: int) -> bytes:
    """A serialised foxglove.CompressedImage: `kind` is "jpeg" or "png"."""
    message = CompressedImage(frame_id=FRAME_ID, format=kind, data=data)
    message.timestamp.FromNanoseconds(time_ns)
    return bytes(message.SerializeToString())


def distortion_name(intrinsics: Intrinsics) -> str:
    """What Foxglove and ROS call a lens model."""
    if not intrinsics.distortion:
        return ""
    if intrinsics.lens_model == "kannala-brandt":
        return "kannala_brandt"
    return "plumb_bob" if len(intrinsics.distortion) == 5 else "rational_polynomial"


def camera_calibration(intrinsics: Intrinsics, time_ns: int) -> bytes:
    matrix = intrinsics.matrix
    k = [float(v) for v in matrix.ravel()]
    message = CameraCalibration(
        frame_id=FRAME_ID,
        width=intrinsics.width,
        height=intrinsics.height,
        distortion_model=distortion_name(intrinsics),
        D=list(intrinsics.distortion),
        K=k,
        R=[1, 0, 0, 0, 1, 0, 0, 0, 1],
        P=[*k[0:3], 0, *k[3:6], 0, *k[6:9], 0],
    )
    message.timestamp.FromNanoseconds(time_ns)
    return bytes(message.SerializeToString())


def noted_unit_m(metadata: Mapping[str, str]) -> float | None:
    """The depth unit that our writer notes with a channel, None if it notes none."""
    try:
        unit_m = float(metadata.get("depth_unit_m", ""))
    except ValueError:
        return None
    return unit_m if 1e-7 <= unit_m <= 1 else None


def noted_registered(metadata: Mapping[str, str]) -> bool | None:
    """Whether depth is registered to colour, as our writer notes it with a channel; None if it does not."""
    return {"true": True, "false": False}.get(metadata.get("registered", ""))
