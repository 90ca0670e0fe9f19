"""Training of the DeResUNet family.

Recipes and configuration files name classes as `training.FolderData`; each is loaded on first use, and PyTorch with it.
The rooms: `data` (labelled pictures, up to batches), `preparation` (data sets made from what is downloaded or drawn),
`network` (the step that learns), `run` (one run from its command line to its end), `results` (scores, reports, model
files).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.data.folder import FolderData
    from training.data.mixture import MixtureData
    from training.data.nyuv2 import NyuData
    from training.data.rooms import RoomsData
    from training.data.sunrgbd import SunRgbdData
    from training.run.averaging import WeightAveraging
    from training.run.checkpoint_io import AtomicCheckpointIO
    from training.run.stop_file import StopFile

_OFFERED = {
    "AtomicCheckpointIO": "run.checkpoint_io",
    "FolderData": "data.folder",
    "MixtureData": "data.mixture",
    "NyuData": "data.nyuv2",
    "RoomsData": "data.rooms",
    "StopFile": "run.stop_file",
    "SunRgbdData": "data.sunrgbd",
    "WeightAveraging": "run.averaging",
}
# Modules by the names that the config.yaml files of earlier runs know them by.
_FORMERLY = {
    "averaging": "run.averaging",
    "checkpoint_io": "run.checkpoint_io",
    "mixture": "data.mixture",
    "nyuv2": "data.nyuv2",
    "rooms_data": "data.rooms",
    "stop_file": "run.stop_file",
    "sunrgbd": "data.sunrgbd",
}
__all__ = [
    "AtomicCheckpointIO",
    "FolderData",
    "MixtureData",
    "NyuData",
    "RoomsData",
    "StopFile",
    "SunRgbdData",
    "WeightAveraging",
]


def __getattr__(name: str) -> Any:
    if name in _OFFERED:
        return getattr(import_module(f"{__name__}.{_OFFERED[name]}"), name)
    if name in _FORMERLY:
        return import_module(f"{__name__}.{_FORMERLY[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
