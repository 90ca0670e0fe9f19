"""A short soak of the real window; `python -m tests.reliability.soak` is the long one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reliability.soak import soak

if TYPE_CHECKING:
    from pathlib import Path

# Too short to judge memory, rates, or a pool whose last thread starts late: what must not happen at all counts here.
_NEEDS_TIME = ("memory_mb", "the rate fell", "threads grew")


def test_the_window_records_for_a_while_and_leaves_nothing(tmp_path: Path) -> None:
    try:
        problems = soak(tmp_path, 0.15, "synthetic:?size=160x120&noise=0&fps=10", "none", sample_s=1.0, warm_s=2.0)
    except PermissionError as error:
        pytest.skip(str(error))
    assert not [problem for problem in problems if not problem.startswith(_NEEDS_TIME)]
