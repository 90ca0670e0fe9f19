"""Chairs, stools, office chairs, armchairs and sofas."""

from __future__ import annotations

import numpy as np

from rgbd_seg.scenes.furniture.small import pillow
from rgbd_seg.scenes.materials import BLACK, Material, fabric, leather, metal, plain, shade, wood
from rgbd_seg.scenes.mesh import box, cushion, cylinder, rod
from rgbd_seg.scenes.model import Model


def _cover(rng: np.random.Generator) -> Material:
    return leather(rng) if rng.random() < 0.25 else fabric(rng)


def chair(rng: np.random.Generator) -> Model:
    """A chair of one of three kinds."""
    pick = rng.random()
    if pick < 0.45:
        return wooden_chair(rng)
    return office_chair(rng) if pick < 0.7 else shell_chair(rng)


def wooden_chair(rng: np.random.Generator) -> Model:
    """Four legs, a seat, and a back of slats, rungs or one board."""
    width, seat, height = rng.uniform(0.4, 0.48), rng.uniform(0.43, 0.48), rng.uniform(0.8, 1.02)
    depth = width + rng.uniform(0.0, 0.06)
    frame = wood(rng) if rng.random() < 0.75 else plain(tuple(rng.uniform(0.1, 0.95, 3)))
    model = Model("chair", width, depth, height)
    leg = rng.uniform(0.03, 0.05)
    x, y = width / 2 - leg / 2, depth / 2 - leg / 2
    for sx in (-x, x):
        model.add(frame, box((leg, leg, seat), (sx, -y, seat / 2)))
        model.add(frame, box((leg, leg, height), (sx, y, height / 2)))
        model.add(frame, box((leg * 0.6, depth - leg, leg * 0.7), (sx, 0, seat * 0.35)))
    if rng.random() < 0.5:
        model.add(frame, box((width, depth, 0.03), (0, 0, seat)))
    else:
        model.add(_cover(rng), cushion((width, depth, 0.07), (0, 0, seat), 0.3))
    model.add(frame, box((width, leg * 0.6, 0.07), (0, y, height - 0.035)))
    kind = rng.integers(3)
    low, high = seat + 0.1, height - 0.07
    if kind == 0:
        for sx in np.linspace(-x, x, 6)[1:-1]:
            model.add(frame, box((0.025, leg * 0.5, high - low), (sx, y, (low + high) / 2)))
        model.add(frame, box((width - leg, leg * 0.5, 0.03), (0, y, low)))
    elif kind == 1:
        for z in np.linspace(low, high, 4)[:-1]:
            model.add(frame, box((width - leg, leg * 0.5, 0.05), (0, y, z)))
    else:
        back = frame if rng.random() < 0.5 else _cover(rng)
        model.add(back, cushion((width - leg, 0.04, high - low), (0, y, (low + high) / 2), 0.2))
    return model


def office_chair(rng: np.random.Generator) -> Model:
    """Five castors on a star, a column, padded seat and back, perhaps arm rests."""
    model = Model("chair", 0.62, 0.62, 1.0)
    cover = fabric(rng, patterned=0.05, dark=0.6) if rng.random() < 0.75 else leather(rng)
    foot = BLACK if rng.random() < 0.6 else metal(rng)
    for angle in np.arange(5) * 2 * np.pi / 5:
        x, y = 0.28 * np.cos(angle), 0.28 * np.sin(angle)
        model.add(foot, rod((0, 0, 0.1), (x, y, 0.07), 0.02, 6))
        model.add(BLACK, cylinder(0.03, 0.05, (x, y, 0.03), segments=8))
    model.add(foot, cylinder(0.03, 0.34, (0, 0, 0.27)))
    model.add(cover, cushion((0.5, 0.48, 0.1), (0, 0, 0.48), 0.4))
    height = rng.uniform(0.45, 0.65)
    model.add(cover, cushion((0.46, 0.1, height), (0, 0.24, 0.6 + height / 2), 0.4).turned(-0.08, "x"))
    model.add(BLACK, rod((0, 0.18, 0.48), (0, 0.27, 0.75), 0.02, 6))
    if rng.random() < 0.6:
        for x in (-0.28, 0.28):
            model.add(BLACK, rod((x, 0.05, 0.48), (x, 0.05, 0.68), 0.018, 6), box((0.06, 0.26, 0.03), (x, 0, 0.69)))
    return model


def shell_chair(rng: np.random.Generator) -> Model:
    """A moulded seat on thin legs."""
    model = Model("chair", 0.48, 0.5, 0.82)
    color = tuple(rng.uniform(0.05, 0.95, 3)) if rng.random() < 0.6 else (0.92, 0.92, 0.9)
    shell, legs = plain(color), wood(rng) if rng.random() < 0.5 else metal(rng)
    model.add(shell, cushion((0.46, 0.44, 0.05), (0, 0, 0.45), 0.3))
    model.add(shell, cushion((0.44, 0.05, 0.4), (0, 0.24, 0.64), 0.45).turned(-0.05, "x"))
    for sx in (-1, 1):
        for sy in (-1, 1):
            model.add(legs, rod((sx * 0.22, sy * 0.22, 0), (sx * 0.13, sy * 0.14, 0.44), 0.014, 6))
    return model


def stool(rng: np.random.Generator) -> Model:
    height = rng.uniform(0.42, 0.7)
    model = Model("chair", 0.38, 0.38, height)
    model.add(_cover(rng), cylinder(0.18, 0.06, (0, 0, height - 0.03)))
    legs = wood(rng)
    for angle in np.arange(4) * np.pi / 2 + np.pi / 4:
        x, y = np.cos(angle), np.sin(angle)
        model.add(legs, rod((x * 0.18, y * 0.18, 0), (x * 0.12, y * 0.12, height - 0.05), 0.016, 6))
    return model


def sofa(rng: np.random.Generator, seats: int | None = None) -> Model:
    """A sofa of 1 to 3 seats with arm rests, seat and back cushions, and pillows of its own label."""
    seats = int(rng.integers(2, 4)) if seats is None else seats
    arm, seat_width = rng.uniform(0.14, 0.26), rng.uniform(0.58, 0.72)
    width, depth = seats * seat_width + 2 * arm, rng.uniform(0.82, 1.0)
    height, seat = rng.uniform(0.74, 0.95), rng.uniform(0.4, 0.47)
    model = Model("sofa", width, depth, height)
    cover = _cover(rng)
    round_arm = rng.uniform(0.15, 0.5)
    model.add(cover, cushion((width - 0.04, depth - 0.06, seat - 0.16), (0, 0.02, (seat - 0.16) / 2 + 0.07), 0.12))
    for x in (-(width - arm) / 2, (width - arm) / 2):
        model.add(cover, cushion((arm, depth, 0.56), (x, 0, 0.33), round_arm))
    model.add(cover, cushion((width - 0.02, 0.24, height - 0.1), (0, depth / 2 - 0.12, height / 2 + 0.03), 0.25))
    foot = wood(rng, 0.3)
    for x in (-width / 2 + 0.08, width / 2 - 0.08):
        for y in (-depth / 2 + 0.08, depth / 2 - 0.08):
            model.add(foot, cylinder(0.025, 0.08, (x, y, 0.04), segments=8))
    for i in range(seats):
        x = (i - (seats - 1) / 2) * seat_width
        model.add(cover, cushion((seat_width - 0.01, depth - 0.24, 0.17), (x, -0.1, seat - 0.03), 0.28))
        model.add(
            cover, cushion((seat_width - 0.02, 0.2, height - seat), (x, depth / 2 - 0.3, (height + seat) / 2), 0.4)
        )
    for _ in range(int(rng.integers(0, 4))):
        x = rng.uniform(-1, 1) * (width / 2 - arm - 0.22)
        model.put(pillow(rng, standing=True), x, depth / 2 - 0.47, seat + 0.04, rng.uniform(-0.3, 0.3))
    return model


def armchair(rng: np.random.Generator) -> Model:
    """An upholstered chair for one; its class is sofa, like that of larger ones."""
    return sofa(rng, seats=1)


def footstool(rng: np.random.Generator) -> Model:
    model = Model("sofa", 0.6, 0.5, 0.42)
    cover = _cover(rng)
    model.add(cover, cushion((0.6, 0.5, 0.34), (0, 0, 0.25), 0.25))
    foot = plain(shade((0.3, 0.2, 0.1), 1.0))
    for x in (-0.25, 0.25):
        for y in (-0.2, 0.2):
            model.add(foot, cylinder(0.02, 0.08, (x, y, 0.04), segments=8))
    return model
