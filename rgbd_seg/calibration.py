"""Camera geometry: pinhole intrinsics, depth unit, and the way between pixels and metres."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError

MAX_SIDE = 16384

Origin = Literal["device", "field of view", "file", "assumed", "user"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)
#: Where a number comes from, as people are told.
ORIGIN_WORDS: dict[Origin, str] = {
    "device": "from the camera",
    "field of view": "from the camera's field of view",
    "file": "from the file",
    "assumed": "assumed",
    "user": "set by you",
}
LensModel = Literal["brown-conrady", "kannala-brandt"]

# How many numbers each lens model has; Brown-Conrady's eight are its rational form.
_COEFFICIENTS: dict[str, tuple[int, ...]] = {"brown-conrady": (0, 5, 8), "kannala-brandt": (0, 4)}
# OpenCV's own five rounds leave hundredths of a pixel with strong lenses.
_ROUNDS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-9)
# A pixel whose ray does not lead back to it within this distance has none: the lens folds over there.
_FOLDED_PIXELS = 0.5


@dataclass(frozen=True, slots=True)
class Intrinsics:
    """A camera with or without lens distortion, in OpenCV's conventions.

    Attributes:
        width: Pixels across.
        height: Pixels down.
        fx: Focal length in pixels, horizontal.
        fy: Focal length in pixels, vertical.
        cx: Principal point, pixels from the centre of the leftmost pixel.
        cy: Principal point, pixels from the centre of the topmost pixel.
        distortion: Empty for none; (k1, k2, p1, p2, k3) or (k1, k2, p1, p2, k3, k4, k5, k6) of Brown-Conrady; (k1, k2,
            k3, k4) of Kannala-Brandt.
        lens_model: What the numbers in `distortion` mean: OpenCV's usual lens, or its fisheye.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, ...] = ()
    lens_model: LensModel = "brown-conrady"

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
        if self.lens_model not in _COEFFICIENTS:
            raise ConfigurationError(f"intrinsics: lens_model must be one of {', '.join(_COEFFICIENTS)}")
        counts = _COEFFICIENTS[self.lens_model]
        if len(self.distortion) not in counts or not all(map(math.isfinite, self.distortion)):
            permitted = " or ".join(map(str, counts))
            raise ConfigurationError(f"intrinsics: distortion of {self.lens_model} must be {permitted} finite numbers")

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
        return replace(self, width=width, height=height, fx=self.fx * sx, fy=self.fy * sy, cx=cx, cy=cy)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names = ("width", "height", "fx", "fy", "cx", "cy")
        fields = {name: getattr(self, name) for name in names} | {"distortion": list(self.distortion)}
        # Older versions know one model only, and refuse nothing that they do not know.
        return fields if self.lens_model == "brown-conrady" else fields | {"lens_model": self.lens_model}

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
            return Intrinsics(width, height, fx, fy, cx, cy, distortion, data.get("lens_model", "brown-conrady"))
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
        origin: Where the intrinsics come from: the device's own calibration, its field of view, a file, an
            assumption for that kind of camera, or the user, who has set them.
        unit_origin: Where the depth unit comes from.
        registration_origin: Who says whether depth is registered.
    """

    color: Intrinsics
    depth_unit_m: float = 0.001
    registered: bool = True
    origin: Origin = "device"
    unit_origin: Origin = "device"
    registration_origin: Origin = "device"

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
            "unit_origin": self.unit_origin,
            "registration_origin": self.registration_origin,
        }

    @staticmethod
    def from_dict(data: Any) -> Calibration:
        """Reads what `to_dict` wrote.

        Raises:
            ConfigurationError: A field is missing or out of range.
        """
        try:
            keys = ("origin", "unit_origin", "registration_origin")
            origins: list[Origin] = [data[key] if data.get(key) in ORIGINS else "file" for key in keys]
            unit, registered = float(data["depth_unit_m"]), bool(data.get("registered", True))
            color = data["color"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(f"a calibration needs color and depth_unit_m: {error!r}") from None
        return Calibration(Intrinsics.from_dict(color), unit, registered, *origins)


@lru_cache(maxsize=8)
def _rays(intrinsics: Intrinsics) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x/z and y/z of every pixel: two (H, W) float32 arrays; NaN where the lens model has no ray for a pixel."""
    u, v = np.meshgrid(np.arange(intrinsics.width), np.arange(intrinsics.height))
    x: NDArray[np.floating[Any]] = (u - intrinsics.cx) / intrinsics.fx
    y: NDArray[np.floating[Any]] = (v - intrinsics.cy) / intrinsics.fy
    if any(intrinsics.distortion):
        pixels = np.stack([u, v], axis=-1).reshape(-1, 1, 2).astype(np.float64)
        d = np.array(intrinsics.distortion)
        if intrinsics.lens_model == "kannala-brandt":
            flat = cv2.fisheye.undistortPoints(pixels, intrinsics.matrix, d, criteria=_ROUNDS)
        else:
            flat = cv2.undistortPoints(pixels, intrinsics.matrix, d, criteria=_ROUNDS)
        rays_xy = np.asarray(flat, np.float64).reshape(-1, 2)
        back = project(np.insert(rays_xy, 2, 1.0, axis=1), intrinsics)
        folded = ~(np.abs(back - pixels[:, 0]).max(axis=1) < _FOLDED_PIXELS)
        rays_xy[folded] = np.nan
        x, y = (rays_xy[:, axis].reshape(u.shape) for axis in (0, 1))
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
        (H, W, 3) float32 metres in the colour camera's frame (x right, y down, z forward); (0, 0, 0) at holes and where
        the lens model has no ray for a pixel.

    Raises:
        ConfigurationError: The picture has another size than the intrinsics.
    """
    size = (calibration.color.height, calibration.color.width)
    if depth.shape != size:
        raise ConfigurationError(f"depth is {depth.shape}, but the intrinsics are for {size} (height, width)")
    z = depth.astype(np.float32) * np.float32(calibration.depth_unit_m)
    x, y = _rays(calibration.color)
    points = np.stack([x * z, y * z, z], axis=-1)
    if any(calibration.color.distortion):
        points[np.isnan(x)] = 0
    return points


def depth_in_metres(depth: NDArray[np.uint16], calibration: Calibration) -> NDArray[np.float32]:
    """(H, W) float32 metres of (H, W) uint16 counts, NaN at holes."""
    metres = depth * np.float32(calibration.depth_unit_m)
    metres[depth == 0] = np.nan
    return metres


def points_of(depth: NDArray[np.uint16], calibration: Calibration) -> NDArray[np.float32]:
    """The same as `deproject`, with NaN where there is no point."""
    points = deproject(depth, calibration)
    points[points[..., 2] == 0] = np.nan
    return points


def deproject_pixel(u: int, v: int, depth: int, calibration: Calibration) -> tuple[float, float, float]:
    """The 3D point in metres of one pixel (column u, row v) with `depth` counts; NaN where the lens has no ray."""
    x, y = _rays(calibration.color)
    z = depth * calibration.depth_unit_m
    return float(x[v, u]) * z, float(y[v, u]) * z, z


def project(points: NDArray[np.floating[Any]], intrinsics: Intrinsics) -> NDArray[np.float64]:
    """Pixels of 3D points, with the lens's distortion.

    Args:
        points: (..., 3) metres in the camera's frame.
        intrinsics: The camera.

    Returns:
        (..., 2) float64 columns and rows; NaN for points at or behind the camera.
    """
    flat = np.asarray(points, np.float64).reshape(-1, 3)
    ahead = flat[:, 2] > 0
    pixels = np.full((len(flat), 2), np.nan)
    x, y = np.ascontiguousarray(flat[ahead, :2].T) / flat[ahead, 2]
    pixels[ahead, 0], pixels[ahead, 1] = _pixels(x, y, intrinsics)
    return pixels.reshape(*np.shape(points)[:-1], 2)


def _pixels(
    x: NDArray[np.float64], y: NDArray[np.float64], intrinsics: Intrinsics
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns and rows of rays x/z and y/z. OpenCV's model by its formula, which NumPy works out 30 times as fast."""
    if any(intrinsics.distortion):
        if intrinsics.lens_model == "kannala-brandt":
            rays, still = np.stack([x, y, np.ones_like(x)], axis=1).reshape(-1, 1, 3), np.zeros(3)
            if not len(x):
                return x, y
            found, _ = cv2.fisheye.projectPoints(rays, still, still, intrinsics.matrix, np.array(intrinsics.distortion))
            u, v = np.asarray(found, np.float64).reshape(-1, 2).T
            return u, v
        k1, k2, p1, p2, k3, k4, k5, k6 = (*intrinsics.distortion, 0.0, 0.0, 0.0)[:8]
        xx, yy, xy = x * x, y * y, 2 * x * y
        r = xx + yy
        radial = 1 + r * (k1 + r * (k2 + r * k3))
        if k4 or k5 or k6:
            radial /= 1 + r * (k4 + r * (k5 + r * k6))
        x, y = x * radial + p1 * xy + p2 * (r + 2 * xx), y * radial + p1 * (r + 2 * yy) + p2 * xy
    return x * intrinsics.fx + intrinsics.cx, y * intrinsics.fy + intrinsics.cy


def register_depth(
    depth: NDArray[np.uint16],
    depth_camera: Intrinsics,
    color_camera: Intrinsics,
    depth_unit_m: float,
    rotation: NDArray[np.float64] | None = None,
    translation_m: NDArray[np.float64] | None = None,
) -> NDArray[np.uint16]:
    """Depth as the colour camera sees it: every measured pixel is moved to its place, the nearest wins.

    Where colour is finer, each depth pixel fills the rectangle between its corners, as librealsense's alignment does.

    Args:
        depth: (h, w) uint16 counts on the grid of `depth_camera`.
        depth_camera: Intrinsics of depth.
        color_camera: Intrinsics of colour.
        depth_unit_m: Metres per count.
        rotation: (3, 3) from depth's frame to colour's; None: they point the same way.
        translation_m: (3,) of the same step; None: they are at one place.

    Returns:
        (H, W) uint16 counts on colour's grid, 0 = no return.
    """
    x, y = _rays(depth_camera)
    there = (depth > 0) & np.isfinite(x)
    z = depth[there] * float(depth_unit_m)
    turn = np.eye(3) if rotation is None else np.asarray(rotation, np.float64)
    shift = np.zeros(3) if translation_m is None else np.asarray(translation_m, np.float64)

    def moved(dx: float, dy: float) -> list[NDArray[np.float64]]:
        """Points of the pixels' rays, turned by a little, as colour's camera sees them."""
        a, b = (x[there] + np.float64(dx)) * z, (y[there] + np.float64(dy)) * z
        return [a * row[0] + b * row[1] + z * row[2] + step for row, step in zip(turn, shift, strict=True)]

    counts = np.round(moved(0.0, 0.0)[2] / depth_unit_m)
    # Half a pixel up-left and down-right of the depth pixel, at its own distance.
    half = 0.5 / depth_camera.fx, 0.5 / depth_camera.fy
    reach = color_camera.width + 1, color_camera.height + 1
    seen = (counts >= 1) & (counts <= 65535)
    low, high = (moved(sign * half[0], sign * half[1]) for sign in (-1.0, 1.0))
    seen &= (low[2] > 0) & (high[2] > 0)
    counts = counts[seen].astype(np.uint32)
    edges = [_pixels(p[0][seen] / p[2][seen], p[1][seen] / p[2][seen], color_camera) for p in (low, high)]
    near = np.ones(len(counts), bool)
    for begin, end, limit in zip(*edges, reach, strict=True):
        near &= (begin > -2) & (end < limit) & (begin <= end)
    counts = counts[near]
    # The pixels whose centres lie within the rectangle, at least one, and never many for a lens gone wild. Rounded, so
    # that neighbours, which share an edge, agree on which side of a pixel's centre it lies.
    firsts, lasts = [], []
    for begin, end in zip(*edges, strict=True):
        begin, end = begin[near], end[near]
        first, beyond = (np.ceil(np.round(edge, 4)).astype(np.int32) for edge in (begin, end))
        empty = beyond == first
        first[empty] = np.round((begin + end) / 2)[empty]
        firsts.append(first)
        lasts.append(np.minimum(np.where(empty, first, beyond - 1), first + 7))
    nothing = np.uint32(65536)
    nearest = np.full(color_camera.height * color_camera.width, nothing)
    for dy in range(int((lasts[1] - firsts[1]).max(initial=0)) + 1):
        for dx in range(int((lasts[0] - firsts[0]).max(initial=0)) + 1):
            columns, rows = firsts[0] + dx, firsts[1] + dy
            inside = (columns <= lasts[0]) & (rows <= lasts[1]) & (columns >= 0) & (rows >= 0)
            inside &= (columns < color_camera.width) & (rows < color_camera.height)
            np.minimum.at(nearest, rows[inside] * color_camera.width + columns[inside], counts[inside])
    nearest[nearest == nothing] = 0
    return nearest.reshape(color_camera.height, color_camera.width).astype(np.uint16)
