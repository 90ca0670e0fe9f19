"""Recipes: what stands in a kitchen, a bedroom, a living room, an office and a bathroom, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from rgbd_seg.scenes.furniture import fittings, kitchen_bath, seating, small, storage, tables
from rgbd_seg.scenes.layout import Layout, Placed, Wall
from rgbd_seg.scenes.materials import Material, front
from rgbd_seg.scenes.model import Model

RoomKind = Literal["kitchen", "bedroom", "living", "office", "bathroom"]
ROOM_KINDS: tuple[RoomKind, ...] = get_args(RoomKind)


def furnish(layout: Layout, kind: RoomKind) -> None:
    """Fills a room: openings first, then large furniture, then what belongs to it, then clutter."""
    _doors(layout)
    _windows(layout, kind)
    {"kitchen": _kitchen, "bedroom": _bedroom, "living": _living, "office": _office, "bathroom": _bathroom}[kind](
        layout
    )
    _ceiling_lights(layout, kind)
    _clutter(layout, kind)


def _doors(layout: Layout) -> None:
    rng = layout.rng
    for _ in range(int(rng.integers(1, 3))):
        model = fittings.door(rng)
        placed = layout.hang(model, 0.0, off_m=-model.depth / 2 + 0.02)
        if placed:
            inward = np.array([np.sin(placed.yaw_rad), -np.cos(placed.yaw_rad)])
            x, y = np.array([placed.x, placed.y]) + inward * 0.4
            layout.reserved.append((x - 0.45, y - 0.45, x + 0.45, y + 0.45))


def _windows(layout: Layout, kind: RoomKind) -> None:
    rng = layout.rng
    cloth = fittings.curtain_cloth(rng)
    for _ in range(int(rng.integers(0, 2)) if kind == "bathroom" else int(rng.integers(1, 4))):
        wall = max(layout.walls, key=lambda w: w.length * rng.random())
        width = min(float(rng.uniform(0.7, 2.2)), wall.length - 1.0)
        if width < 0.5:
            continue
        bottom = float(rng.uniform(0.85, 1.15))
        if kind == "living" and rng.random() < 0.3:
            bottom = 0.12
        height = (
            min(float(rng.uniform(1.0, 1.5)), layout.height - bottom - 0.25) if bottom > 0.5 else layout.height - 0.5
        )
        if kind == "bathroom":
            width, height, bottom = min(width, 0.8), min(height, 0.8), 1.3
        model = fittings.window(rng, width, height)
        at = float(rng.uniform(model.width / 2 + 0.1, wall.length - model.width / 2 - 0.1))
        placed = layout.hang(model, bottom, wall=wall, at_m=at, off_m=-model.depth / 2 + 0.02)
        if not placed:
            continue
        dress = rng.random()
        if dress < 0.5 and kind != "bathroom":
            _curtains(layout, placed, wall, at, width, height, cloth)
        elif dress < 0.75:
            drop = height * float(rng.uniform(0.35, 1.0))
            _in_front(layout, fittings.blinds(rng, width + 0.06, drop), wall, at, bottom + height - drop, 0.06)


def _curtains(
    layout: Layout, window: Placed, wall: Wall, at: float, width: float, height: float, cloth: Material
) -> None:
    rng = layout.rng
    top = min(window.z + height + 0.18, layout.height - 0.03)
    bottom = 0.03 if rng.random() < 0.65 else window.z - 0.1
    share = rng.uniform(0.22, 0.5)
    for side in (-1, 1):
        panel = fittings.curtain(rng, width * share + 0.15, top - bottom, cloth)
        middle = at + side * (width / 2 + 0.1 - panel.width / 2 + 0.06)
        if panel.width / 2 < middle < wall.length - panel.width / 2:
            _in_front(layout, panel, wall, middle, bottom, 0.17)
            wall.take(middle - panel.width / 2, middle + panel.width / 2, bottom, top)


def _in_front(layout: Layout, model: Model, wall: Wall, at: float, bottom: float, off: float) -> None:
    """Hangs something before a thing that already has its place on the wall."""
    x, y = wall.start + wall.along * at + wall.inward * off
    layout.placed.append(Placed(model, float(x), float(y), bottom, wall.yaw_rad))


def _ceiling_lights(layout: Layout, kind: RoomKind) -> None:
    rng = layout.rng
    office = kind == "office" or (kind == "kitchen" and rng.random() < 0.4)
    x0, y0, x1, y1 = layout.floor[0]
    count = 2 if office else 1
    for i in range(count):
        x = x0 + (x1 - x0) * (i + 1) / (count + 1)
        model = fittings.ceiling_light(rng, office=office)
        layout.placed.append(Placed(model, x, (y0 + y1) / 2, layout.height, float(rng.choice([0, np.pi / 2]))))


def _hang_some(layout: Layout, makers: list[Callable[[np.random.Generator], Model]], low: float, high: float) -> None:
    for make in makers:
        layout.hang(make(layout.rng), float(layout.rng.uniform(low, high)))


def _pictures(layout: Layout, most: int) -> None:
    _hang_some(layout, [fittings.wall_picture] * int(layout.rng.integers(1, most + 1)), 1.15, 1.6)


def _chairs_around(layout: Layout, table: Placed, share: float) -> None:
    """Chairs on both long sides and at the ends, drawn up or pushed away a little."""
    rng = layout.rng
    make = [seating.wooden_chair, seating.shell_chair, seating.office_chair][int(rng.choice(3, p=[0.6, 0.3, 0.1]))]
    state = rng.bit_generator.state
    c, s = np.cos(table.yaw_rad), np.sin(table.yaw_rad)
    w, d = table.model.width, table.model.depth
    per_side = max(1, int(w / 0.65))
    places = [
        ((i - (per_side - 1) / 2) * 0.66, side * (d / 2 + 0.12), 0.0 if side > 0 else np.pi)
        for i in range(per_side)
        for side in (-1, 1)
    ]
    places += [(side * (w / 2 + 0.15), 0.0, side * np.pi / -2) for side in (-1, 1)] if w > 1.3 else []
    twin = np.random.default_rng()
    for x, y, turn in places:
        if rng.random() > share:
            continue
        twin.bit_generator.state = state  # All chairs of one table are of one make.
        out = rng.uniform(0.0, 0.25)
        y += np.sign(y) * out
        at = (table.x + c * x - s * y, table.y + s * x + c * y)
        candidate = Placed(make(twin), float(at[0]), float(at[1]), 0.0, table.yaw_rad + turn + rng.uniform(-0.25, 0.25))
        if layout.is_inside(candidate.footprint, 0.05) and not any(
            _overlap(candidate.footprint, p.footprint) for p in layout.placed if p is not table and p.z < 0.3
        ):
            layout.placed.append(candidate)


def _overlap(a: tuple[float, ...], b: tuple[float, ...], slack: float = 0.06) -> bool:
    return a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack


def _desk_place(layout: Layout) -> None:
    rng = layout.rng
    placed = layout.stand_at_wall(tables.desk(rng), clear_m=0.7)
    if not placed:
        return
    inward = np.array([np.sin(placed.yaw_rad), -np.cos(placed.yaw_rad)])
    x, y = np.array([placed.x, placed.y]) + inward * (placed.model.depth / 2 + rng.uniform(0.1, 0.45))
    chair = seating.office_chair(rng) if rng.random() < 0.75 else seating.wooden_chair(rng)
    candidate = Placed(chair, float(x), float(y), 0.0, placed.yaw_rad + np.pi + rng.uniform(-0.6, 0.6))
    if layout.is_inside(candidate.footprint):
        layout.placed.append(candidate)


def _kitchen(layout: Layout) -> None:
    rng = layout.rng
    panel, top = front(rng), kitchen_bath.worktop(rng)
    walls = sorted(layout.walls, key=lambda w: -w.length * rng.uniform(0.7, 1.0))[: int(rng.integers(1, 3))]
    for number, wall in enumerate(walls):
        width = min(float(rng.uniform(1.8, 3.4)), wall.length - 0.1)
        while width > 0.9:
            placed = layout.stand_at_wall(
                kitchen_bath.counter(rng, width, panel, top, with_sink=number == 0), clear_m=0.6, wall=wall
            )
            if placed:
                at = float((np.array([placed.x, placed.y]) - wall.start) @ wall.along)
                hung = kitchen_bath.wall_cabinet(rng, float(rng.uniform(0.45, 0.9)) * width, panel)
                if rng.random() < 0.85:
                    layout.hang(hung, 1.45, wall=wall, at_m=at - (width - hung.width) / 2)
                if rng.random() < 0.5:
                    layout.hang(kitchen_bath.hood(rng), 1.55, wall=wall, at_m=at + width / 2 - 0.4)
                break
            width *= 0.8
    layout.stand_at_wall(storage.fridge(rng), clear_m=0.4)
    x, y = rng.uniform(0.38, 0.62) * layout.width, rng.uniform(0.38, 0.62) * layout.depth
    table = layout.stand(tables.dining_table(rng), x, y, float(rng.choice([0, np.pi / 2])), 0.25)
    if table:
        _chairs_around(layout, table, 0.75)
    _maybe(layout, 0.5, lambda: layout.stand_at_wall(storage.sideboard(rng), clear_m=0.4))
    _maybe(layout, 0.35, lambda: layout.stand_at_wall(storage.shelves(rng), clear_m=0.4))
    _hang_some(layout, [small.towel] * int(rng.integers(0, 3)), 0.7, 1.0)
    _hang_some(layout, [storage.wall_shelf] * int(rng.integers(0, 2)), 1.35, 1.5)
    _pictures(layout, 2)


def _bedroom(layout: Layout) -> None:
    rng = layout.rng
    for _ in range(6):
        bed = layout.stand_at_wall(tables.bed(rng), clear_m=0.35)
        if bed:
            for side in (-1, 1):
                if rng.random() < 0.8:
                    stand = tables.night_stand(rng)
                    offset = side * (bed.model.width / 2 + stand.width / 2 + 0.06)
                    c, s = np.cos(bed.yaw_rad), np.sin(bed.yaw_rad)
                    back = bed.model.depth / 2 - stand.depth / 2
                    layout.stand(stand, bed.x + c * offset - s * back, bed.y + s * offset + c * back, bed.yaw_rad, 0.0)
            break
    layout.stand_at_wall(storage.wardrobe(rng), clear_m=0.4)
    layout.stand_at_wall(storage.dresser(rng), clear_m=0.4)
    _maybe(layout, 0.4, lambda: _desk_place(layout))
    _maybe(layout, 0.45, lambda: layout.stand_at_wall(seating.armchair(rng), clear_m=0.2))
    _maybe(layout, 0.4, lambda: layout.stand_at_wall(storage.bookshelf(rng), clear_m=0.3))
    _maybe(layout, 0.6, lambda: layout.hang(fittings.mirror(rng), 0.75))
    _maybe(layout, 0.45, lambda: layout.hang(small.hanging_clothes(rng), 0.85))
    _maybe(layout, 0.3, lambda: layout.hang(fittings.wall_tv(rng), 1.1))
    _maybe(layout, 0.6, lambda: _lay_rug(layout))
    _pictures(layout, 3)


def _living(layout: Layout) -> None:
    rng = layout.rng
    sofa = layout.stand_at_wall(seating.sofa(rng), clear_m=1.1)
    if sofa:
        inward = np.array([np.sin(sofa.yaw_rad), -np.cos(sofa.yaw_rad)])
        x, y = np.array([sofa.x, sofa.y]) + inward * (sofa.model.depth / 2 + 0.7)
        if rng.random() < 0.6:
            mat = fittings.rug(rng)
            candidate = Placed(mat, float(x), float(y), 0.0, sofa.yaw_rad)
            if layout.is_inside(candidate.footprint, 0.05):
                layout.placed.insert(0, Placed(mat, candidate.x, candidate.y, 0.001, sofa.yaw_rad))
        layout.placed.append(Placed(tables.coffee_table(rng), float(x), float(y), 0.0, sofa.yaw_rad))
    for _ in range(int(rng.integers(0, 3))):
        layout.stand_at_wall(seating.armchair(rng), clear_m=0.4)
    _maybe(layout, 0.75, lambda: layout.stand_at_wall(fittings.tv_bench(rng), clear_m=0.8))
    for _ in range(int(rng.integers(1, 3))):
        layout.stand_at_wall(storage.bookshelf(rng), clear_m=0.4)
    _maybe(layout, 0.5, lambda: layout.stand_at_wall(storage.sideboard(rng), clear_m=0.4))
    _maybe(layout, 0.35, lambda: layout.stand_at_wall(storage.shelves(rng), clear_m=0.4))
    _maybe(layout, 0.6, lambda: layout.stand_at_wall(small.floor_lamp(rng)))
    _maybe(layout, 0.5, lambda: layout.stand_at_wall(tables.side_table(rng)))
    if rng.random() < 0.5:
        x, y = rng.uniform(0.25, 0.75) * layout.width, rng.uniform(0.25, 0.75) * layout.depth
        table = layout.stand(tables.dining_table(rng), x, y, float(rng.choice([0, np.pi / 2])), 0.3)
        if table:
            _chairs_around(layout, table, 0.8)
    _maybe(layout, 0.35, lambda: layout.hang(fittings.mirror(rng), 0.9))
    _hang_some(layout, [storage.wall_shelf] * int(rng.integers(0, 2)), 1.3, 1.5)
    _pictures(layout, 4)


def _office(layout: Layout) -> None:
    rng = layout.rng
    for _ in range(int(rng.integers(1, 5))):
        _desk_place(layout)
    layout.hang(fittings.whiteboard(rng), 0.95)
    for make, share in (
        (storage.file_cabinet, 0.8),
        (storage.bookshelf, 0.7),
        (storage.shelves, 0.6),
        (storage.wardrobe, 0.3),
        (storage.sideboard, 0.4),
    ):
        _maybe(layout, share, lambda make=make: layout.stand_at_wall(make(rng), clear_m=0.4))  # type: ignore[misc]
    if rng.random() < 0.5:
        x, y = rng.uniform(0.35, 0.65) * layout.width, rng.uniform(0.35, 0.65) * layout.depth
        table = layout.stand(tables.dining_table(rng), x, y, float(rng.choice([0, np.pi / 2])), 0.3)
        if table:
            _chairs_around(layout, table, 0.7)
    _maybe(layout, 0.4, lambda: layout.stand_at_wall(seating.sofa(rng), clear_m=0.4))
    _maybe(layout, 0.4, lambda: layout.hang(small.hanging_clothes(rng), 0.85))
    _pictures(layout, 3)


def _bathroom(layout: Layout) -> None:
    rng = layout.rng
    tub = layout.stand_at_wall(kitchen_bath.bathtub(rng), clear_m=0.5)
    if tub and rng.random() < 0.65:
        width = float(rng.uniform(0.5, 1.3))
        along = np.array([np.cos(tub.yaw_rad), np.sin(tub.yaw_rad)])
        ahead = np.array([np.sin(tub.yaw_rad), -np.cos(tub.yaw_rad)])
        x, y = (
            np.array([tub.x, tub.y])
            + ahead * (tub.model.depth / 2 - 0.04)
            + along * rng.choice([-1, 1]) * (tub.model.width - width) / 2
        )
        layout.placed.append(Placed(kitchen_bath.shower_curtain(rng, width), float(x), float(y), 0.32, tub.yaw_rad))
    layout.stand_at_wall(kitchen_bath.toilet(rng), clear_m=0.45)
    basin = layout.stand_at_wall(kitchen_bath.wash_basin(rng), clear_m=0.5)
    if basin:
        wall = min(layout.walls, key=lambda w: abs(w.inward @ (np.array([basin.x, basin.y]) - w.start)))
        at = float((np.array([basin.x, basin.y]) - wall.start) @ wall.along)
        layout.hang(fittings.mirror(rng), 1.15, wall=wall, at_m=at)
    _hang_some(layout, [small.towel] * int(rng.integers(1, 4)), 0.7, 1.1)
    _maybe(layout, 0.5, lambda: layout.stand_at_wall(storage.sideboard(rng), clear_m=0.3))
    _maybe(layout, 0.35, lambda: layout.stand_at_wall(storage.shelves(rng), clear_m=0.3))
    _maybe(layout, 0.7, lambda: layout.stand_free(fittings.bath_mat(rng), margin_m=0.2))
    _maybe(layout, 0.4, lambda: layout.hang(small.hanging_clothes(rng), 0.85))
    _maybe(layout, 0.3, lambda: layout.hang(fittings.wall_picture(rng), 1.4))


def _lay_rug(layout: Layout) -> None:
    """A rug in the middle; furniture may stand on it, so it does not block the floor."""
    mat = fittings.rug(layout.rng)
    x, y = layout.rng.uniform(0.35, 0.65) * layout.width, layout.rng.uniform(0.35, 0.65) * layout.depth
    candidate = Placed(mat, float(x), float(y), 0.001, float(layout.rng.choice([0, np.pi / 2])))
    if layout.is_inside(candidate.footprint, 0.1):
        layout.placed.insert(0, candidate)


def _maybe(layout: Layout, share: float, act: Callable[[], object]) -> None:
    if layout.rng.random() < share:
        act()


def _clutter(layout: Layout, kind: RoomKind) -> None:
    rng = layout.rng
    choices: dict[RoomKind, list[Callable[[np.random.Generator], Model]]] = {
        "kitchen": [small.carton, small.bag, small.plant, seating.stool],
        "bedroom": [small.clothes_pile, small.bag, small.carton, small.plant, seating.footstool, small.clothes_pile],
        "living": [small.plant, small.bag, small.carton, seating.footstool, small.book_stack, seating.chair],
        "office": [small.carton, small.carton, small.bag, small.plant, seating.chair, small.papers],
        "bathroom": [small.clothes_pile, small.carton, small.plant, fittings.bath_mat, small.bag],
    }
    things = choices[kind]
    for _ in range(int(rng.integers(2, 6))):
        layout.stand_free(things[int(rng.integers(len(things)))](rng))
    if rng.random() < 0.3:
        layout.stand_free(fittings.person(rng))
