"""From one frame and its segmentation to the pictures that the views show; each is made when first asked for.

Labels are drawn by Qt as indexed images with an alpha colour table: hiding, recolouring and opacity are table edits,
and blending a 640x480 map costs under a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPainter

from rgbd_seg.app.view.display import Display, PaletteName
from rgbd_seg.app.view.kinds import ViewKind
from rgbd_seg.coloring import EDGE_ALPHA, depth_color_map, depth_table, label_edges
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.labels import LabelSet
from rgbd_seg.scores import translation

_LIT_ALPHA = 215
_QUIET_SHARE = 0.3  # Of the opacity, for the other classes while one is lit.


class Pictures:
    """All pictures of one moment. Cheap to make; its images live on their own."""

    def __init__(
        self,
        segmentation: Segmentation,
        display: Display,
        depth_ends_m: tuple[float, float],
        second: Segmentation | None = None,
        picture: RgbdFrame | None = None,
    ) -> None:
        """Names what is to be drawn; nothing is drawn yet.

        Args:
            segmentation: The moment.
            display: How to draw.
            depth_ends_m: Near and far end of the depth colours.
            second: What a second model saw in the same frame.
            picture: A later frame of the same size, over which the labels are laid as they are; colour and depth are
                its own, and errors and differences are not to be asked for.
        """
        self.segmentation = segmentation
        self._frame = picture or segmentation.frame
        self._second = second
        self._display = display
        self._depth_ends_m = depth_ends_m
        self._images: dict[str, QImage | None] = {}
        self._buffers: list[NDArray[np.uint8]] = []  # Qt asks that what a QImage looks at stays.

    def image(self, kind: ViewKind) -> QImage | None:
        """The picture of one kind, or None where this moment has none (no model, no truth)."""
        if kind not in self._images:
            self._images[kind] = self._MAKERS[kind](self)
        return self._images[kind]

    def _color(self) -> QImage:
        # Into memory of Qt's own, because this image is handed out as it is and may outlive this object.
        height, width = self._frame.color.shape[:2]
        image = QImage(width, height, QImage.Format.Format_RGB32)
        pixels = np.frombuffer(image.bits(), np.uint8).reshape(height, width, 4)
        cv2.cvtColor(self._frame.color, cv2.COLOR_RGB2BGRA, dst=pixels)
        return image

    def _depth(self) -> QImage:
        frame = self._frame
        near_m, far_m = self._depth_ends_m
        # Whole centimetres: while the automatic range drifts, the table is made anew only now and then.
        table = depth_table(frame.calibration.depth_unit_m, round(near_m * 100) * 10, round(far_m * 100) * 10)
        image = self._wrap(np.take(table, frame.depth), QImage.Format.Format_Indexed8)
        image.setColorTable(depth_colors(self._display.depth_map))
        return image.convertToFormat(QImage.Format.Format_RGB32)

    def _infrared(self) -> QImage | None:
        """Grey, from the darkest to the brightest of most pixels: what returns is weak far away."""
        brightness = self._frame.infrared
        if brightness is None:
            return None
        low, high = np.percentile(brightness[::4, ::4], (1, 99))
        ramp = (np.arange(256, dtype=np.float32) - low) * (255 / max(high - low, 1.0))
        grey = cv2.LUT(brightness, ramp.clip(0, 255).astype(np.uint8))
        return self._wrap(np.asarray(grey, np.uint8), QImage.Format.Format_Grayscale8).convertToFormat(
            QImage.Format.Format_RGB32
        )

    def _overlay(self) -> QImage | None:
        one = self.segmentation
        if one.labels is None or one.label_set is None:
            return self.image("color")
        return self._blended(one.labels, one.label_set)

    def _truth(self) -> QImage | None:
        truth = self._frame.truth
        return None if truth is None else self._blended(truth.labels, truth.label_set)

    def _recorded(self) -> QImage | None:
        recorded = self._frame.prediction
        return None if recorded is None else self._blended(recorded.labels, recorded.label_set)

    def _labels(self) -> QImage | None:
        one = self.segmentation
        if one.labels is None or one.label_set is None:
            return None
        colors = self._display.class_colors(one.label_set)
        colors[~self._display.visible(one.label_set)] = (38, 39, 42)
        image = self._wrap(one.labels, QImage.Format.Format_Indexed8)
        image.setColorTable(_opaque(colors))
        return image.convertToFormat(QImage.Format.Format_RGB32)

    def _confidence(self) -> QImage | None:
        confidence = self.segmentation.confidence
        if confidence is None:
            return None
        image = self._wrap(confidence, QImage.Format.Format_Indexed8)
        image.setColorTable(_confidence_colors())
        return image.convertToFormat(QImage.Format.Format_RGB32)

    def _error(self) -> QImage | None:
        """Grey picture; wrong pixels strong, right ones faint, dark where there is nothing to compare with.

        None where that is everywhere: it would look as if there were no errors.
        """
        one, truth = self.segmentation, self.segmentation.frame.truth
        if truth is None or one.labels is None or one.label_set is None:
            return None
        wanted = translation(truth.label_set, one.label_set)[truth.labels]
        if not wanted.any():
            return None
        state = np.where(wanted == 0, 0, np.where(wanted == one.labels, 1, 2)).astype(np.uint8)
        wrong, right = error_colors(self._display.palette)
        return self._marked(state, [0xB0000000, 0x38000000 | right[1], 0xC8000000 | wrong[1]])

    def _second_overlay(self) -> QImage | None:
        one = self._second
        return self._blended(one.labels, one.label_set) if one and one.labels is not None and one.label_set else None

    def _wipe(self) -> QImage | None:
        """The first model's overlay on the left of the line, the second's on the right."""
        first, second = self.image("overlay"), self.image("second")
        if first is None or second is None:
            return None
        picture = first.copy()
        line = round(self._display.wipe * picture.width())
        painter = QPainter(picture)
        painter.drawImage(line, 0, second, line, 0)
        painter.fillRect(line - 1, 0, 2, picture.height(), 0xFFFFFF)
        painter.end()
        return picture

    def _difference(self) -> QImage | None:
        """Grey where both models agree, coloured where they do not."""
        one, other = self.segmentation, self._second
        if other is None or one.labels is None or one.label_set is None:
            return None
        if other.labels is None or other.label_set is None:
            return None
        differs = (translation(other.label_set, one.label_set)[other.labels] != one.labels).view(np.uint8)
        return self._marked(differs, [0x70000000, 0xC8000000 | error_colors(self._display.palette)[0][1]])

    def _marked(self, state: NDArray[np.uint8], table: list[int]) -> QImage:
        """The grey picture under a map of states."""
        grey = np.asarray(cv2.cvtColor(self.segmentation.frame.color, cv2.COLOR_RGB2GRAY), np.uint8)
        base = self._wrap(grey, QImage.Format.Format_Grayscale8).convertToFormat(QImage.Format.Format_RGB32)
        _paint_indexed(base, self._wrap(state, QImage.Format.Format_Indexed8), table)
        return base

    def _blended(self, labels: NDArray[np.uint8], label_set: LabelSet) -> QImage:
        color = self.image("color")
        assert color is not None  # Every frame has colour.
        base = color.copy()
        visible = self._display.visible(label_set)
        table = _alpha_table(self._display, label_set, visible)
        _paint_indexed(base, self._wrap(labels, QImage.Format.Format_Indexed8), table)
        if self._display.edges:
            shown = labels if visible[1 : len(label_set) + 1].all() else np.take(_shown_ids(visible), labels)
            alpha = round(EDGE_ALPHA * min(1.0, self._display.opacity * 2))
            _paint_indexed(base, self._wrap(label_edges(shown), QImage.Format.Format_Indexed8), [0, alpha << 24])
        return base

    def _wrap(self, pixels: NDArray[np.uint8], layout: QImage.Format) -> QImage:
        """A layer that looks at an array of bytes; only what is drawn or converted from it may be handed out."""
        pixels = np.ascontiguousarray(pixels)
        self._buffers.append(pixels)
        height, width = pixels.shape
        return QImage(pixels.data, width, height, width, layout)

    # Plain functions, not bound methods of each object: an object that leads to itself is freed by the collector of
    # cycles alone, and once PyTorch is loaded that looks at old objects so seldom that memory grows by megabytes a
    # minute.
    _MAKERS: ClassVar[dict[ViewKind, Callable[[Pictures], QImage | None]]] = {
        "color": _color,
        "depth": _depth,
        "infrared": _infrared,
        "overlay": _overlay,
        "labels": _labels,
        "confidence": _confidence,
        "truth": _truth,
        "recorded": _recorded,
        "error": _error,
        "second": _second_overlay,
        "wipe": _wipe,
        "difference": _difference,
    }


def error_colors(palette: PaletteName) -> tuple[tuple[str, int], tuple[str, int]]:
    """Name and 0xRRGGBB of wrong and of right pixels, as eyes tell them apart that the palette is for."""
    if palette == "colour-blind":
        return ("orange", 0xE69F00), ("blue", 0x0072B2)
    return ("red", 0xE5484D), ("green", 0x309060)


def _paint_indexed(base: QImage, layer: QImage, table: list[int]) -> None:
    """Blends an indexed layer over a picture of the same size; table entries are 0xAARRGGBB."""
    layer.setColorTable(table)
    painter = QPainter(base)
    painter.drawImage(0, 0, layer.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied))
    painter.end()


def _shown_ids(visible: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(visible, np.arange(256), 0).astype(np.uint8)


def _opaque(colors: NDArray[np.uint8]) -> list[int]:
    rgb = colors.astype(np.uint32)
    packed: list[int] = (0xFF000000 | (rgb[:, 0] << 16) | (rgb[:, 1] << 8) | rgb[:, 2]).tolist()
    return packed


def _alpha_table(display: Display, label_set: LabelSet, visible: NDArray[np.bool_]) -> list[int]:
    """Colour table of an overlay; hidden and unlabelled ids are transparent, a lit class stands out."""
    alpha = np.where(visible, round(display.opacity * 255), 0).astype(np.uint32)
    if display.lit in label_set.names:
        lit = label_set.id_of(display.lit or "")
        alpha = (alpha * _QUIET_SHARE).astype(np.uint32)
        alpha[lit] = max(_LIT_ALPHA, round(display.opacity * 255))
    rgb = np.asarray(_opaque(display.class_colors(label_set)), np.uint32) & 0x00FFFFFF
    table: list[int] = ((alpha << 24) | rgb).tolist()
    return table


@lru_cache(maxsize=8)
def depth_colors(name: str) -> list[int]:
    """Qt colour table of a depth colour map: entry 0 (no return) black, 1..255 near to far."""
    return _opaque(depth_color_map(name))


@lru_cache(maxsize=1)
def _confidence_colors() -> list[int]:
    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8).reshape(1, -1), cv2.COLORMAP_CIVIDIS)
    return _opaque(np.asarray(ramp, np.uint8).reshape(256, 3)[:, ::-1])
