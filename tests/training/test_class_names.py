"""Classes by the names that recipes give them, and by those that the config.yaml files of earlier runs carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import training
from training.__main__ import main
from training.data.source import open_data

if TYPE_CHECKING:
    from pathlib import Path

_EARLIER = """
data:
  class_path: training.mixture.MixtureData
  init_args:
    sources:
      - {class_path: training.data.FolderData, init_args: {root: mine}}
      - {class_path: training.sunrgbd.SunRgbdData, init_args: {root: tree}}
      - {class_path: training.nyuv2.NyuData, init_args: {root: nyu}}
      - {class_path: training.rooms_data.RoomsData}
trainer:
  callbacks:
    - {class_path: training.averaging.WeightAveraging}
    - {class_path: training.stop_file.StopFile}
  plugins:
    - {class_path: training.checkpoint_io.AtomicCheckpointIO}
"""


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(_EARLIER)
    return path


def test_the_configuration_of_an_earlier_run_opens_its_data(earlier: Path):
    data = open_data(earlier)
    assert type(data) is training.MixtureData
    kinds = [training.FolderData, training.SunRgbdData, training.NyuData, training.RoomsData]
    assert [type(source) for source in data.sources] == kinds


def test_a_run_goes_on_by_it(earlier: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:  # Classes are looked up before the settings are printed.
        main(["fit", "--config", str(earlier), "--print_config"])
    assert ended.value.code == 0
    assert "training.averaging.WeightAveraging" in capsys.readouterr().out
    broken = earlier.read_text().replace("training.averaging", "training.average")
    earlier.write_text(broken)
    with pytest.raises(SystemExit) as ended:
        main(["fit", "--config", str(earlier), "--print_config"])
    assert ended.value.code == 2


def test_every_name_on_offer_is_there():
    assert {name: getattr(training, name).__name__ for name in training.__all__} == {n: n for n in training.__all__}
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = training.Nothing
