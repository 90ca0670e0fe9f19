"""What the tests of the training module share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from tests.training.small_data import write_folder
from tests.training.small_sunrgbd import write_images, write_toolbox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    # The networks are tiny: threads would only wait for each other.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder data set of twelve pictures of 64x64."""
    return write_folder(tmp_path_factory.mktemp("small"), 12)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """The folder SUNRGBD with five frames."""
    return write_images(tmp_path / "in" / "SUNRGBD")


@pytest.fixture
def toolbox(tmp_path: Path) -> Path:
    """The folder SUNRGBDtoolbox that belongs to them."""
    return write_toolbox(tmp_path / "in" / "SUNRGBDtoolbox")
