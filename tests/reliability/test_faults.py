"""Every fault once; `python -m tests.reliability.long_run` causes each of them many times and writes the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reliability.fault import LONG, Leaks, all_faults

if TYPE_CHECKING:
    from pathlib import Path


# The promise is a second; this is for a machine that does not run the program for a while. The long run says how long.
_MOST_LOST_S = 10.0


@pytest.mark.parametrize("name", sorted(all_faults().keys() - LONG))
def test_fault_is_survived(name: str, tmp_path: Path) -> None:
    leaks = Leaks()
    try:
        outcome = all_faults()[name](tmp_path)
    except PermissionError as error:
        pytest.skip(str(error))
    assert outcome.kept <= outcome.captured or outcome.captured == 0
    assert outcome.lost_s < _MOST_LOST_S
    assert not leaks.found()
