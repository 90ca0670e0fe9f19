"""What the messages of other programs say, whoever wrote them: a picture, a camera, where a camera is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Intrinsics, LensModel
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording.lens import distortion_of, scaled_to
from rgbd_seg.recording.messages.compressed import codec_of, packed_color, packed_depth, packed_role
from rgbd_seg.recording.messages.encodings import RawPixels, Role, color_pixels, depth_pixels, role_of
from rgbd_seg.recording.messages.video import video_codec


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture that has not been decoded.

    Attributes:
        stamp_ns: When it was taken by its own account, nanoseconds; None where the message does not say.
        frame_id: Name of the coordinate frame that it was taken in, "" where the message does not say.
        raw: Its pixels, if they are not compressed.
        packed: Its bytes, if they are.
        format: What the message says of them.
    """

    stamp_ns: int | None
    frame_id: str
    raw: RawPixels | None = None
    packed: bytes | memoryview = b""
    format: str = ""

    @property
    def video(self) -> str:
        """The codec of a picture that needs those before it, to be had from a `VideoTrack`; "" for all others."""
        return video_codec(self.format) if self.raw is None and codec_of(self.packed) == "unknown" else ""

    @property
    def role(self) -> Role:
        """What it can be."""
        if self.video:
            return "color"
        return packed_role(self.packed, self.format) if self.raw is None else role_of(self.raw.encoding)

    @property
    def encoding(self) -> str:
        """How its pixels are laid out or packed, for people."""
        if self.raw is not None:
            return self.raw.encoding[:40]
        codec = codec_of(self.packed)
        return self.format[:40] or codec

    def color(self) -> NDArray[np.uint8]:
        """Decoded as colour; see `color_pixels`."""
        return packed_color(self.packed, self.format) if self.raw is None else color_pixels(self.raw)

    def depth(self) -> NDArray[np.uint16] | NDArray[np.float32]:
        """Decoded as depth; see `depth_pixels`."""
        return packed_depth(self.packed, self.format) if self.raw is None else depth_pixels(self.raw)


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera's calibration as a message has it; its numbers may be anything.

    Attributes:
        stamp_ns: When it held, or None.
        frame_id: Of the camera.
        width: Pixels across of the picture that it is for, 0 where it does not say.
        height: Pixels down.
        model: Name of the lens model.
        d: The lens's numbers.
        k: The camera matrix, row by row: nine numbers, or none.
        p: The matrix of the rectified picture, row by row: twelve numbers, or none.
    """

    stamp_ns: int | None
    frame_id: str
    width: int
    height: int
    model: str
    d: tuple[float, ...]
    k: tuple[float, ...]
    p: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Transform:
    """Where a frame is in another: `parent = rotation * child + translation`.

    Attributes:
        parent: The frame that it is seen from.
        child: The frame.
        translation_m: x, y, z.
        rotation: Quaternion x, y, z, w.
    """

    parent: str
    child: str
    translation_m: tuple[float, float, float]
    rotation: tuple[float, float, float, float]


def intrinsics_of(camera: Camera, width: int, height: int, *, rectified: bool = False) -> tuple[Intrinsics, str]:
    """A calibration message for a picture of this size.

    Args:
        camera: The message; its own size may be another, or 0 where it does not say.
        width: Pixels across.
        height: Pixels down.
        rectified: Whether the picture has had its lens distortion removed.

    Returns:
        The intrinsics, and a sentence if the lens is left out.

    Raises:
        RecordingError: The numbers are no camera's.
    """
    k, note = camera.k, ""
    distortion: tuple[float, ...] = ()
    model: LensModel = "brown-conrady"
    if rectified:
        if len(camera.p) == 12 and camera.p[0] > 0 and camera.p[5] > 0:
            k = (camera.p[0], 0.0, camera.p[2], 0.0, camera.p[5], camera.p[6], 0.0, 0.0, 1.0)
    else:
        distortion, model, note = distortion_of(camera.model, camera.d)
    if len(k) != 9:
        raise RecordingError("a camera calibration has no camera matrix")
    size = (camera.width or width, camera.height or height)
    try:
        own = replace(Intrinsics(*size, k[0], k[4], k[2], k[5]), distortion=distortion, lens_model=model)
    except ConfigurationError as error:
        raise RecordingError(f"a camera calibration is damaged: {error}") from None
    return scaled_to(own, width, height), note
