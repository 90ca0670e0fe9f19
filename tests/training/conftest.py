"""What the tests of the training module share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.training.small_data import write_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder data set of twelve pictures of 64x64."""
    return write_folder(tmp_path_factory.mktemp("small"), 12)
