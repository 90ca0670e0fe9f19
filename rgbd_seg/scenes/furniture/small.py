"""Things that lie on other things: pillows, books, boxes, paper, bags, lamps, towels, clothes, crockery, plants."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rgbd_seg.scenes.materials import (
    BLACK,
    CERAMIC,
    WHITE,
    Material,
    fabric,
    hsv,
    leather,
    metal,
    picture,
    plain,
    shade,
    wood,
)
from rgbd_seg.scenes.mesh import box, cushion, cylinder, folded_sheet, print_panel, print_sheet, rod, turned_profile
from rgbd_seg.scenes.model import Model
from rgbd_seg.scenes.patterns import random_picture


def pillow(rng: np.random.Generator, *, standing: bool = False) -> Model:
    """A pillow, lying (bed) or leaning (sofa)."""
    if standing:
        side = rng.uniform(0.36, 0.46)
        model = Model("pillow", side, 0.16, side)
        model.add(
            fabric(rng, patterned=0.55, dark=0.1),
            cushion((side, 0.15, side), (0, 0, side / 2), 0.75).turned(-0.25, "x"),
        )
        return model
    width, depth = rng.uniform(0.5, 0.75), rng.uniform(0.36, 0.48)
    model = Model("pillow", width, depth, 0.16)
    cover = WHITE if rng.random() < 0.4 else fabric(rng, patterned=0.4, dark=0.0)
    model.add(cover, cushion((width, depth, 0.17), (0, 0, 0.08), 0.7))
    return model


def book_stack(rng: np.random.Generator) -> Model:
    model = Model("books", 0.26, 0.32, 0.1)
    z = 0.0
    for _ in range(int(rng.integers(2, 7))):
        width, depth, thick = rng.uniform(0.16, 0.24), rng.uniform(0.22, 0.3), rng.uniform(0.018, 0.045)
        cover = plain(hsv(rng.random(), rng.uniform(0.2, 0.9), rng.uniform(0.2, 0.9)))
        turn = rng.uniform(-0.3, 0.3)
        model.add(cover, box((width, depth, thick), (0, 0, z + thick / 2)).turned(turn))
        model.add(WHITE, box((width - 0.01, depth - 0.01, thick - 0.008), (0.006, 0, z + thick / 2)).turned(turn))
        z += thick
    model.add(picture(random_picture("cover", rng)), print_sheet(width, depth, (0, 0, z + 0.002)).turned(turn))
    model.height = z
    return model


def standing_books(rng: np.random.Generator, width: float) -> Model:
    """A row of upright books about `width` metres long."""
    model = Model("books", width, 0.2, 0.28)
    x = -width / 2
    while x < width / 2 - 0.05:
        thick, height = rng.uniform(0.018, 0.05), rng.uniform(0.19, 0.28)
        color = hsv(rng.random(), rng.uniform(0.1, 0.9), rng.uniform(0.15, 0.9))
        model.add(plain(color), box((thick, 0.18, height), (x + thick / 2, 0, height / 2)))
        x += thick + 0.001
    return model


def carton(rng: np.random.Generator) -> Model:
    """A box: plain cardboard with tape, or a printed package."""
    w, d, h = rng.uniform(0.12, 0.5), rng.uniform(0.1, 0.4), rng.uniform(0.1, 0.4)
    model = Model("box", w, d, h)
    if rng.random() < 0.6:
        color = hsv(rng.uniform(0.07, 0.1), rng.uniform(0.35, 0.5), rng.uniform(0.55, 0.78))
        model.add(Material("plaster", color, shade(color, 0.9), infrared=0.8), box((w, d, h), (0, 0, h / 2)))
        model.add(plain(shade(color, 1.2)), box((0.05, d + 0.004, h + 0.004), (0, 0, h / 2)))
    else:
        color = hsv(rng.random(), rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.95))
        model.add(plain(color, gloss=0.4), box((w, d, h), (0, 0, h / 2)))
        cover = picture(random_picture("cover", rng))
        model.add(cover, print_panel(w * 0.96, h * 0.96, (0, -d / 2 - 0.002, h / 2)))
        model.add(cover, print_sheet(w * 0.96, d * 0.96, (0, 0, h + 0.002)))
    return model


def package(rng: np.random.Generator) -> Model:
    """A small printed package, such as stands on tables and counters."""
    w, d, h = rng.uniform(0.06, 0.2), rng.uniform(0.04, 0.12), rng.uniform(0.08, 0.28)
    if rng.random() < 0.3:
        h, d = d, max(h, 0.1)
    model = Model("box", w, d, h)
    model.add(plain(hsv(rng.random(), rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.95))), box((w, d, h), (0, 0, h / 2)))
    model.add(picture(random_picture("cover", rng)), print_panel(w, h, (0, -d / 2 - 0.001, h / 2)))
    return model


def papers(rng: np.random.Generator) -> Model:
    model = Model("paper", 0.3, 0.35, 0.01)
    for i in range(int(rng.integers(1, 5))):
        sheet = print_sheet(0.21, 0.297, (0, 0, 0.004 + 0.001 * i)).turned(rng.uniform(-0.8, 0.8))
        model.add(
            picture(random_picture("page", rng)), sheet.moved((rng.uniform(-0.06, 0.06), rng.uniform(-0.06, 0.06), 0))
        )
    return model


def bag(rng: np.random.Generator) -> Model:
    """A rucksack or a handbag, sometimes a paper bag."""
    w, d, h = rng.uniform(0.28, 0.42), rng.uniform(0.14, 0.24), rng.uniform(0.28, 0.48)
    model = Model("bag", w, d, h)
    cover = fabric(rng, patterned=0.15, dark=0.5) if rng.random() < 0.6 else leather(rng)
    model.add(cover, cushion((w, d, h), (0, 0, h / 2), 0.4))
    model.add(cover, cushion((w * 0.7, 0.08, h * 0.4), (0, -d / 2, h * 0.3), 0.4))
    strap = plain(shade(cover.base, 0.6))
    model.add(strap, rod((-w * 0.18, 0, h * 0.95), (-w * 0.1, 0, h + 0.1), 0.012, 6))
    model.add(strap, rod((w * 0.18, 0, h * 0.95), (w * 0.1, 0, h + 0.1), 0.012, 6))
    model.add(strap, rod((-w * 0.1, 0, h + 0.1), (w * 0.1, 0, h + 0.1), 0.012, 6))
    return model


def table_lamp(rng: np.random.Generator) -> Model:
    """A lamp with a foot and a glowing or unlit shade."""
    height = rng.uniform(0.32, 0.55)
    model = Model("lamp", 0.3, 0.3, height)
    foot = CERAMIC if rng.random() < 0.4 else (metal(rng) if rng.random() < 0.5 else wood(rng))
    model.add(
        foot, turned_profile([(0.0, 0), (0.08, 0), (0.07, 0.02), (0.03, 0.06), (0.05, 0.12), (0.015, height - 0.2)])
    )
    model.add(_lamp_shade(rng), cylinder(rng.uniform(0.1, 0.17), 0.2, (0, 0, height - 0.1), top_radius=0.09))
    return model


def _lamp_shade(rng: np.random.Generator) -> Material:
    color = hsv(rng.uniform(0.08, 0.15), rng.uniform(0.05, 0.4), 0.95)
    return Material("weave", color, shade(color, 0.9), repeats_per_m=6, glow=rng.choice([0.0, 0.5, 1.1]), infrared=0.7)


def floor_lamp(rng: np.random.Generator) -> Model:
    """A lamp as tall as a person."""
    height = rng.uniform(1.4, 1.8)
    model = Model("lamp", 0.4, 0.4, height)
    pole = metal(rng) if rng.random() < 0.5 else BLACK
    model.add(
        pole, cylinder(0.14, 0.03, (0, 0, 0.015)), cylinder(0.014, height - 0.2, (0, 0, (height - 0.2) / 2), segments=8)
    )
    model.add(_lamp_shade(rng), cylinder(rng.uniform(0.15, 0.22), 0.3, (0, 0, height - 0.15), top_radius=0.13))
    return model


def desk_lamp(rng: np.random.Generator) -> Model:
    """An arm with a joint and a tilted head."""
    model = Model("lamp", 0.2, 0.35, 0.45)
    paint = plain(hsv(rng.random(), rng.uniform(0, 0.8), rng.uniform(0.1, 0.95)))
    model.add(paint, cylinder(0.08, 0.02, (0, 0.1, 0.01)))
    model.add(paint, rod((0, 0.1, 0.02), (0, 0.14, 0.3), 0.01, 6), rod((0, 0.14, 0.3), (0, -0.05, 0.44), 0.01, 6))
    model.add(paint, cylinder(0.08, 0.1, top_radius=0.03).turned(0.5, "x").moved((0, -0.08, 0.42)))
    return model


def towel(rng: np.random.Generator) -> Model:
    """A towel hanging over a bar; origin in the middle of its back at its lower edge."""
    width, height = rng.uniform(0.3, 0.6), rng.uniform(0.4, 0.8)
    model = Model("towel", width, 0.08, height)
    color = hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.5, 0.97))
    pattern = "stripes" if rng.random() < 0.25 else "carpet"
    cloth = Material(pattern, color, shade(color, 0.8), shade(color, 0.9), repeats_per_m=3)
    model.add(cloth, cushion((width, 0.05, height), (0, 0, height / 2), 0.2))
    model.add(metal(rng), rod((-width / 2 - 0.08, 0, height - 0.01), (width / 2 + 0.08, 0, height - 0.01), 0.012, 6))
    return model


def clothes_pile(rng: np.random.Generator) -> Model:
    """Clothes thrown on a bed, a chair or the floor."""
    model = Model("clothes", 0.5, 0.4, 0.14)
    for _ in range(int(rng.integers(2, 5))):
        size = (rng.uniform(0.25, 0.5), rng.uniform(0.2, 0.35), rng.uniform(0.05, 0.12))
        lump = cushion(size, (0, 0, 0), 0.8).turned(rng.uniform(0, 3))
        model.add(
            fabric(rng, dark=0.4), lump.moved((rng.uniform(-0.1, 0.1), rng.uniform(-0.1, 0.1), rng.uniform(0.03, 0.1)))
        )
    return model


def hanging_clothes(rng: np.random.Generator) -> Model:
    """Jackets on hooks; origin at the lower edge of the back."""
    count = int(rng.integers(2, 5))
    model = Model("clothes", 0.28 * count, 0.2, 0.95)
    for i in range(count):
        x, height = (i - (count - 1) / 2) * 0.28, rng.uniform(0.65, 0.95)
        cloth = fabric(rng, patterned=0.2, dark=0.5)
        model.add(cloth, folded_sheet(0.36, height, 3, 0.05, (x, -0.08, 0.95 - height / 2)))
        model.add(cloth, cushion((0.36, 0.12, 0.25), (x, -0.06, 0.85), 0.8))
    model.add(wood(rng), box((0.28 * count, 0.02, 0.08), (0, 0, 0.98)))
    return model


def crockery(rng: np.random.Generator) -> Model:
    """A cup, a bowl, a bottle or a pan: things of no class in the set."""
    model = Model("", 0.16, 0.16, 0.2)
    color = plain(hsv(rng.random(), rng.uniform(0, 0.8), rng.uniform(0.3, 0.95)), gloss=0.7)
    kind = int(rng.integers(4))
    if kind == 0:
        model.add(color, turned_profile([(0, 0), (0.035, 0), (0.042, 0.09), (0.036, 0.09), (0.03, 0.01), (0, 0.01)]))
    elif kind == 1:
        model.add(color, turned_profile([(0, 0), (0.05, 0), (0.11, 0.07), (0.1, 0.07), (0.04, 0.01), (0, 0.01)]))
    elif kind == 2:
        model.add(color, turned_profile([(0, 0), (0.035, 0), (0.037, 0.17), (0.012, 0.22), (0.012, 0.27), (0, 0.27)]))
    else:
        model.add(metal(rng), cylinder(0.11, 0.1, (0, 0, 0.05)))
        model.add(BLACK, rod((0.1, 0, 0.08), (0.28, 0, 0.09), 0.012, 6))
    return model


def plant(rng: np.random.Generator, height: float | None = None) -> Model:
    """A pot plant; the label set has no class for it."""
    height = rng.uniform(0.3, 1.3) if height is None else height
    spread = min(0.5, height * 0.4)
    model = Model("", spread, spread, height)
    pot = min(0.16, height * 0.22)
    model.add(
        plain(hsv(rng.uniform(0.03, 0.1), rng.uniform(0, 0.7), rng.uniform(0.3, 0.9))),
        cylinder(pot * 0.8, pot * 2, (0, 0, pot), top_radius=pot),
    )
    green = hsv(rng.uniform(0.22, 0.4), rng.uniform(0.4, 0.8), rng.uniform(0.25, 0.6))
    leaf = Material("floral", green, shade(green, 0.6), shade(green, 1.4), 3, infrared=0.9)
    for _ in range(9):
        direction = rng.normal(size=3) * (spread * 0.4, spread * 0.4, height * 0.12)
        blade = cushion((spread * 0.5, 0.03, spread * 0.28), (0, 0, 0), 0.9, 3).turned(rng.uniform(-1, 1), "x")
        model.add(
            leaf, blade.turned(rng.uniform(0, 3)).moved((direction[0], direction[1], height * 0.72 + direction[2]))
        )
    model.add(plain((0.3, 0.22, 0.12)), rod((0, 0, pot * 2), (0, 0, height * 0.75), 0.012, 6))
    return model


def computer(rng: np.random.Generator) -> Model:
    """A monitor on its foot; its class is tv, which comes nearest among those of SUN RGB-D."""
    width = rng.uniform(0.42, 0.65)
    height = width * 0.58
    model = Model("tv", width, 0.2, height + 0.12)
    model.add(BLACK, box((width, 0.03, height), (0, 0, 0.12 + height / 2)))
    model.add(
        picture(random_picture("screen", rng), glow=0.35, gloss=0.6, infrared=0.12),
        print_panel(width - 0.03, height - 0.03, (0, -0.0165, 0.12 + height / 2)),
    )
    model.add(BLACK, cylinder(0.02, 0.14, (0, 0.02, 0.07)), box((0.22, 0.16, 0.012), (0, 0, 0.006)))
    return model


def keyboard(rng: np.random.Generator) -> Model:
    model = Model("", 0.44, 0.14, 0.03)
    tone = plain(hsv(0, 0, rng.choice([0.1, 0.9])))
    model.add(tone, box((0.44, 0.14, 0.02), (0, 0, 0.01)))
    keys = Material("tiles", shade(tone.base, 0.8), shade(tone.base, 0.9), shade(tone.base, 0.4), 12)
    model.add(keys, box((0.42, 0.12, 0.012), (0, 0, 0.02)))
    return model


DESK_THINGS: tuple[Callable[[np.random.Generator], Model], ...] = (
    book_stack,
    papers,
    crockery,
    package,
    desk_lamp,
    papers,
    book_stack,
    carton,
)
TABLE_THINGS: tuple[Callable[[np.random.Generator], Model], ...] = (
    crockery,
    crockery,
    book_stack,
    papers,
    package,
    package,
    carton,
    crockery,
    package,
)


def scatter(
    model: Model,
    rng: np.random.Generator,
    things: tuple[Callable[[np.random.Generator], Model], ...],
    count: int,
    height: float,
) -> None:
    """Lays up to `count` things on the top of a model without overlap; what does not fit is left away."""
    taken: list[tuple[float, float, float]] = [
        (a.offset[0], a.offset[1], max(a.model.width, a.model.depth) / 2) for a in model.attached
    ]
    for _ in range(count):
        thing = things[int(rng.integers(len(things)))](rng)
        radius = 0.5 * float(np.hypot(thing.width, thing.depth))
        for _ in range(6):
            x = rng.uniform(-1, 1) * max(model.width / 2 - radius, 0)
            y = rng.uniform(-1, 1) * max(model.depth / 2 - radius, 0)
            if all(np.hypot(x - a, y - b) > radius + r for a, b, r in taken):
                taken.append((x, y, radius))
                model.put(thing, x, y, height, rng.uniform(-0.6, 0.6))
                break
