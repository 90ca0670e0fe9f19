"""Draws rooms with OpenGL: colour, depth, labels and instances from one pass.

OpenGL runs on graphics cards and, as Mesa's llvmpipe, on any processor, so the same shaders serve a laptop without a
GPU and a machine full of them. A renderer belongs to the thread that made it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError, SensorError
from rgbd_seg.scenes.cameras import camera_named
from rgbd_seg.scenes.color_noise import taken_color
from rgbd_seg.scenes.depth_noise import clean_depth, measured_depth
from rgbd_seg.scenes.lighting import Lighting, calm_lighting
from rgbd_seg.scenes.patterns import texture_bank
from rgbd_seg.scenes.pose import Pose
from rgbd_seg.scenes.room import PART_TEXELS, Room

MAX_SIDE = 4096
_SHADOW_SIDE = 320
_SHADOW_SHARPNESS = 6.0
_NEAR_M, _FAR_M = 0.08, 30.0
_INSTALL = (
    "cannot draw rooms because OpenGL did not start ({cause}). Install its libraries "
    "(Debian, Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri), or a driver of the graphics card"
)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One picture of a room.

    Attributes:
        color: (H, W, 3) uint8 RGB as the camera delivers it.
        depth: (H, W) uint16 millimetres as the camera delivers it, 0 = no return.
        clean_depth_m: (H, W) float32 exact metres along the optical axis.
        labels: (H, W) uint8 class ids of SUN RGB-D's 37, 0 = no class.
        instances: (H, W) uint16 numbers of `Room.things`.
        infrared: (H, W) uint8, how much infrared comes back, 255 = all.
        calibration: Lens and depth unit.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    clean_depth_m: NDArray[np.float32]
    labels: NDArray[np.uint8]
    instances: NDArray[np.uint16]
    infrared: NDArray[np.uint8]
    calibration: Calibration


class RoomRenderer:
    """Draws rooms as one camera sees them. Use it from one thread, and close it there."""

    def __init__(self, width: int, height: int, camera: str = "xtion", *, noise: bool = True) -> None:
        """Starts OpenGL.

        Args:
            width: Of the pictures, pixels.
            height: Of the pictures, pixels.
            camera: One of `cameras.CAMERA_NAMES`.
            noise: Whether colour and depth get the camera's faults.

        Raises:
            ConfigurationError: The size is out of range or the camera unknown.
            SensorError: There is no OpenGL; the message says what to install.
        """
        for name, value in (("width", width), ("height", height)):
            if not 16 <= value <= MAX_SIDE:
                raise ConfigurationError(f"the {name} of a picture must be 16..{MAX_SIDE} pixels, not {value}")
        self.noise = noise
        self._size = (width, height)
        self.use_camera(camera)
        self._gl = _context()
        self._room: Room | None = None
        self._room_objects: list[Any] = []
        self._key_shear: tuple[float, float] | None = None
        try:
            self._prepare(width, height)
        except BaseException:
            self.close()
            raise

    def use_camera(self, name: str) -> None:
        """Draws as another camera from now on.

        Raises:
            ConfigurationError: There is no camera of that name.
        """
        self.camera = camera_named(name)
        self.calibration = Calibration(self.camera.intrinsics(*self._size), 0.001, registered=True, origin="device")

    @property
    def device(self) -> str:
        """What draws: a graphics card, or llvmpipe on the processor."""
        with self._gl:
            return str(self._gl.info["GL_RENDERER"])

    def _prepare(self, width: int, height: int) -> None:
        gl = self._gl
        self._program = gl.program(vertex_shader=_source("room.vert"), fragment_shader=_source("room.frag"))
        self._shadow_program = gl.program(vertex_shader=_source("shadow.vert"), fragment_shader=_source("shadow.frag"))
        bank = texture_bank()
        opaque = np.concatenate(
            [bank, np.full_like(bank[..., :1], 255)], -1
        )  # Four channels: the fast path of llvmpipe.
        self._bank = gl.texture_array((bank.shape[2], bank.shape[1], len(bank)), 4, opaque.tobytes())
        self._bank.filter = (gl.LINEAR_MIPMAP_NEAREST, gl.LINEAR)
        self._bank.build_mipmaps()
        self._shadows = gl.texture((_SHADOW_SIDE, _SHADOW_SIDE), 2, dtype="f4")
        self._shadows.repeat_x = self._shadows.repeat_y = False
        size = (width, height)
        self._targets = [
            gl.texture(size, 4),
            gl.texture(size, 1, dtype="f4"),
            gl.texture(size, 1, dtype="u2"),
        ]
        self._frame = gl.framebuffer(self._targets, gl.depth_renderbuffer(size))
        shadow = gl.texture((_SHADOW_SIDE, _SHADOW_SIDE), 1, dtype="f4")
        self._shadow_frame = gl.framebuffer([shadow], gl.depth_renderbuffer((_SHADOW_SIDE, _SHADOW_SIDE)))
        self._program["bank"] = 0
        self._program["parts"] = 1
        self._program["shadows"] = 2
        self._program["sharpness"] = _SHADOW_SHARPNESS

    def render(self, room: Room, pose: Pose, index: int = 0, lighting: Lighting | None = None, stream: int = 0) -> View:
        """One picture.

        Args:
            room: What is drawn; drawing the same room again is cheap.
            pose: Where the camera is.
            index: Frame number; it decides the noise.
            lighting: How the picture is taken; None: the room's own calm lighting.
            stream: Further number for the noise, for several series in one room.

        Returns:
            The same pixels for the same arguments, in every process on the same OpenGL device.
        """
        lighting = lighting or calm_lighting(room)
        with self._gl:  # Several renderers may live in one thread; each has its own context.
            self._show(room, lighting)
            color_return, depth_m, packed = self._draw(room, pose, lighting)
        color = np.asarray(cv2.cvtColor(color_return, cv2.COLOR_RGBA2RGB), np.uint8)
        if self.noise:
            rng = np.random.default_rng([7006, room.seed, stream, index])
            depth = measured_depth(depth_m, color_return[..., 3], self.camera, rng)
            color = taken_color(color, lighting, rng)
        else:
            depth = clean_depth(depth_m)
        return View(
            color=color,
            depth=depth,
            clean_depth_m=depth_m,
            labels=(packed >> 10).astype(np.uint8),
            instances=packed & np.uint16(1023),
            infrared=color_return[..., 3],
            calibration=self.calibration,
        )

    def _show(self, room: Room, lighting: Lighting) -> None:
        """Brings a room to the device, if it is not there, and its shadows, if the light has moved."""
        if room is not self._room:
            self._forget_room()
            gl = self._gl
            vertices = gl.buffer(room.vertices.tobytes())
            triangles = gl.buffer(room.triangles.tobytes(), dynamic=True)
            inside = gl.buffer(_casters(room).tobytes())
            parts = gl.texture((PART_TEXELS, len(room.parts)), 4, room.parts.tobytes(), dtype="f4")
            parts.filter = (gl.NEAREST, gl.NEAREST)
            layout = "3f 3f 2f 1f"
            names = ("position", "normal", "surface", "part")
            self._scene = gl.vertex_array(self._program, [(vertices, layout, *names)], triangles)
            self._casters = gl.vertex_array(self._shadow_program, [(vertices, "3f 24x", "position")], inside)
            self._parts, self._triangles = parts, triangles
            self._room_objects = [self._scene, self._casters, parts, vertices, triangles, inside]
            self._room = room
            self._key_shear = None
        if self._key_shear != lighting.key_shear:
            self._cast_shadows(room, lighting.key_shear)
            self._key_shear = lighting.key_shear

    def _cast_shadows(self, room: Room, shear: tuple[float, float]) -> None:
        """Exponential shadow maps (Annen et al., 2008): blurred once, then soft for the price of a look-up."""
        maps = []
        for slant, blur in ((shear, 1.2), ((0.0, 0.0), 4.0)):
            self._shadow_program["shadow"] = _column_major(_shadow_matrix(room, slant))
            self._shadow_program["deepest"] = 0.0
            self._shadow_program["span"] = room.height
            self._shadow_frame.use()
            self._gl.enable_only(self._gl.DEPTH_TEST)
            self._shadow_frame.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
            self._casters.render()
            raw = self._shadow_frame.read(components=1, dtype="f4", alignment=1)
            height = np.frombuffer(raw, np.float32).reshape(_SHADOW_SIDE, _SHADOW_SIDE)
            # Rasterising a sliver of a triangle may extrapolate its height beyond the ceiling.
            height = np.where(height < room.height + 0.05, height, np.float32(0.0))
            maps.append(cv2.GaussianBlur(np.exp(_SHADOW_SHARPNESS * height), (0, 0), blur))
        self._shadows.write(np.stack(maps, -1).astype(np.float32).tobytes())

    def _draw(
        self, room: Room, pose: Pose, lighting: Lighting
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint16]]:
        lens = self.calibration.color
        to_camera = pose.room_to_camera
        program = self._program
        program["projection"] = _column_major(_projection(lens) @ to_camera)
        program["depth_row"] = tuple(to_camera[2])
        program["key_shadow"] = _column_major(_shadow_matrix(room, lighting.key_shear))
        program["eye"] = (pose.x, pose.y, pose.z)
        program["room_size"] = (room.width, room.depth, room.height)
        program["lamp"] = room.lamp
        program["lamp_color"] = tuple(np.asarray(room.lamp_color) * lighting.lamp)
        program["sun"] = room.sun
        program["sun_color"] = tuple(np.asarray(room.sun_color) * lighting.daylight)
        program["ambient"] = tuple(np.asarray(lighting.ambient_tint) * lighting.ambient)
        program["white_balance"] = tuple(lighting.light)
        gl = self._gl
        self._frame.use()
        gl.enable_only(gl.DEPTH_TEST | gl.CULL_FACE)
        gl.front_face = "cw"  # Rows run from the top, so that the picture needs no flipping; that mirrors windings.
        self._frame.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        self._bank.use(0)
        self._parts.use(1)
        self._shadows.use(2)
        self._triangles.write(_near_first(room, pose).tobytes())
        self._scene.render()
        size = (lens.height, lens.width)
        color = np.frombuffer(self._targets[0].read(alignment=1), np.uint8).reshape(*size, 4)
        depth = np.frombuffer(self._targets[1].read(alignment=1), np.float32).reshape(size)
        packed = np.frombuffer(self._targets[2].read(alignment=1), np.uint16).reshape(size)
        return color, depth, packed

    def _forget_room(self) -> None:
        for thing in self._room_objects:
            thing.release()
        self._room_objects = []
        self._room = None

    def close(self) -> None:
        """Gives everything on the device back; on the thread that made the renderer."""
        if self._gl is not None:
            self._forget_room()
            self._gl.release()
            self._gl = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _context() -> Any:
    """A context without a window: EGL on Linux (no display is needed), the system's own elsewhere."""
    try:
        import moderngl

        make: Any = moderngl.create_context  # Its annotations miss the back end's name.

        if sys.platform.startswith("linux"):
            return make(standalone=True, backend="egl", require=330)
        return make(standalone=True, require=330)
    except Exception as error:  # moderngl raises plain Exceptions, and OSError for a missing library.
        raise SensorError(_INSTALL.format(cause=str(error).strip() or type(error).__name__)) from error


def _source(name: str) -> str:
    return files("rgbd_seg.scenes").joinpath("shaders", name).read_text(encoding="utf-8")


def _casters(room: Room) -> NDArray[np.uint32]:
    """Triangles that cast shadows."""
    spans = [room.triangles[first : first + count] for first, count in room.batches[room.casts_shadow]]
    return np.concatenate(spans) if spans else room.triangles[:0]


def _near_first(room: Room, pose: Pose) -> NDArray[np.uint32]:
    """Triangles ordered by the distance of their things, the shell last: what is hidden is then never shaded."""
    distance = np.linalg.norm(room.batch_centers[1:] - np.array([pose.x, pose.y, pose.z]), axis=1)
    order = [*(np.argsort(distance) + 1), 0]
    return np.concatenate([room.triangles[first : first + count] for first, count in room.batches[order]])


def _column_major(matrix: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(matrix.T.ravel().tolist())


def _projection(lens: Intrinsics) -> NDArray[np.float64]:
    """Camera coordinates (x right, y down, z forward) to clip space; the first row of memory is the top row."""
    w, h = lens.width, lens.height
    a, b = (_FAR_M + _NEAR_M) / (_FAR_M - _NEAR_M), -2 * _FAR_M * _NEAR_M / (_FAR_M - _NEAR_M)
    # Pixel centres are at integers: column u is at (u + 0.5) / w of the width.
    return np.array(
        [
            [2 * lens.fx / w, 0, 2 * (lens.cx + 0.5) / w - 1, 0],
            [0, 2 * lens.fy / h, 2 * (lens.cy + 0.5) / h - 1, 0],
            [0, 0, a, b],
            [0, 0, 1, 0],
        ]
    )


def _shadow_matrix(room: Room, shear: tuple[float, float]) -> NDArray[np.float64]:
    """Room to shadow map: where the slanted light through a point meets the floor, 0..1, and the point's height."""
    matrix = np.eye(4)
    for axis, size in enumerate((room.width, room.depth)):
        matrix[axis] /= size
        matrix[axis, 2] = shear[axis] / size
    return matrix
