"""The slots of shared memory: what a driver writes straight into one arrives, and a slot is never given out twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import SensorError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.sensors.isolation.shared_frames import (
    SLOTS,
    FrameReader,
    FrameShape,
    FrameWriter,
    SharedMemory,
    map_shared,
)

HEIGHT, WIDTH = 4, 6
CALIBRATION = Calibration(Intrinsics(WIDTH, HEIGHT, 5, 5, 3, 2))


@pytest.fixture
def sides() -> tuple[FrameWriter, FrameReader]:
    memory = SharedMemory()
    reader = FrameReader(memory, HEIGHT, WIDTH)
    writer = FrameWriter(map_shared(memory.descriptor, memory.tag, reader.size), reader.slot_bytes)
    memory.close()
    return writer, reader


def pair(writer: FrameWriter | None, value: int) -> RgbdFrame:
    """A frame full of one number, in the writer's buffers if there is one."""
    color, depth = np.empty((HEIGHT, WIDTH, 3), np.uint8), np.empty((HEIGHT, WIDTH), np.uint16)
    if writer is not None:
        color, depth = writer.buffers(HEIGHT, WIDTH)
    color[:], depth[:] = value, value
    return RgbdFrame(color, depth, CALIBRATION, value, 0)


@pytest.mark.parametrize("in_place", [True, False])
def test_frames_arrive_whether_or_not_they_were_written_in_place(
    sides: tuple[FrameWriter, FrameReader], in_place: bool
):
    writer, reader = sides
    sent = [writer.put(pair(writer if in_place else None, value)) for value in range(5)]
    assert len({slot for slot, _ in sent}) == 5
    for value, (slot, shape) in enumerate(sent):
        arrays = reader.take(slot, shape)
        assert (arrays.color == value).all()
        assert (arrays.depth == value).all()


def test_infrared_arrives_in_its_own_size_and_much_finer_ones_thinned(sides: tuple[FrameWriter, FrameReader]):
    writer, reader = sides
    for rows, columns, arrived in ((3, 5, (3, 5)), (4 * HEIGHT, 4 * WIDTH, (HEIGHT, WIDTH))):
        infrared = np.full((rows, columns), 7, np.uint8)
        slot, shape = writer.put(replace(pair(None, 1), infrared=infrared))
        found = reader.take(slot, shape).infrared
        assert found is not None
        assert found.shape == arrived
        assert (found == 7).all()
    with pytest.raises(SensorError, match="cannot be"):
        reader.take(0, FrameShape(HEIGHT, WIDTH, infrared=(10**6, 10**6)))


def test_buffers_that_were_not_sent_are_used_again_and_hold_no_slot(sides: tuple[FrameWriter, FrameReader]):
    writer, reader = sides
    for value in range(3 * SLOTS):
        pair(writer, value)
    slot, shape = writer.put(pair(None, 77))  # Another frame than the one that was begun there.
    assert (reader.take(slot, shape).color == 77).all()
    slots = [slot]
    while not writer.full:
        slots.append(writer.put(pair(writer, 1))[0])
    assert sorted(slots) == list(range(SLOTS))


def test_where_no_slot_is_free_or_large_enough_buffers_are_ordinary_memory(sides: tuple[FrameWriter, FrameReader]):
    writer, reader = sides
    color, depth = writer.buffers(2000, 1000)
    assert (color.shape, depth.shape) == ((2000, 1000, 3), (2000, 1000))
    slots = [writer.put(pair(writer, value))[0] for value in range(SLOTS)]
    late = pair(writer, 99)
    assert not any(
        np.shares_memory(late.color, reader.take(slot, FrameShape(HEIGHT, WIDTH)).color) for slot in slots[:3]
    )
    writer.give_back(slots[:1])
    slot, shape = writer.put(late)
    assert slot == slots[0]
    assert (reader.take(slot, shape).depth == 99).all()
