"""Every fault once; `python -m tests.reliability.long_run` causes each of them many times and writes the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reliability import camera_faults, disk_faults, model_faults, process_faults
from tests.reliability.fault import FAULTS, Leaks

if TYPE_CHECKING:
    from pathlib import Path

assert camera_faults
assert disk_faults
assert model_faults
assert process_faults


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_fault_is_survived(name: str, tmp_path: Path) -> None:
    leaks = Leaks()
    try:
        outcome = FAULTS[name](tmp_path)
    except PermissionError as error:
        pytest.skip(str(error))
    assert outcome.kept <= outcome.captured or outcome.captured == 0
    assert outcome.lost_s < 1.0
    assert not leaks.found()
