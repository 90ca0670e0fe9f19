"""librealsense's post-processing of depth: which filters run, in the vendor's order, and what each costs."""

from __future__ import annotations

import time
from typing import Any

from rgbd_seg.sensors.sensor import Control, ControlValue

# Name, label, how the filter is made. The order is that of Intel's white paper on post-processing.
_FILTERS = (
    ("decimation", "Decimation", "decimation_filter"),
    ("threshold", "Distance limits", "threshold_filter"),
    ("spatial", "Spatial smoothing", "spatial_filter"),
    ("temporal", "Temporal smoothing", "temporal_filter"),
    ("hole_filling", "Hole filling", "hole_filling_filter"),
)
_PREFIX = "filter_"
# Weight of the newest measurement in the running mean of a filter's cost.
_NEWEST = 0.1


class DepthFilters:
    """The filters of one open device; all are off at first.

    Args:
        rs: The `pyrealsense2` module.
    """

    def __init__(self, rs: Any) -> None:
        self._rs = rs
        self._filters = {name: getattr(rs, make)() for name, _, make in _FILTERS}
        self._on = dict.fromkeys(self._filters, False)
        self._cost_ms: dict[str, float] = {}
        self._distance = {"min_m": 0.1, "max_m": 6.0}
        self._set_distance()

    def apply(self, frames: Any) -> Any:
        """A frameset whose depth has gone through all filters that are on; measures each."""
        for name, item in self._filters.items():
            if self._on[name]:
                frames = self._timed(name, item, frames)
        return frames.as_frameset()

    @property
    def measured(self) -> bool:
        """Whether the cost of every filter is known."""
        return len(self._cost_ms) == len(self._filters)

    def measure(self, frames: Any) -> None:
        """Measures filters that have never run, on one frameset, with filters of their own: nothing is changed."""
        for name, _, make in _FILTERS:
            if name not in self._cost_ms:
                spare = getattr(self._rs, make)()
                spare.process(frames)  # The first call allocates.
                self._timed(name, spare, frames)

    def controls(self) -> list[Control]:
        """One switch for each filter with its cost, and the distance limits."""
        rows = [
            Control(_PREFIX + name, label, self._on[name], group="filters", cost_ms=self._cost_ms.get(name))
            for name, label, _ in _FILTERS
        ]
        for key, label in (("min_m", "Nearest"), ("max_m", "Farthest")):
            rows.append(Control(_PREFIX + key, label, self._distance[key], 0.0, 16.0, 0.1, unit="m", group="filters"))
        return rows

    def owns(self, control: str) -> bool:
        """Whether a control belongs here."""
        return control.startswith(_PREFIX)

    def set(self, control: str, value: ControlValue) -> None:
        name = control.removeprefix(_PREFIX)
        if name in self._on:
            self._on[name] = bool(value)
        else:
            self._distance[name] = float(value)
            self._set_distance()

    def _set_distance(self) -> None:
        limits = self._filters["threshold"]
        limits.set_option(self._rs.option.min_distance, self._distance["min_m"])
        limits.set_option(self._rs.option.max_distance, self._distance["max_m"])

    def _timed(self, name: str, item: Any, frames: Any) -> Any:
        started = time.perf_counter()
        result = item.process(frames)
        took_ms = (time.perf_counter() - started) * 1e3
        before = self._cost_ms.get(name, took_ms)
        self._cost_ms[name] = before + _NEWEST * (took_ms - before)
        return result
