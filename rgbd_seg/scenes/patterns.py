"""The bank of textures: one layer per pattern, made from a fixed seed, shared by all rooms.

A pattern layer says by its channels how a material's colours are mixed (red: base to second, green: brightness with
128 as neutral, blue: share of the accent); a picture layer holds the finished colours. Layers repeat in both
directions. They are made on the CPU because software OpenGL executes all branches of a shader: one look-up costs the
same for any pattern.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

SIDE = 256
_Y, _X = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
_PRINTS, _VIEWS, _SCREENS, _PAGES, _COVERS = 14, 5, 4, 3, 6


def _noise(rng: np.random.Generator, across: float, down: float | None = None) -> NDArray[np.float32]:
    """Smooth repeating noise 0..1 with about `across` x `down` bumps."""
    down = across if down is None else down
    white = rng.standard_normal((SIDE, SIDE)).astype(np.float32)
    fy = np.fft.fftfreq(SIDE)[:, None] * SIDE / max(down, 1e-6)
    fx = np.fft.rfftfreq(SIDE)[None, :] * SIDE / max(across, 1e-6)
    smooth = np.fft.irfft2(np.fft.rfft2(white) * np.exp(-(fx**2 + fy**2)), s=(SIDE, SIDE))
    smooth = (smooth - smooth.mean()) / (smooth.std() + 1e-9)
    return np.asarray(np.clip(0.5 + 0.22 * smooth, 0, 1), np.float32)


def _layer(mix: ArrayLike = 0.0, light: ArrayLike = 0.5, accent: ArrayLike = 0.0) -> NDArray[np.float32]:
    channels = [np.broadcast_to(np.asarray(c, np.float32), (SIDE, SIDE)) for c in (mix, light, accent)]
    return np.clip(np.stack(channels, -1), 0, 1)


def _joints(columns: int, rows: int, width: float, shift: float = 0.0) -> tuple[NDArray[np.float32], ...]:
    """Joint mask 0/1 and a cell number for a grid of tiles, every second row shifted by `shift` of a tile."""
    row = np.floor(_Y * rows)
    x = (_X * columns + shift * (row % 2)) % columns
    column = np.floor(x)
    edge_x = np.minimum(x - column, 1 - (x - column)) / columns
    edge_y = np.minimum(_Y * rows - row, 1 - (_Y * rows - row)) / rows
    joint = (np.minimum(edge_x, edge_y) < width / 2).astype(np.float32)
    return joint, row * columns + column


def _cell_values(cells: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray(rng.random(int(cells.max()) + 1)[cells.astype(int)], np.float32)


def _grain(rng: np.random.Generator) -> NDArray[np.float32]:
    """Wood grain along v."""
    bend = _noise(rng, 3, 1.5) * 0.5 + _noise(rng, 40, 2) * 0.08
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (_X * 6 + bend * 4))
    return np.asarray(np.clip(0.55 * rings + 0.6 * (_noise(rng, 90, 4) - 0.25), 0, 1), np.float32)


def _planks(rng: np.random.Generator) -> NDArray[np.float32]:
    grain = _grain(rng)
    x = _X * 6
    board = np.floor(x)
    length_shift = rng.random(6)[board.astype(int)]
    end = np.abs((_Y + length_shift) % 1.0 - 0.5) < 0.004
    joint = (np.abs(x - np.round(x)) < 0.03) | end
    tone = rng.random(6).astype(np.float32)[board.astype(int)]
    rolled = np.take_along_axis(grain, ((np.arange(SIDE)[:, None] + (length_shift * 173).astype(int)) % SIDE), 0)
    return _layer(0.5 * rolled + 0.5 * tone, 0.52 - 0.28 * joint + 0.06 * (rolled - 0.5), 0.5 * joint)


def _parquet(rng: np.random.Generator) -> NDArray[np.float32]:
    cell = 4
    upright = ((np.floor(_X * cell) + np.floor(_Y * cell)) % 2).astype(bool)
    along = np.where(upright, _X, _Y) * cell * 4
    strip = np.floor(along)
    joint = np.abs(along - np.round(along)) < 0.07
    tone = _cell_values(np.floor(_X * cell) + cell * np.floor(_Y * cell) + 16 * (strip % 4), rng)
    grain = np.where(upright, _noise(rng, 90, 4), _noise(rng, 4, 90))
    return _layer(0.6 * tone + 0.4 * grain, 0.52 - 0.2 * joint)


def _tiles(columns: int, rows: int, width: float, shift: float, rng: np.random.Generator) -> NDArray[np.float32]:
    joint, cells = _joints(columns, rows, width, shift)
    tone = _cell_values(cells, rng)
    return _layer(0.45 * tone + 0.3 * _noise(rng, 10), 0.5 + 0.08 * (tone - 0.5), joint)


def _damask(rng: np.random.Generator) -> NDArray[np.float32]:
    x, y = (_X * 4) % 1 - 0.5, (_Y * 3 + 0.5 * np.floor(_X * 4)) % 1 - 0.5
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    petal = radius < 0.27 + 0.13 * np.cos(5 * angle)
    return _layer(cv2.GaussianBlur(petal.astype(np.float32), (0, 0), 0.8), 0.5 + 0.05 * (_noise(rng, 60) - 0.5))


def _floral(rng: np.random.Generator) -> NDArray[np.float32]:
    mix, accent = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    for _ in range(26):
        cx, cy, size, turn = rng.random(), rng.random(), rng.uniform(0.04, 0.11), rng.uniform(0, 6)
        dx, dy = (_X - cx + 0.5) % 1 - 0.5, (_Y - cy + 0.5) % 1 - 0.5
        angle, radius = np.arctan2(dy, dx), np.hypot(dx, dy)
        mix[radius < size * (0.65 + 0.35 * np.cos(5 * angle + turn))] = 1
        accent[radius < size * 0.25] = 1
    return _layer(mix, 0.5, accent)


def _spotted(rng: np.random.Generator) -> NDArray[np.float32]:
    fine = _noise(rng, 45)
    return _layer((fine > 0.66).astype(np.float32), 0.5, (fine < 0.3).astype(np.float32))


def _rug(rng: np.random.Generator) -> NDArray[np.float32]:
    edge = np.minimum(np.minimum(_X, 1 - _X), np.minimum(_Y, 1 - _Y))
    rings = ((edge * 14).astype(int) % 2 == 0) & (edge < 0.22)
    diamond = (np.abs(_X - 0.5) + np.abs(_Y - 0.5)) * 9
    field = (np.floor(diamond) % 2 == 0) & (edge >= 0.22)
    return _layer(rings, 0.45 + 0.12 * _noise(rng, 100), field)


def _ceiling_tiles(rng: np.random.Generator) -> NDArray[np.float32]:
    joint, _ = _joints(2, 2, 0.02)
    holes = (_noise(rng, 100) > 0.75) * (1 - joint)
    return _layer(0, 0.5 - 0.05 * holes, joint)


def _leather(rng: np.random.Generator) -> NDArray[np.float32]:
    return _layer(_noise(rng, 8), 0.44 + 0.14 * _noise(rng, 60))


def _patterns() -> dict[str, Callable[[np.random.Generator], NDArray[np.float32]]]:
    """Layers that mix a material's colours, by name."""
    fold = np.float32(2 * np.pi)
    return {
        "plain": lambda rng: _layer(_noise(rng, 6), 0.49 + 0.02 * _noise(rng, 30)),
        "plaster": lambda rng: _layer(_noise(rng, 4), 0.45 + 0.1 * _noise(rng, 70)),
        "wood": lambda rng: _layer(_grain(rng), 0.5),
        "planks": _planks,
        "parquet": _parquet,
        "tiles": lambda rng: _tiles(4, 4, 0.012, 0.0, rng),
        "wall_tiles": lambda rng: _tiles(4, 8, 0.008, 0.5, rng),
        "bricks": lambda rng: _tiles(4, 12, 0.016, 0.5, rng),
        "carpet": lambda rng: _layer(_noise(rng, 110), 0.38 + 0.24 * _noise(rng, 120), 0.5 * _noise(rng, 5)),
        "weave": lambda rng: _layer(
            0.5 + 0.5 * np.sin(fold * _X * 40) * np.sin(fold * _Y * 40), 0.45 + 0.1 * _noise(rng, 40)
        ),
        "knit": lambda rng: _layer(_noise(rng, 12), 0.42 + 0.16 * np.abs(np.sin(fold * (_X * 10 + 0.1 * _Y)))),
        "stripes": lambda rng: _layer(np.sin(fold * _X * 4) > 0, 0.48 + 0.04 * _noise(rng, 60)),
        "checks": lambda _: _layer(
            0.5 * (np.sin(fold * _X * 4) > 0) + 0.5 * (np.sin(fold * _Y * 4) > 0), 0.5, np.abs(_X * 4 % 1 - 0.5) < 0.04
        ),
        "dots": lambda _: _layer(np.hypot(_X * 6 % 1 - 0.5, _Y * 6 % 1 - 0.5) < 0.25),
        "floral": _floral,
        "damask": _damask,
        "marble": lambda rng: _layer(
            np.abs(np.sin(fold * (_X + 2 * _noise(rng, 4)))) ** 6, 0.5, 0.4 * (_noise(rng, 12) > 0.75)
        ),
        "speckled": _spotted,
        "leather": _leather,
        "metal": lambda rng: _layer(_noise(rng, 2, 110), 0.5),
        "concrete": lambda rng: _layer(_noise(rng, 5), 0.42 + 0.16 * _noise(rng, 40), 0.3 * (_noise(rng, 30) > 0.8)),
        "rug": _rug,
        "ceiling_tiles": _ceiling_tiles,
    }


# Finished pictures.


def _to_picture(hue: NDArray[np.float32], saturation: ArrayLike, value: ArrayLike) -> NDArray[np.float32]:
    parts = np.broadcast_arrays((hue % 1.0) * 360, np.clip(saturation, 0, 1), np.clip(value, 0, 1))
    return np.asarray(cv2.cvtColor(np.stack(parts, -1).astype(np.float32), cv2.COLOR_HSV2RGB), np.float32)


def _print(rng: np.random.Generator, style: int) -> NDArray[np.float32]:
    """Framed art and posters: landscapes, shapes, portraits, type; some with a white mount around."""
    if style % 4 == 0:
        ridge = 0.35 + 0.3 * _noise(rng, 4, 0.1)
        ground = np.clip((_Y - ridge) * 30, 0, 1)
        hue = np.where(ground > 0.5, rng.uniform(0.05, 0.4), rng.uniform(0.5, 0.65)).astype(np.float32)
        art = _to_picture(hue, 0.3 + 0.4 * ground, 0.95 - 0.4 * ground * _noise(rng, 12) - 0.2 * _Y)
    elif style % 4 == 1:
        canvas = np.full((SIDE, SIDE, 3), rng.uniform(0.6, 0.95, 3), np.float32)
        for _ in range(9):
            color = tuple(map(float, rng.random(3)))
            x, y, r = (int(v) for v in rng.integers(20, SIDE - 20, 3) * np.array([1, 1, 0.35]))
            if rng.random() < 0.5:
                cv2.circle(canvas, (x, y), r, color, -1)
            else:
                cv2.rectangle(canvas, (x - r, y - r // 2), (x + r // 2, y + r), color, -1)
        art = canvas
    elif style % 4 == 2:
        canvas = np.full((SIDE, SIDE, 3), rng.uniform(0.15, 0.6, 3), np.float32)
        skin = (0.8, 0.6, 0.48)
        cv2.ellipse(canvas, (128, 250), (90, 90), 0, 0, 360, tuple(map(float, rng.random(3))), -1)
        cv2.ellipse(canvas, (128, 110), (46, 60), 0, 0, 360, skin, -1)
        cv2.ellipse(canvas, (128, 75), (52, 42), 0, 180, 360, (0.2, 0.13, 0.08), -1)
        art = canvas
    else:
        hue = _noise(rng, 3) * 1.4 + rng.random()
        art = _to_picture(hue.astype(np.float32), 0.5 + 0.5 * _noise(rng, 5), 0.3 + 0.7 * _noise(rng, 7))
    if rng.random() < 0.5:
        rim = int(rng.integers(18, 40))
        mount = np.full_like(art, 0.94)
        mount[rim:-rim, rim:-rim] = cv2.resize(art, (SIDE - 2 * rim, SIDE - 2 * rim), interpolation=cv2.INTER_AREA)
        art = mount
    return art


def _view(rng: np.random.Generator, style: int) -> NDArray[np.float32]:
    """What is seen through a window: sky, trees, buildings, night."""
    dim = 0.12 if style == 4 else 1.0
    sky = _to_picture(np.full((SIDE, SIDE), 0.58, np.float32), 0.25 * _Y[::-1] + 0.1 * _noise(rng, 5), 1.0)
    if style % 2 == 0:
        trees = (_Y > 0.45 + 0.4 * (_noise(rng, 7) - 0.4)).astype(np.float32)[..., None]
        leaves = _to_picture(0.22 + 0.12 * _noise(rng, 20), 0.6, 0.2 + 0.6 * _noise(rng, 40))
        scene = sky * (1 - trees) + leaves * trees
    else:
        scene = sky
        for _ in range(5):
            x, top, width = int(rng.integers(-20, SIDE)), int(rng.integers(60, 170)), int(rng.integers(40, 110))
            wall = rng.uniform(0.35, 0.8) * np.array([1.0, 0.93, 0.86])
            cv2.rectangle(scene, (x, top), (x + width, SIDE), tuple(map(float, wall)), -1)
            for wy in range(top + 10, SIDE, 26):
                for wx in range(x + 8, x + width - 10, 20):
                    cv2.rectangle(scene, (wx, wy), (wx + 9, wy + 14), (0.25, 0.3, 0.36), -1)
    return np.asarray(scene * dim, np.float32)


def _screen(rng: np.random.Generator, style: int) -> NDArray[np.float32]:
    """A television or monitor: off (nearly black), film, desktop, text."""
    canvas = np.full((SIDE, SIDE, 3), 0.035, np.float32)
    if style == 0:
        canvas += 0.05 * np.clip(1 - np.abs(_X + _Y - 0.7) * 4, 0, 1)[..., None]
    elif style == 1:
        canvas = _to_picture(_noise(rng, 3) + 0.3, 0.7, 0.15 + 0.8 * _noise(rng, 6))
    elif style == 2:
        canvas[:] = (0.12, 0.3, 0.5)
        for _ in range(3):
            x, y = int(rng.integers(0, 120)), int(rng.integers(0, 120))
            cv2.rectangle(canvas, (x, y), (x + 120, y + 90), (0.93, 0.93, 0.95), -1)
            cv2.rectangle(canvas, (x, y), (x + 120, y + 10), (0.4, 0.45, 0.55), -1)
    else:
        canvas[:] = 0.1
        for y in range(14, SIDE - 10, 12):
            x = 14 + int(rng.integers(0, 4)) * 12
            cv2.rectangle(canvas, (x, y), (x + int(rng.integers(30, 150)), y + 5), tuple(map(float, rng.random(3))), -1)
    return canvas


def _page(rng: np.random.Generator, style: int) -> NDArray[np.float32]:
    """White paper with lines of print, a heading and perhaps a figure."""
    canvas = np.full((SIDE, SIDE, 3), 0.94, np.float32)
    cv2.rectangle(canvas, (28, 22), (150, 32), (0.2, 0.2, 0.25), -1)
    for y in range(46, SIDE - 20, 10):
        cv2.rectangle(canvas, (28, y), (28 + int(rng.integers(120, 200)), y + 3), (0.45, 0.45, 0.47), -1)
    if style == 1:
        cv2.rectangle(canvas, (60, 90), (200, 170), tuple(map(float, rng.uniform(0.3, 0.9, 3))), -1)
    return canvas


def _cover(rng: np.random.Generator, style: int) -> NDArray[np.float32]:
    """The cover of a book or the print of a package."""
    canvas = np.full((SIDE, SIDE, 3), 1, np.float32) * rng.uniform(0.1, 0.95, 3).astype(np.float32)
    band = int(rng.integers(40, 160))
    cv2.rectangle(canvas, (0, band), (SIDE, band + int(rng.integers(20, 70))), tuple(map(float, rng.random(3))), -1)
    for y in (26, 214):
        cv2.rectangle(canvas, (40, y), (40 + int(rng.integers(60, 170)), y + 14), tuple(map(float, rng.random(3))), -1)
    if style % 2:
        cv2.circle(canvas, (128, 150), int(rng.integers(20, 60)), tuple(map(float, rng.random(3))), -1)
    return canvas


def _mirror(rng: np.random.Generator) -> NDArray[np.float32]:
    """The room in a mirror, out of focus."""
    tone = 0.55 + 0.25 * (_noise(rng, 2) - 0.5) + 0.2 * np.clip(1 - np.abs(_X - _Y * 0.6 - 0.2) * 5, 0, 1)
    floor = np.clip((_Y - 0.72) * 8, 0, 1)
    tone = tone * (1 - 0.35 * floor)
    return np.stack([tone * 0.97, tone, tone * 1.02], -1).astype(np.float32)


def _board(rng: np.random.Generator) -> NDArray[np.float32]:
    """A whiteboard with marker strokes."""
    canvas = np.full((SIDE, SIDE, 3), 0.95, np.float32)
    for row in range(int(rng.integers(4, 7))):
        ink = [(0.1, 0.15, 0.6), (0.1, 0.1, 0.1), (0.7, 0.1, 0.1), (0.1, 0.5, 0.2)][int(rng.integers(4))]
        x, y = int(rng.integers(14, 60)), 24 + row * 34
        points = [(x + 6 * i, y + int(rng.integers(-6, 7))) for i in range(int(rng.integers(8, 28)))]
        cv2.polylines(canvas, [np.array(points, np.int32)], False, ink, 2)
    return canvas


_PICTURES: dict[str, tuple[int, Callable[[np.random.Generator, int], NDArray[np.float32]]]] = {
    "print": (_PRINTS, _print),
    "view": (_VIEWS, _view),
    "screen": (_SCREENS, _screen),
    "page": (_PAGES, _page),
    "cover": (_COVERS, _cover),
    "mirror": (2, lambda rng, _: _mirror(rng)),
    "board": (2, lambda rng, _: _board(rng)),
}

#: Names of the layers, in order: patterns by name, then pictures as "print0", "print1", ...
LAYERS: tuple[str, ...] = (
    *_patterns(),
    *(f"{name}{i}" for name, (count, _) in _PICTURES.items() for i in range(count)),
)


def random_picture(kind: str, rng: np.random.Generator) -> str:
    """The name of a random layer of one kind of picture: print, view, screen, page, cover, mirror, board."""
    return f"{kind}{int(rng.integers(_PICTURES[kind][0]))}"


@lru_cache(maxsize=1)
def texture_bank() -> NDArray[np.uint8]:
    """All layers: (layers, SIDE, SIDE, 3) uint8, read-only, the same in every process."""
    layers = []
    for number, make in enumerate(_patterns().values()):
        layers.append(make(np.random.default_rng([20, number])))
    for kind, (count, draw) in enumerate(_PICTURES.values()):
        layers += [draw(np.random.default_rng([21, kind, style]), style) for style in range(count)]
    bank = np.round(np.clip(np.stack(layers), 0, 1) * 255).astype(np.uint8)
    bank.flags.writeable = False
    return bank
