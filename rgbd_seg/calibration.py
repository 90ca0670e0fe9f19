"""Camera geometry: pinhole intrinsics, depth unit, and the way between pixels and metres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from rgbd_seg.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_SIDE = 16384

Origin = Literal["device", "field of view", "file", "assumed"]


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """A pinhole camera with Brown-Conrady distortion, in OpenCV's conventions.

    Attributes:
        width: Pixels across.
        height: Pixels down.
        fx: Focal length in pixels, horizontal.
        fy: Focal length in pixels, vertical.
        cx: Principal point, pixels from the centre of the leftmost pixel.
        cy: Principal point, pixels from the centre of the topmost pixel.
        distortion: (k1, k2, p1, p2, k3) or empty for none.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= MAX_SIDE:
                raise ConfigurationError(f"intrinsics: {name} must be 1..{MAX_SIDE} pixels, not {value!r}")
        for name in ("fx", "fy"):
            value = getattr(self, name)
            if not math.isfinite(value) or value <= 0:
                raise ConfigurationError(f"intrinsics: {name} must be a positive number of pixels, not {value!r}")
        if not (math.isfinite(self.cx) and math.isfinite(self.cy)):
            raise ConfigurationError(f"intrinsics: the principal point must be finite, not ({self.cx}, {self.cy})")
        if len(self.distortion) not in (0, 5) or not all(map(math.isfinite, self.distortion)):
            raise ConfigurationError("intrinsics: distortion must be empty or five finite numbers k1 k2 p1 p2 k3")

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The camera matrix K: (3, 3) float64."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]], np.float64)

    @staticmethod
    def from_field_of_view(width: int, height: int, horizontal_rad: float, vertical_rad: float) -> Intrinsics:
        """Intrinsics with the principal point in the middle: fx = (width / 2) / tan(hfov / 2).

        Raises:
            ConfigurationError: An angle is not between 0 and pi (a device that does not know its own gives NaN).
        """
        for name, angle in (("horizontal", horizontal_rad), ("vertical", vertical_rad)):
            if not 0 < angle < math.pi:  # False for NaN too.
                raise ConfigurationError(f"the {name} field of view must be between 0 and pi rad, not {angle}")
        fx = (width / 2) / math.tan(horizontal_rad / 2)
        fy = (height / 2) / math.tan(vertical_rad / 2)
        return Intrinsics(width, height, fx, fy, width / 2, height / 2)

    def scaled(self, width: int, height: int) -> Intrinsics:
        """The same camera after its picture was resized (pixel centres at integers, as in OpenCV's resize)."""
        sx, sy = width / self.width, height / self.height
        cx, cy = (self.cx + 0.5) * sx - 0.5, (self.cy + 0.5) * sy - 0.5
        return Intrinsics(width, height, self.fx * sx, self.fy * sy, cx, cy, self.distortion)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names = ("width", "height", "fx", "fy", "cx", "cy")
        return {name: getattr(self, name) for name in names} | {"distortion": list(self.distortion)}

    @staticmethod
    def from_dict(data: Any) -> Intrinsics:
        """Reads what `to_dict` wrote.

        Raises:
            ConfigurationError: A field is missing or out of range.
        """
        try:
            width, height = int(data["width"]), int(data["height"])
            fx, fy, cx, cy = (float(data[name]) for name in ("fx", "fy", "cx", "cy"))
            distortion = tuple(float(v) for v in data.get("distortion", ()))
            return Intrinsics(width, height, fx, fy, cx, cy, distortion)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            if isinstance(error, ConfigurationError):
                raise
            raise ConfigurationError(f"intrinsics need width, height, fx, fy, cx, cy: {error!r}") from None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is needed to turn a frame into metres. One object is shared by all frames of a stream.

    Attributes:
        color: Intrinsics of the colour picture; depth lies on the same pixel grid.
        depth_unit_m: Metres per depth count (0.001 for millimetres).
        registered: Whether depth was registered to colour; if not, a depth pixel is only near its colour pixel.
        origin: Where the intrinsics come from: the device's own calibration, its field of view, a file, or an
            assumption for that kind of camera.
    """

    color: Intrinsics
    depth_unit_m: float = 0.001
    registered: bool = True
    origin: Origin = "device"

    def __post_init__(self) -> None:
        if not math.isfinite(self.depth_unit_m) or not 1e-7 <= self.depth_unit_m <= 1:
            raise ConfigurationError(f"the depth unit must be 1e-7 to 1 metre per count, not {self.depth_unit_m!r}")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "color": self.color.to_dict(),
            "depth_unit_m": self.depth_unit_m,
            "registered": self.registered,
            "origin": self.origin,
        }

    @staticmethod
    def from_dict(data: Any) -> Calibration:
        """Reads what `to_dict` wrote.

        Raises:
            ConfigurationError: A field is missing or out of range.
        """
        try:
            origin = data.get("origin", "file")
            if origin not in ("device", "field of view", "file", "assumed"):
                origin = "file"
            unit, registered = float(data["depth_unit_m"]), bool(data.get("registered", True))
            color = data["color"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(f"a calibration needs color and depth_unit_m: {error!r}") from None
        return Calibration(Intrinsics.from_dict(color), unit, registered, origin)


@lru_cache(maxsize=8)
def _rays(intrinsics: Intrinsics) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x/z and y/z of every pixel: two (H, W) float32 arrays."""
    u, v = np.meshgrid(np.arange(intrinsics.width), np.arange(intrinsics.height))
    if any(intrinsics.distortion):
        pixels = np.stack([u, v], axis=-1).reshape(-1, 1, 2).astype(np.float64)
        flat = cv2.undistortPoints(pixels, intrinsics.matrix, np.array(intrinsics.distortion))
        x, y = np.moveaxis(np.asarray(flat).reshape(intrinsics.height, intrinsics.width, 2), -1, 0)
    else:
        x, y = (u - intrinsics.cx) / intrinsics.fx, (v - intrinsics.cy) / intrinsics.fy
    rays = (x.astype(np.float32), y.astype(np.float32))
    for ray in rays:
        ray.flags.writeable = False
    return rays


def deproject(depth: NDArray[np.uint16], calibration: Calibration) -> NDArray[np.float32]:
    """3D points of a whole depth picture.

    Inverse pinhole model: z = depth * unit, x = (u - cx) / fx * z, y = (v - cy) / fy * z, after removing distortion.

    Args:
        depth: (H, W) uint16 counts on the grid of `calibration.color`; 0 = no return.
        calibration: Intrinsics and depth unit.

    Returns:
        (H, W, 3) float32 metres in the colour camera's frame (x right, y down, z forward); (0, 0, 0) at holes.

    Raises:
        ConfigurationError: The picture has another size than the intrinsics.
    """
    size = (calibration.color.height, calibration.color.width)
    if depth.shape != size:
        raise ConfigurationError(f"depth is {depth.shape}, but the intrinsics are for {size} (height, width)")
    z = depth.astype(np.float32) * np.float32(calibration.depth_unit_m)
    x, y = _rays(calibration.color)
    return np.stack([x * z, y * z, z], axis=-1)


def deproject_pixel(u: int, v: int, depth: int, calibration: Calibration) -> tuple[float, float, float]:
    """The 3D point in metres of one pixel (column u, row v) with `depth` counts; see `deproject`."""
    x, y = _rays(calibration.color)
    z = depth * calibration.depth_unit_m
    return float(x[v, u]) * z, float(y[v, u]) * z, z


def project(points: NDArray[np.floating[Any]], intrinsics: Intrinsics) -> NDArray[np.float64]:
    """Pixels of 3D points: the pinhole model with Brown-Conrady distortion, as in OpenCV's projectPoints.

    Args:
        points: (..., 3) metres in the camera's frame.
        intrinsics: The camera.

    Returns:
        (..., 2) float64 columns and rows; NaN for points at or behind the camera.
    """
    x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    ahead = z > 0
    depth = np.where(ahead, z, np.nan)
    x, y = x / depth, y / depth
    if any(intrinsics.distortion):
        k1, k2, p1, p2, k3 = intrinsics.distortion
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        x, y = (
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        )
    return np.stack([x * intrinsics.fx + intrinsics.cx, y * intrinsics.fy + intrinsics.cy], axis=-1)
