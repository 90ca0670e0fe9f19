"""Draws points as a surface with OpenGL, into memory: no window, no sharing with Qt, at home in a thread of its own.

moderngl keeps Python's lock while OpenGL works, and Mesa's software OpenGL takes over 100 ms for a whole frame: the
window would stand still as long. What takes long is therefore called through ctypes, which gives the lock away.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes.util import find_library
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rgbd_seg.app.view.cloud.orbit import Orbit
    from rgbd_seg.app.view.cloud.scene import PointGrid

BACKDROP = (16, 17, 19)
_TRIANGLES, _UNSIGNED_INT, _PLATFORM_DEVICE = 0x0004, 0x1405, 0x313F

_VERTEX = """
#version 330
uniform mat4 to_clip;
in vec3 point;
in vec3 tint;
out vec3 shade;
void main() {
    gl_Position = to_clip * vec4(point, 1.0);
    shade = tint;
}
"""
_FRAGMENT = """
#version 330
in vec3 shade;
out vec4 pixel;
void main() { pixel = vec4(shade, 1.0); }
"""


class GlPainter:
    """Owns an OpenGL context; make, use and close it in one thread.

    Raises:
        Exception: Whatever the driver throws where there is no OpenGL 3.3.
    """

    name = "OpenGL"

    def __init__(self) -> None:
        import glcontext
        import moderngl

        linux = sys.platform.startswith("linux")
        if linux:
            _load_driver()
        back_end = glcontext.get_backend_by_name("egl") if linux else glcontext.default_backend()
        found: Any = back_end(mode="standalone", glversion=330)
        make: Any = moderngl.create_context  # Its annotations miss the back end.
        self._context: Any = make(standalone=True, context=found, require=330)
        convention = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)

        def function(name: str, *arguments: type) -> Any:
            return convention(None, *arguments)(found.load_opengl_function(name))

        number, address = ctypes.c_uint, ctypes.c_void_p
        self._use_program = function("glUseProgram", number)
        self._bind_array = function("glBindVertexArray", number)
        self._draw = function("glDrawElements", number, ctypes.c_int, number, address)
        self._finish = function("glFinish")
        self._program = self._context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._context.enable(moderngl.DEPTH_TEST)
        self._target: Any = None
        self._vertices: Any = None
        self._indices: Any = None
        self._array: Any = None
        self._sizes = (0, 0)
        self.software = "llvmpipe" in self._context.info.get("GL_RENDERER", "").lower()

    def paint(self, grid: PointGrid, orbit: Orbit, size: tuple[int, int]) -> NDArray[np.uint8]:
        """(H, W, 4) uint8 in Qt's RGB32 order (blue, green, red, unused), uppermost row first."""
        self._resize(size)
        self._target.use()
        self._target.clear(*(channel / 255 for channel in BACKDROP), 1.0)
        triangles = grid.triangles()
        if len(triangles):
            self._upload(grid, triangles)
            self._program["to_clip"].write(np.ascontiguousarray(orbit.matrix(*size).T).tobytes())
            self._use_program(self._program.glo)
            self._bind_array(self._array.glo)
            self._draw(_TRIANGLES, triangles.size, _UNSIGNED_INT, None)
        self._finish()
        pixels = np.frombuffer(self._target.read(components=4, alignment=1), np.uint8).reshape(size[1], size[0], 4)
        return np.ascontiguousarray(pixels[::-1, :, [2, 1, 0, 3]])

    def _resize(self, size: tuple[int, int]) -> None:
        if self._target is not None and self._target.size == size:
            return
        if self._target is not None:
            self._target.release()
        self._target = self._context.simple_framebuffer(size)

    def _upload(self, grid: PointGrid, triangles: NDArray[np.uint32]) -> None:
        vertices = np.empty((grid.there.size, 4), np.float32)
        vertices[:, :3] = grid.points_m.reshape(-1, 3)
        tints = np.zeros((grid.there.size, 4), np.uint8)
        tints[:, :3] = grid.rgb.reshape(-1, 3)
        vertices[:, 3] = tints.view(np.float32)[:, 0]  # Four bytes travel as they are.
        sizes = (vertices.nbytes, triangles.nbytes)
        if self._vertices is None or sizes[0] > self._sizes[0] or sizes[1] > self._sizes[1]:
            self._sizes = (sizes[0], max(sizes[1], vertices.shape[0] * 6 * 4))
            for old in (self._array, self._vertices, self._indices):
                if old is not None:
                    old.release()
            self._vertices = self._context.buffer(reserve=self._sizes[0], dynamic=True)
            self._indices = self._context.buffer(reserve=self._sizes[1], dynamic=True)
            layout = [(self._vertices, "3f 3f1 x1", "point", "tint")]
            self._array = self._context.vertex_array(self._program, layout, self._indices, 4)
        self._vertices.write(vertices)
        self._indices.write(triangles)

    def close(self) -> None:
        self._context.release()


def _load_driver() -> None:
    """Lets EGL load the driver, which takes longer than all the rest of opening it; whether it can is seen later."""
    path = find_library("EGL")
    if path is None:
        return
    egl, address, number = ctypes.CDLL(path), ctypes.c_void_p, ctypes.c_int
    egl.eglGetProcAddress.restype = address
    query, get = (egl.eglGetProcAddress(name) for name in (b"eglQueryDevicesEXT", b"eglGetPlatformDisplayEXT"))
    if query is None or get is None:
        return
    device, count = address(), number()
    ctypes.CFUNCTYPE(number, number, address, address)(query)(1, ctypes.byref(device), ctypes.byref(count))
    display = ctypes.CFUNCTYPE(address, number, address, address)(get)(_PLATFORM_DEVICE, device, None)
    egl.eglInitialize.argtypes = [address, address, address]
    egl.eglInitialize(display, None, None)  # Without a display it does nothing.
