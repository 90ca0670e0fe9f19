"""Frames in memory that two processes share: a fixed number of slots, each free, being filled, or lent to a reader.

The memory has no name in the file system (an anonymous file whose descriptor the child inherits; on Windows a section
that the last process takes with it), so nothing is left behind by any kind of death. The filling process takes a free
slot, writes it completely, and only then sends its number; the reading process sends the number back when the last
array that looks into the slot is gone. No lock or atomic is shared, so no process can be blocked by a dead one.
"""

from __future__ import annotations

import mmap
import os
import secrets
import sys
import tempfile
import weakref
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import SensorError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.sensors.sensor import own_memory

SLOTS = 12
# So many slots are always left to the filling process; when readers keep more, they get copies.
_RESERVED = 4
_MAX_BYTES = 2 << 30
_ALIGNMENT = 4096


@dataclass(frozen=True, slots=True)
class FrameShape:
    """What lies in a slot besides colour (3 bytes a pixel) and depth (2).

    Attributes:
        height: Rows.
        width: Columns.
        labels: Whether there are labels of the truth (1 byte a pixel).
        instances: Whether the truth has instances (2).
        prediction: Whether there are recorded labels of a model (1).
        infrared: Rows and columns of the infrared picture, (0, 0) where there is none; at most two bytes a pixel.
    """

    height: int
    width: int
    labels: bool = False
    instances: bool = False
    prediction: bool = False
    infrared: tuple[int, int] = (0, 0)

    @property
    def is_possible(self) -> bool:
        """Whether such a frame can lie in a slot of its own size."""
        rows, columns = self.infrared
        return min(self.height, self.width) > 0 <= min(rows, columns) and rows * columns <= 2 * self.height * self.width


@dataclass(frozen=True, slots=True, eq=False)
class FrameArrays:
    """The arrays of one slot: colour (H, W, 3) uint8, the others (H, W), None where the slot has none.

    Infrared has rows and columns of its own.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    labels: NDArray[np.uint8] | None
    instances: NDArray[np.uint16] | None
    prediction: NDArray[np.uint8] | None
    infrared: NDArray[np.uint8] | None


def slot_bytes(height: int, width: int) -> int:
    """Room for one frame with everything it may carry, a multiple of the page size. Pages never used cost nothing."""
    return -(-height * width * 11 // _ALIGNMENT) * _ALIGNMENT + _ALIGNMENT


def _arrays(raw: NDArray[np.uint8], shape: FrameShape) -> FrameArrays:
    h, w = shape.height, shape.width
    end = h * w * 3
    color = raw[:end].reshape(h, w, 3)
    start = end + (-end % 64)  # A 16-bit array must not begin at an odd byte.
    depth = raw[start : start + h * w * 2].view(np.uint16).reshape(h, w)
    start += h * w * 2
    instances = raw[start : start + h * w * 2].view(np.uint16).reshape(h, w) if shape.instances else None
    start += h * w * 2
    labels = raw[start : start + h * w].reshape(h, w) if shape.labels else None
    start += h * w
    prediction = raw[start : start + h * w].reshape(h, w) if shape.prediction else None
    start += h * w
    rows, columns = shape.infrared
    infrared = raw[start : start + rows * columns].reshape(rows, columns) if rows and columns else None
    return FrameArrays(color, depth, labels, instances, prediction, infrared)


class SharedMemory:
    """Memory that a child process can map as well; sized once both know how much they need."""

    def __init__(self) -> None:
        self.tag = f"rgbd-seg-{os.getpid()}-{secrets.token_hex(8)}"
        self.descriptor = -1
        if sys.platform == "linux":
            self.descriptor = os.memfd_create(self.tag)
        elif sys.platform != "win32":
            with tempfile.TemporaryFile() as file:
                self.descriptor = os.dup(file.fileno())

    def map(self, size: int) -> mmap.mmap:
        """Sets the size in bytes and maps all of it."""
        if self.descriptor >= 0:
            os.ftruncate(self.descriptor, size)
        return map_shared(self.descriptor, self.tag, size)

    def close(self) -> None:
        """Gives the descriptor back; what is mapped stays until nobody looks into it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def map_shared(descriptor: int, tag: str, size: int) -> mmap.mmap:
    """Maps memory that the other process has made: by descriptor, on Windows by its tag."""
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=tag)
    return mmap.mmap(descriptor, size)


class FrameReader:
    """The reading process's side: lends out slots as arrays without copying.

    Args:
        memory: The shared memory, not mapped yet.
        height: Rows of the frames.
        width: Columns of the frames.

    Raises:
        SensorError: The frames are too large to share.
    """

    def __init__(self, memory: SharedMemory, height: int, width: int) -> None:
        self.slot_bytes = slot_bytes(height, width)
        self.size = SLOTS * self.slot_bytes
        if self.size > _MAX_BYTES:
            raise SensorError(f"frames of {width}x{height} pixels are too large to share between processes")
        self._map = memory.map(self.size)
        self._returned: deque[int] = deque()  # Finalizers append from any thread.
        self._lent = 0

    def take(self, slot: int, shape: FrameShape) -> FrameArrays:
        """The arrays of a filled slot: views where enough slots are left, else copies.

        Raises:
            SensorError: The numbers do not fit this memory.
        """
        fits = slot_bytes(shape.height, shape.width) <= self.slot_bytes
        if not (0 <= slot < SLOTS and fits and shape.is_possible):
            raise SensorError(f"the driver's process sent a frame that cannot be: slot {slot}, {shape}")
        raw = np.frombuffer(self._map, np.uint8, self.slot_bytes, slot * self.slot_bytes)
        self._lent += 1
        if self._lent <= SLOTS - _RESERVED:
            weakref.finalize(raw, self._returned.append, slot).atexit = False
            return _arrays(raw, shape)
        self._returned.append(slot)
        views = _arrays(raw, shape)
        every = (views.color, views.depth, views.labels, views.instances, views.prediction, views.infrared)
        return FrameArrays(*(None if a is None else a.copy() for a in every))  # type: ignore[arg-type]

    def returned(self) -> list[int]:
        """Slots that nobody looks into any more, each reported once."""
        slots = []
        while self._returned:
            slots.append(self._returned.popleft())
        self._lent -= len(slots)
        return slots


class FrameWriter:
    """The filling process's side.

    Args:
        memory: The mapped shared memory.
        bytes_per_slot: Size of a slot.
    """

    def __init__(self, memory: mmap.mmap, bytes_per_slot: int) -> None:
        self._map = memory
        self._slot_bytes = bytes_per_slot
        self._free = list(range(SLOTS))  # Last in, first out: memory that was just used is still in the cache.
        self._reserved: int | None = None  # The slot whose arrays `buffers` has given away.
        self._offered: FrameArrays | None = None

    @property
    def full(self) -> bool:
        return self._reserved is None and not self._free

    def give_back(self, slots: list[int]) -> None:
        """Takes slots back that the reader has done with."""
        self._free.extend(slots)

    def buffers(self, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
        """Colour and depth in a free slot for a driver to fill: `put` need not copy them. The next call reuses them.

        Where no slot is free or large enough, they lie in ordinary memory.
        """
        if self.full or slot_bytes(height, width) > self._slot_bytes:
            return own_memory(height, width)
        self._offered = self._arrays(self._reserve(), FrameShape(height, width))
        return self._offered.color, self._offered.depth

    def put(self, frame: RgbdFrame) -> tuple[int, FrameShape]:
        """Brings a frame into a free slot, unless it lies there already; returns its number and what lies in it.

        Raises:
            SensorError: The frame is larger than the first one.
        """
        if slot_bytes(frame.height, frame.width) > self._slot_bytes:
            raise SensorError("pictures of different sizes cannot come from a child process: open with isolated=False")
        truth, prediction = frame.truth, frame.prediction
        has_instances = truth is not None and truth.instances is not None
        infrared = frame.infrared
        while infrared is not None and infrared.size > 2 * frame.height * frame.width:
            infrared = infrared[::2, ::2]  # Much finer than colour: it is only looked at.
        shape = FrameShape(
            frame.height,
            frame.width,
            truth is not None,
            has_instances,
            prediction is not None,
            (0, 0) if infrared is None else (infrared.shape[0], infrared.shape[1]),
        )
        slot, offered = self._reserve(), self._offered
        self._reserved = self._offered = None
        arrays = self._arrays(slot, shape)
        if offered is None or frame.color is not offered.color:
            np.copyto(arrays.color, frame.color)
        if offered is None or frame.depth is not offered.depth:
            np.copyto(arrays.depth, frame.depth)
        if truth is not None and arrays.labels is not None:
            np.copyto(arrays.labels, truth.labels)
            if arrays.instances is not None and truth.instances is not None:
                np.copyto(arrays.instances, truth.instances)
        if prediction is not None and arrays.prediction is not None:
            np.copyto(arrays.prediction, prediction.labels)
        if infrared is not None and arrays.infrared is not None:
            np.copyto(arrays.infrared, infrared)
        return slot, shape

    def _reserve(self) -> int:
        """The slot that the next frame goes into."""
        if self._reserved is None:
            self._reserved = self._free.pop()
        return self._reserved

    def _arrays(self, slot: int, shape: FrameShape) -> FrameArrays:
        return _arrays(np.frombuffer(self._map, np.uint8, self._slot_bytes, slot * self._slot_bytes), shape)
