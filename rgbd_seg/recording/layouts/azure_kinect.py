"""Recordings of `k4arecorder` (Azure Kinect, Femto): a Matroska file with colour, depth, and the camera's calibration.

Colour is MJPEG or raw (NV12, YUY2, BGRA), depth raw with 16 bits, high byte first, in millimetres. Depth is moved to
colour by the calibration in the attachment `calibration.json`. Sources: the Azure Kinect SDK's record file format, and
its transformation code for the cut of each mode out of the sensor.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics, Origin, register_depth
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording.messages.encodings import RawPixels, color_pixels
from rgbd_seg.recording.messages.pairing import nearest_pairs
from rgbd_seg.recording.pictures.codec import decode_color
from rgbd_seg.recording.pictures.pair_reader import flag_option, number_option, refuse_unknown
from rgbd_seg.recording.reader import RecordingInfo, RecordingReader, StoredFrame

_MILLIMETRE = 0.001
_MATROSKA = b"\x1a\x45\xdf\xa3"
_MAX_PACKETS = 20_000_000
_MAX_CALIBRATION_BYTES = 1_000_000
# Raw colour by its bytes for two pixels.
_RAW = {3: "nv12", 4: "yuy2", 8: "bgra8"}
# Of each mode: the size that the sensor is scaled to, and where the picture begins in it.
_CUTS = {
    (1280, 720): ((1280, 960), (0, 120)),
    (1920, 1080): ((1920, 1440), (0, 180)),
    (2560, 1440): ((2560, 1920), (0, 240)),
    (2048, 1536): ((2048, 1536), (0, 0)),
    (3840, 2160): ((3840, 2880), (0, 360)),
    (4096, 3072): ((4096, 3072), (0, 0)),
    (320, 288): ((512, 512), (96, 90)),
    (640, 576): ((1024, 1024), (192, 180)),
    (512, 512): ((512, 512), (0, 0)),
    (1024, 1024): ((1024, 1024), (0, 0)),
}


def matches(path: Path) -> bool:
    """Whether a path is a Matroska file."""
    if path.suffix.lower() != ".mkv" or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_MATROSKA)) == _MATROSKA


def open_reader(path: Path, **options: str) -> AzureKinectReader:
    """Opens a recording of an Azure Kinect.

    Args:
        path: The file.
        options: `registered=no` leaves depth where its own camera saw it; `depth_unit_m` of a camera that counts
            something else than millimetres.

    Raises:
        RecordingError: PyAV is missing, or there is no colour or no depth in the file.
        ConfigurationError: An option is unknown or out of its range.
    """
    refuse_unknown(options, ("registered", "depth_unit_m"))
    unit_m = number_option(options, "depth_unit_m", 1e-7, 1.0)
    return AzureKinectReader(path, move=flag_option(options, "registered") is not False, depth_unit_m=unit_m)


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One stream of pictures: its place among the streams, codec, size, and the times of its packets."""

    stream: int
    codec: str
    width: int
    height: int
    pts: NDArray[np.int64]
    tick_ns: float


class AzureKinectReader(RecordingReader):
    """Random access to the frames of one file. Used from one thread."""

    def __init__(self, path: Path, *, move: bool = True, depth_unit_m: float | None = None) -> None:
        """Looks through the file's packets, decoding none.

        Args:
            path: The file.
            move: Whether depth is moved to colour.
            depth_unit_m: Metres per count, None for millimetres.

        Raises:
            RecordingError: It cannot be read, or has no colour or no depth.
        """
        try:
            import av
        except ImportError:
            raise RecordingError(f"{path}: for Azure Kinect recordings, pip install 'rgbd-seg[video]'") from None
        self._errors = (av.FFmpegError, OSError, ValueError, EOFError)
        self._path, self._move = path, move
        try:
            self._file = av.open(str(path))
        except self._errors as error:
            raise RecordingError(f"{path} cannot be read: {error}") from None
        try:
            self._color, self._depth = self._tracks()
            cameras = cameras_of(self._calibration_text())
            self._pair()
        except self._errors as error:
            self.close()
            raise RecordingError(f"{path} cannot be read: {error}") from None
        except BaseException:
            self.close()
            raise
        notes = []
        color = brown_intrinsics(cameras.get("color"), self._color)
        self._depth_lens = brown_intrinsics(cameras.get("depth"), self._depth)
        self._to_color = _pose(cameras.get("color"))
        if color is None or self._depth_lens is None:
            notes.append("The file has no calibration that is understood: 90 degrees across are assumed for colour.")
            self._move = False
        if not self._move:
            notes.append("Depth is not registered to colour: it is stretched over it.")
        width, height = self._color.width, self._color.height
        guess = Intrinsics(width, height, width / 2, width / 2, (width - 1) / 2, (height - 1) / 2)
        origin: Origin = "file" if color else "assumed"
        by: Origin = "file" if move else "user"
        unit_by: Origin = "user" if depth_unit_m else "file"
        unit_m = depth_unit_m or _MILLIMETRE
        self._calibration = Calibration(color or guess, unit_m, self._move, origin, unit_by, by)
        details = {
            "colour stream": f"{self._color.codec}, {width}x{height}",
            "depth stream": f"{self._depth.width}x{self._depth.height}",
        }
        self._info = RecordingInfo(path, "Azure Kinect", path.stem, details=details, notes=tuple(notes))

    def decode(self, position: int) -> StoredFrame:
        color = self._color_of(self._packet(self._color, int(self._color_rows[position])))
        depth = self._depth_of(self._packet(self._depth, int(self._depth_rows[position])))
        return StoredFrame(color, depth, self._calibration, position, int(self._times_us[position]))

    def close(self) -> None:
        self._file.close()

    def _tracks(self) -> tuple[Track, Track]:
        pts: dict[int, list[int]] = {}
        for count, packet in enumerate(self._file.demux()):
            if count > _MAX_PACKETS:
                raise RecordingError(f"{self._path} has more pictures than can be looked through")
            if packet.pts is not None:
                pts.setdefault(packet.stream_index, []).append(packet.pts)
        found: dict[str, Track] = {}
        names = []
        for stream in self._file.streams.video:
            context = stream.codec_context
            if context is None:  # Coded in a way that FFmpeg does not know.
                continue
            title, codec = stream.metadata.get("title", "").upper(), context.name
            names.append(f"{title or 'no name'} ({codec}, {stream.width}x{stream.height})")
            times = np.unique(np.array(pts.get(stream.index, ()), np.int64))
            role = "color" if title == "COLOR" or (not title and codec == "mjpeg") else title.lower()
            if len(times) and stream.time_base is not None:
                tick_ns = float(stream.time_base) * 1e9
                found.setdefault(role, Track(stream.index, codec, stream.width, stream.height, times, tick_ns))
        if "color" not in found or "depth" not in found:
            lacks = " and no ".join(n for n, k in (("colour", "color"), ("depth", "depth")) if k not in found)
            raise RecordingError(
                f"{self._path} has no {lacks} of an Azure Kinect; it holds: {', '.join(names) or 'nothing'}"
            )
        return found["color"], found["depth"]

    def _calibration_text(self) -> str:
        for stream in self._file.streams:
            if stream.type == "attachment" and str(stream.metadata.get("filename", "")).endswith("calibration.json"):
                data = bytes(getattr(stream, "data", b""))
                return data[:_MAX_CALIBRATION_BYTES].rstrip(b"\0").decode("utf-8", "replace")
        return ""

    def _pair(self) -> None:
        color_ns, depth_ns = (np.round(t.pts * t.tick_ns).astype(np.int64) for t in (self._color, self._depth))
        self._color_rows, self._depth_rows = nearest_pairs(color_ns, depth_ns)
        if not len(self._color_rows):
            raise RecordingError(f"{self._path} has no colour and depth pictures that were taken at the same time")
        times = depth_ns[self._depth_rows]
        self._times_us: NDArray[np.int64] = (times - times[0]) // 1000
        self._times_us.flags.writeable = False

    def _packet(self, track: Track, row: int) -> bytes:
        """The bytes of one picture.

        Raises:
            RecordingError: They are not there any more.
        """
        wanted = int(track.pts[row])
        stream = self._file.streams[track.stream]
        try:
            self._file.seek(wanted, stream=stream, backward=True, any_frame=True)
            for packet in self._file.demux(stream):
                if packet.pts == wanted:
                    return bytes(packet)
                if packet.pts is None or packet.pts > wanted:
                    break
        except self._errors as error:
            raise RecordingError(str(error)) from None
        raise RecordingError("a picture is missing")

    def _color_of(self, data: bytes) -> NDArray[np.uint8]:
        track = self._color
        if track.codec == "mjpeg":
            color = decode_color(data)
        else:
            encoding = _RAW.get(2 * len(data) // max(track.width * track.height, 1), "")
            color = color_pixels(RawPixels(encoding, track.width, track.height, 0, False, data))
        if color.shape[:2] != (track.height, track.width):
            raise RecordingError("a colour picture has another size than its stream")
        return color

    def _depth_of(self, data: bytes) -> NDArray[np.uint16]:
        track = self._depth
        if len(data) != track.width * track.height * 2:
            raise RecordingError("a depth picture has another size than its stream")
        counts = np.frombuffer(data, ">u2").reshape(track.height, track.width).astype(np.uint16)
        lens = self._calibration.color
        if self._move and self._depth_lens is not None:
            unit_m, way = self._calibration.depth_unit_m, self._to_color or (None, None)
            return register_depth(counts, self._depth_lens, lens, unit_m, *way)

        return cv2.resize(counts, (lens.width, lens.height), interpolation=cv2.INTER_NEAREST).astype(
            np.uint16, copy=False
        )


def cameras_of(text: str) -> dict[str, dict[str, Any]]:
    """The cameras in a calibration by what they are; nothing where it cannot be read."""
    try:
        cameras = json.loads(text)["CalibrationInformation"]["Cameras"]
        places = {str(camera["Location"]): camera for camera in cameras if isinstance(camera, dict)}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    named = (("color", "CALIBRATION_CameraLocationPV0"), ("depth", "CALIBRATION_CameraLocationD0"))
    return {name: places[place] for name, place in named if place in places}


def brown_intrinsics(camera: dict[str, Any] | None, track: Track) -> Intrinsics | None:
    """A camera for one of its modes; its numbers are shares of the sensor's size."""
    cut = _CUTS.get((track.width, track.height))
    try:
        if camera is None or cut is None:
            return None
        values = [float(v) for v in camera["Intrinsics"]["ModelParameters"][:14]]
        cx, cy, fx, fy, k1, k2, k3, k4, k5, k6, _, _, p2, p1 = values
        (width, height), (left, top) = cut
        if int(camera.get("SensorWidth") or 0) * 9 // 16 == int(camera.get("SensorHeight") or -1):
            # Shares of a picture of 4096x2304, the middle of the sensor's 4096x3072.
            cy, fy = (cy * 2304 + 384) / 3072, fy * 2304 / 3072
        lens = (k1, k2, p1, p2, k3, k4, k5, k6)
        # Pixel centres are at integers.
        middle = (cx * width - left - 0.5, cy * height - top - 0.5)
        return Intrinsics(track.width, track.height, fx * width, fy * height, *middle, lens)
    except (KeyError, TypeError, ValueError, IndexError, ConfigurationError):
        return None


def _pose(camera: dict[str, Any] | None) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """From depth's frame, which all are given in, to a camera's."""
    try:
        if camera is None:
            return None
        rotation = np.array([float(v) for v in camera["Rt"]["Rotation"]], np.float64).reshape(3, 3)
        shift = np.array([float(v) for v in camera["Rt"]["Translation"]], np.float64).reshape(3)
    except (KeyError, TypeError, ValueError):
        return None
    return (rotation, shift) if all(map(math.isfinite, [*rotation.ravel(), *shift])) else None
