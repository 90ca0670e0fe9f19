"""Export as a folder of rosbag2 (MCAP, CDR) that ROS 2 plays: `ros2 bag play FOLDER`.

Colour is raw (`rgb8`), or compressed where JPEG or PNG is asked for; depth is `16UC1` where it counts millimetres, else
`32FC1` metres, so that nothing is rounded. Labels are class ids (`mono8`) and, to be looked at, a coloured picture.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from mcap.writer import CompressionType, Writer
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import RecordingError
from rgbd_seg.frame import Segmentation
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.exports.formats import ExportOptions, ExportSource, ExportTarget
from rgbd_seg.recording.label_provenance import LabelProvenance, provenance_of
from rgbd_seg.recording.mcap.format import distortion_name
from rgbd_seg.recording.messages.labels import metadata_of
from rgbd_seg.recording.pictures.codec import encode_color
from rgbd_seg.recording.pictures.saving import write_text
from rgbd_seg.recording.pictures.sidecar import SIDECAR, Sidecar
from rgbd_seg.recording.reader import StoredFrame

_COLOR_FRAME, _DEPTH_FRAME = "camera_color_optical_frame", "camera_depth_optical_frame"
_MILLIMETRE = 0.001
_JPEG_QUALITY = 95
_LINE = "=" * 80
_TIME = f"{_LINE}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
_HEADER = f"{_LINE}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n{_TIME}"
_REGION = (
    f"{_LINE}\nMSG: sensor_msgs/RegionOfInterest\nuint32 x_offset\nuint32 y_offset\nuint32 height\nuint32 width\n"
    "bool do_rectify\n"
)

# Definitions of the messages by their ROS 2 names: own fields, then those of the types in them, as MCAP wants them.
_DEFINITIONS = {
    "sensor_msgs/msg/Image": (
        "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\n"
        f"uint8[] data\n{_HEADER}"
    ),
    "sensor_msgs/msg/CompressedImage": f"std_msgs/Header header\nstring format\nuint8[] data\n{_HEADER}",
    "sensor_msgs/msg/CameraInfo": (
        "std_msgs/Header header\nuint32 height\nuint32 width\nstring distortion_model\nfloat64[] d\nfloat64[9] k\n"
        "float64[9] r\nfloat64[12] p\nuint32 binning_x\nuint32 binning_y\nsensor_msgs/RegionOfInterest roi\n"
        f"{_HEADER}{_REGION}"
    ),
}


class _Cdr:
    """A message in CDR, little-endian, field by field."""

    def __init__(self, time_ns: int, frame_id: str) -> None:
        self._data = bytearray(b"\0\1\0\0")
        self.numbers("i", time_ns // 10**9).numbers("I", time_ns % 10**9).text(frame_id)

    def numbers(self, kind: str, *values: float) -> _Cdr:
        size = struct.calcsize(kind)
        self._data += bytes(-(len(self._data) - 4) % size)
        self._data += struct.pack(f"<{len(values)}{kind}", *values)
        return self

    def text(self, text: str) -> _Cdr:
        data = text.encode() + b"\0"
        self.numbers("I", len(data))
        self._data += data
        return self

    def octets(self, data: bytes) -> _Cdr:
        self.numbers("I", len(data))
        self._data += data
        return self

    def finish(self) -> bytes:
        return bytes(self._data)


class Rosbag2Target(ExportTarget):
    """A folder being written."""

    def __init__(self, path: Path, source: ExportSource, options: ExportOptions) -> None:
        super().__init__()
        path.mkdir(parents=True)
        self._path = path
        self._source = source
        self._color = options.color
        self._name = f"{path.name}_0.mcap"
        self._file = (path / self._name).open("wb")
        self._writer = Writer(self._file, compression=CompressionType.ZSTD)
        self._writer.start("ros2", "rgbd-seg")
        self._channels: dict[str, int] = {}
        self._types: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._labels: dict[tuple[LabelSet, LabelProvenance], int] = {}
        self._times_ns: list[int] = []
        self._calibration: Calibration | None = None  # Where depth counts millimetres.

    def write(self, frame: StoredFrame, segmentation: Segmentation | None) -> None:
        time_ns = (self._source.start_ns or 0) + frame.time_us * 1000
        calibration, color = frame.calibration, "/camera/color"
        if calibration.depth_unit_m == _MILLIMETRE:
            self._calibration = self._calibration or calibration
        if self._color is None:
            self._add(f"{color}/image_raw", "sensor_msgs/msg/Image", time_ns, _image(time_ns, frame.color, "rgb8"))
        else:
            kind = "png" if self._color == "png" else "jpeg"
            packed = _Cdr(time_ns, _COLOR_FRAME).text(f"rgb8; {kind} compressed bgr8")
            data = packed.octets(encode_color(frame.color, kind, _JPEG_QUALITY)).finish()  # type: ignore[arg-type]
            self._add(f"{color}/image_raw/compressed", "sensor_msgs/msg/CompressedImage", time_ns, data)
        self._add(f"{color}/camera_info", "sensor_msgs/msg/CameraInfo", time_ns, _camera(time_ns, calibration.color))
        where = "aligned_depth_to_color" if calibration.registered else "depth"
        frame_id = _COLOR_FRAME if calibration.registered else _DEPTH_FRAME
        topic = f"/camera/{where}"
        self._add(f"{topic}/image_raw", "sensor_msgs/msg/Image", time_ns, _depth(time_ns, frame, frame_id))
        if calibration.registered:
            camera = _camera(time_ns, calibration.color)
            self._add(f"{topic}/camera_info", "sensor_msgs/msg/CameraInfo", time_ns, camera)
        labels = self.labels_of(frame, segmentation)
        if labels is not None:
            picture = labels.label_set.palette()[labels.labels]
            provenance = provenance_of(labels)
            number = self._labels.setdefault((labels.label_set, provenance), len(self._labels) + 1)
            about = metadata_of(labels.label_set, provenance)
            topic = "/labels/ids" if number == 1 else f"/labels_{number}/ids"  # ROS plays one series on a topic.
            self._add(topic, "sensor_msgs/msg/Image", time_ns, _image(time_ns, labels.labels, "mono8"), about)
            self._add("/labels/image", "sensor_msgs/msg/Image", time_ns, _image(time_ns, picture, "rgb8"))
        self._times_ns.append(time_ns)

    def close(self) -> None:
        """Finishes the file and writes the folder's description."""
        try:
            self._writer.finish()  # type: ignore[no-untyped-call]
            self._file.close()
        except OSError as error:
            raise RecordingError(f"cannot write {self._path}: {error.strerror or error}") from error
        if not self._times_ns:
            return
        sidecar = Sidecar(name=self._source.name, details=self._source.details)
        if self._calibration is not None:
            assumed = ("depth_unit_m",) if self._calibration.unit_origin == "assumed" else ()
            sidecar = replace(sidecar, depth_unit_m=_MILLIMETRE, assumed=assumed)
        write_text(self._path / SIDECAR, sidecar.to_json())
        first, duration = self._times_ns[0], self._times_ns[-1] - self._times_ns[0]
        rows = [
            f"    - topic_metadata:\n        name: {topic}\n        type: {kind}\n        serialization_format: cdr\n"
            f'        offered_qos_profiles: ""\n      message_count: {self._counts[topic]}\n'
            for topic, kind in self._types.items()
        ]
        write_text(
            self._path / "metadata.yaml",
            "rosbag2_bagfile_information:\n  version: 5\n  storage_identifier: mcap\n"
            f"  relative_file_paths:\n    - {self._name}\n  duration:\n    nanoseconds: {duration}\n"
            f"  starting_time:\n    nanoseconds_since_epoch: {first}\n  message_count: {sum(self._counts.values())}\n"
            f'  topics_with_message_count:\n{"".join(rows)}  compression_format: ""\n  compression_mode: ""\n'
            f"  files:\n    - path: {self._name}\n      starting_time:\n        nanoseconds_since_epoch: {first}\n"
            f"      duration:\n        nanoseconds: {duration}\n      message_count: {sum(self._counts.values())}\n",
        )

    def _add(self, topic: str, kind: str, time_ns: int, data: bytes, about: Mapping[str, str] | None = None) -> None:
        try:
            if topic not in self._channels:
                schema = self._writer.register_schema(kind, "ros2msg", _DEFINITIONS[kind].encode())
                metadata = {"offered_qos_profiles": "", **(about or {})}
                self._channels[topic] = self._writer.register_channel(topic, "cdr", schema, metadata)
                self._types[topic], self._counts[topic] = kind, 0
            self._writer.add_message(self._channels[topic], time_ns, data, time_ns, self._counts[topic])
        except OSError as error:
            raise RecordingError(f"cannot write {self._path}: {error.strerror or error}") from error
        self._counts[topic] += 1


def _image(time_ns: int, pixels: NDArray[np.generic], encoding: str, frame_id: str = _COLOR_FRAME) -> bytes:
    little = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    message = _Cdr(time_ns, frame_id).numbers("I", pixels.shape[0], pixels.shape[1]).text(encoding)
    return message.numbers("B", 0).numbers("I", little.nbytes // pixels.shape[0]).octets(little.tobytes()).finish()


def _depth(time_ns: int, frame: StoredFrame, frame_id: str) -> bytes:
    unit_m = frame.calibration.depth_unit_m
    if unit_m == _MILLIMETRE:
        return _image(time_ns, frame.depth, "16UC1", frame_id)
    metres = frame.depth.astype(np.float32) * np.float32(unit_m)
    metres[frame.depth == 0] = np.nan  # What ROS has for holes in metres (REP 118).
    return _image(time_ns, metres, "32FC1", frame_id)


def _camera(time_ns: int, lens: Intrinsics) -> bytes:
    k = [float(value) for value in lens.matrix.ravel()]
    name = {"kannala_brandt": "equidistant"}.get(distortion_name(lens), distortion_name(lens) or "plumb_bob")
    message = _Cdr(time_ns, _COLOR_FRAME).numbers("I", lens.height, lens.width).text(name)
    d = lens.distortion or (0.0,) * 5
    message.numbers("I", len(d)).numbers("d", *d).numbers("d", *k).numbers("d", 1, 0, 0, 0, 1, 0, 0, 0, 1)
    message.numbers("d", *k[0:3], 0, *k[3:6], 0, *k[6:9], 0).numbers("I", 0, 0)
    return message.numbers("I", 0, 0, 0, 0).numbers("B", 0).finish()


open_target = Rosbag2Target
