"""Cabinets, wardrobes, dressers, bookshelves, shelves and fridges."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from rgbd_seg.scenes.furniture.small import (
    bag,
    book_stack,
    carton,
    clothes_pile,
    crockery,
    plant,
    scatter,
    standing_books,
    table_lamp,
)
from rgbd_seg.scenes.materials import BLACK, Material, front, hsv, lacquer, metal, picture, plain, shade, wood
from rgbd_seg.scenes.mesh import box, cushion, print_panel, rod
from rgbd_seg.scenes.model import Model
from rgbd_seg.scenes.patterns import random_picture


def fronts(
    model: Model,
    rng: np.random.Generator,
    panel: Material,
    area: tuple[float, float, float, float],
    columns: int,
    rows: int,
    *,
    drawers: bool,
) -> None:
    """Lays a grid of doors or drawers with gaps and handles over the front of a body.

    Args:
        model: The body; its front is at y = -depth / 2.
        rng: Random numbers.
        panel: Material of the fronts.
        area: x0, z0, x1, z1 in metres.
        columns: Fronts side by side.
        rows: Fronts one above the other.
        drawers: Drawers have a handle in the middle, doors at one side.
    """
    x0, z0, x1, z1 = area
    y = -model.depth / 2
    handle = metal(rng) if rng.random() < 0.7 else BLACK
    knobs, framed = rng.random() < 0.35, rng.random() < 0.45
    w, h = (x1 - x0) / columns, (z1 - z0) / rows
    for column in range(columns):
        for row in range(rows):
            x, z = x0 + (column + 0.5) * w, z0 + (row + 0.5) * h
            model.add(panel, box((w - 0.012, 0.02, h - 0.012), (x, y - 0.008, z)))
            if framed and w > 0.2 and h > 0.12:
                inner = replace(panel, base=shade(panel.base, 0.9), second=shade(panel.second, 0.9))
                model.add(inner, box((w - 0.13, 0.012, h - 0.11), (x, y - 0.016, z)))
            if drawers:
                hx, hz, upright = x, z + h * 0.2, False
            else:
                hx, hz, upright = x + (w / 2 - 0.05) * (1 if column % 2 == 0 else -1), z, True
            if knobs:
                model.add(handle, cushion((0.035, 0.035, 0.035), (hx, y - 0.035, hz), 1.0, 3))
            elif upright:
                model.add(handle, box((0.014, 0.03, min(0.2, h * 0.4)), (hx, y - 0.035, hz)))
            else:
                model.add(handle, box((min(0.22, w * 0.4), 0.03, 0.014), (hx, y - 0.035, hz)))


def wardrobe(rng: np.random.Generator) -> Model:
    """A tall cabinet with two to four doors."""
    doors = int(rng.integers(2, 5))
    width, depth, height = doors * rng.uniform(0.42, 0.52), rng.uniform(0.5, 0.62), rng.uniform(1.85, 2.25)
    model = Model("cabinet", width, depth, height)
    body = front(rng)
    panel = body if rng.random() < 0.7 else front(rng)
    model.add(body, box((width, depth, height), (0, 0, height / 2)))
    model.add(plain(shade(body.base, 0.6)), box((width - 0.02, depth, 0.08), (0, -0.004, 0.04)))
    fronts(model, rng, panel, (-width / 2 + 0.01, 0.08, width / 2 - 0.01, height - 0.02), doors, 1, drawers=False)
    if rng.random() < 0.4:
        model.put(carton(rng), rng.uniform(-0.3, 0.3), 0, height)
    return model


def sideboard(rng: np.random.Generator) -> Model:
    """A low or half-height cabinet with doors."""
    doors = int(rng.integers(2, 5))
    width, depth, height = doors * rng.uniform(0.38, 0.5), rng.uniform(0.36, 0.48), rng.uniform(0.6, 1.15)
    model = Model("cabinet", width, depth, height)
    body = front(rng)
    model.add(body, box((width, depth, height - 0.1), (0, 0, height / 2 + 0.05)))
    for x in (-width / 2 + 0.05, width / 2 - 0.05):
        model.add(body, box((0.05, depth - 0.04, 0.1), (x, 0, 0.05)))
    fronts(model, rng, body, (-width / 2 + 0.02, 0.12, width / 2 - 0.02, height - 0.03), doors, 1, drawers=False)
    scatter(model, rng, (crockery, book_stack, plant_small, table_lamp, carton), int(rng.integers(1, 4)), height)
    return model


def plant_small(rng: np.random.Generator) -> Model:
    """A plant that fits on furniture."""
    return plant(rng, rng.uniform(0.25, 0.45))


def file_cabinet(rng: np.random.Generator) -> Model:
    """A steel cabinet with drawers, grey or beige."""
    columns, rows = int(rng.integers(1, 3)), int(rng.integers(3, 5))
    model = Model("cabinet", 0.46 * columns, 0.55, 0.32 * rows + 0.05)
    tone = plain(hsv(rng.uniform(0.08, 0.6), rng.uniform(0, 0.12), rng.uniform(0.45, 0.85)), gloss=0.4)
    model.add(tone, box((model.width, model.depth, model.height), (0, 0, model.height / 2)))
    half = model.width / 2
    fronts(model, rng, tone, (-half + 0.01, 0.04, half - 0.01, model.height - 0.02), columns, rows, drawers=True)
    scatter(model, rng, (book_stack, carton, plant_small), int(rng.integers(0, 3)), model.height)
    return model


def dresser(rng: np.random.Generator) -> Model:
    columns, rows = int(rng.integers(1, 3)), int(rng.integers(3, 5))
    width, depth = columns * rng.uniform(0.55, 0.75), rng.uniform(0.42, 0.52)
    height = rows * rng.uniform(0.2, 0.25) + 0.15
    model = Model("dresser", width, depth, height)
    body = front(rng)
    model.add(body, box((width, depth, height - 0.12), (0, 0, height / 2 + 0.06)))
    model.add(body, box((width + 0.04, depth + 0.04, 0.03), (0, 0, height - 0.015)))
    for x in (-width / 2 + 0.04, width / 2 - 0.04):
        for y in (-depth / 2 + 0.04, depth / 2 - 0.04):
            model.add(body, box((0.05, 0.05, 0.12), (x, y, 0.06)))
    fronts(model, rng, body, (-width / 2 + 0.02, 0.14, width / 2 - 0.02, height - 0.05), columns, rows, drawers=True)
    scatter(model, rng, (table_lamp, book_stack, plant_small, clothes_pile, crockery), int(rng.integers(1, 4)), height)
    return model


def bookshelf(rng: np.random.Generator) -> Model:
    """A tall rack full of books; the books in it belong to it."""
    width, depth, height = rng.uniform(0.7, 1.4), rng.uniform(0.28, 0.36), rng.uniform(1.5, 2.2)
    model = Model("bookshelf", width, depth, height)
    levels = _rack(model, rng)
    for low, high in levels:
        x, end = -width / 2 + 0.03, width / 2 - 0.03
        while x < end - 0.06:
            if rng.random() < 0.03:
                x += rng.uniform(0.06, 0.2)
                continue
            thick, tall = rng.uniform(0.02, 0.055), min(rng.uniform(0.6, 0.92) * (high - low), 0.34)
            if x + thick > end:
                break
            deep = rng.uniform(0.7, 0.9) * depth
            color = hsv(rng.random(), rng.uniform(0.05, 0.9), rng.uniform(0.12, 0.92))
            spine = box((thick - 0.002, deep, tall), (x + thick / 2, depth / 2 - 0.015 - deep / 2, low + tall / 2))
            model.add(plain(color), spine)
            x += thick
    return model


def shelves(rng: np.random.Generator) -> Model:
    """An open rack with boxes, baskets, crockery and a few books."""
    width, depth, height = rng.uniform(0.8, 1.4), rng.uniform(0.32, 0.42), rng.uniform(1.2, 2.0)
    model = Model("shelves", width, depth, height)
    levels = _rack(model, rng, closed=rng.random() < 0.3)
    for low, high in levels:
        x = -width / 2 + 0.18
        while x < width / 2 - 0.12:
            thing = (carton, crockery, book_stack, plant_small, bag, clothes_pile, crockery)[int(rng.integers(7))](rng)
            if thing.height < high - low - 0.02 and x + thing.width / 2 < width / 2 - 0.03 and rng.random() < 0.75:
                model.put(thing, x + thing.width / 2 - 0.1, 0, low, rng.uniform(-0.15, 0.15))
                x += thing.width + 0.05
            else:
                x += 0.14
    return model


def wall_shelf(rng: np.random.Generator) -> Model:
    """One to three boards on a wall with books and things; origin at the lowest board."""
    boards, width = int(rng.integers(1, 4)), rng.uniform(0.6, 1.3)
    model = Model("shelves", width, 0.24, boards * 0.34)
    board = wood(rng) if rng.random() < 0.6 else lacquer(rng)
    for i in range(boards):
        z = i * 0.34
        model.add(board, box((width, 0.24, 0.025), (0, 0, z)))
        for x in (-width / 2 + 0.08, width / 2 - 0.08):
            model.add(metal(rng), box((0.02, 0.2, 0.06), (x, 0.01, z - 0.03)))
        if rng.random() < 0.7:
            long = rng.uniform(0.25, 0.5) * width
            model.put(standing_books(rng, long), rng.uniform(-1, 1) * (width - long) * 0.3, 0.01, z + 0.013)
        elif rng.random() < 0.7:
            model.put(plant_small(rng), rng.uniform(-0.3, 0.3) * width, 0, z + 0.013)
    return model


def _rack(model: Model, rng: np.random.Generator, *, closed: bool = True) -> list[tuple[float, float]]:
    """Uprights, boards and perhaps a back; returns the clear heights between boards."""
    body = wood(rng) if rng.random() < 0.7 else lacquer(rng)
    w, d, h = model.width, model.depth, model.height
    for x in (-w / 2 + 0.0125, w / 2 - 0.0125):
        model.add(body, box((0.025, d, h), (x, 0, h / 2)))
    count = max(3, round(h / rng.uniform(0.32, 0.42)))
    edges = np.linspace(0.06, h - 0.012, count + 1)
    for z in edges:
        model.add(body, box((w - 0.04, d - 0.01, 0.025), (0, 0, z)))
    if closed:
        back = replace(body, base=shade(body.base, 0.8), second=shade(body.second, 0.8))
        model.add(back, box((w - 0.03, 0.01, h - 0.05), (0, d / 2 - 0.006, h / 2)))
    return [(low + 0.013, high - 0.013) for low, high in pairwise(edges)]


def fridge(rng: np.random.Generator) -> Model:
    """A fridge with freezer compartment, white, steel or coloured, sometimes with magnets."""
    width, depth, height = rng.uniform(0.56, 0.75), rng.uniform(0.6, 0.7), rng.uniform(1.4, 1.95)
    model = Model("fridge", width, depth, height)
    skin = (
        metal(rng)
        if rng.random() < 0.4
        else plain(hsv(rng.random(), rng.choice([0, 0, 0.5]), rng.uniform(0.8, 0.96)), 0.6)
    )
    model.add(skin, cushion((width, depth - 0.05, height), (0, 0.025, height / 2), 0.12))
    split = height * (rng.uniform(0.3, 0.4) if rng.random() < 0.6 else rng.uniform(0.62, 0.72))
    y = -depth / 2 + 0.03
    for low, high in ((0.06, split), (split + 0.012, height - 0.01)):
        model.add(skin, cushion((width - 0.01, 0.07, high - low), (0, y, (low + high) / 2), 0.14))
        grip = min(0.4, (high - low) * 0.6)
        middle = high - 0.08 - grip / 2 if low < 0.1 else low + 0.08 + grip / 2
        x = width / 2 - 0.06
        model.add(metal(rng), rod((x, y - 0.07, middle - grip / 2), (x, y - 0.07, middle + grip / 2), 0.012, 6))
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 4))):
            place = (rng.uniform(-0.2, 0.15), y - 0.037, rng.uniform(split + 0.15, height - 0.2))
            model.add(picture(random_picture("page", rng)), print_panel(0.1, 0.14, place))
    return model
