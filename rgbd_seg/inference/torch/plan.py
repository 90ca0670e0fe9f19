"""How a network is to be computed on a device, and what to try next when that does not fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from rgbd_seg.errors import ModelError
from rgbd_seg.models.deresunet import STRIDE

if TYPE_CHECKING:
    from rgbd_seg.inference.resize import Size

Precision = Literal["float32", "float16", "bfloat16"]

_SHRINK = 0.7  # Each step halves the pixels.
_SMALLEST_SIDE = 96


class NotFinite(Exception):
    """The network's values leave the range of the chosen precision."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Arithmetic and network input size (height, width)."""

    precision: Precision
    size: Size

    def after_out_of_memory(self, device: str) -> tuple[Plan, str]:
        """A plan that needs less memory, and the sentence that says so.

        Raises:
            ModelError: There is nothing smaller that would still be of use.
        """
        if self.precision == "float32" and device != "cpu":
            return replace(self, precision="float16"), "out of memory: computing in float16 instead of float32"
        smaller = tuple(max(round(side * _SHRINK / STRIDE), 1) * STRIDE for side in self.size)
        if min(smaller) < _SMALLEST_SIDE or smaller == self.size:
            raise ModelError(
                f"out of memory even at {self.size[1]}x{self.size[0]} in {self.precision}: close other programs, or "
                "choose a smaller model or another device"
            )
        note = f"out of memory at {self.size[1]}x{self.size[0]}: running the network at {smaller[1]}x{smaller[0]}"
        return replace(self, size=smaller), note  # type: ignore[arg-type]

    def after_not_finite(self) -> tuple[Plan, str]:
        """A plan with a wider range of values, and the sentence that says so.

        Raises:
            ModelError: The values are not even finite in float32.
        """
        if self.precision == "float16":
            return replace(self, precision="bfloat16"), "values too large for float16: computing in bfloat16 instead"
        if self.precision == "bfloat16":
            return replace(self, precision="float32"), "values too large for bfloat16: computing in float32 instead"
        raise ModelError("the network gives numbers that are not finite: its training went wrong")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch says that memory is short; only CUDA has a class of its own for it."""
    text = f"{type(error).__name__} {error}".lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and ("out of memory" in text or "outofmemory" in text or "can't allocate memory" in text)
    )
