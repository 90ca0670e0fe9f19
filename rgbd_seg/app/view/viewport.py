"""Zoom and pan that all pictures share, in coordinates that do not depend on any picture's or widget's size."""

from __future__ import annotations

from dataclasses import dataclass, replace

MAX_ZOOM = 64.0


@dataclass(frozen=True, slots=True)
class Viewport:
    """What part of a picture is seen.

    Attributes:
        zoom: 1 fits the whole picture into its view.
        x: The picture's point in the middle of the view, 0..1 across.
        y: The same, 0..1 down.
    """

    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5

    def placed(self, picture: tuple[int, int], view: tuple[float, float]) -> tuple[float, float, float]:
        """Where the picture lies in a view.

        Args:
            picture: Width and height in picture pixels.
            view: Width and height of the view.

        Returns:
            Left and top edge in view coordinates, and view units for each picture pixel.
        """
        scale = min(view[0] / picture[0], view[1] / picture[1]) * self.zoom
        return view[0] / 2 - self.x * picture[0] * scale, view[1] / 2 - self.y * picture[1] * scale, scale

    def zoomed(
        self, factor: float, at: tuple[float, float], picture: tuple[int, int], view: tuple[float, float]
    ) -> Viewport:
        """The viewport after zooming by `factor` so that the point under `at` (view coordinates) stays there."""
        left, top, scale = self.placed(picture, view)
        fixed_x, fixed_y = (at[0] - left) / scale, (at[1] - top) / scale
        zoom = min(max(self.zoom * factor, 1.0), MAX_ZOOM)
        if zoom == 1.0:
            return Viewport()
        scale *= zoom / self.zoom
        x = (fixed_x + (view[0] / 2 - at[0]) / scale) / picture[0]
        y = (fixed_y + (view[1] / 2 - at[1]) / scale) / picture[1]
        return Viewport(zoom, x, y).kept_inside()

    def moved(self, by: tuple[float, float], picture: tuple[int, int], view: tuple[float, float]) -> Viewport:
        """The viewport after dragging the picture by that many view units."""
        _, _, scale = self.placed(picture, view)
        x, y = self.x - by[0] / scale / picture[0], self.y - by[1] / scale / picture[1]
        return replace(self, x=x, y=y).kept_inside()

    def kept_inside(self) -> Viewport:
        """At zoom z a z-th of the picture is seen: its middle stays at least half of that from every edge."""
        margin = 0.5 / self.zoom
        return replace(self, x=min(max(self.x, margin), 1 - margin), y=min(max(self.y, margin), 1 - margin))
