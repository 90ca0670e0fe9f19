"""How fast this machine multiplies matrices: the yardstick for how much of it a network reaches."""

from __future__ import annotations

import time

_SIDES = {"cpu": 1024, "cuda": 8192}
_TRIES = 7


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
