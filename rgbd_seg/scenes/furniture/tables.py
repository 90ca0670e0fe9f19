"""Tables, desks, night stands and beds."""

from __future__ import annotations

import numpy as np

from rgbd_seg.scenes.furniture.small import (
    DESK_THINGS,
    TABLE_THINGS,
    book_stack,
    clothes_pile,
    computer,
    keyboard,
    pillow,
    plant,
    scatter,
    table_lamp,
)
from rgbd_seg.scenes.materials import GLASS, Material, fabric, front, hsv, lacquer, leather, metal, shade, wood
from rgbd_seg.scenes.mesh import box, cushion, cylinder, rod
from rgbd_seg.scenes.model import Model


def _legs(model: Model, material: Material, top: float, thick: float, inset: float = 0.03) -> None:
    x, y = model.width / 2 - thick / 2 - inset, model.depth / 2 - thick / 2 - inset
    for sx in (-x, x):
        for sy in (-y, y):
            model.add(material, box((thick, thick, top), (sx, sy, top / 2)))


def dining_table(rng: np.random.Generator) -> Model:
    """A table to eat or meet at: four legs, a column foot, or round."""
    width, depth, height = rng.uniform(0.9, 1.9), rng.uniform(0.7, 0.95), rng.uniform(0.71, 0.77)
    model = Model("table", width, depth, height)
    top = wood(rng) if rng.random() < 0.7 else lacquer(rng)
    legs = top if rng.random() < 0.5 else (metal(rng) if rng.random() < 0.5 else wood(rng))
    kind = rng.integers(3)
    if kind == 0 and width < 1.3:
        model.width = model.depth = width
        model.add(top, cylinder(width / 2, 0.03, (0, 0, height - 0.015), segments=28))
        model.add(legs, cylinder(0.05, height, (0, 0, height / 2)), cylinder(0.26, 0.04, (0, 0, 0.02), top_radius=0.2))
    else:
        thick = rng.uniform(0.02, 0.05)
        model.add(top, box((width, depth, thick), (0, 0, height - thick / 2)))
        _legs(model, legs, height - thick, rng.uniform(0.04, 0.09))
        if rng.random() < 0.6:
            for y in (-depth / 2 + 0.08, depth / 2 - 0.08):
                model.add(legs, box((width - 0.2, 0.02, 0.08), (0, y, height - thick - 0.04)))
    scatter(model, rng, TABLE_THINGS, int(rng.integers(1, 7)), height)
    return model


def coffee_table(rng: np.random.Generator) -> Model:
    """A low table before a sofa, sometimes of glass."""
    width, depth, height = rng.uniform(0.7, 1.2), rng.uniform(0.5, 0.65), rng.uniform(0.36, 0.48)
    model = Model("table", width, depth, height)
    glass = rng.random() < 0.05
    top = GLASS if glass else wood(rng)
    model.add(top, box((width, depth, 0.035), (0, 0, height - 0.0175)))
    _legs(model, metal(rng) if glass else top, height - 0.03, rng.uniform(0.03, 0.07))
    if rng.random() < 0.5:
        model.add(top, box((width - 0.1, depth - 0.1, 0.02), (0, 0, height * 0.35)))
    scatter(model, rng, TABLE_THINGS, int(rng.integers(1, 5)), height)
    return model


def desk(rng: np.random.Generator) -> Model:
    """A writing desk: a drawer pedestal, side panels or trestles, usually with a screen."""
    width, depth, height = rng.uniform(1.1, 1.7), rng.uniform(0.6, 0.8), rng.uniform(0.71, 0.76)
    model = Model("desk", width, depth, height)
    top = wood(rng) if rng.random() < 0.6 else lacquer(rng)
    frame = metal(rng) if rng.random() < 0.5 else top
    model.add(top, box((width, depth, 0.03), (0, 0, height - 0.015)))
    side = rng.choice([-1, 1])
    body = shade(top.base, 0.95)
    pedestal = Material(top.pattern, body, top.second, top.accent, top.repeats_per_m, top.gloss, top.infrared)
    model.add(pedestal, box((0.42, depth - 0.06, height - 0.06), (side * (width / 2 - 0.23), 0, height / 2 - 0.02)))
    for i in range(3):
        z = 0.12 + i * 0.21
        model.add(top, box((0.38, 0.02, 0.19), (side * (width / 2 - 0.23), -depth / 2 + 0.03, z + 0.06)))
        model.add(metal(rng), box((0.12, 0.02, 0.015), (side * (width / 2 - 0.23), -depth / 2 + 0.01, z + 0.1)))
    x = -side * (width / 2 - 0.04)
    if rng.random() < 0.5:
        model.add(frame, box((0.03, depth - 0.04, height - 0.03), (x, 0, height / 2 - 0.015)))
    else:
        for y in (-depth / 2 + 0.06, depth / 2 - 0.06):
            model.add(frame, box((0.045, 0.045, height - 0.03), (x, y, height / 2 - 0.015)))
    model.add(top, box((width - 0.5, 0.02, 0.3), (-side * 0.2, depth / 2 - 0.05, height - 0.2)))
    if rng.random() < 0.8:
        place = rng.uniform(-0.2, 0.2) * width
        model.put(computer(rng), place, depth / 2 - 0.17, height)
        model.put(keyboard(rng), place, -depth / 2 + 0.18, height)
    scatter(model, rng, DESK_THINGS, int(rng.integers(1, 6)), height)
    return model


def night_stand(rng: np.random.Generator) -> Model:
    """A small cabinet beside a bed with one or two drawers, a lamp and books."""
    width, depth, height = rng.uniform(0.38, 0.52), rng.uniform(0.34, 0.42), rng.uniform(0.45, 0.6)
    model = Model("night_stand", width, depth, height)
    body = front(rng)
    model.add(body, box((width, depth, height - 0.1), (0, 0, height / 2 + 0.05)))
    _legs(model, body, 0.12, 0.04, 0.0)
    drawers = int(rng.integers(1, 3))
    knob = metal(rng)
    for i in range(drawers):
        tall = (height - 0.14) / 2
        z = height - 0.03 - tall * (i + 0.5)
        model.add(body, box((width - 0.05, 0.02, tall - 0.02), (0, -depth / 2 - 0.005, z)))
        model.add(knob, cushion((0.035, 0.03, 0.035), (0, -depth / 2 - 0.025, z), 1.0, 3))
    if rng.random() < 0.75:
        model.put(table_lamp(rng), 0, 0.05, height)
    elif rng.random() < 0.5:
        model.put(plant(rng, 0.3), 0, 0, height)
    if rng.random() < 0.4:
        model.put(book_stack(rng), 0, -0.05, height)
    return model


def bed(rng: np.random.Generator) -> Model:
    """A single or double bed: frame, headboard, mattress, blanket, pillows; its foot points to -y."""
    width = rng.choice([0.95, 1.0, 1.45, 1.65, 1.85])
    depth, top = rng.uniform(1.95, 2.1), rng.uniform(0.45, 0.6)
    head = rng.uniform(0.8, 1.2)
    model = Model("bed", width, depth, head)
    frame = wood(rng) if rng.random() < 0.65 else (leather(rng) if rng.random() < 0.4 else fabric(rng, patterned=0.1))
    model.add(frame, box((width, depth, 0.12), (0, 0, top - 0.26)))
    model.add(frame, cushion((width + 0.04, 0.07, head - 0.1), (0, depth / 2 - 0.02, head / 2 + 0.05), 0.12))
    if rng.random() < 0.4:
        model.add(frame, box((width, 0.05, top), (0, -depth / 2, top / 2)))
    for x in (-width / 2 + 0.05, width / 2 - 0.05):
        for y in (-depth / 2 + 0.05, depth / 2 - 0.05):
            model.add(frame, box((0.07, 0.07, top - 0.25), (x, y, (top - 0.25) / 2)))
    sheet = Material("plain", hsv(rng.random(), 0.05, 0.93), hsv(0, 0, 0.85), infrared=0.85)
    model.add(sheet, cushion((width - 0.04, depth - 0.1, 0.24), (0, -0.01, top - 0.1), 0.15))
    cover = fabric(rng, patterned=0.55, dark=0.15)
    reach = rng.uniform(0.55, 0.8) * depth
    overhang = rng.uniform(0.12, 0.35)
    y = -depth / 2 + reach / 2
    model.add(cover, cushion((width + 0.06, reach, 0.1), (0, y - 0.02, top + 0.03), 0.2))
    for x in (-width / 2 - 0.01, width / 2 + 0.01):
        model.add(cover, cushion((0.05, reach, overhang), (x, y - 0.02, top + 0.04 - overhang / 2), 0.25))
    model.add(cover, cushion((width + 0.04, 0.05, overhang), (0, -depth / 2 - 0.02, top + 0.04 - overhang / 2), 0.25))
    pillows = 1 if width < 1.2 else 2
    for i in range(pillows):
        x = (i - (pillows - 1) / 2) * width * 0.48
        model.put(pillow(rng), x, depth / 2 - 0.35, top + 0.02, rng.uniform(-0.15, 0.15))
    for _ in range(int(rng.integers(0, 3))):
        model.put(pillow(rng, standing=True), rng.uniform(-0.3, 0.3) * width, depth / 2 - 0.55, top + 0.03)
    if rng.random() < 0.3:
        model.put(clothes_pile(rng), rng.uniform(-0.25, 0.25) * width, -depth / 2 + 0.5, top + 0.08)
    return model


def side_table(rng: np.random.Generator) -> Model:
    """A small round or square table beside a sofa with a lamp or a plant."""
    side, height = rng.uniform(0.38, 0.5), rng.uniform(0.45, 0.62)
    model = Model("table", side, side, height)
    top = wood(rng)
    model.add(top, cylinder(side / 2, 0.03, (0, 0, height - 0.015), segments=20))
    for angle in np.arange(3) * 2 * np.pi / 3:
        x, y = np.cos(angle) * side * 0.42, np.sin(angle) * side * 0.42
        model.add(top, rod((x, y, 0), (x * 0.6, y * 0.6, height - 0.03), 0.016, 6))
    model.put(table_lamp(rng) if rng.random() < 0.6 else plant(rng, 0.35), 0, 0, height)
    return model
