"""One way to run a model, in a process of its own, so that thread pools, memory and crashes stay apart.

The benchmark opens several contenders at once and gives them frames in turn: whatever else the machine does then
falls on all of them alike.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rgbd_seg.errors import ModelError, RgbdSegError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from multiprocessing.connection import Connection

    import numpy as np
    from numpy.typing import NDArray

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.inference.segmenter import Segmenter, SegmenterInfo

    # Opens the segmenter inside the child: a function that can be pickled (a module's function, or a partial of one).
    Opener = Callable[[], Segmenter]

_LOAD_TIMEOUT_S = 1800.0
_RUN_TIMEOUT_S = 600.0
_MIB = 2**20
_SIDES = {"cpu": 1024, "cuda": 8192}  # Of the matrices that are multiplied, by device.
_TRIES = 7


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a contender reports once it is ready.

    Attributes:
        info: What was loaded, on what, and why.
        load_s: Seconds to import the libraries, load, compile and warm up.
        first_frame_s: Seconds for the first frame after that.
        labels: (H, W) uint8 label map of every frame, for comparing.
        memory_mib: Resident memory of the process after all frames.
        gpu_memory_mib: Highest memory that PyTorch had taken on the GPU, 0.0 without one.
        devices: Names of the GPUs that PyTorch sees, empty if it is not loaded.
    """

    info: SegmenterInfo
    load_s: float
    first_frame_s: float
    labels: Sequence[NDArray[np.uint8]]
    memory_mib: float
    gpu_memory_mib: float
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from the frame's bytes to its labels, in total and by stage."""

    total_s: float
    stages_s: Mapping[str, float]


class Contender:
    """A segmenter in a child process. Use it in a `with` block, so that the child ends.

    Args:
        name: How the report calls it.
        opener: Opens the segmenter inside the child.
        frames: The frames that it will be given, by their positions.
    """

    def __init__(self, name: str, opener: Opener, frames: Sequence[RgbdFrame]) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, opener, list(frames)), daemon=True)
        self._process.start()
        theirs.close()

    def load(self) -> Loaded:
        """Waits until the model is loaded and has seen every frame once.

        Raises:
            ModelError: It could not be loaded; the message says why.
        """
        reply: Loaded = self._receive(_LOAD_TIMEOUT_S)
        return reply

    def run(self, position: int) -> Timing:
        """Segments one frame.

        Args:
            position: Which of the frames.

        Raises:
            ModelError: The back end failed or its process died.
        """
        self._send(("one", position))
        reply: Timing = self._receive(_RUN_TIMEOUT_S)
        return reply

    def run_batch(self, size: int) -> float:
        """Seconds to segment `size` frames in one batch.

        Raises:
            ModelError: The back end failed or its process died.
        """
        self._send(("batch", size))
        reply: float = self._receive(_RUN_TIMEOUT_S)
        return reply

    def matrix_rate_gflops(self, precision: str) -> float | None:
        """What PyTorch multiplies in its process; see `matrix_rate_gflops`.

        Raises:
            ModelError: Its process died.
        """
        self._send(("matrix rate", precision))
        reply: float | None = self._receive(_RUN_TIMEOUT_S)
        return reply

    def close(self) -> None:
        """Ends the process. Closing twice does nothing."""
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _send(self, message: tuple[str, int | str]) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            raise ModelError(f"{self.name}: its process has died") from None

    def _receive(self, timeout_s: float) -> Any:
        try:
            if not self._pipe.poll(timeout_s):
                raise ModelError(f"{self.name} gave no answer within {timeout_s:g} s")
            reply = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(1)
            raise ModelError(f"{self.name}: its process has died (exit code {self._process.exitcode})") from None
        if isinstance(reply, Exception):
            raise reply
        return reply


def _serve(pipe: Connection, opener: Opener, frames: Sequence[RgbdFrame]) -> None:
    """The child: loads, reports, then segments what it is told to until the parent hangs up."""
    try:
        started = time.perf_counter()
        segmenter = opener()
        load_s = time.perf_counter() - started
        with segmenter:
            pipe.send(_introduce(segmenter, load_s, frames))
            while (message := pipe.recv()) is not None:
                what, number = message
                started = time.perf_counter()
                if what == "batch":
                    segmenter.batch([frames[i % len(frames)] for i in range(number)])
                    pipe.send(time.perf_counter() - started)
                elif what == "matrix rate":
                    pipe.send(matrix_rate_gflops(number))
                else:
                    result = segmenter(frames[number])
                    pipe.send(Timing(time.perf_counter() - started, dict(result.elapsed_s)))
    except (EOFError, KeyboardInterrupt):  # The parent has gone.
        return
    except RgbdSegError as error:
        pipe.send(error)


def _introduce(segmenter: Segmenter, load_s: float, frames: Sequence[RgbdFrame]) -> Loaded:
    import sys

    import numpy as np
    import psutil

    labels, first_frame_s = [], 0.0
    for frame in frames:
        started = time.perf_counter()
        segmenter.reset()
        result = segmenter(frame)
        first_frame_s = first_frame_s or time.perf_counter() - started
        labels.append(np.zeros(frame.depth.shape, np.uint8) if result.labels is None else result.labels.copy())
    torch = sys.modules.get("torch")
    gpus = range(torch.cuda.device_count()) if torch is not None and torch.cuda.is_available() else range(0)
    return Loaded(
        info=segmenter.info,
        load_s=load_s,
        first_frame_s=first_frame_s,
        labels=labels,
        memory_mib=psutil.Process().memory_info().rss / _MIB,
        gpu_memory_mib=sum(torch.cuda.max_memory_reserved(i) for i in gpus) / _MIB if torch is not None else 0.0,
        devices=tuple(torch.cuda.get_device_name(i) for i in gpus) if torch is not None else (),
    )


def matrix_rate_gflops(precision: str) -> float | None:
    """The best of several square matrix products, with PyTorch as it is set up in this process, in 10^9 operations/s.

    A multiplication and an addition are two operations, as in the counts of `rgbd_seg.models.summary`.

    Args:
        precision: "float32", "float16" or "bfloat16"; None is returned for others, which PyTorch does not multiply.
    """
    import torch

    if precision not in ("float32", "float16", "bfloat16"):
        return None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    side = _SIDES[device]
    left, right = (torch.randn(side, side, device=device).to(getattr(torch, precision)) for _ in range(2))
    best_s = float("inf")
    for _ in range(_TRIES + 1):  # The first one warms up, and is never the best.
        started = time.perf_counter()
        product = left @ right
        product[0, 0].item()  # Waits for a GPU.
        best_s = min(best_s, time.perf_counter() - started)
    return 2 * side**3 / best_s / 1e9
