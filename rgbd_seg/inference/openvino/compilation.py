"""Compiling the parts of a graph with OpenVINO, or taking them compiled from the cache."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rgbd_seg.errors import ModelError
from rgbd_seg.inference.cache import cache_key, read_entry, write_entry
from rgbd_seg.inference.chain import Chain
from rgbd_seg.inference.cpu import default_threads
from rgbd_seg.inference.openvino.runtime import PRECISIONS, Device, core, import_openvino

SMOOTHED = "smoothed"  # The part that takes the place of the last one while smoothing is on.


@dataclass(frozen=True, slots=True)
class Compilation:
    """One model on its way to a device.

    Attributes:
        build: Makes the `openvino.Model`; not called where the cache has it.
        key: What the model is made of, for the cache.
        device: Where it will run.
        precision: Its arithmetic; "int8" models carry their own and keep float32 for the rest.
        threads: CPU threads, None for `default_threads`.
    """

    build: Callable[[], Any]
    key: str
    device: Device
    precision: str
    threads: int | None

    def from_cache(self) -> Any:
        """The `openvino.CompiledModel` from the cache; None if it does not have it."""
        cached = read_entry(self._entry()) if self._is_exportable() else None
        if cached is None:
            return None
        try:
            return core().import_model(io.BytesIO(cached.read_bytes()), self.device.id, self._settings())
        except (RuntimeError, OSError):  # From another driver, or cut off: to be compiled again.
            cached.unlink(missing_ok=True)
            return None

    def compile(self) -> Any:
        """Makes the `openvino.CompiledModel`, and leaves it in the cache.

        Raises:
            ModelError: The device refused the model.
        """
        model = self.build()
        try:
            compiled = core().compile_model(model, self.device.id, self._settings())
        except RuntimeError as error:
            raise ModelError(f"OpenVINO cannot compile the network for {self.device.name}: {error}") from error
        if self._is_exportable():
            write_entry(self._entry(), lambda path: _write_blob(path, compiled))
        return compiled

    def _settings(self) -> dict[str, Any]:
        hint = PRECISIONS["float32" if self.precision == "int8" else self.precision][1]
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": hint}
        if self.device.id == "CPU":
            settings["INFERENCE_NUM_THREADS"] = self.threads or default_threads()
        return settings

    def _is_exportable(self) -> bool:
        return "EXPORT_IMPORT" in core().get_property(self.device.id, "OPTIMIZATION_CAPABILITIES")

    def _entry(self) -> str:
        version = import_openvino().__version__
        return cache_key(self.key, version, self.device, self.precision, self._settings()) + ".blob"


def compilations(
    parts: Chain, contents: str, device: Device, precision: str, threads: int | None
) -> dict[str, Compilation]:
    """How each part of a graph is compiled, by its name.

    Args:
        parts: What makes them.
        contents: Names what they are made from, for the cache.
        device: Where they will run.
        precision: Their arithmetic.
        threads: CPU threads, None for `default_threads`.
    """
    makers = {**parts.chain, **({SMOOTHED: parts.smoothed} if parts.smoothed else {})}
    return {name: Compilation(make, f"{contents} {name}", device, precision, threads) for name, make in makers.items()}


def _write_blob(path: Path, compiled: Any) -> None:
    path.write_bytes(compiled.export_model().getvalue())
