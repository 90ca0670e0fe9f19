"""Which ranges the int8 form of a network is made with: those of the card, or a calibration that a user kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import platformdirs

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference.cache import file_digest
from rgbd_seg.models.card import read_ranges

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.inference.quantised import Ranges
    from rgbd_seg.inference.resize import Size
    from rgbd_seg.models.card import ModelCard


@dataclass(frozen=True, slots=True)
class Agreement:
    """What int8 has cost, on frames that the calibration did not see.

    Attributes:
        frames: How many frames were compared.
        equal_share: Share of pixels with the label of the float32 network, 0..1.
        miou: Mean intersection over union with the labels of the float32 network, 0..1.
        recording: What it was calibrated on, as people call it.
    """

    frames: int
    equal_share: float
    miou: float
    recording: str

    def __str__(self) -> str:
        return (
            f"{self.equal_share:.2%} of pixels as in float32 (mIoU with its labels {self.miou:.3f}) on {self.frames} "
            f"other frames of {self.recording}"
        )


def has_ranges(model: Path, card: ModelCard, size: Size | None) -> bool:
    """Whether int8 needs no calibration any more."""
    return bool(card.ranges) or _path(model, size or card.size).is_file()


def ranges_of(model: Path, card: ModelCard, size: Size) -> tuple[Ranges, str]:
    """The ranges to use, a calibration of the user's own first, and where they come from, in words.

    Raises:
        ModelError: There are none, or they cannot be read.
    """
    path = _path(model, size)
    if not path.is_file():
        if card.ranges:
            return dict(card.ranges), card.details.get("int8", "calibrated when the model was made")
        raise ModelError(
            f"{model.name} is not calibrated for int8 at {size[1]}x{size[0]} yet: run "
            f"rgbd-seg model calibrate {model} RECORDING with a recording of yours"
        )
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return read_ranges(kept["ranges"]), str(Agreement(**kept["agreement"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError, ConfigurationError) as error:
        raise ModelError(f"{path} is damaged ({error}): calibrate the model again") from None


def keep(model: Path, size: Size, ranges: Ranges, agreement: Agreement) -> None:
    path = _path(model, size)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"ranges": ranges, "agreement": asdict(agreement)}), encoding="utf-8")


def _path(model: Path, size: Size) -> Path:
    folder = platformdirs.user_data_path("rgbd-seg") / "int8"
    return folder / f"{file_digest(model)[:32]}-{size[0]}x{size[1]}.json"
