"""A place for the newest value: the producer never waits, a slow consumer misses old values, and each miss counts."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """Holds one value, newest wins. Safe for one producer and one consumer thread, or more."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._overwritten = 0
        self._closed = False

    @property
    def overwritten(self) -> int:
        """How many values were replaced before anybody took them."""
        with self._changed:
            return self._overwritten

    def put(self, value: T) -> None:
        """Stores a value and wakes the consumer; after `close` it is thrown away."""
        with self._changed:
            if self._closed:
                return
            if self._value is not None:
                self._overwritten += 1
            self._value = value
            self._changed.notify()

    def take(self, timeout_s: float | None = None) -> T | None:
        """Waits for a value and empties the slot; None after `timeout_s` seconds or when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._value is not None or self._closed, timeout_s)
            value, self._value = self._value, None
            return value

    def take_nowait(self) -> T | None:
        """Empties the slot without waiting; None if it is empty."""
        with self._changed:
            value, self._value = self._value, None
            return value

    def close(self) -> None:
        """Wakes everybody who waits; what is in the slot can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        with self._changed:
            return self._closed
