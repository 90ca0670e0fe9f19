"""Several sources in one run: shares, classes, what is validated on, and the whole of it from the command line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from training.__main__ import main
from training.data.folder import FolderData
from training.data.mixture import Mixed, MixtureData
from training.data.sample import LabelledPictures, Sample

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = LabelSet.from_dict({"name": "two", "classes": ["wall", "floor"]})


class Plain(LabelledPictures):
    """So many pictures that know their set and number."""

    def __init__(self, name: str, count: int, label_set: LabelSet = CLASSES) -> None:
        self.label_set, self._name, self._count = label_set, name, count

    def __len__(self) -> int:
        return self._count

    def read(self, index: int) -> Sample:
        one = np.ones((4, 4), np.uint8)
        return Sample(np.zeros((4, 4, 3), np.uint8), one.astype(np.float32), one, f"{self._name}{index}", self._name)


@pytest.mark.parametrize(("counts", "shares"), [((10, 7), (3, 1)), ((10, 1000), (1, 1)), ((3, 2, 50), (2, 1, 1))])
def test_every_picture_comes_and_every_source_has_its_share(counts: tuple[int, ...], shares: tuple[float, ...]) -> None:
    mixed = Mixed([Plain("abc"[i], count) for i, count in enumerate(counts)], shares)
    names = Counter(mixed.read(index).name for index in range(len(mixed)))
    assert len(names) == sum(counts)
    for i, share in enumerate(shares):
        mine = [count for name, count in names.items() if name.startswith("abc"[i])]
        assert sum(mine) / len(mixed) == pytest.approx(share / sum(shares), abs=0.02)
        assert max(mine) - min(mine) <= 1


def test_a_source_without_end_does_not_make_the_mixture_endless() -> None:
    mixed = Mixed([Plain("a", 10), Plain("b", 10**9)], (1, 1))
    assert len(mixed) == 1_000_000


def test_other_classes_and_wrong_shares_are_refused() -> None:
    other = LabelSet.from_dict({"name": "other", "classes": ["wall", "chair"]})
    with pytest.raises(ConfigurationError, match=r"different classes.*chair, floor"):
        Mixed([Plain("a", 2), Plain("b", 2, other)], (1, 1))
    for shares in ((1,), (1, 0), (1, -1)):
        with pytest.raises(ConfigurationError, match=r"data.shares must give every one of the 2 sources"):
            Mixed([Plain("a", 2), Plain("b", 2)], shares)
    with pytest.raises(ConfigurationError, match="at least one data module"):
        MixtureData([])


def test_validation_is_on_the_first_source(small_folder: Path) -> None:
    first = FolderData(small_folder, num_workers=0)
    data = MixtureData([first, FolderData(small_folder, val_share=0)], [3, 1], num_workers=0)
    assert len(data.pictures("val")) == len(first.pictures("val"))
    assert data.description.startswith("75% 10 pictures of")


def test_a_run_mixes_folders_by_the_command_line(small_folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "mixture.yaml"
    source = f"{{class_path: training.FolderData, init_args: {{root: {small_folder}}}}}"
    config.write_text(
        f"""
data:
  class_path: training.MixtureData
  init_args:
    sources: [{source}, {source}]
    shares: [0.75, 0.25]
    size: [32, 32]
    batch_size: 4
    num_workers: 0
    augmentation: live
    samples_per_epoch: 8
model: {{encoder: resnet18, base_width: 8, decoder_widths: [16, 16, 8, 8, 8], tail_width: 4}}
trainer:
  max_epochs: 1
  logger: {{class_path: lightning.pytorch.loggers.TensorBoardLogger, init_args: {{save_dir: {tmp_path}, name: run}}}}
""",
        encoding="utf-8",
    )
    assert main(["fit", "--config", str(config)]) == 0
    assert (tmp_path / "run" / "version_0" / "checkpoints" / "last.ckpt").is_file()
