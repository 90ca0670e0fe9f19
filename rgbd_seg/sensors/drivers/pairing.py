"""Puts colour and depth pictures that arrive one by one into pairs of the same moment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

Side = Literal["color", "depth"]

#: So many pictures of one stream wait for the other, at most.
MOST_WAITING = 16


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """One picture of a pair.

    Attributes:
        pixels: The picture, in its own memory.
        number: The stream's frame number.
        time_us: The device's clock in microseconds.
    """

    pixels: NDArray[Any]
    number: int
    time_us: int


class Pairing:
    """Pairs pictures that are less than half a period apart, also where one stream arrives well after the other.

    Args:
        period_us: Microseconds between two pictures of one stream.
    """

    def __init__(self, period_us: float) -> None:
        self._limit_us = period_us / 2
        self._waiting: dict[Side, deque[Half]] = {
            "color": deque(maxlen=MOST_WAITING),
            "depth": deque(maxlen=MOST_WAITING),
        }

    def add(self, side: Side, half: Half) -> tuple[Half, Half] | None:
        """Takes a picture; returns (colour, depth) when it completes a pair. What is older than the pair is dropped."""
        own, other = self._waiting[side], self._waiting["depth" if side == "color" else "color"]
        partner = min(other, key=lambda waiting: abs(waiting.time_us - half.time_us), default=None)
        if partner is None or abs(partner.time_us - half.time_us) > self._limit_us:
            own.append(half)
            return None
        own.clear()  # Older than this one.
        while other.popleft() is not partner:
            pass
        return (half, partner) if side == "color" else (partner, half)
