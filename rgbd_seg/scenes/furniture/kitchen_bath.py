"""Counters, wall cabinets, sinks, toilets, bathtubs and shower curtains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rgbd_seg.scenes.furniture.small import crockery, package, plant, scatter
from rgbd_seg.scenes.furniture.storage import fronts
from rgbd_seg.scenes.materials import BLACK, CERAMIC, Material, fabric, front, hsv, metal, plain, shade, wood
from rgbd_seg.scenes.mesh import Vector, box, cushion, cylinder, folded_sheet, rod, turned_profile
from rgbd_seg.scenes.model import Model


def worktop(rng: np.random.Generator) -> Material:
    """Stone, laminate or wood for counters."""
    if rng.random() < 0.3:
        return wood(rng)
    value = rng.uniform(0.12, 0.9)
    color = hsv(rng.uniform(0.05, 0.6), rng.uniform(0, 0.15), value)
    pattern = str(rng.choice(["speckled", "marble", "concrete"]))
    return Material(pattern, color, shade(color, 1.25), shade(color, 0.6), 3, gloss=0.6, infrared=0.3 + 0.5 * value)


def counter(rng: np.random.Generator, width: float, panel: Material, top: Material, *, with_sink: bool) -> Model:
    """A kitchen counter `width` metres long: the top's class is counter, the base is a cabinet, the basin a sink."""
    depth, height = 0.62, 0.9
    model = Model("counter", width, depth, height)
    model.add(top, box((width, depth, 0.04), (0, 0, height - 0.02)))
    model.add(top, box((width, 0.02, 0.1), (0, depth / 2 - 0.01, height + 0.05)))
    base = Model("cabinet", width, depth - 0.03, height - 0.04)
    base.add(panel, box((width, depth - 0.05, height - 0.14), (0, 0.015, (height - 0.14) / 2 + 0.1)))
    base.add(BLACK, box((width, depth - 0.12, 0.1), (0, 0.04, 0.05)))
    columns = max(1, round(width / 0.5))
    half = width / 2
    if rng.random() < 0.5:
        fronts(base, rng, panel, (-half + 0.005, 0.7, half - 0.005, height - 0.05), columns, 1, drawers=True)
        fronts(base, rng, panel, (-half + 0.005, 0.1, half - 0.005, 0.69), columns, 1, drawers=False)
    else:
        fronts(base, rng, panel, (-half + 0.005, 0.1, half - 0.005, height - 0.05), columns, 1, drawers=False)
    model.put(base, 0, 0, 0)
    if with_sink:
        x = rng.uniform(-1, 1) * max(half - 0.45, 0)
        model.put(kitchen_sink(rng), x, -0.02, height)
    if width > 1.6 and rng.random() < 0.7:
        stove = Model("", 0.58, 0.5, 0.01)
        stove.add(BLACK, box((0.58, 0.5, 0.008), (0, 0, 0.004)))
        for sx in (-0.14, 0.14):
            for sy in (-0.11, 0.11):
                stove.add(plain((0.2, 0.2, 0.2)), cylinder(0.08, 0.004, (sx, sy, 0.01)))
        model.put(stove, -half + 0.5 if not model.attached[-1].offset[0] < 0 else half - 0.5, 0, height)
    kept = model.attached[0]
    model.attached.remove(kept)  # The base fills the footprint and would leave no room for things on top.
    scatter(
        model, rng, (crockery, crockery, package, plant_pot, package), int(rng.integers(2, 3 + int(2 * width))), height
    )
    model.attached.insert(0, kept)
    return model


def plant_pot(rng: np.random.Generator) -> Model:
    return plant(rng, 0.28)


def kitchen_sink(rng: np.random.Generator) -> Model:
    """A basin let into a counter, seen as a sunken tray with rim and tap; origin at the counter's top."""
    model = Model("sink", 0.55, 0.42, 0.25)
    steel = metal(rng) if rng.random() < 0.75 else CERAMIC
    inside = replace(steel, base=shade(steel.base, 0.55), second=shade(steel.second, 0.5))
    model.add(inside, box((0.47, 0.34, 0.012), (0, 0, 0.004)))
    for x, y, w, d in ((0, -0.19, 0.55, 0.04), (0, 0.19, 0.55, 0.05), (-0.255, 0, 0.04, 0.42), (0.255, 0, 0.04, 0.42)):
        model.add(steel, box((w, d, 0.024), (x, y, 0.01)))
    model.add(BLACK, cylinder(0.03, 0.004, (0, 0, 0.012)))
    _tap(model, rng, (0, 0.19, 0.02))
    return model


def _tap(model: Model, rng: np.random.Generator, at: Vector) -> None:
    chrome = metal(rng)
    x, y, z = at
    model.add(chrome, rod((x, y, z), (x, y, z + 0.22), 0.014), rod((x, y, z + 0.22), (x, y - 0.16, z + 0.2), 0.012))
    model.add(chrome, rod((x, y, z + 0.08), (x + 0.08, y, z + 0.11), 0.009, 6))


def wall_cabinet(rng: np.random.Generator, width: float, panel: Material) -> Model:
    """Cabinets hanging above a counter; origin at their lower edge."""
    model = Model("cabinet", width, 0.34, rng.uniform(0.55, 0.75))
    model.add(panel, box((width, 0.34, model.height), (0, 0, model.height / 2)))
    half = width / 2
    columns = max(1, round(width / 0.45))
    fronts(model, rng, panel, (-half + 0.005, 0.005, half - 0.005, model.height - 0.005), columns, 1, drawers=False)
    return model


def wash_basin(rng: np.random.Generator) -> Model:
    """A basin on a pedestal or a vanity cabinet."""
    width, depth, height = rng.uniform(0.5, 0.7), rng.uniform(0.42, 0.5), rng.uniform(0.8, 0.88)
    model = Model("sink", width, depth, height)
    model.add(CERAMIC, cushion((width, depth, 0.16), (0, 0, height - 0.08), 0.35))
    basin = replace(CERAMIC, base=(0.78, 0.79, 0.8), second=(0.74, 0.75, 0.76))
    model.add(basin, cushion((width * 0.74, depth * 0.64, 0.03), (0, -0.03, height - 0.004), 0.8))
    _tap(model, rng, (0, depth / 2 - 0.07, height - 0.03))
    if rng.random() < 0.5:
        model.add(CERAMIC, turned_profile([(0.11, 0), (0.08, 0.3), (0.1, height - 0.15)], (0, 0.08, 0)))
    else:
        body = Model("cabinet", width - 0.04, depth - 0.06, height - 0.16)
        panel = front(rng)
        body.add(panel, box((body.width, body.depth, body.height - 0.1), (0, 0, body.height / 2 + 0.05)))
        half = body.width / 2
        fronts(body, rng, panel, (-half, 0.12, half, body.height - 0.01), 2, 1, drawers=False)
        model.put(body, 0, 0.02, 0)
    return model


def toilet(rng: np.random.Generator) -> Model:
    """A toilet with bowl, seat, lid and cistern."""
    model = Model("toilet", 0.4, 0.68, 0.8)
    bowl = turned_profile([(0.1, 0.0), (0.1, 0.12), (0.13, 0.2), (0.19, 0.36), (0.19, 0.39), (0.0, 0.39)], segments=18)
    vertices = bowl.vertices.copy()
    vertices[:, 1] *= 1.25
    model.add(CERAMIC, type(bowl)(vertices, bowl.triangles).moved((0, -0.1, 0)))
    model.add(CERAMIC, box((0.22, 0.3, 0.36), (0, 0.16, 0.18)))
    lid = CERAMIC if rng.random() < 0.8 else plain((0.15, 0.15, 0.16))
    if rng.random() < 0.5:
        model.add(lid, cushion((0.38, 0.46, 0.04), (0, -0.1, 0.41), 0.6))
    else:
        ring = replace(lid, base=shade(lid.base, 0.95))
        model.add(ring, cushion((0.38, 0.46, 0.03), (0, -0.1, 0.4), 0.6))
        model.add(plain((0.45, 0.48, 0.5), 0.8), cushion((0.24, 0.3, 0.02), (0, -0.12, 0.412), 0.9))
        model.add(lid, cushion((0.38, 0.04, 0.42), (0, 0.14, 0.62), 0.6))
    model.add(CERAMIC, cushion((0.4, 0.18, 0.38), (0, 0.25, 0.6), 0.15))
    model.add(metal(rng), cylinder(0.025, 0.015, (0, 0.25, 0.8)))
    return model


def bathtub(rng: np.random.Generator) -> Model:
    """A tub with a sunken inside, rim, panels and tap; it runs along x."""
    width, depth, height = rng.uniform(1.5, 1.75), rng.uniform(0.7, 0.8), rng.uniform(0.5, 0.6)
    model = Model("bathtub", width, depth, height)
    skirt = CERAMIC
    if rng.random() < 0.35:
        color = hsv(rng.uniform(0.4, 0.65), rng.uniform(0.05, 0.4), rng.uniform(0.6, 0.95))
        skirt = Material("wall_tiles", color, shade(color, 0.9), (0.9, 0.9, 0.9), 1.2, gloss=0.6)
    wall = 0.08
    for y in (-(depth - wall) / 2, (depth - wall) / 2):
        model.add(skirt, box((width, wall, height - 0.02), (0, y, (height - 0.02) / 2)))
    for x in (-(width - wall) / 2, (width - wall) / 2):
        model.add(skirt, box((wall, depth, height - 0.02), (x, 0, (height - 0.02) / 2)))
    for y in (-(depth - wall) / 2, (depth - wall) / 2):
        model.add(CERAMIC, cushion((width, wall + 0.03, 0.05), (0, y, height - 0.02), 0.4, 3))
    for x in (-(width - wall) / 2, (width - wall) / 2):
        model.add(CERAMIC, cushion((wall + 0.03, depth, 0.05), (x, 0, height - 0.02), 0.4, 3))
    model.add(CERAMIC, box((width - 2 * wall, depth - 2 * wall, 0.03), (0, 0, 0.14)))
    _tap(model, rng, (width / 2 - 0.1, depth / 2 - 0.06, height))
    return model


def shower_curtain(rng: np.random.Generator, width: float) -> Model:
    """A curtain on a rail; origin at its lower edge."""
    height = 1.85
    model = Model("shower_curtain", width, 0.1, height)
    cloth = fabric(rng, patterned=0.8, dark=0.0)
    model.add(cloth, folded_sheet(width, height, max(4, int(width * 7)), 0.04, (0, 0, height / 2)))
    model.add(metal(rng), rod((-width / 2 - 0.3, 0, height + 0.02), (width / 2 + 0.3, 0, height + 0.02), 0.012, 6))
    return model


def hood(rng: np.random.Generator) -> Model:
    """An extractor hood above a stove (no class); origin at its lower edge."""
    model = Model("", 0.6, 0.45, 0.7)
    steel = metal(rng)
    model.add(steel, cylinder(0.42, 0.16, (0, 0, 0.08), top_radius=0.16, segments=4).turned(np.pi / 4))
    model.add(steel, box((0.24, 0.24, 0.55), (0, 0.05, 0.42)))
    return model
