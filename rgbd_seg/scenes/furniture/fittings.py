"""What belongs to walls (doors, windows, curtains, blinds, pictures, mirrors, boards, screens), rugs and people."""

from __future__ import annotations

import numpy as np

from rgbd_seg.scenes.materials import BLACK, WHITE, Material, fabric, hsv, lacquer, metal, picture, plain, shade, wood
from rgbd_seg.scenes.mesh import Mesh, box, cushion, cylinder, folded_sheet, print_panel, print_sheet, rod
from rgbd_seg.scenes.model import Model
from rgbd_seg.scenes.patterns import random_picture


def _frame(width: float, height: float, bar: float, depth: float, *, foot: bool = True) -> list[Mesh]:
    """Four bars around an opening of width x height whose lower edge is at z = 0."""
    bars = [
        box((bar, depth, height + bar), (-(width + bar) / 2, 0, (height + bar) / 2)),
        box((bar, depth, height + bar), ((width + bar) / 2, 0, (height + bar) / 2)),
        box((width, depth, bar), (0, 0, height + bar / 2)),
    ]
    if foot:
        bars.append(box((width + 2 * bar, depth, bar), (0, 0, -bar / 2)))
    return bars


def door(rng: np.random.Generator) -> Model:
    """A closed door with frame, panels or glazing, handle and hinges."""
    width, height = rng.uniform(0.78, 0.95), rng.uniform(1.98, 2.1)
    model = Model("door", width + 0.2, 0.1, height + 0.1)
    leaf = wood(rng) if rng.random() < 0.6 else lacquer(rng)
    trim = leaf if rng.random() < 0.4 else (WHITE if rng.random() < 0.6 else wood(rng))
    model.add(trim, *_frame(width, height, 0.09, 0.06, foot=False))
    model.add(leaf, box((width, 0.03, height), (0, 0.005, height / 2)))
    inset = Material(leaf.pattern, shade(leaf.base, 0.86), shade(leaf.second, 0.86), leaf.accent, leaf.repeats_per_m)
    style = int(rng.integers(4))
    if style == 1:
        for low, high in ((0.2, 0.9), (1.05, height - 0.18)):
            for x in (-width / 4, width / 4):
                model.add(inset, box((width / 2 - 0.15, 0.03, high - low), (x, -0.004, (low + high) / 2)))
    elif style == 2:
        model.add(inset, box((width - 0.3, 0.03, 0.6), (0, -0.004, 0.55)))
        glass = picture(random_picture("mirror", rng), infrared=0.15)
        model.add(glass, print_panel(width - 0.3, 0.9, (0, -0.014, 1.5)))
    elif style == 3:
        for z in np.linspace(0.3, height - 0.3, 5):
            model.add(inset, box((width - 0.25, 0.03, 0.26), (0, -0.004, z)))
    side = rng.choice([-1, 1])
    brass = metal(rng)
    x = side * (width / 2 - 0.07)
    model.add(
        brass, box((0.04, 0.02, 0.2), (x, -0.02, 1.02)), rod((x, -0.06, 1.05), (x - side * 0.12, -0.06, 1.05), 0.011)
    )
    model.add(brass, rod((x, -0.01, 1.05), (x, -0.06, 1.05), 0.01))
    return model


def window(rng: np.random.Generator, width: float, height: float) -> Model:
    """A window: view outside, frame, bars, sill; origin at the lower edge of the opening."""
    model = Model("window", width + 0.16, 0.14, height + 0.16)
    bars = WHITE if rng.random() < 0.65 else wood(rng)
    view = picture(random_picture("view", rng), glow=rng.uniform(0.5, 1.6), gloss=0.0, infrared=0.0)
    model.add(view, print_panel(width, height, (0, 0.01, height / 2)))
    model.add(bars, *_frame(width, height, 0.07, 0.07))
    columns = int(rng.integers(1, 4)) if width > 0.9 else int(rng.integers(1, 3))
    for i in range(1, columns):
        model.add(bars, box((0.06, 0.05, height), (-width / 2 + i * width / columns, 0, height / 2)))
    if rng.random() < 0.5:
        model.add(bars, box((width, 0.045, 0.05), (0, 0, height * rng.choice([0.5, 0.7]))))
    model.add(bars, box((width + 0.14, 0.1, 0.035), (0, -0.03, -0.06)))
    return model


def curtain(rng: np.random.Generator, width: float, height: float, cloth: Material) -> Model:
    """One side of a pair of curtains; origin at its lower edge."""
    model = Model("curtain", width, 0.16, height)
    model.add(
        cloth,
        folded_sheet(
            width, height, max(3, int(width * rng.uniform(9, 14))), rng.uniform(0.025, 0.05), (0, 0, height / 2)
        ),
    )
    return model


def curtain_cloth(rng: np.random.Generator) -> Material:
    """Curtains hang in one calm colour more often than not, sometimes sheer."""
    if rng.random() < 0.3:
        return Material("weave", (0.93, 0.92, 0.9), (0.86, 0.85, 0.83), repeats_per_m=5, glow=0.12, infrared=0.6)
    return fabric(rng, patterned=0.3, dark=0.2)


def blinds(rng: np.random.Generator, width: float, height: float) -> Model:
    """Slatted blinds drawn down in front of a window; origin at their lower edge."""
    model = Model("blinds", width, 0.08, height)
    tone = hsv(rng.uniform(0.05, 0.15), rng.uniform(0, 0.3), rng.uniform(0.6, 0.95))
    slat = Material("plain", tone, shade(tone, 0.9), gloss=0.2, glow=0.08, infrared=0.7)
    pitch = rng.uniform(0.045, 0.07)
    tilt = rng.uniform(0.5, 1.2)
    for z in np.arange(pitch / 2, height, pitch):
        model.add(slat, box((width, pitch * 1.05, 0.004)).turned(tilt, "x").moved((0, 0, float(z))))
    model.add(slat, box((width, 0.06, 0.06), (0, 0, height + 0.02)))
    for x in (-width * 0.35, width * 0.35):
        model.add(slat, rod((x, -0.03, 0), (x, -0.03, height), 0.003, 4))
    return model


def wall_picture(rng: np.random.Generator) -> Model:
    """A framed picture or a poster; origin at its lower edge."""
    width, height = rng.uniform(0.3, 0.95), rng.uniform(0.3, 0.8)
    model = Model("picture", width, 0.04, height)
    if rng.random() < 0.75:
        bar = rng.uniform(0.015, 0.05)
        frame = [BLACK, WHITE, wood(rng), plain((0.75, 0.6, 0.25), 0.7)][int(rng.integers(4))]
        for mesh in _frame(width - 2 * bar, height - 2 * bar, bar, 0.03):
            model.add(frame, mesh.moved((0, 0, bar)))
    model.add(
        picture(random_picture("print", rng), gloss=0.4),
        print_panel(width - 0.02, height - 0.02, (0, -0.006, height / 2)),
    )
    return model


def mirror(rng: np.random.Generator) -> Model:
    """A mirror: no depth comes back from it; origin at its lower edge."""
    width, height = rng.uniform(0.45, 0.9), rng.uniform(0.6, 1.3)
    model = Model("mirror", width, 0.04, height)
    for mesh in _frame(width, height, 0.03, 0.03):
        model.add(metal(rng) if rng.random() < 0.5 else wood(rng), mesh)
    glass = picture(random_picture("mirror", rng), gloss=1.0, infrared=0.0)
    model.add(glass, print_panel(width, height, (0, -0.005, height / 2)))
    return model


def whiteboard(rng: np.random.Generator) -> Model:
    """A whiteboard with writing, frame and pen tray; origin at its lower edge."""
    width, height = rng.uniform(1.1, 2.0), rng.uniform(0.8, 1.1)
    model = Model("whiteboard", width, 0.08, height)
    for mesh in _frame(width, height, 0.025, 0.03):
        model.add(metal(rng), mesh)
    board = picture(random_picture("board", rng), gloss=0.7, infrared=0.55)
    model.add(board, print_panel(width, height, (0, -0.01, height / 2)))
    model.add(metal(rng), box((width * 0.4, 0.07, 0.02), (0, -0.04, -0.02)))
    return model


def wall_tv(rng: np.random.Generator) -> Model:
    """A flat television on a wall; origin at its lower edge."""
    width = rng.uniform(0.8, 1.4)
    height = width * 0.57
    model = Model("tv", width, 0.07, height)
    model.add(BLACK, box((width, 0.05, height), (0, 0.01, height / 2)))
    screen = picture(
        random_picture("screen", rng) if rng.random() < 0.5 else "screen0", glow=0.3, gloss=0.8, infrared=0.12
    )
    model.add(screen, print_panel(width - 0.04, height - 0.04, (0, -0.016, height / 2)))
    return model


def tv_bench(rng: np.random.Generator) -> Model:
    """A low cabinet with a television on it."""
    width = rng.uniform(1.2, 1.8)
    model = Model("cabinet", width, 0.42, 0.48)
    body = wood(rng) if rng.random() < 0.5 else lacquer(rng)
    model.add(body, box((width, 0.42, 0.4), (0, 0, 0.28)))
    for i in range(3):
        x = (i - 1) * width / 3
        model.add(body, box((width / 3 - 0.015, 0.02, 0.34), (x, -0.215, 0.28)))
        model.add(BLACK, box((0.1, 0.02, 0.012), (x, -0.23, 0.4)))
    for x in (-width / 2 + 0.1, width / 2 - 0.1):
        model.add(body, box((0.05, 0.36, 0.1), (x, 0, 0.05)))
    television = wall_tv(rng)
    television.add(BLACK, box((0.4, 0.2, 0.02), (0, 0.02, -0.05)), box((0.08, 0.04, 0.06), (0, 0.02, -0.03)))
    model.put(television, 0, 0.06, 0.54)
    return model


def rug(rng: np.random.Generator) -> Model:
    """A rug or mat: flat on the floor."""
    width, depth = rng.uniform(1.0, 2.3), rng.uniform(0.7, 1.6)
    model = Model("floor_mat", width, depth, 0.015)
    color = hsv(rng.random(), rng.uniform(0.15, 0.8), rng.uniform(0.25, 0.85))
    second, accent = hsv(rng.random(), rng.uniform(0.1, 0.7), rng.uniform(0.2, 0.95)), hsv(rng.random(), 0.5, 0.6)
    pattern = str(rng.choice(["rug", "rug", "stripes", "floral", "carpet", "damask"]))
    model.add(plain(shade(color, 0.8)), box((width, depth, 0.012), (0, 0, 0.006)))
    if pattern == "rug":
        # The border must follow the edge: one repeat over the whole rug, as on a picture.
        model.add(Material("rug", color, second, accent, 1.0), print_sheet(width, depth, (0, 0, 0.014)))
    else:
        model.add(
            Material(pattern, color, second, accent, rng.uniform(1, 2.5)), box((width, depth, 0.002), (0, 0, 0.013))
        )
    return model


def bath_mat(rng: np.random.Generator) -> Model:
    """A small mat before a bath or a door."""
    model = Model("floor_mat", rng.uniform(0.6, 0.9), rng.uniform(0.4, 0.6), 0.02)
    color = hsv(rng.random(), rng.uniform(0.0, 0.7), rng.uniform(0.3, 0.95))
    cloth = Material("carpet", color, shade(color, 0.8), shade(color, 0.9), 3)
    model.add(cloth, cushion((model.width, model.depth, 0.03), (0, 0, 0.008), 0.15))
    return model


def person(rng: np.random.Generator) -> Model:
    """A standing figure with head, hair, trunk, arms, legs and shoes."""
    scale = rng.uniform(0.9, 1.08)
    model = Model("person", 0.55, 0.4, 1.75 * scale)
    tone = hsv(rng.uniform(0.04, 0.08), rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.95))
    skin = plain(tone, infrared=0.8)
    hair = plain(hsv(rng.uniform(0.03, 0.12), rng.uniform(0.2, 0.7), rng.uniform(0.05, 0.6)))
    shirt, trousers = fabric(rng, patterned=0.4), fabric(rng, patterned=0.05, dark=0.7)
    swing = rng.uniform(-0.12, 0.12)
    for side in (-1, 1):
        foot = side * swing
        model.add(trousers, rod((side * 0.09, 0, 0.9), (side * 0.11, foot, 0.08), 0.075))
        model.add(BLACK, cushion((0.1, 0.26, 0.09), (side * 0.11, foot - 0.05, 0.045), 0.6, 3))
        elbow = (side * 0.3, -0.02 - foot * 0.5, 1.12)
        model.add(shirt, rod((side * 0.22, 0, 1.4), elbow, 0.05))
        model.add(skin, rod(elbow, (side * 0.26, -0.12 - rng.uniform(0, 0.15), 0.92), 0.038))
    model.add(trousers, cushion((0.34, 0.23, 0.26), (0, 0, 0.93), 0.6))
    model.add(shirt, cushion((0.42, 0.25, 0.6), (0, 0, 1.2), 0.55))
    model.add(skin, cylinder(0.05, 0.12, (0, 0, 1.5)), cushion((0.16, 0.19, 0.24), (0, -0.01, 1.63), 0.95))
    model.add(hair, cushion((0.175, 0.19, 0.17), (0, 0.025, 1.69), 0.95))
    for i, part in enumerate(model.parts):
        vertices = part.mesh.vertices.copy()
        vertices[:, :3] *= scale
        model.parts[i] = type(part)(Mesh(vertices, part.mesh.triangles), part.material)
    return model


def ceiling_light(rng: np.random.Generator, *, office: bool) -> Model:
    """A lamp at the ceiling; origin at the ceiling, extent downwards."""
    glow = rng.uniform(0.8, 1.6)
    bright = Material("plain", (1.0, 0.98, 0.93), (1, 1, 0.95), glow=glow)
    if office:
        model = Model("lamp", 1.2, 0.3, 0.06)
        model.add(WHITE, box((1.24, 0.34, 0.05), (0, 0, -0.025)))
        model.add(bright, box((1.18, 0.28, 0.02), (0, 0, -0.05)))
        return model
    drop = rng.uniform(0.0, 0.6)
    model = Model("lamp", 0.4, 0.4, drop + 0.2)
    if drop < 0.2:
        model.add(bright, cushion((0.36, 0.36, 0.14), (0, 0, -0.05), 0.9))
        return model
    model.add(BLACK, rod((0, 0, 0), (0, 0, -drop), 0.006, 4))
    shade_material = bright if rng.random() < 0.5 else lacquer(rng)
    model.add(shade_material, cylinder(0.2, 0.2, (0, 0, -drop - 0.1), top_radius=0.07))
    return model
