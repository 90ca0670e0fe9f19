"""Puts colour and depth pictures that arrive one by one into pairs of the same moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

Side = Literal["color", "depth"]


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
    """Keeps the newest picture of each stream and pairs those less than half a period apart.

    Args:
        period_us: Microseconds between two pictures of one stream.
    """

    def __init__(self, period_us: float) -> None:
        self._limit_us = period_us / 2
        self._waiting: dict[Side, Half] = {}

    def add(self, side: Side, half: Half) -> tuple[Half, Half] | None:
        """Takes a picture; returns (colour, depth) when it completes a pair. What is too old for a pair is dropped."""
        self._waiting[side] = half
        if len(self._waiting) < 2:
            return None
        color, depth = self._waiting["color"], self._waiting["depth"]
        apart_us = color.time_us - depth.time_us
        if abs(apart_us) <= self._limit_us:
            self._waiting.clear()
            return color, depth
        del self._waiting["depth" if apart_us > 0 else "color"]
        return None
