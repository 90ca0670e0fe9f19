"""The latest-value slot: newest wins, misses count, close wakes."""

from __future__ import annotations

import threading

from rgbd_seg.pipeline.slot import LatestSlot
from tests.waiting import PATIENCE_S


def test_newest_wins_and_the_rest_is_counted() -> None:
    slot: LatestSlot[int] = LatestSlot()
    for value in (1, 2, 3):
        slot.put(value)
    assert slot.take_nowait() == 3
    assert slot.overwritten == 2
    assert slot.take_nowait() is None


def test_take_times_out_empty() -> None:
    assert LatestSlot[int]().take(0.01) is None


def test_close_wakes_a_waiting_consumer() -> None:
    slot: LatestSlot[int] = LatestSlot()
    taken: list[int | None] = []
    consumer = threading.Thread(target=lambda: taken.append(slot.take()))
    consumer.start()
    slot.close()
    consumer.join(PATIENCE_S)
    assert taken == [None]


def test_what_is_inside_survives_close_and_later_values_do_not() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    slot.close()
    slot.put(2)
    assert slot.take() == 1
    assert slot.take() is None


def test_a_busy_producer_never_waits_and_nothing_is_lost_uncounted() -> None:
    slot: LatestSlot[int] = LatestSlot()
    seen: list[int] = []

    def consume() -> None:
        while (value := slot.take()) is not None:
            seen.append(value)

    consumer = threading.Thread(target=consume)
    consumer.start()
    for value in range(1, 5001):
        slot.put(value)
    slot.close()
    consumer.join(PATIENCE_S)
    assert seen == sorted(seen)
    assert seen[-1] == 5000
    assert len(seen) + slot.overwritten == 5000
