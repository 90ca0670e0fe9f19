"""Draws points as a surface with OpenGL, into memory: no window, no sharing with Qt, at home in a thread of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rgbd_seg.app.view.cloud.orbit import Orbit
    from rgbd_seg.app.view.cloud.scene import PointGrid

BACKDROP = (16, 17, 19)
# Triangles. moderngl keeps Python's lock while it draws, and the window waits; a processor needs some 8 ms for so many.
_AT_ONCE = 65536

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
        import moderngl

        make: Any = moderngl.create_context  # Its annotations miss the back end's name.
        linux = sys.platform.startswith("linux")
        self._context: Any = make(standalone=True, backend="egl", require=330) if linux else make(standalone=True)
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
            for first in range(0, len(triangles), _AT_ONCE):
                self._array.render(vertices=3 * min(_AT_ONCE, len(triangles) - first), first=3 * first)
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
        self._vertices.write(vertices.tobytes())
        self._indices.write(triangles.tobytes())

    def close(self) -> None:
        self._context.release()
