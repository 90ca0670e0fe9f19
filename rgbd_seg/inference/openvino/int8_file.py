"""Where networks in 8-bit whole numbers are kept: in the user's data folder, with what quantising has cost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import platformdirs

from rgbd_seg.errors import ModelError
from rgbd_seg.inference.cache import file_digest
from rgbd_seg.inference.openvino.runtime import core

if TYPE_CHECKING:
    from pathlib import Path

    from rgbd_seg.inference.resize import Size


@dataclass(frozen=True, slots=True)
class Agreement:
    """What quantising has cost, on frames that the calibration did not see.

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


def read_quantised(model: Path, size: Size) -> Any:
    """The quantised network as an `openvino.Model`.

    Raises:
        ModelError: The model was not calibrated for this size.
    """
    return core().read_model(_existing(model, size))


def quantised_weights(model: Path, size: Size) -> Path:
    """The file with the quantised weights; it changes with every calibration.

    Raises:
        ModelError: The model was not calibrated for this size.
    """
    return _existing(model, size).with_suffix(".bin")


def read_agreement(model: Path, size: Size) -> Agreement:
    """What quantising has cost.

    Raises:
        ModelError: The model was not calibrated for this size.
    """
    path = agreement_path(_existing(model, size))
    try:
        return Agreement(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path} is damaged ({error}): calibrate the model again") from None


def quantised_path(model: Path, size: Size) -> Path:
    folder = platformdirs.user_data_path("rgbd-seg") / "int8"
    return folder / f"{file_digest(model)[:32]}-{size[0]}x{size[1]}.xml"


def agreement_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _existing(model: Path, size: Size) -> Path:
    path = quantised_path(model, size)
    if not path.is_file():
        raise ModelError(
            f"{model.name} is not calibrated for int8 at {size[1]}x{size[0]} yet: run "
            f"rgbd-seg model calibrate {model} RECORDING with a recording of yours"
        )
    return path
